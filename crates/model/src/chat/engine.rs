//! The engine that renders a template: minijinja, set up as transformers sets up Jinja2.

use std::collections::HashSet;

use jiff::civil::DateTime;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value, syntax::SyntaxConfig};

use super::{
    budget::{FUEL, MOST_BYTES},
    escapes, filters, functions, methods, python, source,
};

/// Renders a template with these variables. `now` is the time that it may ask for.
///
/// # Errors
/// If the template does not parse or refuses the messages.
pub(super) fn render(template: &str, variables: Value, now: DateTime) -> Result<String, String> {
    let source = source::adapted(template)?;
    let environment = environment(now)?;
    environment.render_named_str(NAME, &source, variables).map_err(|error| told(&error))
}

/// The names of the variables that a template reads.
///
/// # Errors
/// If the template does not parse.
pub(super) fn read_by(template: &str) -> Result<HashSet<String>, String> {
    let source = source::adapted(template)?;
    let environment = environment(DateTime::default())?;
    let template =
        environment.template_from_named_str(NAME, &source).map_err(|error| told(&error))?;
    Ok(template.undeclared_variables(false))
}

/// The name of a template in errors.
const NAME: &str = "chat template";

fn environment(now: DateTime) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(methods::call);
    environment.set_formatter(|out, state, value| {
        let text = python::shown(state, value)?;
        let plain = matches!(state.auto_escape(), AutoEscape::None) || value.is_safe();
        out.write_str(&if plain { text } else { escapes::html(&text) })?;
        Ok(())
    });
    filters::add(&mut environment);
    functions::add(&mut environment, now);
    Ok(environment)
}

fn told(error: &Error) -> String {
    match error.kind() {
        ErrorKind::OutOfFuel => format!(
            "it goes on without end or makes more than {} MiB of text, in line {}",
            MOST_BYTES >> 20,
            error.line().unwrap_or_default()
        ),
        _ => error.to_string(),
    }
}
