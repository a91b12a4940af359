//! `varnames`: names of variables that match patterns.

use super::{Call, Lookup, call::not_text};
use crate::{
    template::templar::ansible,
    value::{
        PyResult, Value,
        regex::{Flags, Pattern},
    },
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("varnames", "The names of variables that match patterns.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let names = call.scope().names();
    let mut found = Vec::new();
    for term in call.each()? {
        let Some(text) = term.as_str() else { return Err(not_text(&term, "it is")?) };
        let pattern = Pattern::new(text, Flags::default()).map_err(|e| {
            ansible(format!("Unable to use \"{text}\" as a search parameter: {}", e.message))
        })?;
        for name in &names {
            if pattern.search(name)?.is_some() {
                found.push(Value::str(&**name));
            }
        }
    }
    Ok(found)
}
