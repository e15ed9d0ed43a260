//! Lengths that fit the model: what a prompt leaves of its context.

use crate::{
    canvas::FixedText,
    decode::{ParamError, ParamRole, Params, Value},
};

/// A prompt that leaves no room for the first canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the prompt has {prompt} tokens{}, which with the initial {initial} positions is more than the \
     context ({context})",
    behind(*.suffix)
)]
pub struct NoRoom {
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Tokens of the suffix.
    pub suffix: usize,
    /// Positions of the first canvas.
    pub initial: usize,
    /// The model's context, tokens.
    pub context: usize,
}

fn behind(suffix: usize) -> String {
    if suffix > 0 { format!(" and the suffix {suffix}") } else { String::new() }
}

/// Lowers the maximum length to what a context of `context` tokens holds beside prompt and suffix,
/// unless it was `given` by the user. Parameters a strategy does not have are left alone.
///
/// # Errors
/// [`NoRoom`] if not even the first canvas fits.
pub fn fit(
    params: &mut Params,
    given: bool,
    text: &FixedText,
    context: usize,
) -> Result<(), NoRoom> {
    let (prompt, suffix) = (text.prompt().len(), text.suffix().len());
    let room = context.saturating_sub(prompt).saturating_sub(suffix);
    if !given
        && room > 0
        && let Some(spec) = params.with_role(ParamRole::MaxLength)
        && params.count_of(ParamRole::MaxLength).is_some_and(|max| max > room)
    {
        // Lower than a value in range, and over 0: it is in range where the declaration says so.
        let _ = params.set(spec.name, Value::Int(room as i64));
    }
    let first = params.count_of(ParamRole::FirstLength).or(params.count_of(ParamRole::Length));
    let initial = first.unwrap_or(0);
    if room == 0 || prompt.saturating_add(suffix).saturating_add(initial) > context {
        return Err(NoRoom { prompt, suffix, initial, context });
    }
    Ok(())
}

/// Takes over what the holes of a text say: the length of the first canvas, and, where that stays as
/// it is, no more steps than there are masks unless they were `given` by the user.
///
/// # Errors
/// If the text is longer than any canvas may be.
pub fn fit_holes(params: &mut Params, given: bool, text: &FixedText) -> Result<(), ParamError> {
    params.take_length(text)?;
    let grows = params.with_role(ParamRole::FirstLength).is_some();
    let Some(masks) = text.masks().filter(|_| !given && !grows) else { return Ok(()) };
    match params.with_role(ParamRole::Steps) {
        Some(spec) if params.count(spec.name)? > masks => {
            params.set(spec.name, Value::Int(masks as i64))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{NoRoom, fit};
    use crate::{
        canvas::FixedText,
        decode::{Params, daedal::SPECS},
    };

    #[test]
    fn the_maximum_is_lowered_to_the_room() {
        let check =
            |given: bool, prompt: usize, context: usize, expected: Result<usize, NoRoom>| {
                let mut params = Params::defaults(SPECS);
                let text = FixedText::from(&vec![0; prompt - 4]).with_suffix([0; 4]);
                let fits = fit(&mut params, given, &text, context);
                let found = fits.map(|()| params.count("max_gen_length").unwrap());
                assert_eq!(found, expected, "{given} {prompt} {context}");
            };
        let none = |both: usize, context| {
            Err(NoRoom { prompt: both - 4, suffix: 4, initial: 64, context })
        };
        check(false, 24, 1024, Ok(1000));
        check(true, 24, 1024, Ok(2048));
        check(false, 24, 4096, Ok(2048));
        check(false, 24, 88, Ok(64));
        check(false, 25, 88, none(25, 88));
        check(false, 100, 100, none(100, 100));
    }
}
