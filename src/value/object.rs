//! Values that are neither scalars nor plain containers.

use std::{any::Any, fmt::Debug};

use super::{PyResult, Value};

/// A value with behaviour of its own: hostvars, functions, bound methods, ranges, sets.
///
/// Calling one is the evaluator's business: it downcasts to the callables that it knows.
pub trait Object: Any + Debug + Send + Sync {
    /// Python's name of the type, for error texts: `'HostVars' object …`.
    fn type_name(&self) -> &str;

    /// The Python module of the type: `ansible.vars.hostvars`.
    fn module(&self) -> &str {
        "builtins"
    }

    /// `object[key]`; `None` if there is no such item.
    fn get_item(&self, _key: &Value) -> Option<Value> {
        None
    }

    /// `object.name`; `None` if there is no such attribute.
    fn get_attr(&self, _name: &str) -> Option<Value> {
        None
    }

    /// What iterating gives: the keys of a mapping, the items of a sequence.
    fn iterate(&self) -> Option<Vec<Value>> {
        None
    }

    /// Whether iterating gives something.
    fn is_iterable(&self) -> bool {
        self.is_mapping() || self.iterate().is_some()
    }

    /// What iterating gives, where that may fail: code that runs then.
    fn items(&self) -> PyResult<Option<Vec<Value>>> {
        Ok(self.iterate())
    }

    /// Number of items, if it has a length.
    fn length(&self) -> Option<usize> {
        self.iterate().map(|items| items.len())
    }

    /// Whether `needle in object`; by default searched in `iterate`.
    fn contains(&self, _needle: &Value) -> Option<bool> {
        None
    }

    /// Whether it is a mapping (`is mapping`), so that `iterate` gives keys.
    fn is_mapping(&self) -> bool {
        false
    }

    /// Whether it is a sequence (`is sequence`).
    fn is_sequence(&self) -> bool {
        false
    }

    /// Python's truth of it.
    fn is_true(&self) -> bool {
        self.length() != Some(0)
    }

    /// Whether it equals another value; identity unless told otherwise.
    fn equals(&self, _other: &Value) -> Option<bool> {
        None
    }

    /// Whether it can be a key of a dict or a member of a set.
    fn hashable(&self) -> bool {
        true
    }

    /// Whether it can be called (`is callable`).
    fn is_callable(&self) -> bool {
        false
    }

    /// `repr(object)`.
    fn repr(&self) -> String;

    /// `str(object)` where it differs from `repr`.
    fn text(&self) -> Option<String> {
        None
    }

    /// The plain value it stands for, if it has one (a lazy dict becomes a dict).
    fn to_plain(&self) -> Option<Value> {
        None
    }

    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}
