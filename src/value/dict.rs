//! Python's dict: ordered, shared, mutable, with any hashable value as a key.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use indexmap::{Equivalent, IndexMap};
use num_traits::ToPrimitive;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Str, Value};

/// A dict. Clones share the same entries.
#[derive(Clone, Debug, Default)]
pub struct Dict(Arc<RwLock<IndexMap<Key, Value>>>);

impl Dict {
    /// An empty dict.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.read().get(TextKey::new(key)).cloned()
    }

    /// The value under any key.
    pub fn get_key(&self, key: &Key) -> Option<Value> {
        self.0.read().get(key).cloned()
    }

    /// Whether a text key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.0.read().contains_key(TextKey::new(key))
    }

    /// Sets a text key; its place in the order stays if it was there.
    pub fn insert(&self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.0.write().insert(key.into(), value.into())
    }

    /// Removes a text key, keeping the order of the rest.
    pub fn remove(&self, key: &str) -> Option<Value> {
        self.0.write().shift_remove(TextKey::new(key))
    }

    /// The entries for reading. Don't evaluate anything while holding it.
    pub fn read(&self) -> RwLockReadGuard<'_, IndexMap<Key, Value>> {
        self.0.read()
    }

    /// The entries for changing. Don't evaluate anything while holding it.
    pub fn write(&self) -> RwLockWriteGuard<'_, IndexMap<Key, Value>> {
        self.0.write()
    }

    /// A copy of the entries, safe to walk while templates run.
    pub fn snapshot(&self) -> Vec<(Key, Value)> {
        self.0.read().iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// A new dict with the same entries (values shared).
    pub fn copy(&self) -> Self {
        Self(Arc::new(RwLock::new(self.0.read().clone())))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether both are the same dict (Python's `is`).
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What tells this dict from every other that is alive (Python's `id`).
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl FromIterator<(Key, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        Self(Arc::new(RwLock::new(entries.into_iter().collect())))
    }
}

impl<'a> FromIterator<(&'a str, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value)>>(entries: I) -> Self {
        entries.into_iter().map(|(k, v)| (Key::from(k), v)).collect()
    }
}

/// A hashable value: equal and hashed as in Python (`1`, `1.0` and `True` are one key; the unsafe
/// mark of text does not count).
#[derive(Clone, Debug)]
pub struct Key(Value);

impl Key {
    /// The key for a value, or `None` if Python could not hash it (lists, dicts).
    pub fn new(value: Value) -> Option<Self> {
        hashable(&value).then_some(Self(value))
    }

    /// The value it was made from.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The text, if the key is text.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The value it was made from.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The same key, marked unsafe.
    #[must_use]
    pub fn into_unsafe(self) -> Self {
        Self(self.0.into_unsafe())
    }
}

fn hashable(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Dict(_) => false,
        Value::Tuple(items) => items.iter().all(hashable),
        _ => true,
    }
}

impl From<&str> for Key {
    fn from(s: &str) -> Self {
        Self(Value::str(s))
    }
}
impl From<String> for Key {
    fn from(s: String) -> Self {
        Self(Value::str(s))
    }
}
impl From<Arc<str>> for Key {
    fn from(s: Arc<str>) -> Self {
        Self(Value::str(s))
    }
}
impl From<Str> for Key {
    fn from(s: Str) -> Self {
        Self(Value::Str(s))
    }
}

/// Numbers that are equal must hash alike, whatever their type.
enum Number<'a> {
    Int(i64),
    Big(&'a num_bigint::BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number<'_>> {
    match value {
        Value::Bool(b) => Some(Number::Int(i64::from(*b))),
        Value::Int(n) => Some(Number::Int(*n)),
        Value::BigInt(n) => Some(Number::Big(n)),
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 9.2e18 => f.to_i64().map(Number::Int),
        Value::Float(f) => Some(Number::Float(*f)),
        _ => None,
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Str(s) => s.as_str().hash(state),
        Value::None => 1u8.hash(state),
        Value::Bytes(b) => b.hash(state),
        Value::Date(d) => d.hash(state),
        Value::DateTime(d, o) => (d, o).hash(state),
        Value::Tuple(items) => items.iter().for_each(|v| hash_value(v, state)),
        Value::Object(o) => (Arc::as_ptr(o) as *const ()).hash(state),
        Value::Vaulted(v) => Arc::as_ptr(v).hash(state),
        other => match number(other) {
            Some(Number::Int(n)) => n.hash(state),
            Some(Number::Big(n)) => n.hash(state),
            Some(Number::Float(f)) => f.to_bits().hash(state),
            None => 0u8.hash(state),
        },
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}
impl Eq for Key {}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.as_str() == b.as_str(),
        (Value::None, Value::None) => true,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Date(a), Value::Date(b)) => a == b,
        (Value::DateTime(a, x), Value::DateTime(b, y)) => a == b && x == y,
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b),
        (Value::Vaulted(a), Value::Vaulted(b)) => Arc::ptr_eq(a, b),
        (Value::Undefined(a), Value::Undefined(b)) => Arc::ptr_eq(a, b),
        (a, b) => match (number(a), number(b)) {
            (Some(Number::Int(a)), Some(Number::Int(b))) => a == b,
            (Some(Number::Big(a)), Some(Number::Big(b))) => a == b,
            (Some(Number::Float(a)), Some(Number::Float(b))) => a == b,
            _ => false,
        },
    }
}

/// Looks text up without making a `Key` of it.
#[repr(transparent)]
struct TextKey(str);

impl TextKey {
    fn new(text: &str) -> &Self {
        // SAFETY: TextKey is a transparent wrapper of str.
        unsafe { &*(std::ptr::from_ref::<str>(text) as *const Self) }
    }
}
impl Hash for TextKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl Equivalent<Key> for TextKey {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_one_key() {
        let d = Dict::new();
        for v in [Value::Int(1), Value::Float(1.0), Value::Bool(true)] {
            d.write().insert(Key::new(v).expect("hashable"), Value::None);
        }
        assert_eq!(d.len(), 1);
        d.insert("a", 1);
        assert!(d.contains("a") && d.get("b").is_none());
    }
}
