//! Panics of libraries on input that they do not expect: told as errors by who called, not by the
//! hook that prints.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

thread_local! {
    /// How many callers on this thread catch a panic.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
    /// Where the last one was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`. A panic in it is an error: its words, with its place where [`tell_callers`] was
/// called before.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
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

/// Whether somebody on this thread catches a panic and tells it. A hook has nothing to do then; its
/// place is kept for the caller.
pub(crate) fn is_caught(info: &PanicHookInfo) -> bool {
    let caught = CATCHING.get() > 0;
    if caught {
        PLACE.set(info.location().map(ToString::to_string));
    }
    caught
}

/// From now on nothing is printed of panics that are [`caught`].
pub(crate) fn tell_callers() {
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
