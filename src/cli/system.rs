//! What the system says about memory. Only Linux is asked.

/// Most bytes of memory that this program has held so far.
pub fn peak_memory() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// Bytes of memory in all, and those that a new program may have.
pub fn memory() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    Some((field(&text, "MemTotal")?, field(&text, "MemAvailable")?))
}

/// A field of the files in /proc whose numbers are kibibytes, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
    let value = text.lines().find_map(of)?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// Bytes for people: `3.4 MB`.
pub fn bytes(bytes: u64) -> String {
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
        let text = "Name:\tx\nVmHWM:\t    2048 kB\nVmHWMore:\t 1 kB\nBad:\t12\nLong:\t18446744073709551615 kB\n";
        for (name, expected) in [
            ("VmHWM", Some(2 << 20)),
            ("VmHW", None),
            ("Bad", None),
            ("Long", None),
            ("Gone", None),
        ] {
            assert_eq!(field(text, name), expected, "{name}");
        }
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
            assert_eq!(bytes(number), expected);
        }
    }
}
