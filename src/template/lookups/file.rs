//! `file`: what is in files.

use super::{
    Call, Lookup,
    options::{Default, Opt, Type},
};
use crate::{
    template::templar::ansible,
    value::{PyError, PyErrorKind, PyResult, Value, repr::to_text, text::is_space},
};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "file",
    "The contents of files.",
    &[
        Opt::new("rstrip", Type::Bool).default(Default::Bool(true)),
        Opt::new("lstrip", Type::Bool).default(Default::Bool(false)),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let mut found = Vec::new();
    for term in call.each()? {
        let missing = || -> PyResult<PyError> {
            Ok(ansible(format!("could not locate file in lookup: {}", to_text(&term)?)))
        };
        let Some(path) = call.find("files", &term)? else { return Err(missing()?) };
        let text = match call.read_text(&path) {
            // ansible's class of errors for files that cannot be read.
            Err(e) if e.kind == PyErrorKind::Other("ansible.errors.AnsibleParserError") => {
                return Err(missing()?);
            }
            text => text?,
        };
        let mut text = text.as_str();
        if options.is("lstrip") {
            text = text.trim_start_matches(is_space);
        }
        if options.is("rstrip") {
            text = text.trim_end_matches(is_space);
        }
        found.push(Value::str(text));
    }
    Ok(found)
}
