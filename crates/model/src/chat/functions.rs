//! Functions of Jinja2 and transformers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use jiff::{civil::DateTime, fmt::strtime};
use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Object, ObjectRepr, Rest, Tuple, ValueKind, ValueOrKwargs},
};

use super::{
    arguments::{bind, pairs, refused, split, text},
    arithmetic, budget,
    operators::{ADD, CONCAT, MULTIPLY, REMAINDER, SLICE},
    python,
    source::{GENERATION, SOUND, WITH_REST},
};

/// Puts the functions into an environment. `now` is what `strftime_now` tells.
pub(super) fn add(environment: &mut Environment, now: DateTime) {
    let mut function =
        |name: &'static str, work: fn(&mut State, &[Value]) -> Result<Value, Error>| {
            environment.add_function(name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
                work(state, &args.into_values())
            });
        };
    function("raise_exception", |state, args| {
        let [message] = bind(args, ["message"])?;
        Err(refused(python::shown(state, &message.unwrap_or_default())?))
    });
    function("joiner", |_, args| {
        let [between] = bind(args, ["sep"])?;
        let between = between.unwrap_or_else(|| ", ".into());
        Ok(Value::from_object(Joiner { between, used: AtomicBool::new(false) }))
    });
    function("cycler", |_, args| match args {
        [] => Err(refused("`cycler` wants values")),
        items => Ok(Value::from_object(Cycler { items: items.to_vec(), at: AtomicUsize::new(0) })),
    });
    fn few() -> Error {
        Error::from(ErrorKind::MissingArgument)
    }
    function(ADD, |state, args| arithmetic::add(state, args));
    function(CONCAT, |state, args| arithmetic::joined(state, args, &"".into()));
    function(MULTIPLY, |state, args| match args {
        [left, right] => arithmetic::multiply(state, left, right),
        _ => Err(few()),
    });
    function(REMAINDER, |state, args| match args {
        [left, right] => arithmetic::remainder(state, left, right),
        _ => Err(few()),
    });
    function(SLICE, |state, args| match args {
        [value, start, stop] => arithmetic::slice(state, value, [start, stop, &().into()]),
        [value, start, stop, step] => arithmetic::slice(state, value, [start, stop, step]),
        _ => Err(few()),
    });
    function(SOUND, |state, args| {
        let [namespace, put] = bind(args, ["namespace", "put"])?;
        // Only a value that holds other values can come to hold itself.
        if put.unwrap_or_default().as_object().is_some() {
            budget::sound(state, &namespace.unwrap_or_default())?;
        }
        Ok(().into())
    });
    function(GENERATION, |state, args| {
        let [body] = bind(args, ["caller"])?;
        body.unwrap_or_default().call(state, &[])
    });
    function(WITH_REST, |state, args| {
        let [inner, names] = bind(args, ["inner", "names"])?;
        let names = names.unwrap_or_default().try_iter()?;
        let names = names.map(|name| python::shown(state, &name)).collect::<Result<_, _>>()?;
        Ok(Value::from_object(WithRest { inner: inner.unwrap_or_default(), names }))
    });
    // A function of the library that Jinja2 does not have; it would print all variables.
    environment.remove_global("debug");
    environment.add_global("dict", Value::from_object(Dict));
    environment.add_function("strftime_now", move |args: Rest<ValueOrKwargs>| {
        let [wanted] = bind(&args.into_values(), ["format"])?;
        time(now, &text(wanted, "format")?).map(Value::from)
    });
}

/// A time in Python's words for it.
fn time(now: DateTime, wanted: &str) -> Result<String, Error> {
    // Python's fractions have six digits, and its local time names no zone.
    let wanted = wanted.replace("%f", "%6f").replace("%Z", "").replace("%z", "");
    strtime::format(&wanted, now)
        .map_err(|error| refused(format!("`strftime_now`: {wanted:?} is no format ({error})")))
}

/// `joiner(between)`: nothing at the first call, then what is between.
#[derive(Debug)]
struct Joiner {
    between: Value,
    used: AtomicBool,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let [] = bind(args, [])?;
        let used = self.used.swap(true, Ordering::Relaxed);
        Ok(if used { self.between.clone() } else { "".into() })
    }
}

/// `cycler(…)`: one value after the other, and from the start again.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Cycler {
    fn current(&self) -> Option<Value> {
        self.items.get(self.at.load(Ordering::Relaxed) % self.items.len().max(1)).cloned()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.current()).flatten()
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let [] = bind(args, [])?;
        match method {
            "next" => {
                let current = self.current().unwrap_or_default();
                self.at.fetch_add(1, Ordering::Relaxed);
                Ok(current)
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// The name `dict`: calls of `dict(…)` and `dict.fromkeys(…)`.
#[derive(Debug)]
struct Dict;

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (positional, named) = split(args)?;
        let mut entries: Vec<(Value, Value)> = Vec::new();
        match positional {
            [] => {}
            [from] if from.kind() == ValueKind::Map => {
                for key in budget::items(state, from)? {
                    entries.push((key.clone(), from.get_item(&key)?));
                }
            }
            [from] => {
                for pair in budget::items(state, from)? {
                    entries.push((pair.get_item_by_index(0)?, pair.get_item_by_index(1)?));
                }
            }
            _ => return Err(Error::from(ErrorKind::TooManyArguments)),
        }
        entries.extend(pairs(&named)?.into_iter().map(|(name, value)| (name.into(), value)));
        Ok(Value::from_pairs(entries))
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method != "fromkeys" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let [keys, value] = bind(args, ["iterable", "value"])?;
        let value = value.unwrap_or_else(|| Value::from(()));
        let keys = budget::items(state, &keys.unwrap_or_default())?;
        Ok(Value::from_pairs(keys.into_iter().map(|key| (key, value.clone()))))
    }
}

/// A macro that is also given what its parameters do not take.
#[derive(Debug)]
struct WithRest {
    inner: Value,
    /// The macro's parameters, in their order.
    names: Vec<String>,
}

impl Object for WithRest {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (positional, named) = split(args)?;
        let own = positional.len().min(self.names.len());
        let (taken, rest) = positional.split_at(own);
        let (known, other): (Vec<_>, Vec<_>) = pairs(&named)?
            .into_iter()
            .partition(|(name, _)| name == "caller" || self.names.contains(name));
        let more = [
            ("varargs".to_owned(), Value::from(Tuple::from(rest.to_vec()))),
            ("kwargs".to_owned(), Value::from_pairs(other)),
        ];
        let named: Kwargs = known.into_iter().chain(more).collect();
        let mut all = taken.to_vec();
        all.push(named.into());
        self.inner.call(state, &all)
    }
}
