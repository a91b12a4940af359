//! Templates: minijinja parses, we evaluate with ansible's semantics.
//!
//! Knows neither hosts nor connections: names are asked of a [`Scope`].

pub mod args;
mod context;
pub mod filters;
pub mod methods;
mod scope;
mod scoped;
pub mod tests;

pub use args::CallArgs;
pub use context::{FilterContext, STRING_TYPE_FILTERS};
pub use scope::{Locals, Scope};
pub use scoped::ScopedVars;
mod stub;
pub use stub::*;
