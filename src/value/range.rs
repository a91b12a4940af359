//! Python's `range`.

use std::{any::Any, sync::Arc};

use super::{Object, PyError, PyResult, Value};

/// A range of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    start: i64,
    step: i64,
    len: usize,
}

impl Range {
    /// `range(start, stop, step)`.
    pub fn new(start: i64, stop: i64, step: i64) -> PyResult<Self> {
        if step == 0 {
            return Err(PyError::value_error("range() arg 3 must not be zero"));
        }
        let span = if step > 0 {
            i128::from(stop) - i128::from(start)
        } else {
            i128::from(start) - i128::from(stop)
        };
        let step_size = i128::from(step).abs();
        let len = if span <= 0 { 0 } else { (span + step_size - 1) / step_size };
        let len = usize::try_from(len).map_err(|_| {
            PyError::new(
                super::PyErrorKind::OverflowError,
                "Python int too large to convert to C ssize_t",
            )
        })?;
        Ok(Self { start, step, len })
    }

    /// As a value.
    pub fn into_value(self) -> Value {
        Value::Object(Arc::new(self))
    }

    /// The range that `value` is, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Object(o) => o.as_any().downcast_ref().copied(),
            _ => None,
        }
    }

    /// The integer at `index` (from 0).
    pub fn get(&self, index: usize) -> Option<i64> {
        // Members lie between two integers of 64 bits.
        (index < self.len).then(|| {
            self.start.wrapping_add(self.step.wrapping_mul(i64::try_from(index).unwrap_or(0)))
        })
    }

    /// How many integers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Object for Range {
    fn type_name(&self) -> &str {
        "range"
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        let (Value::Int(n), len) = (key, i64::try_from(self.len).ok()?) else { return None };
        let index = if *n < 0 { n + len } else { *n };
        self.get(usize::try_from(index).ok()?).map(Value::Int)
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "start" => Some(Value::Int(self.start)),
            "step" => Some(Value::Int(self.step)),
            _ => None,
        }
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some((0..self.len).filter_map(|i| self.get(i)).map(Value::Int).collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.len)
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        match super::Number::of(needle) {
            Some(super::Number::Int(n)) => {
                let offset = i128::from(n) - i128::from(self.start);
                let step = i128::from(self.step);
                Some(offset % step == 0 && (0..self.len as i128).contains(&(offset / step)))
            }
            Some(super::Number::Float(f)) if f.fract() == 0.0 && f.abs() < 9e18 => {
                self.contains(&Value::Int(f as i64))
            }
            _ => Some(false),
        }
    }

    fn is_sequence(&self) -> bool {
        true
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let Some(other) = Self::of(other) else { return Some(false) };
        Some(
            self.len == other.len
                && (self.len == 0
                    || self.start == other.start && (self.len == 1 || self.step == other.step)),
        )
    }

    fn repr(&self) -> String {
        let stop = i128::from(self.start) + i128::from(self.step) * self.len as i128;
        if self.step == 1 {
            format!("range({}, {stop})", self.start)
        } else {
            format!("range({}, {stop}, {})", self.start, self.step)
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
