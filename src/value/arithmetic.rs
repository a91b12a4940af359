//! Python's arithmetic.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{
    DictView, Number, PyError, PyErrorKind, PyResult, Set, Str, TimeDelta, Value, access, format,
    markup::{is_escaped, taken_by},
    ops::{no_attribute, operand, settle_typed, utc},
    types::type_name,
};

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
    let (x, y) = (operand(a)?, operand(b)?);
    if is_unsafe(b) && !matches!(x.as_ref(), Value::Str(_)) {
        return added_to_unsafe(&x, b);
    }
    let (x, y) = (x.as_ref(), y.as_ref());
    if let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) {
        return arithmetic(p, q, i64::checked_add, |a, b| a + b, |a, b| a + b);
    }
    match (x, y) {
        (Value::Str(p), Value::Str(q)) if !p.is_unsafe() && (is_escaped(p) || is_escaped(q)) => {
            let (escaped, plain) = if is_escaped(p) { (p, q) } else { (q, p) };
            let other = taken_by(escaped, plain);
            let text = if is_escaped(p) { format!("{p}{other}") } else { format!("{other}{q}") };
            let text = escaped.alike(text);
            Ok(Value::Str(if q.is_unsafe() { text.into_unsafe() } else { text }))
        }
        (Value::Str(p), Value::Str(q)) => Ok(joined(p, q, format!("{p}{q}"))),
        (Value::Str(p), _) if is_escaped(p) => Err(unsupported("+", a, b)),
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
    let (x, y) = (operand(a)?, operand(b)?);
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
    let (x, y) = (operand(a)?, operand(b)?);
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
    let (x, y) = (operand(a)?, operand(b)?);
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
    let (x, y) = (operand(a)?, operand(b)?);
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
    let x = operand(a)?;
    if let Value::Str(template) = x.as_ref() {
        return format::percent(template, b).map(Value::Str);
    }
    if let Value::Bytes(template) = x.as_ref() {
        return format::percent_bytes(template, b).map(|bytes| Value::Bytes(bytes.into()));
    }
    let y = operand(b)?;
    let (x, y) = (x.as_ref(), y.as_ref());
    let (Some(p), Some(q)) = (Number::of(x), Number::of(y)) else {
        return match (TimeDelta::of(x), TimeDelta::of(y)) {
            _ if is_unsafe(b) => Ok(not_implemented()),
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
    let (x, y) = (operand(a)?, operand(b)?);
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
    let v = operand(value)?;
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
    let v = operand(value)?;
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
