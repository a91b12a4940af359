//! `datetime.timedelta`: what subtracting dates gives.

use std::{any::Any, sync::Arc};

use super::{Object, Value};

/// A span of time in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeDelta {
    micros: i64,
}

const DAY: i64 = 86_400_000_000;

impl TimeDelta {
    /// A span of so many microseconds.
    pub fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// A span of so many seconds.
    pub fn from_seconds(seconds: i64) -> Self {
        Self { micros: seconds * 1_000_000 }
    }

    /// The whole span in microseconds.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// As a value.
    pub fn into_value(self) -> Value {
        Value::Object(Arc::new(self))
    }

    /// The span that `value` is, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Object(o) => o.as_any().downcast_ref().copied(),
            _ => None,
        }
    }

    /// `total_seconds()`.
    pub fn total_seconds(self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// Days (may be negative), seconds and microseconds (never negative), as Python splits them.
    pub fn parts(self) -> (i64, i64, i64) {
        let rest = self.micros.rem_euclid(DAY);
        (self.micros.div_euclid(DAY), rest / 1_000_000, rest % 1_000_000)
    }
}

impl Object for TimeDelta {
    fn type_name(&self) -> &str {
        "timedelta"
    }

    fn module(&self) -> &str {
        "datetime"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        let (days, seconds, micros) = self.parts();
        match name {
            "days" => Some(Value::Int(days)),
            "seconds" => Some(Value::Int(seconds)),
            "microseconds" => Some(Value::Int(micros)),
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_true(&self) -> bool {
        self.micros != 0
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(Self::of(other) == Some(*self))
    }

    fn repr(&self) -> String {
        let (days, seconds, micros) = self.parts();
        let shown: Vec<String> = [("days", days), ("seconds", seconds), ("microseconds", micros)]
            .iter()
            .filter(|(_, n)| *n != 0)
            .map(|(name, n)| format!("{name}={n}"))
            .collect();
        let inner = if shown.is_empty() { "0".to_owned() } else { shown.join(", ") };
        format!("datetime.timedelta({inner})")
    }

    fn text(&self) -> Option<String> {
        let (days, seconds, micros) = self.parts();
        let mut out = match days {
            0 => String::new(),
            1 | -1 => format!("{days} day, "),
            _ => format!("{days} days, "),
        };
        out += &format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if micros != 0 {
            out += &format!(".{micros:06}");
        }
        Some(out)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
