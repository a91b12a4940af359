//! Tests of URIs.

use super::Test;
use crate::template::{
    CallArgs, FilterContext,
    filters::{Url, split_url},
};
use crate::value::{PyResult, Value, ops, ops::settle};

pub(super) static TESTS: &[Test] = &[
    Test::ansible("uri", "Whether it is a URI.", uri),
    Test::ansible("url", "Whether it is a URL.", url),
    Test::ansible("urn", "Whether it is a URN.", urn),
];

/// The URI that `value` is, if its scheme is one of `schemes`. What fails is none.
fn parse(value: &Value, schemes: Option<&Value>) -> Option<Url> {
    let settled = settle(value).ok()?;
    let text = match settled.as_ref() {
        Value::Str(s) => s.as_str(),
        Value::Bytes(b) if b.is_ascii() => std::str::from_utf8(b).ok()?,
        // Python's `urlparse` takes what is false for empty bytes; no scheme is that.
        other if schemes.is_none() && !ops::truth(other).ok()? => "",
        _ => return None,
    };
    let mut parsed = split_url(text).ok()?;
    if let Value::Bytes(_) = settled.as_ref() {
        // Its scheme is bytes, too, which equal no text.
        parsed.scheme = String::new();
    }
    match schemes {
        Some(schemes) if ops::truth(schemes).ok()? => {
            let scheme = Value::from(parsed.scheme.clone());
            ops::contains(schemes, &scheme).ok()?.then_some(parsed)
        }
        _ => Some(parsed),
    }
}

fn uri(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [schemes] = args.bind("is_uri", &["value"], &["schemes"], 0)?;
    Ok(Value::Bool(parse(&value, schemes.as_ref()).is_some()))
}

fn url(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [schemes] = args.bind("is_url", &["value"], &["schemes"], 0)?;
    let parsed = parse(&value, schemes.as_ref());
    Ok(Value::Bool(parsed.is_some_and(|u| !u.netloc.is_empty() || u.scheme == "file")))
}

fn urn(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("is_urn", &["value"], &[], 0)?;
    let schemes = Value::list(vec![Value::str("urn")]);
    Ok(Value::Bool(parse(&value, Some(&schemes)).is_some()))
}
