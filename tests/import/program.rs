//! `demask import` itself, and the other commands on what it wrote.

use super::*;

#[test]
fn the_program_imports_and_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run.jsonl.zst");
    let demask = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("demask").unwrap();
        command.arg("import").arg(fixture("histories.pt")).arg(&out).args(arguments);
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = demask(&["--mask-token", "<|mdm_mask|>"]);
    assert_eq!(code, Some(2), "{text}");
    let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/tiny/tokenizer.json");
    let tokenizer = ["--tokenizer", tokenizer.to_str().unwrap()];
    // The tokenizer's mask is not the file's.
    let (code, text) = demask(&tokenizer);
    assert_eq!((code, text.contains("--prompt-length")), (Some(1), true), "{text}");
    assert!(!out.exists());
    let given = [&tokenizer[..], &["--mask-token", "126336", "--eos-token", "126081"]].concat();
    let (code, text) = demask(&given);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("(what stands before the first mask), 4 steps from 6 positions"),
        "{text}"
    );
    assert!(text.contains("--row takes another"), "{text}");
    let recording = trace::read(&out).unwrap();
    assert!(recording.vocabulary.piece(21).is_some());
    let before = fs::read(&out).unwrap();
    let (code, text) = demask(&given);
    assert_eq!((code, text.contains("--overwrite")), (Some(1), true), "{text}");
    assert_eq!(fs::read(&out).unwrap(), before);
    let again = [&given[..], &["--overwrite", "--row", "1"]].concat();
    assert_eq!(demask(&again).0, Some(0));
    assert_ne!(fs::read(&out).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

/// Runs the program on a file of tests/import, in a folder of its own, and returns its output.
fn demask(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("demask").unwrap();
    command.args(arguments).current_dir(folder).env("XDG_CONFIG_HOME", "/nonexistent");
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn replaced_tokens_are_counted_found_and_stopped_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("replaced.json");
    let args =
        ["import", file.to_str().unwrap(), "r.jsonl", "--mask-token", "9", "--eos-token", "0"];
    assert_eq!(demask(folder.path(), &args).0, Some(0));
    let printed = |args: &[&str]| {
        let (code, stdout, stderr) = demask(folder.path(), args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        stdout
    };
    let info: serde_json::Value =
        serde_json::from_str(&printed(&["info", "r.jsonl", "--json"])).unwrap();
    assert_eq!((&info["replaced"], &info["remasked"]), (&3.into(), &1.into()));
    assert!(printed(&["info", "r.jsonl"]).contains("1 remasked, 3 replaced"));
    let query = printed(&["replay", "r.jsonl", "--batch", "--exec", "query replaced"]);
    let rows: Vec<&str> = query.lines().filter(|line| line.starts_with("step ")).collect();
    assert_eq!(
        rows,
        [
            "step 3 · position 1 · #22 → #23",
            "step 5 · position 0 · #20 → #25",
            "step 6 · position 5 · #28 → #0",
        ]
    );
    let script = "break replaced; continue; print step; continue; print step; continue; print step";
    let (code, stops, _) =
        demask(folder.path(), &["replay", "r.jsonl", "--batch", "--exec", script]);
    assert_eq!(code, Some(3), "it ends at a breakpoint: {stops}");
    let at = |line: &str| line.strip_prefix("step = ").map(|rest| rest[..1].to_owned());
    let steps: Vec<String> = stops.lines().filter_map(at).collect();
    assert_eq!(steps, ["3", "5", "6"], "{stops}");
    let table = printed(&["export", "r.jsonl", "-", "--to", "csv"]);
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let at = table.headers().unwrap().iter().position(|name| name == "replaced").unwrap();
    let counts: Vec<String> = table.records().map(|row| row.unwrap()[at].to_owned()).collect();
    // The first row is the canvas that the run began with.
    assert_eq!(counts, ["", "0", "0", "1", "0", "1", "1"]);
    let page = printed(&["export", "r.jsonl", "-", "--to", "md"]);
    assert!(page.contains("| remasked | replaced |"), "{page}");
}

#[test]
fn joined_text_is_left_alone_wherever_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("joiners.jsonl");
    let file = file.to_str().unwrap();
    let text = "می‌خواهم ❤️ ක්‍රි";
    for args in [
        &["replay", file, "--batch", "--exec", "step; text"][..],
        &["export", file, "-", "--to", "md"],
        &["export", file, "-", "--to", "csv"],
        &["diff", file, file],
    ] {
        let (code, stdout, stderr) = demask(folder.path(), args);
        assert_eq!(code, Some(0), "{args:?}: {stderr}");
        assert!(stdout.contains(text) && !stdout.contains('\u{fffd}'), "{args:?}: {stdout}");
    }
    let query =
        demask(folder.path(), &["replay", file, "--batch", "--exec", "step; query fills"]).1;
    assert!(
        query.contains("“می‌خواهم ”") && query.contains("“❤️ ”") && query.contains("“ක්‍රි”"),
        "{query}"
    );
}
