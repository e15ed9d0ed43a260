//! Weight files mapped into memory.

use std::{fs::File, ops::Range, path::Path};

use memmap2::Mmap;

use crate::{
    LoadError,
    small_files::{plain, unreadable},
};

/// Maps a file into memory, to be read only.
pub(super) fn map(path: &Path) -> Result<Mmap, LoadError> {
    let file =
        plain(path).and_then(|()| File::open(path)).map_err(|error| unreadable(path, &error))?;
    // SAFETY: a mapped file must not be changed while it is mapped. Weight files are written once
    // and read by everyone; reading 16 GB into memory of our own instead would double what a
    // model needs.
    unsafe { Mmap::map(&file) }.map_err(|error| unreadable(path, &error))
}

/// Forgets the pages of some bytes: what is mapped counts as the program's memory until then.
#[cfg(unix)]
pub(super) fn forget(map: &Mmap, bytes: Range<usize>) {
    // SAFETY: the mapping is read-only and backed by a file: a page that is forgotten comes back
    // from there with the same contents.
    let _ = unsafe {
        map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, bytes.start, bytes.len())
    };
}

#[cfg(not(unix))]
pub(super) fn forget(_: &Mmap, _: Range<usize>) {}
