//! Models from a hub: what is fetched, what is asked for, and what is said when it goes wrong. The
//! hub is a server on this machine.

mod fetching;
mod program;
mod server;
mod trouble;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use demask::model::{
    LoadError, LoadProgress,
    hub::{self, HubSettings},
};
use server::Hub;
use tempfile::TempDir;

/// The folder of a golden checkpoint, which the hub serves.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models/llada-a")
}

/// The files of the golden checkpoint, each with its name.
fn checkpoint() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    entries.map(|entry| (name(&entry), fs::read(entry.path()).unwrap())).collect()
}

/// A small repository of these names.
fn small(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    names.iter().map(|name| ((*name).to_owned(), format!("this is {name}").into_bytes())).collect()
}

/// Somebody who fetches from a hub, and their cache.
struct Person {
    home: TempDir,
    settings: HubSettings,
}

impl Person {
    fn of(hub: &Hub) -> Self {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().to_str().unwrap().to_owned();
        let settings = HubSettings::from_env(|name| match name {
            "HF_HOME" => Some(place.clone()),
            "HF_ENDPOINT" => Some(hub.endpoint.clone()),
            _ => None,
        });
        Self { home, settings: HubSettings { pause: Duration::ZERO, ..settings } }
    }

    /// A machine on which the user has a token.
    fn known(hub: &Hub) -> Self {
        let mut person = Self::of(hub);
        let token = HubSettings::from_env(|name| (name == "HF_TOKEN").then(|| "hf_me".to_owned()));
        person.settings.token = token.token;
        person
    }

    fn fetch(&self, id: &str) -> Result<PathBuf, LoadError> {
        self.watch(id, |_| true)
    }

    fn watch(
        &self,
        id: &str,
        mut go_on: impl FnMut(&LoadProgress) -> bool,
    ) -> Result<PathBuf, LoadError> {
        hub::fetch(&id.parse().unwrap(), &self.settings, &mut |now| match go_on(now) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    }

    /// The repository's folder in the cache.
    fn cache(&self) -> PathBuf {
        self.home.path().join("hub/models--local--model")
    }

    /// What is kept under an etag.
    fn blob(&self, name: &str) -> PathBuf {
        self.cache().join("blobs").join(name)
    }
}

const ID: &str = "local/model";
