//! What the screen is drawn with: looks as roles, signs, colours, text that is escaped, a pen on a
//! buffer, and boxes. Knows nothing of a session.

pub mod colors;
pub mod css;
pub mod flow;
pub mod pen;
pub mod popup;
pub mod signs;
pub mod text;
pub mod theme;
