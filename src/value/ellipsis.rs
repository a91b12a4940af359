//! Python's `...`.

use std::{any::Any, sync::Arc};

use super::{Object, Value};

/// What `...` stands for.
#[derive(Debug)]
pub struct Ellipsis;

impl Ellipsis {
    /// As a value.
    pub fn value() -> Value {
        Value::Object(Arc::new(Self))
    }
}

impl Object for Ellipsis {
    fn type_name(&self) -> &str {
        "ellipsis"
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(matches!(other, Value::Object(o) if o.as_any().is::<Self>()))
    }

    fn repr(&self) -> String {
        "Ellipsis".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
