//! Recordings whose predictions are read when the user looks at them: they are what they are when
//! all is read at once.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use demask::{
    inspect,
    session::{NodeId, Session},
    trace::{ReadAdvance, Reader, Recording},
};
use xxhash_rust::xxh3::xxh3_64;

/// The recording in a file, of whose predictions the first lines are read at once, up to so many
/// bytes.
fn holding(path: &Path, bytes: usize) -> Recording {
    let mut reader = Reader::open(path).unwrap();
    reader.hold(bytes);
    while !matches!(reader.advance().unwrap(), ReadAdvance::End) {}
    reader.cut().unwrap();
    reader.so_far().unwrap()
}

fn same(whole: &Session, deferred: &Session) {
    assert_eq!(whole.timeline().len(), deferred.timeline().len());
    for id in (0..whole.timeline().len()).map(NodeId) {
        let (a, b) = (&whole.timeline()[id], &deferred.timeline()[id]);
        assert_eq!((&a.canvas, &a.state, &a.params), (&b.canvas, &b.state, &b.params));
        // In text: a probability that is not known is unequal to itself.
        let decision = |session: &Session| {
            session.decision(id).map(|made| {
                let verdicts: Vec<String> =
                    made.verdicts.iter().map(|verdict| format!("{verdict:?}")).collect();
                format!("{:?} {verdicts:?}", (made.mode, &made.edits, &made.eos, made.growth))
            })
        };
        assert_eq!(decision(whole), decision(deferred), "{id:?}");
        let Some(step) = a.step() else { continue };
        // Which verdicts have an effect is on record.
        assert!(
            step.decision.effects().map(|(at, _)| at).eq(b
                .step()
                .unwrap()
                .decision
                .effects()
                .map(|(at, _)| at))
        );
        let bits = |session: &Session| {
            let found = session.prediction(step.prediction);
            found.map(|found| format!("{:?}", found.columns().collect::<Vec<_>>()))
        };
        assert_eq!(bits(whole), bits(deferred));
    }
}

/// The recordings of this repository, and one of another program with checksums and one without.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let entries = fs::read_dir(shipped).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    let lines = [
        r#"{"kind":"header","format":"demask","version":[1,4],"strategy":"other","model":{"name":"m","mask":9,"eos":8}}"#,
        r#"{"kind":"root","id":0,"prompt":[1],"length":3}"#,
        r#"{"kind":"prediction","key":"1","rows":3,"columns":{"argmax":[4,5,6],"p_choice":[0.5,0.25,0.75]}}"#,
        r#"{"kind":"step","id":1,"parent":0,"prediction":"1","canvas":[4,9,6]}"#,
        r#"{"kind":"prediction","key":"2","rows":3,"columns":{"argmax":[7,5,6],"p_choice":[0.625,0.125,0.75]}}"#,
        r#"{"kind":"step","id":2,"parent":1,"prediction":"2","canvas":[7,5,9]}"#,
        r#"{"kind":"step","id":3,"parent":2,"canvas":[7,5,6]}"#,
    ];
    for sealed in [false, true] {
        let line = |line: &str| match sealed {
            false => format!("{line}\n"),
            true => {
                let body = line.strip_suffix('}').unwrap();
                format!("{body},\"sum\":\"{:016x}\"}}\n", xxh3_64(body.as_bytes()))
            }
        };
        let path = folder.join(format!("other-{sealed}.jsonl"));
        fs::write(&path, lines.map(line).concat()).unwrap();
        found.push(path);
    }
    found
}

#[test]
fn what_is_read_later_is_what_is_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for path in recordings(folder.path()) {
        let whole = holding(&path, usize::MAX);
        let packed = folder.path().join("packed.jsonl.zst");
        fs::write(&packed, zstd::encode_all(&*fs::read(&path).unwrap(), 3).unwrap()).unwrap();
        for (file, bytes) in [(&path, 0), (&path, 20_000), (&packed, 0)] {
            let deferred = holding(file, bytes);
            same(&whole.session(), &deferred.session());
            let (a, b) = (whole.session(), deferred.session());
            let end = whole.recorded.end;
            let lints = |session: &Session, recording: &Recording| {
                format!("{:?}", inspect::lint(session, &*recording.vocabulary, end))
            };
            assert_eq!(lints(&a, &whole), lints(&b, &deferred), "{}", path.display());
        }
    }
}

#[test]
fn a_file_that_changes_behind_a_reader_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = recordings(folder.path()).pop().unwrap();
    let session = holding(&path, 0).session();
    let changed = fs::read_to_string(&path).unwrap().replace("0.625", "0.635");
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(changed.as_bytes()).unwrap();
    let predicted =
        |id| session.prediction(session.timeline()[NodeId(id)].step().unwrap().prediction);
    assert!(predicted(2).is_none(), "its line is another one");
    assert_eq!(predicted(1).unwrap().guess(0), Some(4));
    let decision = session.decision(NodeId(2)).unwrap();
    assert_eq!(decision.fills().collect::<Vec<_>>(), [(1, 5)], "as on record");
}

#[test]
fn a_changed_byte_of_a_line_that_is_not_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = recordings(folder.path()).pop().unwrap();
    let text = fs::read(&path).unwrap();
    let found = |part: &[u8]| text.windows(part.len()).position(|it| it == part).unwrap();
    for at in found(b"\"key\":\"1\"")..found(b"]}") + 2 {
        let mut changed = text.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        reader.hold(0);
        let read = std::iter::repeat_with(|| reader.advance());
        let failed = read.take(8).find_map(Result::err);
        let text = failed.unwrap_or_else(|| panic!("byte {at}")).to_string();
        assert!(text.contains("line 3"), "{text}");
    }
}
