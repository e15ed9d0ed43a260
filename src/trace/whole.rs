//! A file that appears whole or not at all: it is written beside its place and moved there.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Links behind links that are followed.
const MOST_LINKS: usize = 16;

/// Where a file is on its way to its place. Dropped before it is whole, it leaves nothing.
#[derive(Debug)]
pub struct Whole {
    /// Where it is until it is whole; `None` for a pipe or device, which is written into.
    part: Option<PathBuf>,
    /// Its place, behind any link.
    place: PathBuf,
}

impl Whole {
    /// Begins a file that is to be at `out`. `part` is told where it is meanwhile, before it is
    /// there.
    ///
    /// # Errors
    /// If it cannot be made, or `out` is a folder.
    pub fn begin(out: &Path, part: impl FnOnce(&Path)) -> io::Result<(File, Self)> {
        let found = out.metadata().ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if found.is_some_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(out)?;
            return Ok((file, Self { part: None, place: out.to_owned() }));
        }
        let place = behind_links(out);
        let mut name = std::ffi::OsString::from(".");
        name.push(place.file_name().unwrap_or_default());
        name.push(format!(".{}.part", std::process::id()));
        let beside = place.with_file_name(name);
        part(&beside);
        // Never over what somebody else has there.
        let file = File::options().write(true).create_new(true).open(&beside)?;
        Ok((file, Self { part: Some(beside), place }))
    }

    /// Where it can be read before it is whole; `None` for what is written into a pipe or device.
    pub fn part(&self) -> Option<&Path> {
        self.part.as_deref()
    }

    /// Moves the file to its place, over what is there. Everything must have been written to it.
    ///
    /// # Errors
    /// If that fails: what was there still is.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        // On the disk before it takes its place.
        File::open(part)?.sync_all()?;
        fs::rename(part, &self.place)?;
        self.part = None;
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

/// What a path leads to, also where nothing is there yet.
fn behind_links(path: &Path) -> PathBuf {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&place) else { break };
        // Relative to the folder the link is in.
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    place
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_there_when_it_is_whole_and_leaves_nothing_before() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a");
        fs::write(&out, "before").unwrap();
        let mut told = None;
        let (mut file, whole) = Whole::begin(&out, |part| told = Some(part.to_owned())).unwrap();
        assert_eq!((whole.part(), whole.part().unwrap().exists()), (told.as_deref(), true));
        file.write_all(b"after").unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"before");
        whole.finish().unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"after");
        drop(Whole::begin(&out, |_| {}).unwrap());
        assert_eq!(
            (fs::read(&out).unwrap(), names(folder.path())),
            (b"after".to_vec(), vec!["a".to_owned()])
        );
        assert!(Whole::begin(folder.path(), |_| {}).is_err());
        assert!(Whole::begin(&folder.path().join("none/a"), |_| {}).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_devices() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        for target in ["target", "nothing-yet"] {
            let place = folder.path().join(target);
            if target == "target" {
                fs::write(&place, "before").unwrap();
            }
            let _ = fs::remove_file(&link);
            symlink(target, &link).unwrap();
            let (mut file, whole) = Whole::begin(&link, |_| {}).unwrap();
            file.write_all(b"after").unwrap();
            whole.finish().unwrap();
            assert!(link.symlink_metadata().unwrap().is_symlink());
            assert_eq!(fs::read(&place).unwrap(), b"after");
        }
        let (mut file, whole) = Whole::begin(Path::new("/dev/null"), |_| {}).unwrap();
        file.write_all(b"gone").unwrap();
        whole.finish().unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
}
