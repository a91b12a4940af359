//! What filters, tests and methods may ask of the evaluator.

use std::path::PathBuf;

use super::CallArgs;
use crate::value::{PyResult, Value};

/// The evaluator, as filters, tests and methods see it.
pub trait FilterContext {
    /// Calls a callable value (macro, function, bound method).
    fn call(&mut self, callable: &Value, args: CallArgs) -> PyResult<Value>;

    /// The value of a name in the scope of the running template, rendered.
    fn scope_get(&mut self, name: &str) -> PyResult<Option<Value>>;

    /// Folders in which files are searched, most specific first.
    fn search_paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Shows a warning to the user.
    fn warn(&mut self, _message: &str) {}

    /// Filters whose text is never read as data again (`STRING_TYPE_FILTERS`).
    fn keeps_text(&self, filter: &str) -> bool {
        STRING_TYPE_FILTERS.contains(&filter)
    }
}

/// The default of ansible's `STRING_TYPE_FILTERS`.
pub const STRING_TYPE_FILTERS: &[&str] =
    &["string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "ppretty", "json"];
