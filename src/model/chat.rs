//! Chat templates: Jinja, as tokenizer_config.json or chat_template.jinja holds them.

use minijinja::{Environment, Error, ErrorKind, context, syntax::SyntaxConfig};

/// Puts `prompt` into the template as a user's message and opens the answer.
///
/// # Errors
/// If the template does not parse or refuses the message.
pub(super) fn render(template: &str, prompt: &str, bos: &str, eos: &str) -> Result<String, String> {
    let mut environment = Environment::new();
    // A template that loops ends here; a real one takes some hundred instructions a message.
    environment.set_fuel(Some(100_000));
    // As transformers sets them up.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment
        .render_str(
            template,
            context! {
                messages => [context! { role => "user", content => prompt }],
                add_generation_prompt => true,
                bos_token => bos,
                eos_token => eos,
            },
        )
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn llada_style_template() {
        let template = "{% set loop_messages = messages %}{% for message in loop_messages %}\
            {% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ \
            message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}\
            {% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}\
            {% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}\
            {% endif %}";
        let text = render(template, "  2 + 2? ", "<|startoftext|>", "<|endoftext|>").unwrap();
        assert_eq!(
            text,
            "<|startoftext|><|start_header_id|>user<|end_header_id|>\n\n2 + 2?<|eot_id|>\
             <|start_header_id|>assistant<|end_header_id|>\n\n"
        );
    }

    #[test]
    fn a_broken_template_is_an_error() {
        assert!(render("{% for %}", "x", "", "").is_err());
        assert!(render("{{ raise_exception('no') }}", "x", "", "").unwrap_err().contains("no"));
    }
}
