//! What the screen is drawn with: looks as roles, signs, colours, text that is escaped, a pen on a
//! buffer, boxes, and the buffer as a picture. Knows nothing of a session.

pub mod colors;
pub mod css;
pub mod flow;
pub mod pen;
pub mod popup;
pub mod signs;
pub mod svg;
pub mod text;
pub mod theme;
