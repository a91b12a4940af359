//! `vars`: the values of variables whose names are found out while rendering.

use super::{
    Call, Lookup,
    call::not_text,
    options::{Opt, Type},
    undefined,
};
use crate::value::{PyResult, Value, access};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("vars", "The values of variables.", &[Opt::new("default", Type::Any)], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let default = call.options()?.get("default");
    let mut found = Vec::new();
    for term in call.each()? {
        let Some(name) = term.as_str() else { return Err(not_text(&term, "its")?) };
        let value = match raw(call, name)? {
            Some(value) => call.render(&value),
            None => Err(undefined(format!("No variable found with this name: {name}"))),
        };
        found.push(match value {
            Err(e) if e.is_undefined() && !default.is_none() => default.clone(),
            value => value?,
        });
    }
    Ok(found)
}

/// A variable of the task, or else of the host.
fn raw(call: &Call<'_>, name: &str) -> PyResult<Option<Value>> {
    if let Some(value) = call.scope().get(name) {
        return Ok(Some(value));
    }
    let (Some(all), Some(host)) =
        (call.scope().get("hostvars"), call.scope().get("inventory_hostname"))
    else {
        return Ok(None);
    };
    match access::item(&all, &host)? {
        Some(host) => access::item(&host, &Value::str(name)),
        None => Ok(None),
    }
}
