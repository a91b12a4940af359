//! Python's operators.

use std::{borrow::Cow, cmp::Ordering};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{
    DictView, Key, Number, PyError, PyErrorKind, PyResult, Set, Str, TimeDelta, Value, access,
    format, repr,
    types::{class_name, type_name},
};

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

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

/// The value with vaulted text decrypted; fails for undefined values.
pub fn settle(value: &Value) -> PyResult<Cow<'_, Value>> {
    match value {
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::Vaulted(v) => Ok(Cow::Owned(Value::Str(Str::new(v.plain()?)))),
        // A dict or list in disguise (lazily made variables) acts as what it stands for.
        Value::Object(o) => Ok(o.to_plain().map_or(Cow::Borrowed(value), Cow::Owned)),
        _ => Ok(Cow::Borrowed(value)),
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
        Some(Value::Undefined(u)) => Err(PyError::undefined(u)),
        Some(v) => Err(PyError::type_error(format!("unhashable type: '{}'", type_name(v)))),
    }
}

/// The part of `value` that has no hash.
fn unhashable(value: &Value) -> Option<&Value> {
    match value {
        Value::List(_) | Value::Dict(_) | Value::Undefined(_) => Some(value),
        Value::Tuple(items) => items.iter().find_map(unhashable),
        Value::Object(o) if !o.hashable() => Some(value),
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

fn utc(d: &chrono::NaiveDateTime, offset: Option<i32>) -> chrono::NaiveDateTime {
    *d - chrono::Duration::seconds(i64::from(offset.unwrap_or(0)))
}

/// `a < b` and its kin.
pub fn compare(a: &Value, b: &Value, op: CmpOp) -> PyResult<bool> {
    if let (Value::Undefined(lenient), Value::Undefined(_)) = (a, b)
        && lenient.lenient
    {
        return settle(b).map(|_| false);
    }
    let (x, y) = (settle(a)?, settle(b)?);
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
                type_name(other)
            ))),
        },
        Value::Bytes(b) => match settle(needle)?.as_ref() {
            Value::Bytes(n) => Ok(n.is_empty() || b.windows(n.len()).any(|w| w == &**n)),
            Value::Int(n) => Ok(b.iter().any(|x| i64::from(*x) == *n)),
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

fn unsupported(symbol: &str, a: &Value, b: &Value) -> PyError {
    PyError::type_error(format!(
        "unsupported operand type(s) for {symbol}: '{}' and '{}'",
        type_name(a),
        type_name(b)
    ))
}

/// New text out of `a` and `b`: unsafe if one of them is.
fn joined(a: &Str, b: &Str, text: String) -> Value {
    let out = Str::new(text);
    Value::Str(if a.is_unsafe() || b.is_unsafe() { out.into_unsafe() } else { out })
}

/// `a + b`.
pub fn add(a: &Value, b: &Value) -> PyResult<Value> {
    if is_unsafe(a) && b.is_undefined() {
        return Err(concatenate("str", b));
    }
    let (x, y) = (settle(a)?, settle(b)?);
    if is_unsafe(b) && !matches!(x.as_ref(), Value::Str(_)) {
        return added_to_unsafe(&x, b);
    }
    let (x, y) = (x.as_ref(), y.as_ref());
    if let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) {
        return arithmetic(p, q, i64::checked_add, |a, b| a + b, |a, b| a + b);
    }
    match (x, y) {
        (Value::Str(p), Value::Str(q)) => Ok(joined(p, q, format!("{p}{q}"))),
        (Value::List(p), Value::List(q)) => {
            let mut items = p.snapshot();
            items.extend(q.snapshot());
            Ok(Value::list(items))
        }
        (Value::Tuple(p), Value::Tuple(q)) => {
            Ok(Value::tuple(p.iter().chain(q.iter()).cloned().collect()))
        }
        (Value::Bytes(p), Value::Bytes(q)) => Ok(Value::Bytes([&**p, &**q].concat().into())),
        (Value::Str(_), _) if !is_vaulted(a) => Err(concatenate("str", b)),
        (Value::List(_), _) => Err(concatenate("list", b)),
        (Value::Tuple(_), _) => Err(concatenate("tuple", b)),
        (Value::Bytes(_), _) => {
            Err(PyError::type_error(format!("can't concat {} to bytes", type_name(b))))
        }
        _ => match (TimeDelta::of(x), TimeDelta::of(y)) {
            (Some(p), Some(q)) => Ok(TimeDelta::from_micros(p.micros() + q.micros()).into_value()),
            (None, Some(q)) if is_date(x) => shift(x, q.micros()),
            (Some(p), None) if is_date(y) => shift(y, p.micros()),
            _ => Err(unsupported("+", a, b)),
        },
    }
}

fn is_unsafe(value: &Value) -> bool {
    matches!(value, Value::Str(s) if s.is_unsafe())
}

/// Unsafe text calls the other's `__add__` itself, and makes text of whatever that says.
fn added_to_unsafe(a: &Value, b: &Value) -> PyResult<Value> {
    match a {
        Value::List(_) => Err(concatenate("list", b)),
        Value::Tuple(_) => Err(concatenate("tuple", b)),
        Value::Bytes(_) => {
            Err(PyError::type_error(format!("can't concat {} to bytes", type_name(b))))
        }
        Value::Object(o) if TimeDelta::of(a).is_none() && !o.is_sequence() => {
            Err(no_attribute(a, "__add__"))
        }
        Value::None | Value::Dict(_) => Err(no_attribute(a, "__add__")),
        _ => Ok(not_implemented()),
    }
}

/// Python's `NotImplemented`, which unsafe text takes for a result.
fn not_implemented() -> Value {
    Value::unsafe_str("NotImplemented")
}

fn is_vaulted(value: &Value) -> bool {
    matches!(value, Value::Vaulted(_))
}

fn concatenate(name: &str, other: &Value) -> PyError {
    PyError::type_error(format!(
        "can only concatenate {name} (not \"{}\") to {name}",
        type_name(other)
    ))
}

fn is_date(value: &Value) -> bool {
    matches!(value, Value::Date(_) | Value::DateTime(..))
}

fn shift(date: &Value, micros: i64) -> PyResult<Value> {
    let by = chrono::Duration::microseconds(micros);
    let moved = match date {
        Value::DateTime(d, offset) => d.checked_add_signed(by).map(|d| Value::DateTime(d, *offset)),
        Value::Date(d) => {
            let days = chrono::Duration::days(micros.div_euclid(86_400_000_000));
            d.checked_add_signed(days).map(Value::Date)
        }
        _ => None,
    };
    moved.ok_or_else(|| PyError::new(PyErrorKind::OverflowError, "date value out of range"))
}

/// `a - b`.
pub fn sub(a: &Value, b: &Value) -> PyResult<Value> {
    let (x, y) = (settle(a)?, settle(b)?);
    let (x, y) = (x.as_ref(), y.as_ref());
    // Keys and items of dicts are sets to whatever can be iterated, on either side.
    if [x, y].iter().any(|v| DictView::downcast(v).is_some_and(DictView::is_set)) {
        return Ok(Set::from_iterable(x)?.difference(&Set::from_iterable(y)?).into_value());
    }
    if let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) {
        return arithmetic(p, q, i64::checked_sub, |a, b| a - b, |a, b| a - b);
    }
    match (x, y) {
        (Value::DateTime(p, m), Value::DateTime(q, n)) => {
            if m.is_some() != n.is_some() {
                return Err(PyError::type_error(
                    "can't subtract offset-naive and offset-aware datetimes",
                ));
            }
            span(utc(p, *m) - utc(q, *n))
        }
        (Value::Date(p), Value::Date(q)) => span(*p - *q),
        _ => match (TimeDelta::of(x), TimeDelta::of(y)) {
            (Some(p), Some(q)) => Ok(TimeDelta::from_micros(p.micros() - q.micros()).into_value()),
            (None, Some(q)) if is_date(x) => shift(x, -q.micros()),
            _ => match (Set::downcast(x), Set::downcast(y)) {
                (Some(p), Some(q)) => Ok(p.difference(q).into_value()),
                _ => Err(unsupported("-", a, b)),
            },
        },
    }
}

fn span(d: chrono::Duration) -> PyResult<Value> {
    let micros = d.num_microseconds().ok_or_else(|| {
        PyError::new(PyErrorKind::OverflowError, "days=%d; must have magnitude <= 999999999")
    })?;
    Ok(TimeDelta::from_micros(micros).into_value())
}

/// `a * b`.
pub fn mul(a: &Value, b: &Value) -> PyResult<Value> {
    if is_own(a) && b.is_undefined() {
        return repeat(a, b, b);
    }
    let (x, y) = (settle(a)?, settle(b)?);
    let (x, y) = (x.as_ref(), y.as_ref());
    if let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) {
        return arithmetic(p, q, i64::checked_mul, |a, b| a * b, |a, b| a * b);
    }
    if is_repeatable(x) && (is_own(x) || !is_own(y)) {
        return repeat(x, y, b);
    }
    if is_repeatable(y) {
        return repeat(y, x, a);
    }
    match (TimeDelta::of(x), Number::of(y), TimeDelta::of(y), Number::of(x)) {
        (Some(d), Some(Number::Int(n)), ..) | (.., Some(d), Some(Number::Int(n))) => {
            Ok(TimeDelta::from_micros(d.micros() * n).into_value())
        }
        (Some(d), Some(Number::Float(f)), ..) | (.., Some(d), Some(Number::Float(f))) => {
            Ok(TimeDelta::from_micros((d.micros() as f64 * f).round_ties_even() as i64)
                .into_value())
        }
        _ => Err(unsupported("*", a, b)),
    }
}

fn too_large() -> PyError {
    PyError::new(PyErrorKind::OverflowError, "cannot fit 'int' into an index-sized integer")
}

/// Whether it brings its own multiplication, which comes first on either side: escaped text, and
/// text that is marked unsafe.
fn is_own(value: &Value) -> bool {
    matches!(value, Value::Str(s) if s.is_unsafe() || s.class() == super::StrClass::Markup)
}

fn is_repeatable(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Bytes(_))
}

/// No template needs a longer text; Python would run out of memory.
const MOST_REPEATED: usize = 1 << 31;

fn repeat(sequence: &Value, times: &Value, shown: &Value) -> PyResult<Value> {
    let n = match Number::of(times) {
        Some(Number::Int(n)) => n,
        Some(Number::Big(_)) => return Err(too_large()),
        _ => {
            let class = type_name(shown);
            return Err(PyError::type_error(if is_own(sequence) {
                format!("'{class}' object cannot be interpreted as an integer")
            } else {
                format!("can't multiply sequence by non-int of type '{class}'")
            }));
        }
    };
    let n = usize::try_from(n).unwrap_or(0);
    if n.saturating_mul(access::len(sequence)?.max(1)) > MOST_REPEATED {
        return Err(PyError::new(PyErrorKind::Other("MemoryError"), ""));
    }
    Ok(match sequence {
        Value::Str(s) => Value::Str(s.alike(s.repeat(n))),
        Value::Bytes(b) => Value::Bytes(b.repeat(n).into()),
        Value::Tuple(t) => Value::tuple(copies(t, n)),
        other => Value::list(copies(&access::iterate(other)?, n)),
    })
}

fn copies(items: &[Value], n: usize) -> Vec<Value> {
    std::iter::repeat_n(items, n).flatten().cloned().collect()
}

fn arithmetic(
    a: Number,
    b: Number,
    small: fn(i64, i64) -> Option<i64>,
    big: fn(BigInt, BigInt) -> BigInt,
    float: fn(f64, f64) -> f64,
) -> PyResult<Value> {
    if let (Number::Int(x), Number::Int(y)) = (&a, &b)
        && let Some(n) = small(*x, *y)
    {
        return Ok(Value::Int(n));
    }
    match (a.to_bigint(), b.to_bigint()) {
        (Some(x), Some(y)) => Ok(Value::big(big(x, y))),
        _ => Ok(Value::Float(float(to_float(&a)?, to_float(&b)?))),
    }
}

fn to_float(n: &Number) -> PyResult<f64> {
    n.to_f64().ok_or_else(|| {
        PyError::new(PyErrorKind::OverflowError, "int too large to convert to float")
    })
}

fn zero_division(message: &str) -> PyError {
    PyError::new(PyErrorKind::ZeroDivisionError, message)
}

/// `a / b`.
pub fn div(a: &Value, b: &Value) -> PyResult<Value> {
    let (x, y) = (settle(a)?, settle(b)?);
    let (x, y) = (x.as_ref(), y.as_ref());
    let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) else {
        return match (TimeDelta::of(x), TimeDelta::of(y), Number::of(y)) {
            (Some(p), Some(q), _) if q.micros() != 0 => {
                Ok(Value::Float(p.micros() as f64 / q.micros() as f64))
            }
            (Some(_), Some(_), _) => Err(zero_division("division by zero")),
            (Some(p), None, Some(n)) if !n.is_zero() => {
                let micros = (p.micros() as f64 / to_float(&n)?).round_ties_even();
                Ok(TimeDelta::from_micros(micros as i64).into_value())
            }
            _ => Err(unsupported("/", a, b)),
        };
    };
    let float = matches!(p, Number::Float(_)) || matches!(q, Number::Float(_));
    if q.is_zero() {
        return Err(zero_division(if float {
            "float division by zero"
        } else {
            "division by zero"
        }));
    }
    match (p.to_bigint(), q.to_bigint()) {
        (Some(m), Some(n)) if matches!((&p, &q), (Number::Big(_), _) | (_, Number::Big(_))) => {
            divide_big(&m, &n).map(Value::Float)
        }
        _ => Ok(Value::Float(to_float(&p)? / to_float(&q)?)),
    }
}

/// The quotient of long integers: scaled so that both fit a float's range.
fn divide_big(a: &BigInt, b: &BigInt) -> PyResult<f64> {
    let excess = i64::try_from(a.bits()).unwrap_or(i64::MAX) - i64::try_from(b.bits()).unwrap_or(0);
    if excess > 1025 {
        return Err(PyError::new(
            PyErrorKind::OverflowError,
            "integer division result too large for a float",
        ));
    }
    if excess < -1100 {
        return Ok(0.0);
    }
    // 64 extra bits of quotient, the remainder folded into the last one, round correctly.
    let shift = 64 - excess;
    let (num, den) = if shift >= 0 {
        (a.abs() << u32::try_from(shift).unwrap_or(0), b.abs())
    } else {
        (a.abs(), b.abs() << u32::try_from(-shift).unwrap_or(0))
    };
    let (mut quotient, rest) = num.div_rem(&den);
    if !rest.is_zero() {
        quotient |= BigInt::from(1);
    }
    let magnitude = quotient.to_f64().unwrap_or(f64::INFINITY);
    let scaled = scale(magnitude, -shift);
    Ok(if a.is_negative() == b.is_negative() { scaled } else { -scaled })
}

fn scale(f: f64, by: i64) -> f64 {
    let by = i32::try_from(by.clamp(-2200, 2200)).unwrap_or(0);
    let half = by / 2;
    f * 2f64.powi(half) * 2f64.powi(by - half)
}

/// `a // b`.
pub fn floordiv(a: &Value, b: &Value) -> PyResult<Value> {
    let (x, y) = (settle(a)?, settle(b)?);
    let (x, y) = (x.as_ref(), y.as_ref());
    let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) else {
        return match (TimeDelta::of(x), TimeDelta::of(y), Number::of(y)) {
            (Some(_), Some(q), _) if q.micros() == 0 => {
                Err(zero_division("integer division or modulo by zero"))
            }
            (Some(p), Some(q), _) => Ok(Value::Int(Integer::div_floor(&p.micros(), &q.micros()))),
            (Some(p), None, Some(Number::Int(n))) if n != 0 => {
                Ok(TimeDelta::from_micros(Integer::div_floor(&p.micros(), &n)).into_value())
            }
            _ => Err(unsupported("//", a, b)),
        };
    };
    match (p.to_bigint(), q.to_bigint()) {
        (Some(m), Some(n)) => {
            if n.is_zero() {
                return Err(zero_division("integer division or modulo by zero"));
            }
            Ok(Value::big(m.div_floor(&n)))
        }
        _ => {
            let (m, n) = (to_float(&p)?, to_float(&q)?);
            if n == 0.0 {
                return Err(zero_division("float floor division by zero"));
            }
            Ok(Value::Float(float_divmod(m, n).0))
        }
    }
}

/// Python's `divmod` of floats.
pub fn float_divmod(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    let floor = if quotient == 0.0 {
        0.0_f64.copysign(a / b)
    } else {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    };
    (floor, rest)
}

/// `a % b`, which formats if `a` is text.
pub fn rem(a: &Value, b: &Value) -> PyResult<Value> {
    let x = settle(a)?;
    if let Value::Str(template) = x.as_ref() {
        return format::percent(template, b).map(Value::Str);
    }
    let y = settle(b)?;
    let (x, y) = (x.as_ref(), y.as_ref());
    let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) else {
        return match (TimeDelta::of(x), TimeDelta::of(y)) {
            _ if is_unsafe(b) && !matches!(x, Value::Bytes(_)) => Ok(not_implemented()),
            (Some(p), Some(q)) if q.micros() != 0 => {
                Ok(TimeDelta::from_micros(p.micros().mod_floor(&q.micros())).into_value())
            }
            _ => Err(unsupported("%", a, b)),
        };
    };
    match (p.to_bigint(), q.to_bigint()) {
        (Some(m), Some(n)) => {
            if n.is_zero() {
                return Err(zero_division("integer modulo by zero"));
            }
            Ok(Value::big(m.mod_floor(&n)))
        }
        _ => {
            let (m, n) = (to_float(&p)?, to_float(&q)?);
            if n == 0.0 {
                return Err(zero_division("float modulo"));
            }
            Ok(Value::Float(float_divmod(m, n).1))
        }
    }
}

/// Powers longer than this many bits are refused; Python would compute them for hours.
const MOST_BITS: u64 = 1 << 24;

/// `a ** b`.
pub fn pow(a: &Value, b: &Value) -> PyResult<Value> {
    let (x, y) = (settle(a)?, settle(b)?);
    let (Some(p), Some(q)) = (Number::of(x.as_ref()), Number::of(y.as_ref())) else {
        return Err(unsupported("** or pow()", a, b));
    };
    if let (Some(m), Some(n)) = (p.to_bigint(), q.to_bigint()) {
        if n.is_negative() {
            if m.is_zero() {
                return Err(zero_division("0.0 cannot be raised to a negative power"));
            }
        } else if m.is_zero() || m.abs() == BigInt::from(1) {
            let odd = n.is_odd();
            let one = BigInt::from(1);
            return Ok(Value::big(if n.is_zero() || (m.is_negative() && !odd) { one } else { m }));
        } else {
            let exponent = n.to_u32().filter(|e| m.bits() * u64::from(*e) <= MOST_BITS);
            return exponent
                .map(|e| Value::big(m.pow(e)))
                .ok_or_else(|| PyError::new(PyErrorKind::Other("MemoryError"), ""));
        }
    }
    let (m, n) = (to_float(&p)?, to_float(&q)?);
    if m == 0.0 && n < 0.0 {
        return Err(zero_division("0.0 cannot be raised to a negative power"));
    }
    if m < 0.0 && m.is_finite() && n.is_finite() && n.fract() != 0.0 {
        return Err(PyError::value_error("complex numbers are not supported"));
    }
    let result = m.powf(n);
    if result.is_infinite() && m.is_finite() && n.is_finite() {
        return Err(PyError::new(
            PyErrorKind::OverflowError,
            "(34, 'Numerical result out of range')",
        ));
    }
    Ok(Value::Float(result))
}

/// `-value`.
pub fn neg(value: &Value) -> PyResult<Value> {
    let v = settle(value)?;
    match Number::of(v.as_ref()) {
        Some(Number::Int(n)) => {
            Ok(n.checked_neg().map_or_else(|| Value::big(-BigInt::from(n)), Value::Int))
        }
        Some(Number::Big(n)) => Ok(Value::big(-n)),
        Some(Number::Float(f)) => Ok(Value::Float(-f)),
        None => match TimeDelta::of(v.as_ref()) {
            Some(d) => Ok(TimeDelta::from_micros(-d.micros()).into_value()),
            None => Err(bad_unary("-", value)),
        },
    }
}

/// `+value`.
pub fn pos(value: &Value) -> PyResult<Value> {
    let v = settle(value)?;
    match (Number::of(v.as_ref()), TimeDelta::of(v.as_ref())) {
        (Some(Number::Int(n)), _) => Ok(Value::Int(n)),
        (Some(_), _) | (_, Some(_)) => Ok(v.into_owned()),
        _ => Err(bad_unary("+", value)),
    }
}

fn bad_unary(symbol: &str, value: &Value) -> PyError {
    PyError::type_error(format!("bad operand type for unary {symbol}: '{}'", type_name(value)))
}

/// `abs(value)`.
pub fn abs(value: &Value) -> PyResult<Value> {
    let v = settle_typed(value)?;
    match (Number::of(v.as_ref()), TimeDelta::of(v.as_ref())) {
        (Some(Number::Int(n)), _) => Ok(Value::big(BigInt::from(n).abs())),
        (Some(Number::Big(n)), _) => Ok(Value::big(n.abs())),
        (Some(Number::Float(f)), _) => Ok(Value::Float(f.abs())),
        (None, Some(d)) => Ok(TimeDelta::from_micros(d.micros().abs()).into_value()),
        (None, None) => {
            Err(PyError::type_error(format!("bad operand type for abs(): '{}'", type_name(value))))
        }
    }
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
    PyError::new(
        PyErrorKind::AttributeError,
        format!("'{}' object has no attribute '{name}'", class_name(value)),
    )
}

#[cfg(test)]
#[path = "ops_tests.rs"]
mod tests;
