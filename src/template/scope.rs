//! Where templates find their names.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::value::Value;

/// Names and their raw values (which may still hold templates; the templar renders them when they
/// are used, once).
pub trait Scope: Send + Sync {
    /// The raw value of a name.
    fn get(&self, name: &str) -> Option<Value>;

    /// Every name, for `vars` and for listings.
    fn names(&self) -> Vec<Arc<str>>;
}

/// A few names laid over another scope: loop variables, `until` results, a lookup's `vars`.
pub struct Locals {
    names: IndexMap<Arc<str>, Value>,
    below: Arc<dyn Scope>,
}

impl Locals {
    /// Lays `names` over `below`.
    pub fn new(names: IndexMap<Arc<str>, Value>, below: Arc<dyn Scope>) -> Self {
        Self { names, below }
    }
}

impl Scope for Locals {
    fn get(&self, name: &str) -> Option<Value> {
        self.names.get(name).cloned().or_else(|| self.below.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut all: Vec<_> = self.names.keys().cloned().collect();
        all.extend(self.below.names().into_iter().filter(|n| !self.names.contains_key(n)));
        all
    }
}

/// A scope without names.
pub struct NoNames;

impl Scope for NoNames {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}
