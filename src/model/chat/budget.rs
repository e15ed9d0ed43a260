//! How much a template may make. The engine counts steps and what its own parts make, and ends a
//! rendering that has used up its fuel; what is made here asks before it makes it.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

/// The fuel of a rendering: a step takes one, and so do [`BYTES`] of text. A real template takes
/// some hundred a message.
pub(super) const FUEL: u64 = 2_000_000;

/// Bytes that one unit of fuel pays for, in the engine.
const BYTES: u64 = 64;

/// Most bytes that a rendering makes: those of its text, and all on the way to it.
pub(super) const MOST: u64 = FUEL * BYTES;

/// What a place in a list takes, bytes.
const PLACE: usize = 32;

/// The deepest nesting of values: what goes through them must come back on any thread's stack.
pub(super) const DEEPEST: usize = 100;

/// What is left of the fuel, in bytes.
fn left(state: &State) -> usize {
    let left = state.fuel_levels().map_or(0, |(_, left)| left.saturating_mul(BYTES));
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// Asks for the room of so many bytes, before they are made. Results are paid for by the engine.
///
/// # Errors
/// If there is too little fuel left.
pub(super) fn room(state: &State, bytes: usize) -> Result<(), Error> {
    if bytes < left(state) { Ok(()) } else { Err(ErrorKind::OutOfFuel.into()) }
}

/// Asks for the room of a list.
///
/// # Errors
/// As above.
pub(super) fn room_of_list(state: &State, items: usize) -> Result<(), Error> {
    room(state, items.saturating_mul(PLACE))
}

/// What a value is made of: its items or keys.
///
/// # Errors
/// If it has none, or there is too little fuel left for them.
pub(super) fn items(state: &State, value: &Value) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    for item in value.try_iter()? {
        state.consume_fuel(1)?;
        items.push(item);
    }
    Ok(items)
}

/// A text that is made piece by piece, no longer than what is left of the fuel.
pub(super) struct Text {
    text: String,
    most: usize,
}

impl Text {
    /// An empty one.
    pub fn new(state: &State) -> Self {
        Self { text: String::new(), most: left(state) }
    }

    /// Adds to it.
    ///
    /// # Errors
    /// If there is too little fuel left.
    pub fn push(&mut self, piece: &str) -> Result<(), Error> {
        self.room(piece.len())?;
        self.text.push_str(piece);
        Ok(())
    }

    /// Adds a piece several times.
    ///
    /// # Errors
    /// As above.
    pub fn repeat(&mut self, piece: &str, times: usize) -> Result<(), Error> {
        self.room(piece.len().saturating_mul(times))?;
        (0..times).for_each(|_| self.text.push_str(piece));
        Ok(())
    }

    fn room(&self, bytes: usize) -> Result<(), Error> {
        let length = self.text.len().saturating_add(bytes);
        if length < self.most { Ok(()) } else { Err(ErrorKind::OutOfFuel.into()) }
    }

    /// The text.
    pub fn done(self) -> String {
        self.text
    }
}

/// Refuses values that are nested too deeply, or in themselves. Only a namespace can be changed,
/// so only what is put into one can come to that.
///
/// # Errors
/// If `value` is.
pub(super) fn sound(state: &State, value: &Value) -> Result<(), Error> {
    nested(state, value, 0)
}

fn nested(state: &State, value: &Value, depth: usize) -> Result<(), Error> {
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(super::arguments::refused("a value is nested too deeply, or in itself"));
    }
    state.consume_fuel(1)?;
    for item in value.try_iter()? {
        let held = match value.kind() {
            ValueKind::Map => value.get_item(&item)?,
            _ => item,
        };
        nested(state, &held, depth + 1)?;
    }
    Ok(())
}
