//! The budget of a rendering. The template library (minijinja) counts its own steps and output as
//! fuel, and ends a rendering that has used it up; our own functions check the fuel before they
//! allocate.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

/// The fuel of a rendering: a step takes one unit, and so do [`BYTES`] of text. A real template
/// takes some hundred units for a message.
pub(super) const FUEL: u64 = 2_000_000;

/// The bytes of text that one unit of fuel pays for.
const BYTES: u64 = 64;

/// The most bytes that a rendering makes, intermediate texts included.
pub(super) const MOST_BYTES: u64 = FUEL * BYTES;

/// The memory of one item of a list, bytes.
const PLACE: usize = 32;

/// The deepest nesting of values: functions that recurse into them must fit any thread's stack.
pub(super) const DEEPEST: usize = 100;

/// The widest text that a template may ask for, in characters.
pub(super) const WIDEST: usize = 100_000;

/// The rest of the fuel, in bytes.
fn left(state: &State) -> usize {
    let left = state.fuel_levels().map_or(0, |(_, left)| left.saturating_mul(BYTES));
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// Checks that there is fuel for `bytes` bytes, before they are allocated. The library takes the
/// fuel when it gets the result.
///
/// # Errors
/// If there is too little fuel left.
pub(super) fn room(state: &State, bytes: usize) -> Result<(), Error> {
    if bytes < left(state) { Ok(()) } else { Err(ErrorKind::OutOfFuel.into()) }
}

/// Checks that there is fuel for a list of `items` items.
///
/// # Errors
/// If there is too little fuel left.
pub(super) fn room_of_list(state: &State, items: usize) -> Result<(), Error> {
    room(state, items.saturating_mul(PLACE))
}

/// The items or keys of a value.
///
/// # Errors
/// If the value cannot be iterated, or there is too little fuel left.
pub(super) fn items(state: &State, value: &Value) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    for item in value.try_iter()? {
        state.consume_fuel(1)?;
        items.push(item);
    }
    Ok(items)
}

/// A text that is built piece by piece and cannot get longer than the fuel allows.
pub(super) struct FueledText {
    text: String,
    most: usize,
}

impl FueledText {
    /// An empty text that may get as long as there is fuel left.
    pub fn new(state: &State) -> Self {
        Self { text: String::new(), most: left(state) }
    }

    /// Adds a piece.
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
    /// If there is too little fuel left.
    pub fn repeat(&mut self, piece: &str, times: usize) -> Result<(), Error> {
        self.room(piece.len().saturating_mul(times))?;
        (0..times).for_each(|_| self.text.push_str(piece));
        Ok(())
    }

    fn room(&self, bytes: usize) -> Result<(), Error> {
        let length = self.text.len().saturating_add(bytes);
        if length < self.most { Ok(()) } else { Err(ErrorKind::OutOfFuel.into()) }
    }

    /// The text that was put together.
    pub fn done(self) -> String {
        self.text
    }
}

/// Refuses values that are nested too deeply, or in themselves. Only a namespace can be changed
/// after it is made, so only values that are put into one need this check.
///
/// # Errors
/// If `value` is nested too deeply, or in itself.
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
