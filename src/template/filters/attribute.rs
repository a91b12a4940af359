//! The `attribute=` of jinja2's filters: a path of attributes, items and indices.

use crate::value::{PyResult, Value, access, ops::settle};

/// A path such as `a.b.0`.
pub(super) struct Attribute {
    parts: Vec<Value>,
    ignore_case: bool,
    default: Option<Value>,
}

impl Attribute {
    /// The path that `attribute` writes; none at all gives the item itself.
    pub(super) fn new(attribute: Option<&Value>) -> PyResult<Self> {
        let parts = match attribute.map(settle).transpose()?.as_deref() {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(path)) => path.split('.').map(part).collect(),
            Some(other) => vec![other.clone()],
        };
        Ok(Self { parts, ignore_case: false, default: None })
    }

    /// Several paths, separated by commas.
    pub(super) fn several(attribute: Option<&Value>) -> PyResult<Vec<Self>> {
        match attribute.map(settle).transpose()?.as_deref() {
            Some(Value::Str(paths)) => {
                paths.split(',').map(|p| Self::new(Some(&Value::str(p)))).collect()
            }
            _ => Ok(vec![Self::new(attribute)?]),
        }
    }

    /// Makes text lower case.
    pub(super) fn ignoring_case(mut self, ignore_case: bool) -> Self {
        self.ignore_case = ignore_case;
        self
    }

    /// Stands in for what is missing.
    pub(super) fn or(mut self, default: Option<Value>) -> Self {
        self.default = default.filter(|d| !d.is_none());
        self
    }

    /// What `item` has there.
    pub(super) fn get(&self, item: &Value) -> PyResult<Value> {
        let mut value = item.clone();
        for part in &self.parts {
            value = access::get_item(&value, part)?;
            if let (true, Some(default)) = (value.is_undefined(), &self.default) {
                value = default.clone();
            }
        }
        Ok(match &value {
            Value::Str(s) if self.ignore_case => Value::Str(s.derive(s.to_lowercase())),
            _ => value,
        })
    }
}

fn part(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(n) if text.bytes().all(|b| b.is_ascii_digit()) => Value::Int(n),
        _ => Value::str(text),
    }
}
