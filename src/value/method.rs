//! Bound methods and types as values.

use std::{any::Any, sync::Arc};

use super::{Object, Value, repr, types};

/// `value.name` where that is a method: called by the evaluator.
#[derive(Clone, Debug)]
pub struct BoundMethod {
    /// The value it acts on.
    pub receiver: Value,
    /// Its name.
    pub name: &'static str,
}

impl BoundMethod {
    /// The method that `value` is, if it is one.
    pub fn downcast(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(o) => o.as_any().downcast_ref(),
            _ => None,
        }
    }
}

/// Methods of text that ansible's unsafe text has of its own, written in Python.
const UNSAFE: [&str; 27] = [
    "capitalize",
    "casefold",
    "center",
    "encode",
    "removeprefix",
    "removesuffix",
    "expandtabs",
    "format",
    "format_map",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "replace",
    "rjust",
    "rpartition",
    "rstrip",
    "split",
    "rsplit",
    "splitlines",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];

impl BoundMethod {
    fn is_python(&self) -> bool {
        matches!(&self.receiver, Value::Str(s) if s.is_unsafe()) && UNSAFE.contains(&self.name)
    }
}

impl Object for BoundMethod {
    fn type_name(&self) -> &str {
        if self.is_python() { "method" } else { "builtin_function_or_method" }
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        (name == "__name__").then(|| Value::str(self.name))
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        let owner = types::class_name(&self.receiver);
        if self.is_python() {
            let of = repr::repr(&self.receiver).unwrap_or_default();
            return format!("<bound method {owner}.{} of {of}>", self.name);
        }
        format!("<built-in method {} of {owner} object at 0x7f0000000000>", self.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `value.__class__`.
#[derive(Clone, Debug)]
pub struct PyType {
    name: String,
    shown: String,
}

impl PyType {
    /// The type of `value`, as a value.
    pub fn of(value: &Value) -> Value {
        Value::Object(Arc::new(Self {
            name: types::class_name(value).to_owned(),
            shown: types::class_repr(value),
        }))
    }
}

impl Object for PyType {
    fn type_name(&self) -> &str {
        "type"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        matches!(name, "__name__" | "__qualname__").then(|| Value::str(self.name.as_str()))
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let Value::Object(other) = other else { return Some(false) };
        Some(other.as_any().downcast_ref::<Self>().is_some_and(|o| o.shown == self.shown))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        self.shown.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
