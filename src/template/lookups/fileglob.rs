//! `fileglob`: files whose names match patterns.

use std::path::Path;

use super::{Call, Lookup};
use crate::{
    template::filters::glob,
    value::{PyError, PyResult, Value, types::class_name},
};

pub(super) static LOOKUP: Lookup =
    Lookup::builtin("fileglob", "The files that match patterns.", &[], run);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    for term in call.each()? {
        let term = match &term {
            Value::Str(term) => term.to_string(),
            Value::Bytes(_) => {
                return Err(PyError::type_error("Can't mix strings and bytes in path components"));
            }
            other => {
                return Err(PyError::type_error(format!(
                    "expected str, bytes or os.PathLike object, not {}",
                    class_name(other)
                )));
            }
        };
        let (folder, name) = term.rsplit_once('/').map_or(("", term.as_str()), |(f, n)| (f, n));
        let folders = if name == term {
            call.search_path().into_iter().flat_map(|p| [p.join("files"), p]).collect()
        } else {
            // Slashes at the end of a folder's name go, unless they are all of it.
            let trimmed = folder.trim_end_matches('/');
            let folder = if trimmed.is_empty() { "/" } else { trimmed };
            call.find("files", &Value::str(folder))?.into_iter().collect::<Vec<_>>()
        };
        for folder in folders {
            let pattern = folder.join(name);
            let mut matching = glob(&pattern.to_string_lossy());
            matching.retain(|path| Path::new(path).is_file());
            if !matching.is_empty() {
                found.extend(matching.into_iter().map(Value::from));
                break;
            }
        }
    }
    Ok(found)
}
