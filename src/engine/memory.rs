//! Memory in which an engine on this machine leaves logits, which this program then reduces.
//!
//! Where the model is on the CPU, its logits are in main memory anyway. PyTorch reduces them in dozens
//! of calls, and after a forward pass, which empties the caches, a call costs more than the sums that
//! it computes. This program reads each row twice, as it does for its own models.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read, Seek, SeekFrom, Write},
};

use schemars::JsonSchema;
use serde::Serialize;

/// The most bytes of logits: 132 rows of a vocabulary of 126,464.
const LOGITS: usize = 64 << 20;

/// The length of the key, bytes; the logits stand behind it.
const KEY: usize = 16;

/// Where an engine on this machine may leave logits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MemoryAddress {
    /// The file to map, `/proc/PID/fd/NUMBER`.
    pub path: String,
    /// The first 16 bytes of the file in hexadecimal. If they differ, the path names another file on
    /// the engine's machine, and nothing may be written to it.
    pub key: String,
    /// The size of the file in bytes. Logits go behind the first 16.
    pub size: usize,
}

/// A file in memory without a name. It takes as much memory as has been written to it.
pub(super) struct SharedMemory {
    file: File,
    address: MemoryAddress,
    /// The logits that were read last; the next ones are read into the same memory.
    logits: Vec<f32>,
}

impl SharedMemory {
    /// Makes a file. Returns `None` where the system has no such files; engines then reduce logits.
    pub(super) fn new() -> Option<Self> {
        let (mut file, path) = file()?;
        let random = || RandomState::new().hash_one(()).to_le_bytes();
        let key = [random(), random()].concat();
        let size = KEY + LOGITS;
        file.set_len(size as u64).and_then(|()| file.write_all(&key)).ok()?;
        let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let address = MemoryAddress { path, key, size };
        Some(Self { file, address, logits: Vec::new() })
    }

    /// The address that the greeting tells the engine.
    pub(super) fn address(&self) -> &MemoryAddress {
        &self.address
    }

    /// True if so many logits have room.
    pub(super) fn holds(&self, logits: usize) -> bool {
        logits <= LOGITS / size_of::<f32>()
    }

    /// The first `count` logits.
    ///
    /// # Errors
    /// If they have no room, or the engine has cut the file.
    pub(super) fn read(&mut self, count: usize) -> io::Result<&[f32]> {
        self.logits.resize(count, 0.0);
        self.file.seek(SeekFrom::Start(KEY as u64))?;
        self.file.read_exact(bytemuck::cast_slice_mut(&mut self.logits))?;
        Ok(&self.logits)
    }
}

/// The file and a path to it, which other processes of this user can open.
#[cfg(target_os = "linux")]
fn file() -> Option<(File, String)> {
    use std::os::fd::AsRawFd;

    let file = rustix::fs::memfd_create("demask logits", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Some((file.into(), path))
}

#[cfg(not(target_os = "linux"))]
fn file() -> Option<(File, String)> {
    None
}
