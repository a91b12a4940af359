//! JSON, and pretty printing.

use indexmap::IndexMap;

use super::{Filter, pprint};
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyResult, Str, StrClass, Value, access, codec,
    json::{self, Layout},
    ops::{self, settle, settle_typed},
    types::class_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("to_json", "JSON.", to_json),
    Filter::ansible("to_nice_json", "Indented JSON.", to_nice_json),
    Filter::ansible("from_json", "What JSON stands for.", from_json),
    Filter::jinja("tojson", "JSON that is safe in HTML.", tojson),
    Filter::jinja("pprint", "Python's text, laid out.", pprint_filter),
];

/// What one level is indented by: a number of spaces or the text itself.
fn indent(value: &Value) -> PyResult<Option<String>> {
    match settle(value)?.as_ref() {
        Value::None => Ok(None),
        Value::Str(s) => Ok(Some(s.to_string())),
        n => match ops::mul(&Value::str(" "), n)? {
            Value::Str(s) => Ok(Some(s.to_string())),
            _ => Ok(Some(String::new())),
        },
    }
}

/// The layout that keywords of `json.dumps` ask for.
fn layout(keyword: IndexMap<String, Value>) -> PyResult<Layout> {
    let mut out = Layout::default();
    let mut separators = None;
    for (name, value) in keyword {
        match name.as_str() {
            "indent" => out.indent = indent(&value)?,
            "sort_keys" => out.sort_keys = ops::truth(&value)?,
            "ensure_ascii" => out.ensure_ascii = ops::truth(&value)?,
            "allow_nan" => out.allow_nan = ops::truth(&value)?,
            "skipkeys" => out.skip_keys = ops::truth(&value)?,
            "vault_to_text" => out.vault_to_text = ops::truth(&value)?,
            "separators" => separators = Some(value).filter(|s| !s.is_none()),
            "preprocess_unsafe" | "check_circular" | "default" => {}
            other => {
                return Err(PyError::type_error(format!(
                    "JSONEncoder.__init__() got an unexpected keyword argument '{other}'"
                )));
            }
        }
    }
    match separators {
        Some(pair) => {
            let texts: Vec<Value> = access::iterate(&pair)?;
            let [item, key] = texts.as_slice() else {
                return Err(PyError::value_error(if texts.len() < 2 {
                    format!("not enough values to unpack (expected 2, got {})", texts.len())
                } else {
                    "too many values to unpack (expected 2)".to_owned()
                }));
            };
            out.item_separator = crate::value::repr::to_text(item)?;
            out.key_separator = crate::value::repr::to_text(key)?;
        }
        None if out.indent.is_some() => ",".clone_into(&mut out.item_separator),
        None => {}
    }
    Ok(out)
}

fn no_places(args: &CallArgs) -> PyResult<()> {
    if args.positional.is_empty() {
        return Ok(());
    }
    Err(PyError::type_error(format!(
        "dumps() takes 1 positional argument but {} positional arguments (and 1 keyword-only \
         argument) were given",
        args.positional.len() + 1
    )))
}

fn to_json(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    no_places(&args)?;
    json::dumps_ansible(&value, &layout(args.keyword)?).map(Value::from)
}

fn to_nice_json(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let ([indent, sort_keys], rest) =
        args.bind_keywords("to_nice_json", &["a"], &["indent", "sort_keys"], 0)?;
    if rest.contains_key("separators") {
        return Err(PyError::type_error(
            "ansible.plugins.filter.core.to_json() got multiple values for keyword argument \
             'separators'",
        ));
    }
    let mut keyword = rest;
    keyword.insert("indent".to_owned(), indent.unwrap_or(Value::Int(4)));
    keyword.insert("sort_keys".to_owned(), sort_keys.unwrap_or(Value::Bool(true)));
    let pair = vec![Value::str(","), Value::str(": ")];
    keyword.insert("separators".to_owned(), Value::tuple(pair));
    json::dumps_ansible(&value, &layout(keyword)?).map(Value::from)
}

/// The encoding of JSON in bytes, as Python's `json` tells it.
fn encoding_of(bytes: &[u8]) -> &'static str {
    match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0xff, 0xfe, 0, 0, ..] => "utf-32",
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => "utf-16",
        [0xef, 0xbb, 0xbf, ..] => "utf-8-sig",
        [0, 0, _, _, ..] => "utf-32-be",
        [0, _, _, _, ..] | [0, _] => "utf-16-be",
        [_, 0, 0, 0, ..] => "utf-32-le",
        [_, 0, _, _, ..] | [_, 0] => "utf-16-le",
        _ => "utf-8",
    }
}

fn from_json(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("loads", &["s"], &[], 0)?;
    let settled = settle_typed(&value)?;
    match settled.as_ref() {
        Value::Str(s) => {
            let loaded = json::loads(s)?;
            Ok(if s.is_unsafe() { loaded.into_unsafe() } else { loaded })
        }
        Value::Bytes(bytes) => json::loads(&codec::decode(bytes, encoding_of(bytes), "strict")?),
        _ => Err(PyError::type_error(format!(
            "the JSON object must be str, bytes or bytearray, not {}",
            class_name(&value)
        ))),
    }
}

fn tojson(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [given] = args.bind("do_tojson", &["eval_ctx", "value"], &["indent"], 0)?;
    let mut layout = Layout { sort_keys: true, ..Layout::default() };
    if let Some(given) = given.filter(|i| !i.is_none()) {
        layout.indent = indent(&given)?;
        ",".clone_into(&mut layout.item_separator);
    }
    let text = json::dumps(&value, &layout)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027");
    Ok(Value::Str(Str::new(text).with_class(StrClass::Markup)))
}

fn pprint_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_pprint", &["value"], &[], 0)?;
    pprint::format(&value).map(Value::from)
}
