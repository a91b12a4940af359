//! Source files, positions in them, and the error type that every room returns to people.
//!
//! Knows nothing of Ansible. A layer may have its own error enum; at its boundary it becomes an
//! [`Error`]: a kind (which decides the exit code), a message, the place, hints and causes.

pub mod ansible;
mod finding;
mod notice;
mod similar;
mod source;

use std::fmt;

pub use ansible::describe as ansible_text;
pub use finding::Finding;
pub use notice::{Collected, Notice, Notices, in_worker, is_new_to_worker};
pub use similar::similar;
pub use source::{Position, Source, Span};

/// What sort of failure an [`Error`] is; decides the exit code and how it is introduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line or the configuration is wrong.
    Options,
    /// A file that a person wrote cannot be understood (YAML, inventory, playbook structure).
    Parser,
    /// A template that a person wrote does not compile or fails while rendering.
    Template,
    /// A template used a name or attribute that does not exist.
    Undefined,
    /// A file or role that is needed is not there.
    NotFound,
    /// Vault: no secret, wrong secret, damaged payload.
    Vault,
    /// Something about a host: it cannot be reached, the login failed.
    Unreachable,
    /// A task could not be carried out (raised by the controller's half of an action).
    Action,
    /// Any other mistake of the user's.
    User,
    /// A mistake of ours.
    Internal,
    /// Stopped by the user.
    Interrupted,
    /// A person ended the run, and was told so already.
    Quit,
}

/// An error for people: what happened, where, and what to do about it.
///
/// One word wide, so that `Result<T, Error>` stays cheap.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: Kind,
    message: String,
    span: Option<Span>,
    hints: Vec<String>,
    /// The bare problem behind a wrapped message, for callers that embed it in a longer text.
    cause: Option<Error>,
    /// The Python class that people would see named.
    class: Option<&'static str>,
}

/// The result of everything that can go wrong for a person to read about.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Repr {
            kind,
            message: message.into(),
            span: None,
            hints: Vec::new(),
            cause: None,
            class: None,
        }))
    }

    /// Shorthand for a parser error with its place.
    pub fn parser(message: impl Into<String>, span: impl Into<Option<Span>>) -> Self {
        Self::new(Kind::Parser, message).at(span)
    }

    /// Adds the place, unless one is known already (the innermost is the most exact).
    #[must_use]
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        if self.0.span.is_none() {
            self.0.span = span.into();
        }
        self
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }

    /// Remembers what this error came from.
    #[must_use]
    pub fn caused_by(mut self, cause: Self) -> Self {
        self.0.cause = Some(cause);
        self
    }

    /// The same error under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error with its message replaced by `f(message)`.
    #[must_use]
    pub fn map_message(mut self, f: impl FnOnce(String) -> String) -> Self {
        let message = std::mem::take(&mut self.0.message);
        self.0.message = f(message);
        self
    }

    /// Which sort of failure this is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What happened, without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, if known.
    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
    }

    /// Lines of advice.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// Names the Python class that ansible would have raised, for messages that show it.
    #[must_use]
    pub fn of_class(mut self, class: &'static str) -> Self {
        self.0.class = Some(class);
        self
    }

    /// The full path of the Python class that ansible would have raised, if that is known.
    pub fn class(&self) -> Option<&'static str> {
        self.0.class
    }

    /// What this error came from.
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Error");
        d.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(span) = &self.0.span {
            d.field("at", &format_args!("{span}"));
        }
        d.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {}
