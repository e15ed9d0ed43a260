//! What is fetched, where it is put, and what is not asked for again.

use std::{collections::BTreeSet, fs, path::Path};

use demask::model::LoadingWork;

use super::{
    ID, Person, checkpoint, golden,
    server::{COMMIT, Fault, Hub, etag},
    small,
};

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

fn weights() -> Vec<u8> {
    fs::read(golden().join("model.safetensors")).unwrap()
}

#[test]
fn a_checkpoint_lands_in_the_layout_of_the_hubs_other_programs() {
    let more =
        ["README.md", "pytorch_model.bin", "x.pth", "chat_template.jinja", "sub/model.safetensors"];
    let hub = Hub::serving(checkpoint().into_iter().chain(small(&more)));
    let person = Person::known(&hub);
    let folder = person.fetch(ID).unwrap();
    assert_eq!(folder, person.cache().join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(person.cache().join("refs/main")).unwrap(), COMMIT);
    let mut expected = names(&golden());
    expected.insert("chat_template.jinja".to_owned());
    assert_eq!(names(&folder), expected);
    for (name, bytes) in checkpoint() {
        assert_eq!(fs::read(folder.join(&name)).unwrap(), bytes, "{name}");
        let link = fs::read_link(folder.join(&name)).unwrap();
        assert_eq!(link, Path::new("../../blobs").join(etag(&name, &bytes)), "{name}");
    }
    assert_eq!(names(&person.cache().join("blobs")).len(), expected.len());
    // Who asks is told to the hub and to nobody else.
    for asked in hub.asked() {
        assert_eq!(asked.token.is_some(), !asked.cdn, "{asked:?}");
    }
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let hub = Hub::serving(checkpoint());
    let mut person = Person::of(&hub);
    let folder = person.fetch(ID).unwrap();
    hub.asked();
    assert_eq!(person.fetch(ID).unwrap(), folder);
    let asked: Vec<String> = hub.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(asked, ["GET /api/models/local/model/revision/main?blobs=true"]);
    person.settings.offline = true;
    assert_eq!(person.fetch(ID).unwrap(), folder);
    assert_eq!(person.fetch(&format!("{ID}@{COMMIT}")).unwrap(), folder);
    assert!(hub.asked().is_empty());
}

#[test]
fn a_file_of_another_length_than_the_hubs_is_fetched_again() {
    let hub = Hub::serving(checkpoint());
    let person = Person::of(&hub);
    let folder = person.fetch(ID).unwrap();
    let blob = fs::canonicalize(folder.join("model.safetensors")).unwrap();
    fs::write(&blob, "short").unwrap();
    assert_eq!(fs::read(person.fetch(ID).unwrap().join("model.safetensors")).unwrap(), weights());
}

#[test]
fn a_download_that_is_cut_goes_on_by_itself() {
    let hub = Hub::serving(checkpoint());
    hub.fault("GET /cdn/", 2, Fault::Cut(100_000));
    let person = Person::of(&hub);
    let (mut done, mut of) = (Vec::new(), 0);
    let folder = person
        .watch(ID, |now| {
            if now.work == LoadingWork::Downloading("model.safetensors".to_owned()) {
                done.push(now.done);
                of = now.of;
            }
            true
        })
        .unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    let from: Vec<_> =
        hub.asked().iter().filter(|asked| asked.cdn).map(|asked| asked.from).collect();
    assert_eq!(from, [None, Some(100_000), Some(200_000)]);
    assert!(done.is_sorted(), "{done:?}");
    assert_eq!((done.first(), done.last(), of), (Some(&0), Some(&of), weights().len() as u64));
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let hub = Hub::serving(checkpoint());
    hub.fault("GET /cdn/", 1, Fault::Whole);
    hub.fault("GET /cdn/", 1, Fault::Cut(100_000));
    let person = Person::of(&hub);
    let folder = person.fetch(ID).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn one_may_stop_and_go_on_later() {
    let hub = Hub::serving(checkpoint());
    let person = Person::of(&hub);
    let error = person.watch(ID, |now| now.done < 70_000).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let part = person.blob(&format!("{}.incomplete", etag("model.safetensors", &weights())));
    let kept = part.metadata().unwrap().len();
    assert!((70_000..weights().len() as u64).contains(&kept), "{kept}");
    hub.asked();
    let folder = person.fetch(ID).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
    assert!(hub.asked().iter().any(|asked| asked.from == usize::try_from(kept).ok()));
    assert!(!part.exists());
}

#[test]
fn a_part_that_is_too_long_is_not_gone_on_from() {
    let hub = Hub::serving(checkpoint());
    let person = Person::of(&hub);
    let part = person.blob(&format!("{}.incomplete", etag("model.safetensors", &weights())));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![0; weights().len() + 1]).unwrap();
    let folder = person.fetch(ID).unwrap();
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), weights());
}

#[test]
fn two_who_fetch_the_same_wait_for_each_other() {
    let hub = Hub::serving(checkpoint());
    let person = Person::of(&hub);
    let tag = etag("model.safetensors", &weights());
    let lock = person.home.path().join(format!("hub/.locks/models--local--model/{tag}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let lock = fs::File::create(lock).unwrap();
    lock.lock().unwrap();
    let mut waited = 0;
    let folder = person.watch(ID, |now| {
        if now.work == LoadingWork::Downloading("model.safetensors".to_owned()) {
            waited += 1;
            if waited == 2 {
                lock.unlock().unwrap();
            }
            assert!(now.done == 0 || waited > 2);
        }
        true
    });
    assert_eq!(fs::read(folder.unwrap().join("model.safetensors")).unwrap(), weights());
    // Who stops waiting is let go.
    lock.lock().unwrap();
    let other = Person::of(&hub);
    let place = other.home.path().join("hub");
    fs::create_dir_all(&place).unwrap();
    fs::rename(person.home.path().join("hub/.locks"), place.join(".locks")).unwrap();
    let stop = |now: &demask::model::LoadProgress| !format!("{:?}", now.work).contains(".safe");
    assert!(other.watch(ID, stop).unwrap_err().is_cancelled());
}

#[test]
fn revisions_are_kept_apart() {
    let hub = Hub::serving(checkpoint());
    let person = Person::of(&hub);
    person.fetch("local/model@refs/pr/1").unwrap();
    let asked = hub.asked().remove(0).line;
    assert_eq!(asked, "GET /api/models/local/model/revision/refs%2Fpr%2F1?blobs=true");
    assert_eq!(fs::read_to_string(person.cache().join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert!(!person.cache().join("refs/main").exists());
    // A commit is its own name.
    person.fetch(&format!("{ID}@{COMMIT}")).unwrap();
    assert!(!person.cache().join("refs").join(COMMIT).exists());
}

#[test]
fn of_weights_in_pieces_come_those_the_index_names() {
    let index = br#"{"metadata": {}, "weight_map": {"a": "w-1.safetensors", "b": "w-2.safetensors",
        "c": "w-1.safetensors"}}"#;
    let names_there = ["config.json", "w-1.safetensors", "w-2.safetensors", "w-3.safetensors"];
    let index = ("model.safetensors.index.json".to_owned(), index.to_vec());
    let hub = Hub::serving(small(&names_there).into_iter().chain([index]));
    let mut person = Person::of(&hub);
    let folder = person.fetch(ID).unwrap();
    let expected =
        ["config.json", "model.safetensors.index.json", "w-1.safetensors", "w-2.safetensors"];
    assert_eq!(names(&folder), expected.map(str::to_owned).into());
    person.settings.offline = true;
    person.fetch(ID).unwrap();
    fs::remove_file(folder.join("w-2.safetensors")).unwrap();
    let error = person.fetch(ID).unwrap_err().to_string();
    assert!(error.contains("lacks w-2.safetensors"), "{error}");
}

#[test]
fn one_gguf_file_comes_alone() {
    let names_there = ["config.json", "q/m-Q4_K_M.gguf", "m-Q8_0.gguf", "model.safetensors"];
    let hub = Hub::serving(small(&names_there));
    let mut person = Person::of(&hub);
    let file = person.fetch("local/model:q/m-Q4_K_M.gguf").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "this is q/m-Q4_K_M.gguf");
    assert_eq!(file, person.cache().join("snapshots").join(COMMIT).join("q/m-Q4_K_M.gguf"));
    assert_eq!(names(&person.cache().join("blobs")).len(), 1);
    person.settings.offline = true;
    assert_eq!(person.fetch("local/model:q/m-Q4_K_M.gguf").unwrap(), file);
    assert!(person.fetch("local/model:m-Q8_0.gguf").is_err());
}
