//! Methods of `int`, `bool` and `float`.

use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use super::native::{keywords, positional};
use crate::template::{CallArgs, args::index};
use crate::value::{
    Number, PyError, PyErrorKind, PyResult, Value, number::float_to_bigint, ops::no_attribute,
    types::type_name,
};

/// Calls the method `name` of a number.
pub(super) fn call(value: &Value, name: &str, args: CallArgs) -> PyResult<Value> {
    if name == "to_bytes" {
        return to_bytes(value, args);
    }
    positional(type_name(value), name, args, 0, 0)?;
    match (Number::of(value), name) {
        (Some(_), "conjugate") => crate::value::ops::pos(value),
        (Some(Number::Float(f)), "is_integer") => {
            Ok(Value::Bool(f.is_finite() && f.fract() == 0.0))
        }
        (Some(Number::Float(f)), "hex") => Ok(Value::from(hex(f))),
        (Some(Number::Float(f)), "as_integer_ratio") => float_ratio(f),
        (Some(n), _) => {
            // Floats were answered above.
            let n = n.to_bigint().unwrap_or_default();
            match name {
                "bit_length" => Ok(Value::Int(i64::try_from(n.bits()).unwrap_or(i64::MAX))),
                "bit_count" => {
                    let ones: u64 =
                        n.magnitude().iter_u64_digits().map(|d| u64::from(d.count_ones())).sum();
                    Ok(Value::Int(i64::try_from(ones).unwrap_or(i64::MAX)))
                }
                "as_integer_ratio" => Ok(Value::tuple(vec![Value::big(n), Value::Int(1)])),
                other => Err(no_attribute(value, other)),
            }
        }
        (None, other) => Err(no_attribute(value, other)),
    }
}

fn float_ratio(f: f64) -> PyResult<Value> {
    if !f.is_finite() {
        return Err(if f.is_nan() {
            PyError::value_error("cannot convert NaN to integer ratio")
        } else {
            PyError::new(PyErrorKind::OverflowError, "cannot convert Infinity to integer ratio")
        });
    }
    let (mut scaled, mut denominator) = (f, BigInt::one());
    while scaled.fract() != 0.0 {
        scaled *= 2.0;
        denominator *= 2;
    }
    let numerator = float_to_bigint(scaled).unwrap_or_else(BigInt::zero);
    Ok(Value::tuple(vec![Value::big(numerator), Value::big(denominator)]))
}

fn hex(f: f64) -> String {
    if !f.is_finite() {
        return crate::value::number::float_repr(f);
    }
    let bits = f.to_bits();
    let sign = if f.is_sign_negative() { "-" } else { "" };
    let exponent = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    match (exponent, fraction) {
        (0, 0) => format!("{sign}0x0.0p+0"),
        (0, _) => format!("{sign}0x0.{fraction:013x}p-1022"),
        _ => format!("{sign}0x1.{fraction:013x}p{:+}", exponent - 1023),
    }
}

fn to_bytes(value: &Value, args: CallArgs) -> PyResult<Value> {
    let [length, order, _signed] = keywords("to_bytes", args, &["length", "byteorder", "signed"])?;
    let length = usize::try_from(length.as_ref().map_or(Ok(1), index)?)
        .map_err(|_| PyError::value_error("length argument must be non-negative"))?;
    let n = Number::of(value).and_then(|n| n.to_bigint()).unwrap_or_default();
    if n.is_negative() {
        return Err(PyError::new(
            PyErrorKind::OverflowError,
            "can't convert negative int to unsigned",
        ));
    }
    let (_, mut bytes) = n.to_bytes_le();
    if n.is_zero() {
        bytes.clear();
    }
    if bytes.len() > length {
        return Err(PyError::new(PyErrorKind::OverflowError, "int too big to convert"));
    }
    bytes.resize(length, 0);
    if order.as_ref().and_then(Value::as_str) != Some("little") {
        bytes.reverse();
    }
    Ok(Value::Bytes(bytes.into()))
}
