//! `unvault`: what is in files, decrypted.

use super::{Call, Lookup, call::NO_SECRETS};
use crate::value::{PyError, PyErrorKind, PyResult, Value, repr::to_text};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("unvault", "The contents of files, decrypted.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    for term in call.each()? {
        let Some(path) = call.find("files", &term)? else {
            return Err(PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleParserError"),
                format!("Unable to find file matching \"{}\" ", to_text(&term)?),
            ));
        };
        let text = call.read_text(&path).map_err(|e| match e.message.as_ref() {
            NO_SECRETS => PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleParserError"),
                format!(
                    "A vault password or secret must be specified to decrypt {}",
                    path.display()
                ),
            ),
            _ => e,
        })?;
        found.push(Value::from(text));
    }
    Ok(found)
}
