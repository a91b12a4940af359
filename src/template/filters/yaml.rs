//! YAML.

use super::Filter;
use crate::template::{CallArgs, FilterContext};
use crate::value::{PyError, PyErrorKind, PyResult, Value, ops::settle};
use crate::yaml;

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("from_yaml", "What YAML stands for.", from_yaml),
    Filter::ansible("from_yaml_all", "What several YAML documents stand for.", from_yaml_all),
];

fn failed(e: crate::diagnostic::Error) -> PyError {
    PyError {
        kind: PyErrorKind::Other("yaml.YAMLError"),
        message: e.message().to_owned(),
        undefined: None,
        source: Some(e),
    }
}

fn from_yaml(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("from_yaml", &["data"], &[], 0)?;
    match settle(&value)?.as_ref() {
        Value::Str(s) => {
            let loaded = yaml::safe_load(s).map_err(failed)?;
            Ok(if s.is_unsafe() { loaded.into_unsafe() } else { loaded })
        }
        _ => Ok(value),
    }
}

fn from_yaml_all(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("from_yaml_all", &["data"], &[], 0)?;
    match settle(&value)?.as_ref() {
        Value::Str(s) => {
            let loaded = Value::list(yaml::safe_load_all(s).map_err(failed)?);
            Ok(if s.is_unsafe() { loaded.into_unsafe() } else { loaded })
        }
        _ => Ok(value),
    }
}
