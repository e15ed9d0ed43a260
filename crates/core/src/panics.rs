//! Panics of libraries on input that they do not expect. The caller reports them as errors, and the
//! panic hook prints nothing.
//!
//! ```
//! use demask_core::panics::caught;
//!
//! assert_eq!(caught(|| "12".parse()), Ok(Ok(12)));
//! let library = |text: &str| -> u8 { text.parse().expect("a number") };
//! assert!(caught(|| library("twelve")).unwrap_err().starts_with("a number"));
//! ```

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

thread_local! {
    /// How many calls of [`caught`] are running on this thread.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
    /// The place of the last panic that was caught.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`.
///
/// # Errors
/// If `work` panics: the message of the panic, with its place if [`tell_callers`] was called
/// before.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(CATCHING.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "a panic without a message".to_owned());
        PLACE.take().map_or(text.clone(), |place| format!("{text} ({place})"))
    })
}

/// Whether a caller on this thread catches the panic and reports it. If so, the place of the panic
/// is kept for the caller, and the hook has nothing to do.
pub fn is_caught(info: &PanicHookInfo) -> bool {
    let caught = CATCHING.get() > 0;
    if caught {
        PLACE.set(info.location().map(ToString::to_string));
    }
    caught
}

/// Makes the panic hook silent for panics that are [`caught`].
pub fn tell_callers() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !is_caught(info) {
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(caught(|| 3), Ok(3));
        let told = caught(|| caught(|| panic!("inner")).and_then(|()| Err("none".to_owned())));
        let told: Result<(), String> = told.unwrap();
        assert!(told.unwrap_err().contains("inner"));
        let number = 7;
        let told: Result<(), String> = caught(|| panic!("outer {number}"));
        assert!(told.unwrap_err().contains("outer 7"));
    }
}
