//! Python's operators.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    Key, Number, PyError, PyErrorKind, PyResult, Set, Str, TimeDelta, Value, repr, types::type_name,
};

pub use super::arithmetic::{abs, add, div, float_divmod, floordiv, mul, neg, pos, pow, rem, sub};

/// An ordering operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmpOp {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CmpOp {
    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// What `b` is asked where `a` was to be asked this.
    fn mirrored(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

/// The value with vaulted text decrypted; fails for undefined values. jinja2's own undefined
/// values, of a condition without `else`, stay, and are of a wrong type where they are used.
pub fn settle(value: &Value) -> PyResult<Cow<'_, Value>> {
    match value {
        Value::Undefined(u) if u.lenient => Ok(Cow::Borrowed(value)),
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::Vaulted(v) => Ok(Cow::Owned(Value::Str(Str::new(v.plain()?)))),
        // A dict or list in disguise (lazily made variables) acts as what it stands for.
        Value::Object(o) => Ok(o.to_plain().map_or(Cow::Borrowed(value), Cow::Owned)),
        _ => Ok(Cow::Borrowed(value)),
    }
}

/// The same for operators and numbers: of these jinja2's own undefined values know nothing either.
pub fn operand(value: &Value) -> PyResult<Cow<'_, Value>> {
    match value {
        Value::Undefined(u) => Err(PyError::undefined(u)),
        other => settle(other),
    }
}

/// The same for functions that ask for the type before all else: undefined values stay, and fail
/// as values of a wrong type.
pub fn settle_typed(value: &Value) -> PyResult<Cow<'_, Value>> {
    match value {
        Value::Undefined(_) => Ok(Cow::Borrowed(value)),
        other => settle(other),
    }
}

/// `bool(value)`.
pub fn truth(value: &Value) -> PyResult<bool> {
    Ok(match value {
        Value::Undefined(u) if u.lenient => false,
        Value::Undefined(u) => return Err(PyError::undefined(u)),
        Value::None => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::BigInt(_) | Value::Date(_) | Value::DateTime(..) => true,
        Value::Float(f) => *f != 0.0,
        Value::Str(s) => !s.is_empty(),
        Value::Bytes(b) => !b.is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Tuple(t) => !t.is_empty(),
        Value::Dict(d) => !d.is_empty(),
        Value::Vaulted(v) => !v.plain()?.is_empty(),
        Value::Object(o) => o.is_true(),
    })
}

/// `value` as a key of a dict; `TypeError` if it has no hash.
pub fn to_key(value: Value) -> PyResult<Key> {
    match unhashable(&value) {
        None => Key::new(match value {
            Value::Vaulted(v) => Value::Str(Str::new(v.plain()?)),
            other => other,
        })
        .ok_or_else(|| PyError::type_error("unhashable type")),
        Some(Value::Undefined(u)) => Err(PyError::undefined(&u)),
        Some(v) => Err(PyError::type_error(format!("unhashable type: '{}'", type_name(&v)))),
    }
}

/// The part of `value` that has no hash.
fn unhashable(value: &Value) -> Option<Value> {
    match value {
        Value::List(_) | Value::Dict(_) | Value::Undefined(_) => Some(value.clone()),
        Value::Tuple(items) => items.iter().find_map(unhashable),
        Value::Object(o) if !o.hashable() => match o.to_plain() {
            // A tuple whose items have names: one of them is to blame.
            Some(plain @ Value::Tuple(_)) => unhashable(&plain),
            _ => Some(value.clone()),
        },
        _ => None,
    }
}

/// Whether `value` has a hash.
pub fn is_hashable(value: &Value) -> bool {
    unhashable(value).is_none()
}

/// `a is b`.
pub fn is_same(a: &Value, b: &Value) -> bool {
    use std::sync::Arc;
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        // CPython keeps one object for each small integer and, within a template, each constant.
        (Value::Int(a), Value::Int(b)) => a == b && (-5..=256).contains(a),
        (Value::Str(a), Value::Str(b)) => {
            // Nor is there more than one of each Latin character, and of the empty text.
            let single =
                || a.chars().next().is_none_or(|c| c <= '\u{ff}' && a.len() == c.len_utf8());
            Arc::ptr_eq(a.shared(), b.shared()) || a == b && a.class() == b.class() && single()
        }
        (Value::List(a), Value::List(b)) => a.is(b),
        (Value::Dict(a), Value::Dict(b)) => a.is(b),
        (Value::Tuple(a), Value::Tuple(b)) => Arc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Arc::ptr_eq(a, b),
        (Value::Undefined(a), Value::Undefined(b)) => Arc::ptr_eq(a, b),
        (Value::Vaulted(a), Value::Vaulted(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

/// `a == b`.
pub fn eq(a: &Value, b: &Value) -> PyResult<bool> {
    let lenient = |v: &Value| matches!(v, Value::Undefined(u) if u.lenient);
    match (lenient(a), lenient(b)) {
        (true, true) => return Ok(true),
        (true, false) if !b.is_undefined() => return Ok(false),
        (false, true) if !a.is_undefined() => return Ok(false),
        // The stricter class is asked first.
        (true, false) => return settle(b).map(|_| false),
        _ => {}
    }
    let (a, b) = (settle(a)?, settle(b)?);
    let (a, b) = (a.as_ref(), b.as_ref());
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return Ok(x.compare(&y) == Some(Ordering::Equal));
    }
    match (a, b) {
        (Value::None, Value::None) => Ok(true),
        (Value::Str(a), Value::Str(b)) => Ok(a == b),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(a == b),
        (Value::Date(a), Value::Date(b)) => Ok(a == b),
        (Value::DateTime(a, x), Value::DateTime(b, y)) => {
            Ok(x.is_some() == y.is_some() && utc(a, *x) == utc(b, *y))
        }
        (Value::List(a), Value::List(b)) => Ok(a.is(b) || eq_items(&a.snapshot(), &b.snapshot())?),
        (Value::Tuple(a), Value::Tuple(b)) => eq_items(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            if a.is(b) {
                return Ok(true);
            }
            let (a, b) = (a.snapshot(), b.read().clone());
            if a.len() != b.len() {
                return Ok(false);
            }
            for (k, v) in &a {
                match b.get(k) {
                    Some(other) if is_same(v, other) || eq(v, other)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Value::Object(o), other) => Ok(o.equals(other).unwrap_or_else(|| is_same(a, other))),
        (other, Value::Object(o)) => Ok(o.equals(other).unwrap_or(false)),
        _ => Ok(false),
    }
}

fn eq_items(a: &[Value], b: &[Value]) -> PyResult<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (x, y) in a.iter().zip(b) {
        if !is_same(x, y) && !eq(x, y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn utc(d: &chrono::NaiveDateTime, offset: Option<i32>) -> chrono::NaiveDateTime {
    *d - chrono::Duration::seconds(i64::from(offset.unwrap_or(0)))
}

/// Whether it is a tuple whose items have names.
fn is_named_tuple(value: &Value) -> bool {
    match value {
        Value::Object(o) => o.is_sequence() && matches!(o.to_plain(), Some(Value::Tuple(_))),
        _ => false,
    }
}

/// `a < b` and its kin.
pub fn compare(a: &Value, b: &Value, op: CmpOp) -> PyResult<bool> {
    if let (Value::Undefined(lenient), Value::Undefined(_)) = (a, b)
        && lenient.lenient
    {
        return operand(b).map(|_| false);
    }
    if matches!(a, Value::Tuple(_)) && is_named_tuple(b) {
        // Python asks the more special class first.
        return compare(operand(b)?.as_ref(), a, op.mirrored());
    }
    let (x, y) = (operand(a)?, operand(b)?);
    let (x, y) = (x.as_ref(), y.as_ref());
    if let (Some(x), Some(y)) = (Number::of(x), Number::of(y)) {
        return Ok(x.compare(&y).is_some_and(|o| op.holds(o)));
    }
    let order = match (x, y) {
        (Value::Str(a), Value::Str(b)) => a.as_str().cmp(b.as_str()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::DateTime(a, p), Value::DateTime(b, q)) => {
            if p.is_some() != q.is_some() {
                return Err(PyError::type_error(
                    "can't compare offset-naive and offset-aware datetimes",
                ));
            }
            utc(a, *p).cmp(&utc(b, *q))
        }
        (Value::List(a), Value::List(b)) => {
            return compare_items(&a.snapshot(), &b.snapshot(), op);
        }
        (Value::Tuple(a), Value::Tuple(b)) => return compare_items(a, b, op),
        (Value::Date(_) | Value::DateTime(..), Value::Date(_) | Value::DateTime(..)) => {
            // The more special class is asked first.
            let (x, y) = if matches!(x, Value::Date(_)) { (y, x) } else { (x, y) };
            return Err(PyError::type_error(format!(
                "can't compare {} to {}",
                type_name(x),
                type_name(y)
            )));
        }
        _ => {
            if let (Some(a), Some(b)) = (TimeDelta::of(x), TimeDelta::of(y)) {
                return Ok(op.holds(a.cmp(&b)));
            }
            if let (Some(a), Some(b)) = (Set::downcast(x), Set::downcast(y)) {
                return Ok(match op {
                    CmpOp::Lt => a.len() < b.len() && a.is_subset(b),
                    CmpOp::Le => a.is_subset(b),
                    CmpOp::Gt => b.len() < a.len() && b.is_subset(a),
                    CmpOp::Ge => b.is_subset(a),
                });
            }
            return Err(PyError::type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                op.symbol(),
                type_name(a),
                type_name(b)
            )));
        }
    };
    Ok(op.holds(order))
}

fn compare_items(a: &[Value], b: &[Value], op: CmpOp) -> PyResult<bool> {
    for (x, y) in a.iter().zip(b) {
        if !is_same(x, y) && !eq(x, y)? {
            return compare(x, y, op);
        }
    }
    Ok(op.holds(a.len().cmp(&b.len())))
}

/// `sorted(items, key=…, reverse=…)` of pairs of key and item: stable, and comparing with `<` alone
/// in CPython's order, so that the error of keys without an order is the same.
pub fn sort_by_key(mut items: Vec<(Value, Value)>, reverse: bool) -> PyResult<Vec<Value>> {
    if reverse {
        items.reverse();
    }
    let mut runs = Vec::new();
    while !items.is_empty() {
        let rest = items.split_off(items.len().min(64));
        runs.push(insertion_sort(std::mem::replace(&mut items, rest))?);
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right)?,
                None => left,
            });
        }
        runs = merged;
    }
    let mut sorted = runs.pop().unwrap_or_default();
    if reverse {
        sorted.reverse();
    }
    Ok(sorted.into_iter().map(|(_, v)| v).collect())
}

fn less(a: &(Value, Value), b: &(Value, Value)) -> PyResult<bool> {
    compare(&a.0, &b.0, CmpOp::Lt)
}

/// Finds the run at the start (turning it round if it falls), then inserts the rest by halving.
fn insertion_sort(mut items: Vec<(Value, Value)>) -> PyResult<Vec<(Value, Value)>> {
    let mut run = items.len().min(1);
    if items.len() > 1 {
        let falling = less(&items[1], &items[0])?;
        run = 2;
        while run < items.len() && less(&items[run], &items[run - 1])? == falling {
            run += 1;
        }
        if falling {
            items[..run].reverse();
        }
    }
    for at in run..items.len() {
        let (mut low, mut high) = (0, at);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(&items[at], &items[middle])? { high = middle } else { low = middle + 1 }
        }
        items[low..=at].rotate_right(1);
    }
    Ok(items)
}

fn merge(left: Vec<(Value, Value)>, right: Vec<(Value, Value)>) -> PyResult<Vec<(Value, Value)>> {
    let mut out = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from = if less(b, a)? { &mut right } else { &mut left };
        out.extend(from.next());
    }
    out.extend(left);
    out.extend(right);
    Ok(out)
}

/// `needle in haystack`.
pub fn contains(haystack: &Value, needle: &Value) -> PyResult<bool> {
    match haystack {
        Value::Undefined(u) if u.lenient => return Ok(false),
        // A lazily made mapping is not made whole for this.
        Value::Object(o) if o.is_mapping() => {
            if let Some(found) = o.contains(needle) {
                return Ok(found);
            }
        }
        _ => {}
    }
    let hay = settle(haystack)?;
    match hay.as_ref() {
        Value::Str(s) => match settle_typed(needle)?.as_ref() {
            Value::Str(n) => Ok(s.contains(n.as_str())),
            other => Err(PyError::type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                type_name(if matches!(needle, Value::Object(_)) { needle } else { other })
            ))),
        },
        Value::Bytes(b) => match settle_typed(needle)?.as_ref() {
            Value::Bytes(n) => Ok(n.is_empty() || b.windows(n.len()).any(|w| w == &**n)),
            Value::Bool(n) => Ok(b.contains(&u8::from(*n))),
            Value::Int(n) => match u8::try_from(*n) {
                Ok(n) => Ok(b.contains(&n)),
                Err(_) => Err(PyError::value_error("byte must be in range(0, 256)")),
            },
            Value::BigInt(_) => Err(PyError::value_error("byte must be in range(0, 256)")),
            other => Err(PyError::type_error(format!(
                "a bytes-like object is required, not '{}'",
                type_name(other)
            ))),
        },
        Value::Dict(d) => Ok(d.get_key(&to_key(needle.clone())?).is_some()),
        Value::List(l) => any_equal(&l.snapshot(), needle),
        Value::Tuple(t) => any_equal(t, needle),
        Value::Object(o) => {
            // Items are looked for by their key; what is no pair is none of them.
            let asks = !matches!(o.type_name(), "dict_items") || matches!(needle, Value::Tuple(_));
            if asks && !o.hashable() && !is_hashable(needle) {
                to_key(needle.clone())?;
            }
            if let Some(found) = o.contains(needle) {
                return Ok(found);
            }
            match o.iterate() {
                Some(items) => any_equal(&items, needle),
                None => Err(not_a_container(haystack)),
            }
        }
        _ => Err(not_a_container(haystack)),
    }
}

fn not_a_container(value: &Value) -> PyError {
    PyError::type_error(format!("argument of type '{}' is not iterable", type_name(value)))
}

fn any_equal(items: &[Value], needle: &Value) -> PyResult<bool> {
    for item in items {
        if is_same(item, needle) || eq(item, needle)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// jinja2's `a ~ b`: both as text.
pub fn concat(parts: &[Value]) -> PyResult<Value> {
    let mut text = String::new();
    let mut is_unsafe = false;
    for part in parts {
        let s = repr::to_str(part)?;
        is_unsafe |= s.is_unsafe();
        text.push_str(&s);
    }
    let out = Str::new(text);
    Ok(Value::Str(if is_unsafe { out.into_unsafe() } else { out }))
}

/// The error of a value that has no attribute, as Python words it.
pub fn no_attribute(value: &Value, name: &str) -> PyError {
    if let Value::Undefined(u) = value {
        return PyError::undefined(u);
    }
    PyError::new(
        PyErrorKind::AttributeError,
        format!("'{}' object has no attribute '{name}'", type_name(value)),
    )
}

#[cfg(test)]
#[path = "ops_tests.rs"]
mod tests;
