//! Variables: precedence as one ordered list of layers, read lazily.

mod stack;

pub use stack::{Layer, Stack};
