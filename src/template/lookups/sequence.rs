//! `sequence`: numbers from here to there, as texts.

use num_bigint::BigInt;

use super::{Call, Lookup};
use crate::{
    splitter::parse_kv,
    template::templar::ansible,
    value::{
        Dict, PyError, PyErrorKind, PyResult, Str, Value,
        format::percent,
        number::parse_int,
        regex::{Flags, Pattern},
        repr::{repr, str_repr, to_text},
    },
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("sequence", "Numbers, each written by a format.", &[], run);

/// `[start-]end[/stride][:format]`.
const SHORTCUT: &str = "^((0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(/(0?x?[0-9a-f]+))?(:(.+))?$";

struct Sequence {
    start: BigInt,
    count: Option<BigInt>,
    end: Option<BigInt>,
    stride: BigInt,
    format: String,
}

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    for term in call.each()? {
        let mut sequence = Sequence {
            start: BigInt::from(1),
            count: None,
            end: None,
            stride: BigInt::from(1),
            format: "%d".to_owned(),
        };
        let text = match &term {
            Value::Str(s) => s.to_string(),
            other => {
                let class = crate::value::types::type_name(other);
                let why = match other {
                    Value::Bytes(_) => "cannot use a string pattern on a bytes-like object".into(),
                    _ => format!("expected string or bytes-like object, got '{class}'"),
                };
                return Err(ansible(format!(
                    "unknown error parsing with_sequence arguments: {}. Error was: {why}",
                    repr(other)?,
                )));
            }
        };
        if !sequence.shortcut(&text)? {
            let pairs = parse_kv(&text, false).map_err(|e| {
                PyError::new(PyErrorKind::Other("ansible.errors.AnsibleParserError"), e.message())
            })?;
            sequence.pairs(&pairs)?;
        }
        sequence.write(&mut found)?;
    }
    Ok(found)
}

fn number(name: &str, text: &str) -> PyResult<BigInt> {
    parse_int(text, 0).ok_or_else(|| ansible(format!("can't parse {name}={text} as integer")))
}

impl Sequence {
    /// Reads the short form; tells whether it is one.
    fn shortcut(&mut self, text: &str) -> PyResult<bool> {
        let flags = Flags { ignore_case: true, ..Flags::default() };
        let Some(found) = Pattern::new(SHORTCUT, flags)?.search(text)? else { return Ok(false) };
        if let Some(start) = found.group(text, 2) {
            self.start = number("start", start)?;
        }
        if let Some(end) = found.group(text, 3) {
            self.end = Some(number("end", end)?);
        }
        if let Some(stride) = found.group(text, 5) {
            self.stride = number("stride", stride)?;
        }
        if let Some(format) = found.group(text, 7) {
            self.format = format.to_owned();
        }
        Ok(true)
    }

    /// Reads `start=… end=… count=… stride=… format=…`.
    fn pairs(&mut self, pairs: &Dict) -> PyResult<()> {
        let take = |name: &str| pairs.remove(name).map(|v| number(name, &v.to_text())).transpose();
        if let Some(start) = take("start")? {
            self.start = start;
        }
        self.end = take("end")?.or(self.end.take());
        self.count = take("count")?;
        if let Some(stride) = take("stride")? {
            self.stride = stride;
        }
        if let Some(format) = pairs.remove("format") {
            self.format = to_text(&format)?;
        }
        if pairs.is_empty() {
            return Ok(());
        }
        let rest = pairs.snapshot().into_iter().map(|(key, _)| key.into_value()).collect();
        let rest = repr(&Value::list(rest))?;
        Err(ansible(format!("unrecognized arguments to with_sequence: {rest}")))
    }

    fn write(&mut self, out: &mut Vec<Value>) -> PyResult<()> {
        let (zero, one) = (BigInt::from(0), BigInt::from(1));
        let end = match (self.count.take(), self.end.take()) {
            (None, None) => return Err(ansible("must specify count or end in with_sequence")),
            (Some(_), Some(_)) => {
                return Err(ansible("can't specify both count and end in with_sequence"));
            }
            (Some(count), None) if count == zero => {
                self.start = zero.clone();
                self.stride = zero.clone();
                zero.clone()
            }
            (Some(count), None) => &self.start + count * &self.stride - &one,
            (None, Some(end)) => end,
        };
        if self.stride > zero && end < self.start {
            return Err(ansible("to count backwards make stride negative"));
        }
        if self.stride < zero && end > self.start {
            return Err(ansible("to count forward don't make stride negative"));
        }
        if self.format.matches('%').count() != 1 {
            return Err(ansible(format!("bad formatting string: {}", self.format)));
        }
        if self.stride == zero {
            return Ok(());
        }
        let format = Str::new(self.format.as_str());
        let mut at = self.start.clone();
        while if self.stride > zero { at <= end } else { at >= end } {
            let number = Value::big(at.clone());
            let text = percent(&format, &number).map_err(|e| {
                if e.is_value_error() || e.is_type_error() {
                    let shown = str_repr(&self.format);
                    ansible(format!("problem formatting {at} with {shown}"))
                } else {
                    ansible(format!("unknown error generating sequence: {}", e.message))
                }
            })?;
            out.push(Value::Str(text));
            at += &self.stride;
        }
        Ok(())
    }
}
