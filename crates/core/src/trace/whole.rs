//! A file that appears whole or not at all: it is written beside its place and moved there.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::lock;

/// Links behind links that are followed.
const MOST_LINKS: usize = 16;

/// Where a file is on its way to its place. Dropped before it is whole, it leaves nothing.
#[derive(Debug)]
pub struct WholeFile {
    /// Where it is until it is whole; `None` for a pipe or device, which is written into.
    part: Option<PathBuf>,
    /// Its place, behind any link.
    place: PathBuf,
}

impl WholeFile {
    /// Begins a file that is to be at `out`. `part` is told where it is meanwhile, before it is
    /// there.
    ///
    /// # Errors
    /// If it cannot be made, `out` is a folder, or a recording is being written there.
    pub fn begin(out: &Path, part: impl FnOnce(&Path)) -> io::Result<(File, Self)> {
        let found = out.metadata().ok();
        if found.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(out)?;
            return Ok((file, Self { part: None, place: out.to_owned() }));
        }
        lock::unclaimed(out)?;
        let place = behind_links(out);
        let temporary = free_name(&place);
        part(&temporary);
        // Never over what somebody else has there.
        let file =
            File::options().write(true).create_new(true).open(&temporary).map_err(|error| {
                io::Error::new(error.kind(), format!("{error}, for a new file in its folder"))
            })?;
        if let Some(found) = found {
            // Who may read it is not for us to change; where it cannot be kept, it is as for others.
            let _ = file.set_permissions(found.permissions());
        }
        Ok((file, Self { part: Some(temporary), place }))
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

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = fs::remove_file(part);
        }
    }
}

/// A name beside `place` that nothing has: a program that was killed may have left the first.
fn free_name(place: &Path) -> PathBuf {
    const LONGEST_NAME: usize = 100;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().take(LONGEST_NAME / 4).collect();
    let id = std::process::id();
    let named = |n: usize| place.with_file_name(format!(".{name}.{id}.{n}.part"));
    (0..1000).map(named).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| named(0))
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
        let (mut file, whole) =
            WholeFile::begin(&out, |part| told = Some(part.to_owned())).unwrap();
        assert_eq!((whole.part(), whole.part().unwrap().exists()), (told.as_deref(), true));
        file.write_all(b"after").unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"before");
        whole.finish().unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"after");
        drop(WholeFile::begin(&out, |_| {}).unwrap());
        // What a killed program of the same number left stays, and is in nobody's way.
        let (_, stale) = WholeFile::begin(&out, |_| {}).unwrap();
        let (_, second) = WholeFile::begin(&out, |_| {}).unwrap();
        assert_ne!(stale.part(), second.part());
        drop((stale, second));
        assert_eq!(
            (fs::read(&out).unwrap(), names(folder.path())),
            (b"after".to_vec(), vec!["a".to_owned()])
        );
        assert!(WholeFile::begin(folder.path(), |_| {}).is_err());
        assert!(WholeFile::begin(&folder.path().join("none/a"), |_| {}).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn who_may_read_it_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a");
        fs::write(&out, "before").unwrap();
        fs::set_permissions(&out, fs::Permissions::from_mode(0o600)).unwrap();
        WholeFile::begin(&out, |_| {}).unwrap().1.finish().unwrap();
        assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
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
            let (mut file, whole) = WholeFile::begin(&link, |_| {}).unwrap();
            file.write_all(b"after").unwrap();
            whole.finish().unwrap();
            assert!(link.symlink_metadata().unwrap().is_symlink());
            assert_eq!(fs::read(&place).unwrap(), b"after");
        }
        let (mut file, whole) = WholeFile::begin(Path::new("/dev/null"), |_| {}).unwrap();
        file.write_all(b"gone").unwrap();
        whole.finish().unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
}
