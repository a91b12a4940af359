//! Tuples whose items have names.

use std::{any::Any, sync::Arc};

use super::{Object, Value, ops, repr};

/// A tuple that is shown and compared as one, with attributes for its items.
#[derive(Clone, Debug)]
pub struct NamedTuple {
    class: &'static str,
    names: &'static [&'static str],
    items: Arc<[Value]>,
}

impl NamedTuple {
    /// A tuple of class `class` whose items are called `names`.
    pub fn value(class: &'static str, names: &'static [&'static str], items: Vec<Value>) -> Value {
        Value::Object(Arc::new(Self { class, names, items: items.into() }))
    }
}

impl Object for NamedTuple {
    fn type_name(&self) -> &str {
        self.class
    }

    fn module(&self) -> &str {
        if self.class == "_GroupTuple" { "jinja2.filters" } else { "builtins" }
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        // Reading a tuple cannot fail but for a missing item.
        super::access::item(&Value::Tuple(Arc::clone(&self.items)), key).ok().flatten()
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        let at = self.names.iter().position(|n| *n == name)?;
        self.items.get(at).cloned()
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.items.to_vec())
    }

    fn hashable(&self) -> bool {
        self.to_plain().is_none_or(|plain| super::ops::is_hashable(&plain))
    }

    fn is_sequence(&self) -> bool {
        true
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        ops::eq(&Value::Tuple(Arc::clone(&self.items)), other).ok()
    }

    fn repr(&self) -> String {
        repr::repr(&Value::Tuple(Arc::clone(&self.items))).unwrap_or_else(|_| "(...)".to_owned())
    }

    fn to_plain(&self) -> Option<Value> {
        Some(Value::Tuple(Arc::clone(&self.items)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
