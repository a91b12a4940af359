//! Templates: minijinja parses, we evaluate with ansible's semantics.
//!
//! Knows neither hosts nor connections: names are asked of a [`Scope`].

mod scope;
mod scoped;

pub use scope::{Locals, Scope};
pub use scoped::ScopedVars;
