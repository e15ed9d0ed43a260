//! What goes wrong is said in one paragraph that names the address and what to do.

use std::fs;

use super::{
    ID, Person, checkpoint,
    server::{Fault, Hub, etag},
    small,
};

/// Fetching fails, and these words are said of it; the secret is not.
fn refused(person: &Person, id: &str, words: &[&str]) {
    let error = person.fetch(id).unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "no `{word}` in: {error}");
    }
    assert!(!error.contains("hf_me") && !error.contains('\n'), "{error}");
}

type Answer = (u16, &'static [(&'static str, &'static str)], &'static str);

#[test]
fn refusals_of_the_hub_are_told_apart() {
    fn check(known: bool, (status, headers, body): Answer, words: &[&str]) {
        let hub = Hub::serving(checkpoint());
        hub.fault("GET /api/models", 99, Fault::Answer(status, headers, body));
        let person = if known { Person::known(&hub) } else { Person::of(&hub) };
        let place = format!("{}/api/models/local/model/revision/", hub.endpoint);
        refused(&person, "local/model@v2", &[words, &[&*place]].concat());
    }
    let gated: &[_] = &[
        ("X-Error-Code", "GatedRepo"),
        ("X-Error-Message", "Access to model local/model is restricted."),
    ];
    let accept = ["is gated", "restricted", "Accept them at http://", "/local/model,", "HF_TOKEN"];
    check(false, (401, gated, ""), &accept);
    check(true, (403, gated, ""), &["has no access", "Ask for access at http://", "again"]);
    check(
        false,
        (401, &[("X-Error-Code", "RepoNotFound")], ""),
        &["no model local/model that everybody may see (401)", "spelling", "HF_TOKEN"],
    );
    check(true, (401, &[], ""), &["does not accept the token", "Check HF_TOKEN"]);
    check(true, (403, &[], ""), &["does not let this account read", "right to read"]);
    check(false, (404, &[("X-Error-Code", "RepoNotFound")], ""), &["has no model", "folder"]);
    check(
        false,
        (404, &[("X-Error-Code", "RevisionNotFound")], ""),
        &["no revision v2", "/local/model/tree/main"],
    );
    check(false, (429, &[("Retry-After", "37")], ""), &["too many", "Wait 37 seconds", "HF_TOKEN"]);
    check(
        true,
        (429, &[("Retry-After", "Tue, 24 Nov 2026 23:00:00 GMT")], ""),
        &["too many", "Wait some minutes"],
    );
    check(false, (500, &[], "<html>"), &["in trouble (500)", "Wait some minutes", "again"]);
    check(false, (418, &[], ""), &["of no use (418)", "HF_ENDPOINT"]);
    // Not the hub at all.
    check(false, (200, &[], " <!doctype html><p>Log in"), &["a web page", "login page"]);
    check(false, (200, &[], "{\"models\": []}"), &["no list of files", "login page"]);
    check(false, (200, &[], "{\"sha\": \"../x\", \"siblings\": []}"), &["names no commit"]);
    check(false, (302, &[("Location", "ftp://x")], ""), &["no address that can be followed"]);
    check(false, (302, &[("Location", "/api/models/")], ""), &["redirects without end"]);
}

#[test]
fn refusals_of_a_file_are_told_apart() {
    fn check(on: &str, times: usize, fault: Fault, words: &[&str]) {
        let hub = Hub::serving(checkpoint());
        hub.fault(on, times, fault);
        let place = format!("{}/local/model/resolve/", hub.endpoint);
        refused(&Person::of(&hub), ID, &[words, &["/model.safetensors: ", &*place]].concat());
    }
    let head = "HEAD /local/model/resolve/0123456789abcdef0123456789abcdef01234567/model.s";
    let gone = Fault::Answer(404, &[("X-Error-Code", "EntryNotFound")], "");
    check(head, 1, gone, &["no such file", "/local/model/tree/main"]);
    check(head, 1, Fault::Answer(200, &[], "<html>"), &["does not say which file", "browser"]);
    let tag = Fault::Answer(200, &[("ETag", "\"../../x\"")], "");
    check(head, 1, tag, &["does not say which file"]);
    let get = "GET /cdn/model.safetensors";
    check(get, 9, Fault::Answer(503, &[], ""), &["broke off 3 times", "trouble (503)", "kept"]);
    check(get, 1, Fault::Answer(403, &[], ""), &["403"]);
    check(get, 1, Fault::Answer(416, &[], ""), &["shorter than the hub said"]);
    check(get, 1, Fault::Answer(200, &[], "<html>Log in"), &["12 bytes come", "667064"]);
    check(
        get,
        1,
        Fault::Answer(206, &[("Content-Range", "bytes 7-9/10")], "abc"),
        &["another part came", "bytes 7-9/10"],
    );
    check(get, 1, Fault::Long, &["667065 bytes come"]);
    check(get, 1, Fault::Wrong, &["SHA-256 is another", "removed"]);
    check(get, 99, Fault::Cut(0), &["broke off 3 times", "after 0 of 667064", "kept", "again"]);
    check(get, 99, Fault::Cut(10), &["broke off 30 times", "after 300 of 667064"]);
}

#[test]
fn what_came_before_it_broke_off_is_gone_on_from() {
    let hub = Hub::serving(checkpoint());
    hub.fault("GET /cdn/model.safetensors", 99, Fault::Cut(100));
    let person = Person::of(&hub);
    refused(&person, ID, &["run the same command again"]);
    hub.mend();
    hub.asked();
    person.fetch(ID).unwrap();
    assert!(hub.asked().iter().any(|asked| asked.from == Some(3000)));
}

#[test]
fn a_file_that_came_wrong_is_not_kept() {
    let hub = Hub::serving(checkpoint());
    hub.fault("GET /cdn/model.safetensors", 1, Fault::Wrong);
    let person = Person::of(&hub);
    refused(&person, ID, &["SHA-256"]);
    person.fetch(ID).unwrap();
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["../x.safetensors", "/etc/x", "a/../../b", "a\\b", "C:x"] {
        let hub = Hub::serving(checkpoint());
        hub.list(name);
        let person = Person::of(&hub);
        refused(&person, ID, &["written elsewhere", &name.escape_default().to_string()]);
        assert!(!person.home.path().join("hub").exists(), "{name}");
    }
    let index = |text: &str| ("model.safetensors.index.json".to_owned(), text.as_bytes().to_vec());
    for (text, words) in [
        ("{\"weight_map\": {\"a\": \"../../x.safetensors\"}}", "a file elsewhere"),
        ("{\"weight_map\": {\"a\": \"b.safetensors\"}}", "names `b.safetensors`, which the"),
        ("<html>", "this is no JSON"),
    ] {
        let hub = Hub::serving(small(&["config.json"]).into_iter().chain([index(text)]));
        refused(&Person::of(&hub), ID, &[words, "local/model", "owner"]);
    }
}

#[test]
fn a_repository_without_what_is_read_says_what_it_has() {
    fn check(names: &[&str], id: &str, words: &[&str]) {
        refused(&Person::of(&Hub::serving(small(names))), id, words);
    }
    check(&["README.md"], ID, &["no config.json", "*.safetensors"]);
    check(&["config.json", "pytorch_model.bin"], ID, &["no weights", "never fetched"]);
    check(&["a.gguf", "b.gguf"], ID, &["no config.json", "local/model:a.gguf", "a.gguf, b.gguf"]);
    check(&["a.gguf"], "local/model:c.gguf", &["has no c.gguf", "local/model:a.gguf"]);
}

#[test]
fn without_a_network_the_cache_is_named() {
    let hub = Hub::serving(checkpoint());
    let mut person = Person::of(&hub);
    let there = person.settings.endpoint.clone();
    // Nobody listens at port 1.
    person.settings.endpoint = "http://127.0.0.1:1".to_owned();
    refused(&person, ID, &["http://127.0.0.1:1/api", "the connection failed", "Check the network"]);
    person.settings.endpoint = there;
    person.fetch(ID).unwrap();
    person.settings.endpoint = "http://127.0.0.1:1".to_owned();
    refused(&person, ID, &["the connection failed", "in the cache: it runs with --offline"]);
    person.settings.endpoint = "huggingface.co".to_owned();
    refused(&person, ID, &["HF_ENDPOINT=huggingface.co", "https://"]);
}

#[test]
fn offline_says_what_is_missing() {
    let hub = Hub::serving(checkpoint());
    let mut person = Person::of(&hub);
    person.settings.offline = true;
    let cache = person.cache().display().to_string();
    refused(
        &person,
        ID,
        &["offline", "no revision main", &cache, &hub.endpoint, "once with a network"],
    );
    person.settings.offline = false;
    let folder = person.fetch(ID).unwrap();
    person.settings.offline = true;
    refused(&person, "local/model@v2", &["no revision v2"]);
    fs::remove_file(fs::canonicalize(folder.join("model.safetensors")).unwrap()).unwrap();
    refused(&person, ID, &["lacks model.safetensors", "once with a network"]);
    fs::remove_file(folder.join("config.json")).unwrap();
    refused(&person, ID, &["lacks config.json"]);
}

#[test]
fn a_cache_that_cannot_be_written_to_is_named() {
    let hub = Hub::serving(checkpoint());
    let mut person = Person::of(&hub);
    #[cfg(target_os = "linux")]
    a_full_disk(&person);
    // A file where the folder should be.
    let file = person.home.path().join("file");
    fs::write(&file, "").unwrap();
    person.settings.cache = Some(file.join("hub"));
    refused(&person, ID, &[file.to_str().unwrap(), "HF_HOME"]);
    person.settings.cache = None;
    refused(&person, ID, &["neither HF_HOME nor HOME", "Set HF_HOME"]);
}

/// What is written to this device never has room.
#[cfg(target_os = "linux")]
fn a_full_disk(person: &Person) {
    let (_, bytes) = checkpoint().into_iter().find(|(name, _)| name == "config.json").unwrap();
    let part = person.blob(&format!("{}.incomplete", etag("config.json", &bytes)));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", &part).unwrap();
    refused(person, ID, &[part.to_str().unwrap(), "no space left", "Make room", "HF_HOME"]);
}
