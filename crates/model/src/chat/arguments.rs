//! Arguments of filters, methods and functions, bound as Python binds them.

use minijinja::{
    Error, ErrorKind, Value,
    value::{Kwargs, from_args},
};

/// What was given to parameters of these names, in their order: by position, then by name.
///
/// # Errors
/// If there are more, or one of another name.
pub(super) fn bind<const N: usize>(
    args: &[Value],
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    let (positional, named) = split(args)?;
    if positional.len() > N {
        return Err(Error::new(
            ErrorKind::TooManyArguments,
            format!("at most {N} arguments are taken, and {} were given", positional.len()),
        ));
    }
    let mut bound = [const { None }; N];
    for (place, value) in bound.iter_mut().zip(positional) {
        *place = Some(value.clone());
    }
    for (name, value) in pairs(&named)? {
        let place = names.iter().position(|known| *known == name).ok_or_else(|| {
            Error::new(ErrorKind::TooManyArguments, format!("there is no argument `{name}`"))
        })?;
        bound[place] = Some(value);
    }
    Ok(bound)
}

/// The arguments by position, and those by name.
pub(super) fn split(args: &[Value]) -> Result<(&[Value], Kwargs), Error> {
    match args.split_last() {
        Some((last, positional)) if last.is_kwargs() => {
            Ok((positional, Kwargs::try_from(last.clone())?))
        }
        _ => Ok((args, from_args::<(Kwargs,)>(&[])?.0)),
    }
}

/// Named arguments with their values.
pub(super) fn pairs(named: &Kwargs) -> Result<Vec<(String, Value)>, Error> {
    named.args().map(|name| Ok((name.to_owned(), named.peek::<Value>(name)?))).collect()
}

/// A text that must be there.
pub(super) fn text(value: Option<Value>, what: &str) -> Result<String, Error> {
    match value.as_ref().and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => Err(refused(format!("`{what}` must be a string"))),
    }
}

/// A text that may be left out, or none.
pub(super) fn optional_text(value: Option<Value>, what: &str) -> Result<Option<String>, Error> {
    match value {
        Some(given) if !given.is_none() => text(Some(given), what).map(Some),
        _ => Ok(None),
    }
}

/// A whole number that may be left out.
pub(super) fn whole(value: Option<Value>, otherwise: i64) -> Result<i64, Error> {
    match value {
        Some(given) if !given.is_none() => i64::try_from(given),
        _ => Ok(otherwise),
    }
}

/// Whether something that may be left out is true.
pub(super) fn truth(value: Option<Value>, otherwise: bool) -> bool {
    value.map_or(otherwise, |given| given.is_true())
}

/// An error that says what a template did wrong.
pub(super) fn refused(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, problem.into())
}
