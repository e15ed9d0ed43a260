//! The `demask` program: everything is in the library's `cli`.

use std::process::ExitCode;

/// How long candle's threads spin before they sleep. It makes ours wait for them: passes of a small
/// model take a tenth longer with its own 25,000.
const SPINS: (&str, &str) = ("CANDLE_BARRIER_POOL_SPIN_LIMIT", "100");

fn main() -> ExitCode {
    if std::env::var_os(SPINS.0).is_none() {
        // SAFETY: no other thread has been started yet.
        unsafe { std::env::set_var(SPINS.0, SPINS.1) };
    }
    demask::cli::main()
}
