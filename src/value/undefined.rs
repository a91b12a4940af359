//! What a missing name or attribute evaluates to.

use super::Value;
use crate::diagnostic::Span;

/// A missing name or attribute: harmless until it is used, then an error that names it.
#[derive(Clone, Debug, Default)]
pub struct Undefined {
    /// The missing name, if one is known.
    pub name: Option<String>,
    /// The whole text of the error, where it is not just `'name' is undefined`:
    /// `'dict object' has no attribute 'nope'`.
    pub hint: Option<String>,
    /// The object and the key or attribute that it lacks, if that is why.
    pub lacks: Option<(Value, Value)>,
    /// Where the template asked for it.
    pub span: Option<Span>,
    /// jinja2's plain undefined, which an inline `if` without `else` gives: it prints as nothing,
    /// is false and empty, and only fails when its attributes are asked for or in arithmetic.
    pub lenient: bool,
}

impl Undefined {
    /// The undefined value of a name that is not defined.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// An undefined value that explains itself with `hint`.
    pub fn hinted(hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::default() }
    }

    /// What an error about it says.
    pub fn message(&self) -> String {
        match (&self.hint, &self.name) {
            (Some(hint), _) => hint.clone(),
            (None, Some(name)) => format!("{} is undefined", super::repr::str_repr(name)),
            (None, None) => "Undefined".to_owned(),
        }
    }
}
