//! YAML.

use super::Filter;
use crate::template::args::index;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value,
    ops::{self, settle, settle_typed},
};
use crate::yaml::{self, DumpOptions, LineBreak, Style};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("to_yaml", "YAML.", to_yaml),
    Filter::ansible("to_nice_yaml", "Indented YAML.", to_nice_yaml),
    Filter::ansible("from_yaml", "What YAML stands for.", from_yaml),
    Filter::ansible("from_yaml_all", "What several YAML documents stand for.", from_yaml_all),
];

/// The class that PyYAML raises with `message`: each of its steps has its own, and what Python's
/// own functions raise passes through it.
fn class(message: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|p| message.starts_with(p));
    if !message.contains("\n  in \"<unicode string>\"") {
        return match message {
            "string index out of range" => "IndexError",
            m if m.starts_with("'NoneType' object") => "AttributeError",
            m if m.starts_with("maximum recursion depth") => "RecursionError",
            // A word that is no bool is looked up all the same.
            m if m.starts_with(['\'', '"']) => "KeyError",
            _ => "ValueError",
        };
    }
    if has(&["found undefined alias", "found duplicate anchor", "expected a single document"]) {
        "yaml.composer.ComposerError"
    } else if has(&[
        "while constructing",
        "could not determine a constructor",
        "expected a ",
        "failed to ",
    ]) {
        "yaml.constructor.ConstructorError"
    } else if has(&[
        "while parsing a quoted scalar",
        "while parsing a tag",
        "while parsing a %TAG directive",
    ]) {
        "yaml.scanner.ScannerError"
    } else if has(&[
        "while parsing",
        "did not find expected",
        "found undefined tag handle",
        "found incompatible YAML document",
        "found duplicate %",
    ]) {
        "yaml.parser.ParserError"
    } else if has(&["unacceptable character", "control characters", "invalid"]) {
        "yaml.reader.ReaderError"
    } else {
        "yaml.scanner.ScannerError"
    }
}

fn failed(e: crate::diagnostic::Error) -> PyError {
    PyError {
        kind: PyErrorKind::Other(e.class().unwrap_or_else(|| class(e.message()))),
        message: e.message().to_owned(),
        undefined: None,
        source: Some(e),
    }
}

fn from_yaml(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("from_yaml", &["data"], &[], 0)?;
    match settle_typed(&value)?.as_ref() {
        Value::Str(s) => {
            crate::value::codec::encode(s, "utf-8", "strict")?;
            let loaded = yaml::safe_load(s).map_err(failed)?;
            Ok(if s.is_unsafe() { loaded.into_unsafe() } else { loaded })
        }
        _ => Ok(value),
    }
}

fn from_yaml_all(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("from_yaml_all", &["data"], &[], 0)?;
    match settle_typed(&value)?.as_ref() {
        Value::Str(s) => {
            crate::value::codec::encode(s, "utf-8", "strict")?;
            let loaded = Value::list(yaml::safe_load_all(s).map_err(failed)?);
            Ok(if s.is_unsafe() { loaded.into_unsafe() } else { loaded })
        }
        _ => Ok(value),
    }
}

/// Sets the option of PyYAML's dumper called `name`.
fn set(options: &mut DumpOptions, name: &str, value: &Value) -> PyResult<()> {
    let number = || match value {
        Value::None => Ok(None),
        // PyYAML takes what it can count with; a float of a template is cut.
        Value::Float(f) => Ok(Some(*f as i32)),
        n => index(n).map(|n| i32::try_from(n).ok()),
    };
    match name {
        "indent" => options.indent = number()?,
        "width" => {
            // An endless width is written as a number too large for one.
            options.width = if matches!(value, Value::Float(f) if f.is_infinite()) {
                Some(i32::MAX)
            } else {
                number()?
            };
        }
        "sort_keys" => options.sort_keys = ops::truth(value)?,
        "explicit_start" => options.explicit_start = ops::truth(value)?,
        "explicit_end" => options.explicit_end = ops::truth(value)?,
        "canonical" => options.canonical = ops::truth(value)?,
        "default_flow_style" => {
            options.default_flow_style =
                if value.is_none() { None } else { Some(ops::truth(value)?) };
        }
        "default_style" => {
            options.default_style = match settle(value)?.as_str() {
                Some("'") => Some(Style::SingleQuoted),
                Some("\"") => Some(Style::DoubleQuoted),
                Some("|") => Some(Style::Literal),
                Some(">") => Some(Style::Folded),
                _ => None,
            };
        }
        "line_break" => {
            options.line_break = match settle(value)?.as_str() {
                Some("\r") => LineBreak::Cr,
                Some("\r\n") => LineBreak::CrLf,
                _ => LineBreak::Lf,
            };
        }
        "encoding" | "version" | "tags" => {}
        "allow_unicode" => {
            return Err(PyError::type_error(
                "yaml.dump() got multiple values for keyword argument 'allow_unicode'",
            ));
        }
        other => {
            return Err(PyError::type_error(format!(
                "dump_all() got an unexpected keyword argument '{other}'"
            )));
        }
    }
    Ok(())
}

fn dump(value: &Value, options: DumpOptions, args: CallArgs, filter: &str) -> PyResult<Value> {
    let dumped = || -> PyResult<String> {
        let mut options = options;
        for (name, value) in &args.keyword {
            if matches!(&**name, "indent" | "width") {
                ops::operand(value)?;
            }
            set(&mut options, name, value)?;
        }
        Ok(yaml::dump(value, &options)?)
    };
    dumped().map(Value::from).map_err(|e| {
        // The filter's error shows the one it came from too.
        PyError::filter(format!("{filter} - {e}. {e}"))
    })
}

fn to_yaml(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    dump(&value, DumpOptions::to_yaml(), args, "to_yaml")
}

fn to_nice_yaml(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let mut args = args;
    if args.keyword.contains_key("default_flow_style") {
        let why = "yaml.dump() got multiple values for keyword argument 'default_flow_style'";
        return Err(PyError::filter(format!("to_nice_yaml - {why}. {why}")));
    }
    // Further places are taken and ignored.
    if !args.positional.is_empty() {
        let indent = args.positional.remove(0);
        args.keyword.insert("indent".to_owned(), indent);
    }
    if let Some(Value::Undefined(u)) = args.keyword.get("indent")
        && !u.lenient
    {
        return Err(PyError::undefined(u));
    }
    dump(&value, DumpOptions::to_nice_yaml(), args, "to_nice_yaml")
}
