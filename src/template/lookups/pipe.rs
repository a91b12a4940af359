//! `pipe`: what commands write.

use super::{Call, Lookup, call};
use crate::{
    template::templar::ansible,
    value::{PyResult, Value, repr::to_text, text::is_space},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("pipe", "What commands of the shell write.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    for term in call.each()? {
        let command = to_text(&term)?;
        match call::shell_output(&command, &call.basedir())? {
            Ok(bytes) => {
                found.push(Value::str(call::into_text(bytes).trim_end_matches(is_space)));
            }
            Err(status) => {
                return Err(ansible(format!("lookup_plugin.pipe({command}) returned {status}")));
            }
        }
    }
    Ok(found)
}
