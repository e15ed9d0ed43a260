//! Runs a library's code that may take long, panic, or recurse deeply.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use crate::panics;

/// The size of the stack, bytes. Pages that are not used take no memory.
const STACK: usize = 1 << 28;

/// Runs `work` on a thread of its own and waits for it up to `patience`. A thread that takes longer
/// goes on until its work or the program ends, since a thread cannot be stopped from outside.
///
/// # Errors
/// Those of `work`; or in words, if it panics or takes longer.
pub(super) fn in_time<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (done, awaited) = channel();
    let work = move || {
        let result = panics::caught(work)
            .unwrap_or_else(|panic| Err(format!("the library that reads it panics: {panic}")));
        // Nobody waits any more if it took too long.
        let _ = done.send(result);
    };
    let thread = thread::Builder::new().name("template".to_owned()).stack_size(STACK).spawn(work);
    thread.map_err(|error| format!("there is no thread for it ({error})"))?;
    awaited.recv_timeout(patience).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => {
            Err(format!("it is not done after {} seconds", patience.as_secs_f64()))
        }
        RecvTimeoutError::Disconnected => Err("its thread ended without a result".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, time::Duration};

    use super::in_time;

    #[test]
    fn what_takes_long_panics_or_fails_is_an_error() {
        let long = Duration::from_secs(60);
        assert_eq!(in_time(long, || Ok(3)), Ok(3));
        assert_eq!(in_time(long, || Err::<(), _>("no".to_owned())), Err("no".to_owned()));
        let panic = in_time(long, || -> Result<(), String> { panic!("out of {}", "range") });
        assert!(panic.unwrap_err().contains("panics: out of range"));
        // It waits for what comes only when nobody waits for it any more.
        let (end, wait) = channel::<()>();
        let late =
            in_time(Duration::from_millis(20), move || wait.recv().map_err(|e| e.to_string()));
        assert!(late.unwrap_err().contains("not done after 0.02 seconds"));
        drop(end);
    }
}
