//! The engine that renders a template: minijinja, set up as transformers sets up Jinja2.

use jiff::civil::DateTime;
use minijinja::{AutoEscape, Environment, Value, syntax::SyntaxConfig};

use super::{filters, functions, methods, python, source};

/// Steps of the engine that a template may take: one that loops ends here. A real one takes some
/// hundred a message.
const FUEL: u64 = 5_000_000;

/// Renders a template with these variables. `now` is the time that it may ask for.
///
/// # Errors
/// If the template does not parse or refuses the messages.
pub(super) fn render(template: &str, variables: Value, now: DateTime) -> Result<String, String> {
    let source = source::adapted(template)?;
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(methods::call);
    environment.set_formatter(|out, state, value| {
        let text = python::shown(value);
        let plain = matches!(state.auto_escape(), AutoEscape::None) || value.is_safe();
        out.write_str(&if plain { text } else { filters::escaped(&text) })?;
        Ok(())
    });
    filters::add(&mut environment);
    functions::add(&mut environment, now);
    environment
        .render_named_str("chat template", &source, variables)
        .map_err(|error| error.to_string())
}
