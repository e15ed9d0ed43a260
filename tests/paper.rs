//! `demask eval --paper` and `--run-code` from outside: the paper's comparison on a few problems of
//! each benchmark, and answers that are programs.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use demask::eval::{
    EvalRow,
    problems::{
        Python,
        code::{CodeJob, Rules},
    },
};

fn demask(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demask"));
    command.args(args).env_remove("DEMASK_CONFIG").env("XDG_CONFIG_HOME", "/nonexistent");
    command.output().unwrap()
}

fn file(name: &str) -> String {
    format!("{}/tests/benchmarks/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn files() -> [String; 4] {
    ["gsm8k.jsonl", "math500.jsonl", "HumanEval.jsonl", "mbpp.json"].map(file)
}

/// The comparison into `out`.
fn paper(out: &Path, more: &[&str]) -> Output {
    let files = files();
    let mut args = vec!["eval", "--out", out.to_str().unwrap(), "--paper"];
    args.extend(files.iter().map(String::as_str));
    args.extend(["--lengths", "32,64", "--tails", "none"]);
    args.extend(more);
    demask(&args)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(out: &Path) -> Vec<EvalRow> {
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
#[ignore = "takes a minute or two"]
fn the_papers_comparison_is_one_word() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let output = paper(&whole, &["--limit", "1", "--traces", "none"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("humaneval and mbpp are not run"), "{}", stderr(&output));
    let rows = rows(&whole);
    let sets: Vec<&str> = rows.iter().map(|row| row.set.as_str()).collect();
    let expected = ["gsm8k", "math500", "humaneval", "mbpp"].map(|set| [set; 3]);
    assert_eq!(sets, expected.concat());
    let recipes: BTreeSet<&str> = rows.iter().map(|row| row.recipe.as_str()).collect();
    assert_eq!(recipes.len(), 3, "{recipes:?}");
    let initial: Vec<usize> = rows.iter().take(3).map(|row| row.initial).collect();
    assert_eq!(initial, [32, 64, 64]);
    for row in &rows {
        assert!(!row.finish.starts_with("error"), "{row:?}");
        // One token a step at fixed lengths.
        if row.strategy == "low_confidence" {
            assert_eq!((row.nfe, row.length), (row.initial, row.initial));
        }
        let code = ["humaneval", "mbpp"].contains(&row.set.as_str());
        assert_eq!(row.correct.is_none(), code, "{row:?}");
    }
    let report = fs::read_to_string(whole.join("report.md")).unwrap();
    for set in ["gsm8k", "math500", "humaneval", "mbpp"] {
        assert!(report.contains(&format!("\n## {set}\n")), "no section {set}");
    }
    let html = fs::read_to_string(whole.join("report.html")).unwrap();
    assert!(html.contains("id=\"mbpp-summary\"") && html.contains("not run"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(printed.matches("accuracy").count(), 4, "{printed}");

    // What has been done is not done again, and shards join to the same.
    let again = paper(&whole, &["--limit", "1", "--traces", "none"]);
    assert_eq!(again.stdout, output.stdout, "{}", stderr(&again));
    let shards = ["1/2", "2/2"].map(|shard| {
        let out = folder.path().join(&shard[..1]);
        let output = paper(&out, &["--limit", "1", "--traces", "none", "--shard", shard]);
        assert!(output.status.success(), "{}", stderr(&output));
        out.to_str().unwrap().to_owned()
    });
    let merged = folder.path().join("merged");
    let [first, second] = &shards;
    let output = demask(&["eval", "merge", "--out", merged.to_str().unwrap(), first, second]);
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["results.jsonl", "results.csv", "manifest.json"] {
        let read = |dir: &Path| fs::read(dir.join(name)).unwrap();
        assert!(read(&whole) == read(&merged), "{name} differs");
    }
}

#[test]
fn what_is_no_benchmark_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let own = folder.path().join("own.jsonl");
    fs::write(&own, "{\"question\":\"q\",\"answer\":\"blue\"}\n").unwrap();
    let (out, own) = (out.to_str().unwrap(), own.to_str().unwrap());
    let [gsm8k, _, code, _] = files();
    let check = |args: &[&str], code: i32, part: &str| {
        let output = demask(&[&["eval", "--out", out], args].concat());
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(part) && !told.contains("panicked"), "{args:?}: {told}");
    };
    check(&["--paper", own], 2, "not problems of GSM8K, MATH-500, HumanEval or MBPP");
    check(&["--paper", &gsm8k, &gsm8k], 2, "gsm8k is there already");
    check(&["--paper", &gsm8k, "--lengths", "40"], 2, "multiples of 32");
    check(&["--paper", &gsm8k, "--run-code"], 2, "no programs to run");
    check(&["--paper", &gsm8k, "--problems", own], 2, "cannot be used with");
    check(&["--lengths", "32"], 2, "--paper");
    check(&["--problems", &code, "--checker", "exact"], 1, "leave --checker out");
    check(&["--problems", "counting", "--checker", "mbpp"], 2, "does not go with");
    assert!(!Path::new(out).exists(), "nothing was written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_demask"));
    let output = command.args(["eval", "--out", out, "--problems", &code, "--run-code"]);
    let output = output.env("PATH", "/nonexistent").output().unwrap();
    assert!(stderr(&output).contains("needs Python 3.9 or later"), "{}", stderr(&output));
}

#[test]
#[ignore = "needs python3"]
fn programs_are_run_where_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (out_text, file) = (out.to_str().unwrap(), file("HumanEval.jsonl"));
    let args = ["eval", "--out", out_text, "--problems", &file, "--run-code", "--tails", "none"];
    let output = demask(&[&args[..], &["--strategies", "threshold:gen_length=32"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    for row in rows(&out) {
        assert!(row.is_wrong() && row.fault.is_some(), "{row:?}");
    }
}

fn fenced(code: &str) -> String {
    format!("reasoning\n</reasoning>\n<answer>\n```python\n{code}\n```\n</answer><|endoftext|>")
}

#[test]
#[ignore = "needs python3"]
fn programs_pass_or_fail_their_tests() {
    let python = Python::find().unwrap();
    let prompt = "import math\n\ndef f(x):\n    \"\"\" Twice x. \"\"\"\n";
    let check = |rules: Rules, text: &str, fault: Option<&str>| {
        let tests = match rules {
            Rules::HumanEval | Rules::Infilling => "def check(c):\n    assert c(2) == 4\ncheck(f)",
            Rules::Mbpp => "assert f(2) == 4",
        };
        let job = CodeJob { rules, text, prompt, entry_point: "f", tests };
        let ran = python.run(&job).unwrap();
        match fault {
            None => assert_eq!(ran.fault, None, "{text}"),
            Some(part) => {
                let told = ran.fault.unwrap_or_default();
                assert!(told.contains(part), "{text}: {told:?}");
            }
        }
    };
    for rules in [Rules::HumanEval, Rules::Mbpp] {
        check(rules, &fenced("def f(x):\n    return 2 * x"), None);
        check(rules, &fenced("def f(x):\n    return g(x)\n\ndef g(x):\n    return x + x"), None);
        check(rules, &fenced("def f(x):\n    return x"), Some("AssertionError"));
        check(rules, &fenced("def f(x):\n    return h(x)"), Some("name 'h' is not defined"));
    }
    // What was filled in is a whole program.
    check(Rules::Infilling, "def f(x):\n    return 2 * x\n", None);
    check(Rules::Infilling, "def f(x):\n    return 3 * x\n", Some("AssertionError"));
    check(Rules::Infilling, "def f(x):\n    return", Some("AssertionError"));
    // A body behind the prompt is found without a fence, but not past the end of the text.
    check(Rules::HumanEval, "    return 2 * x\n", None);
    check(Rules::HumanEval, "    return 2 * x<|endoftext|>", Some("name 'f'"));
    check(Rules::HumanEval, "```python\ndef f(x):\n    return 2 * x\n", None);
    check(Rules::Mbpp, "```python\ndef f(x):\n    return 2 * x\n", Some("no function"));
    check(Rules::Mbpp, "def f(x):\n    return 2 * x\n", Some("no function"));
}

#[test]
#[ignore = "needs python3"]
fn hostile_programs_fail_and_leave_nothing() {
    let python = Python::find().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let place = outside.path().join("written");
    let place = place.to_str().unwrap();
    let marker = format!("demask-hostile-{}", std::process::id());
    let programs = [
        "while True: pass".to_owned(),
        "try:\n        while True: pass\n    except BaseException: pass".to_owned(),
        "import time, signal\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    time.sleep(100)"
            .to_owned(),
        "import os\n    while True: os.fork()".to_owned(),
        format!("import posix\n    if posix.fork() == 0:\n        posix.execv('/bin/sleep', ['{marker}', '60'])"),
        format!("import subprocess\n    subprocess.Popen(['sleep', '60'], executable='/bin/sleep', env={{'A': '{marker}'}})"),
        "import multiprocessing\n    multiprocessing.Process(target=print).start()".to_owned(),
        "x = bytearray(10 << 30)".to_owned(),
        "x = []\n    while True: x.append(bytearray(1 << 28))".to_owned(),
        "with open('huge', 'wb') as out:\n        while True: out.write(bytes(1 << 20))".to_owned(),
        format!("open({place:?}, 'w').write('x')"),
        format!("import os\n    os.close(os.open({place:?}, os.O_CREAT | os.O_WRONLY))"),
        "input()".to_owned(),
        "import sys\n    sys.stdin.read()".to_owned(),
        "import sys\n    sys.exit(0)".to_owned(),
        "import os\n    os._exit(0)".to_owned(),
        "exit()".to_owned(),
        "import os\n    os.kill(os.getppid(), 9)".to_owned(),
        "import os, signal\n    os.killpg(0, signal.SIGKILL)".to_owned(),
        "import socket\n    socket.create_connection(('127.0.0.1', 9))".to_owned(),
        "import os\n    os.system('true')\n    assert os.environ.get('PATH') is None".to_owned(),
        "import ctypes\n    ctypes.CDLL(None).fork()".to_owned(),
        "print('x' * (1 << 26))\n    raise ValueError".to_owned(),
        "f2 = lambda: f2()\n    f2()".to_owned(),
    ];
    for program in programs {
        let text = fenced(&format!("def f(x):\n    {program}\n    return 4"));
        let tests = "assert f(2) == 4";
        let job = CodeJob { rules: Rules::Mbpp, text: &text, prompt: "", entry_point: "", tests };
        let ran = python.run(&job).unwrap();
        assert!(ran.fault.is_some() && ran.code.is_some(), "{program}: {ran:?}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "a file was written outside");
    // Of what was tried to be started nothing runs.
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        for name in ["cmdline", "environ"] {
            let text = String::from_utf8_lossy(&read(name)).into_owned();
            assert!(!text.contains(&marker), "{:?} still runs", entry.path());
        }
    }
}

#[test]
#[ignore = "needs python3"]
fn an_answer_finds_an_empty_folder_and_environment() {
    let python = Python::find().unwrap();
    let seen = "import os, sys\n    kept = set(os.environ) - {'PYTHONHASHSEED', 'LC_CTYPE'}\n    \
                assert os.listdir('.') == [] and not kept, kept\n    open('own', 'w').close()\n    \
                return os.listdir('.')";
    let text = fenced(&format!("def f():\n    {seen}"));
    let tests = "assert f() == ['own']";
    // Twice: the second finds nothing of the first.
    for _ in 0..2 {
        let job = CodeJob { rules: Rules::Mbpp, text: &text, prompt: "", entry_point: "", tests };
        assert_eq!(python.run(&job).unwrap().fault, None);
    }
}
