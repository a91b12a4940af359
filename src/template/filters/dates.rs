//! Filters on dates.

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, to_float},
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value,
    localtime::{local, utc},
    ops::settle_typed,
    repr::to_text,
    strftime::{strftime_zoned, strptime},
    types::given_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("strftime", "A moment's text in a format.", strftime).anew(),
    Filter::ansible("to_datetime", "A date out of text.", to_datetime),
];

fn strftime(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [second, is_utc] = args.bind("strftime", &["string_format"], &["second", "utc"], 0)?;
    let is_utc = flag(is_utc.as_ref(), false)?;
    let seconds = match second.filter(|s| !s.is_none()) {
        None => chrono::Utc::now().timestamp(),
        Some(second) => {
            let f = to_float(&second).map_err(|e| {
                if e.is_undefined() && !matches!(&second, Value::Undefined(u) if u.lenient) {
                    return e;
                }
                let shown = to_text(&second).unwrap_or_default();
                PyError::filter(format!("Invalid value for epoch value ({shown})"))
            })?;
            epoch(f)?
        }
    };
    let settled = settle_typed(&value)?;
    let Value::Str(format) = settled.as_ref() else {
        return Err(PyError::type_error(format!(
            "strftime() argument 1 must be str, not {}",
            given_name(&value)
        )));
    };
    let text = if is_utc {
        strftime_zoned(format, &utc(seconds), Some((0, "GMT")))
    } else {
        let (at, offset, zone) = local(seconds);
        strftime_zoned(format, &at, Some((offset, &zone)))
    };
    Ok(Value::Str(format.derive(text)))
}

/// Whole seconds of an epoch, which must be a date that there is.
fn epoch(f: f64) -> PyResult<i64> {
    if f.is_nan() {
        return Err(PyError::value_error("Invalid value NaN (not a number)"));
    }
    // Years of more than 32 bits are refused by the C library.
    if !f.is_finite() || f.abs() > 6.7e16 {
        return Err(PyError::new(
            PyErrorKind::OverflowError,
            if f.is_infinite() {
                "cannot convert float infinity to integer"
            } else {
                "timestamp out of range for platform time_t"
            },
        ));
    }
    Ok(f.floor() as i64)
}

fn to_datetime(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [format] = args.bind("to_datetime", &["string"], &["format"], 0)?;
    let format = format.unwrap_or_else(|| Value::str("%Y-%m-%d %H:%M:%S"));
    let (text, format_text) = (settle_typed(&value)?, settle_typed(&format)?);
    match (text.as_ref(), format_text.as_ref()) {
        (Value::Str(text), Value::Str(format)) => {
            let (at, offset) = strptime(text, format)?;
            Ok(Value::DateTime(at, offset))
        }
        (Value::Str(_), _) => Err(PyError::type_error(format!(
            "strptime() argument 2 must be str, not {}",
            given_name(&format)
        ))),
        _ => Err(PyError::type_error(format!(
            "strptime() argument 1 must be str, not {}",
            given_name(&value)
        ))),
    }
}
