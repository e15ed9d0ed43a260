//! The memory of this machine, as far as this program may use it. Only Linux is asked.
//!
//! ```
//! let here = demask_model::memory::Memory::here();
//! assert!(here.is_none_or(|memory| memory.available <= memory.total));
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// The memory of this machine or container, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes that the machine has, or that a container is limited to.
    pub total: u64,
    /// That a program may have now.
    pub available: u64,
}

impl Memory {
    /// That of this machine, or of the control group (a container) that limits us.
    pub fn here() -> Option<Self> {
        let info = fs::read_to_string("/proc/meminfo").ok()?;
        let whole = Self {
            total: kibibytes(&info, "MemTotal")?,
            available: kibibytes(&info, "MemAvailable")?,
        };
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Some(whole.within(&groups(Path::new("/sys/fs/cgroup"), &own)))
    }

    /// Lowered to what the control groups in these folders leave.
    fn within(self, groups: &[PathBuf]) -> Self {
        groups.iter().fold(self, |memory, folder| {
            let number = |name: &str| -> Option<u64> {
                fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
            };
            // `max` is no number: no limit.
            let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"));
            let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"));
            let Some(limit) = limit else { return memory };
            let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
            // Pages of files are given back when others need the memory.
            let files = field(&stat, "file").or_else(|| field(&stat, "cache")).unwrap_or(0);
            let used = used.unwrap_or(0).saturating_sub(files);
            Self {
                total: memory.total.min(limit),
                available: memory.available.min(limit.saturating_sub(used)),
            }
        })
    }
}

/// The folders of the control groups named in /proc/self/cgroup, and those above them.
fn groups(root: &Path, own: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let root = match controllers {
            "" => root.to_owned(),
            _ if controllers.split(',').any(|name| name == "memory") => root.join("memory"),
            _ => continue,
        };
        let path = Path::new(path.trim_start_matches('/'));
        found.extend(path.ancestors().map(|path| root.join(path)));
    }
    found
}

/// Most bytes of memory that this program has held so far; only Linux is asked.
pub fn peak() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// A field of /proc/meminfo or /proc/self/status, whose numbers are kibibytes, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
    let value = text.lines().find_map(of)?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A field of memory.stat, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    text.lines().find_map(of)
}

/// Bytes for the user: `3.4 MB`.
pub fn shown(bytes: u64) -> String {
    let (number, unit) = match bytes as f64 {
        n if n >= 1e9 => (n / 1e9, "GB"),
        n if n >= 1e6 => (n / 1e6, "MB"),
        n if n >= 1e3 => (n / 1e3, "kB"),
        n => return format!("{n} B"),
    };
    format!("{number:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let text = "MemTotal:  2048 kB\nMemAvailable: 1024 kB\nBad: x kB\nVmHWM:\t    3 kB\nVmHWMore:\t 1 kB\nLong: 18446744073709551615 kB\n";
        for (name, expected) in [
            ("MemTotal", Some(2 << 20)),
            ("MemAvailable", Some(1 << 20)),
            ("VmHWM", Some(3 << 10)),
            ("VmHW", None),
            ("Mem", None),
            ("Bad", None),
            ("Long", None),
        ] {
            assert_eq!(kibibytes(text, name), expected, "{name}");
        }
        assert_eq!(field("anon 5\nfile_mapped 3\nfile 7\n", "file"), Some(7));
    }

    #[test]
    fn groups_and_those_above_them() {
        let root = Path::new("/r");
        for (own, expected) in [
            ("0::/a/b", vec!["/r/a/b", "/r/a", "/r/"]),
            ("0::/", vec!["/r/"]),
            ("5:cpu:/a\n7:memory,x:/a", vec!["/r/memory/a", "/r/memory/"]),
            ("nonsense", vec![]),
        ] {
            let found: Vec<PathBuf> = groups(root, own);
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{own}");
        }
    }

    #[test]
    fn a_limit_lowers_what_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let whole = Memory { total: 1000, available: 800 };
        let groups = [folder.path().to_owned()];
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(whole.within(&groups), whole);
        put("memory.max", "max\n");
        assert_eq!(whole.within(&groups), whole);
        put("memory.max", "500\n");
        put("memory.current", "300\n");
        put("memory.stat", "file 100\n");
        assert_eq!(whole.within(&groups), Memory { total: 500, available: 300 });
    }

    #[test]
    fn bytes_are_written_short() {
        for (number, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (3_400_000, "3.4 MB"),
            (23_600_000_000, "23.6 GB"),
        ] {
            assert_eq!(shown(number), expected);
        }
    }
}
