//! Arguments as text that reads back to them.

use std::fmt;

use super::{
    super::words::{in_quotes, quoted},
    Argument, Arguments, TOKENS_REMASKED,
};

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Steps(n) | Self::Masks(n) | Self::Passes(n) => n.fmt(f),
            Self::Condition(condition) => condition.fmt(f),
            Self::Destination(destination) => destination.fmt(f),
            Self::Assignment(name, value) => {
                let whole = format!("{name}={value}");
                match quoted(name) == *name && quoted(value) == *value {
                    true => f.write_str(&whole),
                    false => f.write_str(&in_quotes(&whole)),
                }
            }
            Self::Try(number) | Self::Breakpoint(Some(number)) => number.fmt(f),
            Self::Breakpoint(None) => f.write_str("all"),
            Self::Prompt(text) => f.write_str(&in_quotes(text)),
            Self::Expression(text) => f.write_str(text),
            Self::Position(position) => position.fmt(f),
            Self::Token(token) => token.fmt(f),
            Self::Query(query, None) => query.fmt(f),
            Self::Query(query, Some(file)) => {
                write!(f, "{query} to {}", quoted(&file.to_string_lossy()))
            }
            Self::File(file) => f.write_str(&quoted(&file.to_string_lossy())),
            Self::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // A single step and the usual number of passes go without saying.
        let unsaid = [Argument::Steps(1), Argument::Passes(TOKENS_REMASKED)];
        let written = self.0.iter().filter(|argument| !unsaid.contains(argument));
        for argument in written {
            write!(f, " {argument}")?;
        }
        Ok(())
    }
}
