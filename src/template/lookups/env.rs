//! `env`: environment variables.

use super::{
    Call, Lookup,
    options::{Default, Opt, Type},
    undefined,
};
use crate::value::{PyError, PyErrorKind, PyResult, Value, ops, repr::to_text, text::split_space};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "env",
    "The values of environment variables.",
    &[Opt::new("default", Type::Any).default(Default::Text(""))],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let default = call.options()?.get("default");
    let mut found = Vec::new();
    for term in call.each()? {
        if let Value::Bytes(_) = term {
            return Err(PyError::type_error("str expected, not bytes"));
        }
        if !matches!(term, Value::Str(_) | Value::Vaulted(_)) {
            return Err(ops::no_attribute(&term, "split"));
        }
        let text = to_text(&term)?;
        let Some(name) = split_space(&text, None).first().copied() else {
            return Err(PyError::new(PyErrorKind::IndexError, "list index out of range"));
        };
        found.push(match std::env::var_os(name) {
            Some(value) => Value::from(value.to_string_lossy().into_owned()),
            None if default.is_undefined() => {
                return Err(undefined(format!(
                    "The \"env\" lookup, found an undefined variable: {name}"
                )));
            }
            None => default.clone(),
        });
    }
    Ok(found)
}
