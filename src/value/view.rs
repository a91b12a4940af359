//! `dict.keys()`, `dict.values()` and `dict.items()`: live views.

use std::{any::Any, sync::Arc};

use super::{Dict, Key, Object, Value, ops, repr};

/// Which view of a dict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// `keys()`.
    Keys,
    /// `values()`.
    Values,
    /// `items()`.
    Items,
}

/// A view of a dict: sees later changes, has no items by index, equals no list.
#[derive(Clone, Debug)]
pub struct DictView {
    dict: Dict,
    kind: ViewKind,
}

impl DictView {
    /// A view of `dict`.
    pub fn new(dict: Dict, kind: ViewKind) -> Self {
        Self { dict, kind }
    }

    /// As a value.
    pub fn into_value(self) -> Value {
        Value::Object(Arc::new(self))
    }

    /// The view that `value` is, if it is one.
    pub fn downcast(value: &Value) -> Option<&Self> {
        match value {
            Value::Object(o) => o.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// Whether it has the operators of sets.
    pub fn is_set(&self) -> bool {
        self.kind != ViewKind::Values
    }

    fn items(&self) -> Vec<Value> {
        let entries = self.dict.read();
        match self.kind {
            ViewKind::Keys => entries.keys().map(|k| k.value().clone()).collect(),
            ViewKind::Values => entries.values().cloned().collect(),
            ViewKind::Items => entries
                .iter()
                .map(|(k, v)| Value::tuple(vec![k.value().clone(), v.clone()]))
                .collect(),
        }
    }
}

impl Object for DictView {
    fn type_name(&self) -> &str {
        match self.kind {
            ViewKind::Keys => "dict_keys",
            ViewKind::Values => "dict_values",
            ViewKind::Items => "dict_items",
        }
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.items())
    }

    fn length(&self) -> Option<usize> {
        Some(self.dict.len())
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        match self.kind {
            ViewKind::Keys => Some(self.dict.get_key(&Key::new(needle.clone())?).is_some()),
            ViewKind::Items => match needle {
                Value::Tuple(pair) if pair.len() == 2 => {
                    let value = self.dict.get_key(&Key::new(pair[0].clone())?);
                    Some(value.is_some_and(|v| matches!(ops::eq(&v, &pair[1]), Ok(true))))
                }
                _ => Some(false),
            },
            ViewKind::Values => None,
        }
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let Some(other) = Self::downcast(other) else { return Some(false) };
        if self.kind == ViewKind::Values || other.kind == ViewKind::Values {
            return Some(self.dict.is(&other.dict) && self.kind == other.kind);
        }
        let (a, b) = (self.items(), other.items());
        Some(
            a.len() == b.len()
                && a.iter().all(|x| b.iter().any(|y| matches!(ops::eq(x, y), Ok(true)))),
        )
    }

    fn hashable(&self) -> bool {
        self.kind == ViewKind::Values
    }

    fn repr(&self) -> String {
        let inner = repr::repr(&Value::list(self.items()));
        format!("{}({})", self.type_name(), inner.unwrap_or_else(|_| "[...]".to_owned()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
