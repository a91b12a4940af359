//! Filters on numbers and sizes.

use num_bigint::BigInt;

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index, real, to_float, to_int},
};
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Str, Value,
    format::{format_float, percent},
    number::{float_to_bigint, parse_int, round_float, round_int},
    ops::{self, CmpOp, settle, settle_typed},
    repr::to_text,
    types::type_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("abs", "The value without its sign.", abs),
    Filter::jinja("int", "An integer, or a default.", int),
    Filter::jinja("float", "A float, or a default.", float),
    Filter::jinja("round", "Rounds to so many digits.", round),
    Filter::jinja("filesizeformat", "A size for people.", filesizeformat),
    Filter::ansible("log", "The logarithm.", log),
    Filter::ansible("pow", "The power.", pow),
    Filter::ansible("root", "The root.", root),
    Filter::ansible("human_readable", "A size for people.", human_readable),
    Filter::ansible("human_to_bytes", "The bytes that a size for people means.", human_to_bytes),
];

fn abs(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error("abs() takes no keyword arguments"));
    }
    if !args.positional.is_empty() {
        return Err(PyError::type_error(format!(
            "abs() takes exactly one argument ({} given)",
            args.positional.len() + 1
        )));
    }
    ops::abs(&value)
}

/// Whether Python's `except (TypeError, ValueError)` would catch it.
fn is_conversion_error(e: &PyError) -> bool {
    e.is_type_error() || e.is_value_error()
}

fn int(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [default, base] = args.bind("do_int", &["value"], &["default", "base"], 0)?;
    let default = default.unwrap_or(Value::Int(0));
    let v = settle(&value)?;
    let first = match v.as_ref() {
        Value::Str(s) => {
            let base = base.as_ref().map_or(Ok(10), index);
            base.and_then(|base| match u32::try_from(base) {
                Ok(base @ (0 | 2..=36)) => parse_int(s, base).map(Value::big).ok_or_else(|| {
                    PyError::value_error(format!("invalid literal for int() with base {base}"))
                }),
                _ => Err(PyError::value_error("int() base must be >= 2 and <= 36, or 0")),
            })
        }
        other => to_int(other),
    };
    match first {
        Err(e) if is_conversion_error(&e) => {}
        done => return done,
    }
    match to_float(v.as_ref()).and_then(|f| to_int(&Value::Float(f))) {
        Ok(n) => Ok(n),
        Err(e) if is_conversion_error(&e) || e.kind == PyErrorKind::OverflowError => Ok(default),
        Err(e) => Err(e),
    }
}

fn float(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [default] = args.bind("do_float", &["value"], &["default"], 0)?;
    match to_float(&value) {
        Ok(f) => Ok(Value::Float(f)),
        Err(e) if is_conversion_error(&e) => Ok(default.unwrap_or(Value::Float(0.0))),
        Err(e) => Err(e),
    }
}

fn round(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [precision, method] = args.bind("do_round", &["value"], &["precision", "method"], 0)?;
    let method = method.unwrap_or_else(|| Value::str("common"));
    let method = settle(&method)?.as_str().unwrap_or_default().to_owned();
    match method.as_str() {
        "common" => python_round(&value, precision.as_ref()),
        "ceil" | "floor" => {
            let precision = precision.unwrap_or(Value::Int(0));
            let unit = ops::pow(&Value::Int(10), &precision)?;
            let scaled = ops::mul(&value, &unit)?;
            let whole = match Number::of(settle(&scaled)?.as_ref()) {
                Some(Number::Float(f)) => {
                    to_int(&Value::Float(if method == "ceil" { f.ceil() } else { f.floor() }))?
                }
                Some(_) => scaled,
                None => {
                    return Err(PyError::type_error(format!(
                        "must be real number, not {}",
                        type_name(&scaled)
                    )));
                }
            };
            ops::div(&whole, &unit)
        }
        _ => Err(PyError::new(PyErrorKind::FilterArgument, "method must be common, ceil or floor")),
    }
}

/// `round(value, digits)`.
fn python_round(value: &Value, digits: Option<&Value>) -> PyResult<Value> {
    let v = settle_typed(value)?;
    let number = Number::of(v.as_ref()).ok_or_else(|| {
        PyError::type_error(format!("type {} doesn't define __round__ method", type_name(value)))
    })?;
    let digits = match digits {
        Some(Value::None) => {
            return match number {
                Number::Float(f) => to_int(&Value::Float(round_float(f, 0))),
                _ => ops::pos(v.as_ref()),
            };
        }
        None => 0,
        Some(d) => index(d)?,
    };
    // Beyond these, rounding changes nothing or leaves nothing.
    let digits = i32::try_from(digits.clamp(-5000, 5000)).unwrap_or(0);
    match number {
        Number::Float(f) => Ok(Value::Float(round_float(f, digits))),
        _ if digits >= 0 => ops::pos(v.as_ref()),
        number => {
            let n = number.to_bigint().unwrap_or_default();
            Ok(Value::big(round_int(&n, digits.unsigned_abs())))
        }
    }
}

fn filesizeformat(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [binary] = args.bind("do_filesizeformat", &["value"], &["binary"], 0)?;
    let bytes = to_float(&value)?;
    let binary = flag(binary.as_ref(), false)?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", to_text(&to_int(&Value::Float(bytes))?)?)));
    }
    let units = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut shown = String::new();
    for (i, unit) in units.iter().enumerate() {
        let size = base.powi(i32::try_from(i).unwrap_or(0) + 2);
        let name = if binary { format!("{}iB", unit.to_uppercase()) } else { format!("{unit}B") };
        shown = format!("{} {name}", format_float(base * bytes / size, 'f', 1, false));
        if bytes < size {
            break;
        }
    }
    Ok(Value::from(shown))
}

/// ansible words a wrong type as an error of the filter.
fn only_numbers(filter: &str, e: PyError) -> PyError {
    if e.is_type_error() {
        PyError::filter_type(format!("{filter}() can only be used on numbers: {e}"))
    } else {
        e
    }
}

fn domain() -> PyError {
    PyError::value_error("math domain error")
}

fn log(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [base] = args.bind("logarithm", &["x"], &["base"], 0)?;
    let ln = |v: &Value| -> PyResult<f64> {
        let f = real(v)?;
        if f <= 0.0 { Err(domain()) } else { Ok(f.ln()) }
    };
    let compute = || -> PyResult<f64> {
        match &base {
            Some(base) if ops::eq(base, &Value::Int(10))? => {
                let f = real(&value)?;
                if f <= 0.0 { Err(domain()) } else { Ok(f.log10()) }
            }
            Some(base) => {
                let (x, b) = (ln(&value)?, ln(base)?);
                if b == 0.0 {
                    return Err(PyError::new(
                        PyErrorKind::ZeroDivisionError,
                        "float division by zero",
                    ));
                }
                Ok(x / b)
            }
            None => ln(&value),
        }
    };
    compute().map(Value::Float).map_err(|e| only_numbers("log", e))
}

/// `math.pow`.
fn math_pow(x: f64, y: f64) -> PyResult<f64> {
    let result = x.powf(y);
    if x.is_finite() && y.is_finite() {
        if result.is_nan() || result.is_infinite() && x == 0.0 {
            return Err(domain());
        }
        if result.is_infinite() {
            return Err(PyError::new(PyErrorKind::OverflowError, "math range error"));
        }
    }
    Ok(result)
}

fn pow(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [exponent] = args.bind("power", &["x"], &["y"], 1)?;
    let exponent = exponent.unwrap_or(Value::None);
    let result = real(&value).and_then(|x| math_pow(x, real(&exponent)?));
    result.map(Value::Float).map_err(|e| only_numbers("pow", e))
}

fn root(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [base] = args.bind("inversepower", &["x"], &["base"], 0)?;
    let base = base.unwrap_or(Value::Int(2));
    let compute = || -> PyResult<f64> {
        if ops::eq(&base, &Value::Int(2))? {
            let x = real(&value)?;
            return if x < 0.0 { Err(domain()) } else { Ok(x.sqrt()) };
        }
        let base = to_float(&base)?;
        if base == 0.0 {
            return Err(PyError::new(PyErrorKind::ZeroDivisionError, "float division by zero"));
        }
        math_pow(real(&value)?, 1.0 / base)
    };
    compute().map(Value::Float).map_err(|e| {
        if e.is_value_error() {
            PyError::filter_type(format!("root() can only be used on numbers: {e}"))
        } else {
            only_numbers("root", e)
        }
    })
}

/// The letters of sizes and what they stand for, largest first.
fn units() -> impl Iterator<Item = (char, BigInt)> {
    "YZEPTGMK"
        .chars()
        .zip((1..=8).rev())
        .map(|(c, n)| (c, BigInt::from(1) << (10 * n)))
        .chain([('B', BigInt::from(1))])
}

fn human_readable(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [isbits, unit] = args.bind("human_readable", &["size"], &["isbits", "unit"], 0)?;
    let strict = |value: &Value| matches!(value, Value::Undefined(u) if !u.lenient);
    let is_strict = strict(&value) || [&isbits, &unit].into_iter().flatten().any(strict);
    let compute = || -> PyResult<String> {
        let base = if flag(isbits.as_ref(), false)? { "bits" } else { "Bytes" };
        let unit = match unit.as_ref().map(settle).transpose()?.as_deref() {
            None | Some(Value::None) => None,
            Some(Value::Str(s)) => Some(s.to_uppercase()),
            Some(other) => return Err(ops::no_attribute(other, "upper")),
        };
        let mut chosen = ('B', BigInt::from(1));
        for (letter, size) in units() {
            let found = match &unit {
                None => ops::compare(&value, &Value::big(size.clone()), CmpOp::Ge)?,
                Some(unit) => *unit == letter.to_string(),
            };
            if found {
                chosen = (letter, size);
                break;
            }
        }
        let (letter, size) = chosen;
        let suffix =
            if letter == 'B' { base.to_owned() } else { format!("{letter}{}", &base[..1]) };
        let amount = real(&ops::div(&value, &Value::big(size))?)?;
        Ok(format!("{} {suffix}", format_float(amount, 'f', 2, false)))
    };
    compute().map(Value::from).map_err(|e| {
        if e.is_type_error() {
            return PyError::filter_type(format!("human_readable() failed on bad input: {e}"));
        }
        if e.is_undefined() && is_strict {
            return e;
        }
        uninterpreted("human_readable", &value)
    })
}

/// What the sizes' filters say of a value; a tuple fails as the arguments of `%`.
fn uninterpreted(function: &str, value: &Value) -> PyError {
    let text = format!("{function}() can't interpret following string: %s");
    match percent(&Str::new(text), value) {
        Ok(text) => PyError::filter(text.as_str()),
        Err(e) => e,
    }
}

fn human_to_bytes(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [default_unit, isbits] =
        args.bind("human_to_bytes", &["size"], &["default_unit", "isbits"], 0)?;
    let text = to_text(&value)?;
    let default_unit = match default_unit.filter(|u| !u.is_none()) {
        Some(u) => Some(to_text(&u)?),
        None => None,
    };
    parse_size(&text, default_unit.as_deref(), flag(isbits.as_ref(), false)?)
        .map(Value::big)
        .ok_or_else(|| uninterpreted("human_to_bytes", &value))
}

/// The bytes (or bits) that `text` means: a number, then perhaps a unit.
pub(super) fn parse_size(text: &str, default_unit: Option<&str>, bits: bool) -> Option<BigInt> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    // The pattern stops at a second point, where no unit begins.
    let end = text[..end].match_indices('.').nth(1).map_or(end, |(second, _)| second);
    let (number, rest) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let rest = rest.trim_start();
    let len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let unit = if len > 0 { Some(&rest[..len]) } else { default_unit };
    let Some(unit) = unit else { return float_to_bigint(round_float(number, 0)) };
    let letter = unit.chars().next()?.to_ascii_uppercase();
    let (_, size) = units().find(|(c, _)| *c == letter)?;
    let mut rest = unit.chars().skip(1);
    if let Some(second) = rest.next() {
        let (class, name) = if bits { ('b', "bit") } else { ('B', "byte") };
        if !unit.to_lowercase().contains(name) && second != class {
            return None;
        }
    }
    let size: f64 = num_traits::ToPrimitive::to_f64(&size)?;
    float_to_bigint(round_float(number * size, 0))
}
