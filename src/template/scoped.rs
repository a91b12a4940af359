//! A mapping whose values are rendered with names of its own.

use std::{any::Any, fmt, sync::Arc};

use super::Scope;
use crate::value::{Dict, Key, Object, Value};

/// A mapping of raw values that are rendered against the mapping's own names, not those of the
/// template that reads it: what `hostvars['web1']` is.
///
/// `get_item` gives the raw value. Whoever reads it in a template downcasts to this type and
/// renders the value with [`ScopedVars::scope`] as its names. An undefined name then is no error:
/// ansible gives the value as it is written.
#[derive(Clone)]
pub struct ScopedVars {
    type_name: &'static str,
    scope: Arc<dyn Scope>,
}

impl ScopedVars {
    /// A mapping of the names of `scope`; Python's name of it is `type_name`.
    pub fn new(type_name: &'static str, scope: Arc<dyn Scope>) -> Self {
        Self { type_name, scope }
    }

    /// The names to render its values with.
    pub fn scope(&self) -> &Arc<dyn Scope> {
        &self.scope
    }
}

impl fmt::Debug for ScopedVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopedVars({})", self.type_name)
    }
}

impl Object for ScopedVars {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn module(&self) -> &str {
        if self.type_name == "dict" { "builtins" } else { "ansible.vars.hostvars" }
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        self.scope.get(key.as_str()?)
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.scope.names().into_iter().map(Value::str).collect())
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        Some(needle.as_str().is_some_and(|name| self.scope.get(name).is_some()))
    }

    fn is_mapping(&self) -> bool {
        true
    }

    /// The values as they are written.
    fn to_plain(&self) -> Option<Value> {
        let names = self.scope.names().into_iter();
        let entries =
            names.filter_map(|name| Some((Key::from(Arc::clone(&name)), self.scope.get(&name)?)));
        Some(Value::Dict(entries.collect::<Dict>()))
    }

    fn repr(&self) -> String {
        // Rendering every value needs a templar; one that meets this type renders it first.
        format!("<{} of {} names>", self.type_name, self.scope.names().len())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
