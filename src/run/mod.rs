//! The engine: drives hosts through plays.
//!
//! The [`driver`] walks playbooks, plays and batches; a [`strategy`] decides which host runs which
//! task next, from where their [`cursor`]s stand; a [`worker`] runs one task on one host; what it
//! came to is taken in by [`results`]. Only the driver changes the state of hosts.

mod connection_vars;
mod context;
pub mod cursor;
mod debugger;
pub mod driver;
mod fields;
mod handlers;
mod include;
mod looping;
mod meta;
mod play;
mod poll;
mod prompt;
mod result;
mod results;
mod scope;
mod stats;
pub mod strategy;
mod verdict;
mod worker;
mod workers;

pub use connection_vars::ConnectionVars;
pub use context::{Options, PlayContext, Run, Stop};
pub use driver::{Exit, execute, execute_loaded};
pub use fields::{AfterFields, Defaults, Fields, Resolver, conditions};
pub use result::{Control, IncludeWish, TaskResult};
pub use worker::{Finished, Message, Worker};
