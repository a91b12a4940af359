//! Python's `set`. Its order is that of insertion (Python's is arbitrary).

use std::{any::Any, sync::Arc};

use indexmap::IndexSet;
use parking_lot::RwLock;

use super::{Key, Object, PyResult, Value, access, ops, repr};

/// A set, shared and mutable.
#[derive(Clone, Debug, Default)]
pub struct Set(Arc<RwLock<IndexSet<Key>>>);

impl Set {
    /// The set of `items`; fails for what can't be hashed.
    pub fn of(items: impl IntoIterator<Item = Value>) -> PyResult<Self> {
        let keys: PyResult<IndexSet<Key>> = items.into_iter().map(ops::to_key).collect();
        Ok(Self(Arc::new(RwLock::new(keys?))))
    }

    /// The set of what iterating `value` gives.
    pub fn from_iterable(value: &Value) -> PyResult<Self> {
        Self::of(access::iterate(value)?)
    }

    /// The set of `keys`.
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(Arc::new(RwLock::new(keys.into_iter().collect())))
    }

    /// The set that `value` is, if it is one.
    pub fn downcast(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(o) => o.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// As a value.
    pub fn into_value(self) -> Value {
        Value::Object(Arc::new(self))
    }

    /// A copy of the members.
    pub fn snapshot(&self) -> IndexSet<Key> {
        self.0.read().clone()
    }

    /// The members for changing.
    pub fn write(&self) -> parking_lot::RwLockWriteGuard<'_, IndexSet<Key>> {
        self.0.write()
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every member of this one is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        let other = other.snapshot();
        self.0.read().iter().all(|k| other.contains(k))
    }

    /// Members of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let other = other.snapshot();
        Self::from_keys(self.snapshot().into_iter().filter(|k| other.contains(k)))
    }

    /// Members of this one that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let other = other.snapshot();
        Self::from_keys(self.snapshot().into_iter().filter(|k| !other.contains(k)))
    }

    /// Members of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_keys(self.snapshot().into_iter().chain(other.snapshot()))
    }

    /// Members of exactly one.
    #[must_use]
    pub fn symmetric_difference(&self, other: &Self) -> Self {
        self.difference(other).union(&other.difference(self))
    }
}

impl Object for Set {
    fn type_name(&self) -> &str {
        "set"
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.0.read().iter().map(|k| k.value().clone()).collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.len())
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        let key = Key::new(needle.clone())?;
        Some(self.0.read().contains(&key))
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(Self::downcast(other).is_some_and(|o| o.len() == self.len() && self.is_subset(o)))
    }

    fn hashable(&self) -> bool {
        false
    }

    fn repr(&self) -> String {
        let items: Vec<String> = self
            .0
            .read()
            .iter()
            // Only a vaulted text that can't be decrypted fails; shown as Python shows objects.
            .map(|k| repr::repr(k.value()).unwrap_or_else(|_| "<undecryptable>".to_owned()))
            .collect();
        if items.is_empty() { "set()".to_owned() } else { format!("{{{}}}", items.join(", ")) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
