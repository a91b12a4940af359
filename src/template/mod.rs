//! Templates: minijinja parses, we evaluate with ansible's semantics.
//!
//! Knows neither hosts nor connections: names are asked of a [`Scope`].

mod scope;

pub use scope::{Locals, Scope};
