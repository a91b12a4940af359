//! Templates: jinja2's grammar and semantics, with what ansible makes of them.
//!
//! Knows neither hosts nor connections: names are asked of a [`Scope`].

pub mod args;
mod condition;
mod context;
mod environment;
mod eval;
mod file;
pub mod filters;
mod header;
pub mod lookups;
pub mod methods;
mod optimize;
mod parse;
mod random;
#[cfg(test)]
mod recorded;
mod scope;
mod scoped;
mod serve;
mod symbols;
mod syntax;
mod templar;
pub mod tests;
mod tree;
mod walk;

pub use args::CallArgs;
pub use context::{FilterContext, STRING_TYPE_FILTERS};
pub use environment::{Environment, Nowhere, Settings, World};
pub use file::{FileOptions, template_vars};
pub use filters::do_encrypt as encrypt;
pub use scope::{Locals, NoNames, Scope};
pub use scoped::ScopedVars;
pub use serve::{Mode, Service};
pub use templar::{RenderOptions, Templar};
