//! The controller's half of tasks.

pub mod names;
