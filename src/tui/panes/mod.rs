//! The panes, one file each. A pane draws from the application's state and answers which thing
//! lies under a cell; it changes nothing.

pub mod canvas;
pub mod chart;
pub mod eos;
pub mod grid;
pub mod inspector;
pub mod length;
pub mod log;
pub mod params;
pub mod session;
pub mod steps;
pub mod timeline;
pub mod waterfall;
