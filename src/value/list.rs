//! Python's list: shared, mutable, compared by content.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Value;

/// A list. Clones share the same items.
#[derive(Clone, Debug)]
pub struct List(Arc<RwLock<Vec<Value>>>);

impl List {
    /// A new list of `items`.
    pub fn new(items: Vec<Value>) -> Self {
        Self(Arc::new(RwLock::new(items)))
    }

    /// The items for reading. Don't evaluate anything while holding it.
    pub fn read(&self) -> RwLockReadGuard<'_, Vec<Value>> {
        self.0.read()
    }

    /// The items for changing. Don't evaluate anything while holding it.
    pub fn write(&self) -> RwLockWriteGuard<'_, Vec<Value>> {
        self.0.write()
    }

    /// A copy of the items, safe to walk while templates run.
    pub fn snapshot(&self) -> Vec<Value> {
        self.0.read().clone()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same list (Python's `is`).
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What tells this list from every other that is alive (Python's `id`).
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::new(items.into_iter().collect())
    }
}
