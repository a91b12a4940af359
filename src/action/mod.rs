//! The controller's half of tasks: one file an action; what has none is a module and goes straight
//! to the host.

mod context;

use std::{future::Future, pin::Pin};

pub use context::{ActionContext, ActionError, Remote};

use crate::run::TaskResult;

/// What an action's function gives: its result, or why there is none.
pub type Outcome = Result<TaskResult, ActionError>;

/// An action at work.
pub type ActionFuture<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One action.
pub struct Action {
    /// Its name in `ansible.builtin`.
    pub name: &'static str,
    /// Whether it runs once for all hosts (`add_host`, `pause`).
    pub bypass_host_loop: bool,
    /// Carries it out.
    pub run: for<'a> fn(&'a mut ActionContext<'_>) -> ActionFuture<'a>,
}
