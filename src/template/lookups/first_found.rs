//! `first_found`: the first file that is there.

use indexmap::IndexMap;

use super::{
    Call, Lookup, lookup_error,
    options::{Default, Opt, Type},
};
use crate::value::{PyResult, Value, access, repr::to_text, types::class_repr};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "first_found",
    "The first file that is there.",
    &[
        Opt::new("files", Type::List).default(Default::List(&[])),
        Opt::new("paths", Type::List).default(Default::List(&[])),
        Opt::new("skip", Type::Bool).default(Default::Bool(false)),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let (places, skip) = places(call, &call.each()?)?;
    for place in places {
        let place = match call.render(&place) {
            Err(e) if e.is_undefined() => continue,
            place => place?,
        };
        if let Some(path) = call.find_quietly(call.subdir, &place)? {
            return Ok(vec![Value::from(path.to_string_lossy().into_owned())]);
        }
    }
    if skip {
        Ok(Vec::new())
    } else {
        Err(lookup_error("No file was found when using first_found."))
    }
}

/// Where to look, and whether finding nothing is fine.
fn places(call: &Call<'_>, terms: &[Value]) -> PyResult<(Vec<Value>, bool)> {
    let mut all = Vec::new();
    let mut skip = false;
    for term in terms {
        let options = match term {
            Value::Str(_) => call.options()?,
            mapping if access::is_mapping(mapping) => call.options_from(&arguments(mapping))?,
            list if access::is_sequence(list) || matches!(list, Value::Bytes(_)) => {
                let (partial, skips) = places(call, &access::iterate(list)?)?;
                all.extend(partial);
                skip = skips;
                continue;
            }
            other => {
                return Err(lookup_error(format!(
                    "Invalid term supplied, can handle string, mapping or list of strings but \
                     got: {} for {}",
                    class_repr(other),
                    to_text(other)?
                )));
            }
        };
        skip = options.is("skip");
        let files = split(&options.get("files"), &[',', ';'])?;
        let paths = split(&options.get("paths"), &[',', ':', ';'])?;
        if !paths.is_empty() {
            for path in &paths {
                all.extend(files.iter().map(|file| Value::from(join(path, file))));
            }
        } else if !files.is_empty() {
            // ansible-core 2.14 replaces what other terms gave.
            all = files.into_iter().map(Value::from).collect();
        } else {
            all.push(term.clone());
        }
    }
    Ok((all, skip))
}

fn arguments(mapping: &Value) -> IndexMap<String, Value> {
    let dict = access::as_dict(mapping);
    let pairs = dict.map(|d| d.snapshot()).unwrap_or_default();
    pairs.into_iter().filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v))).collect()
}

/// Texts split once more at `separators`, lists within lists too.
fn split(value: &Value, separators: &[char]) -> PyResult<Vec<String>> {
    match value {
        Value::Str(s) => Ok(s.split(separators).map(str::to_owned).collect()),
        other => {
            let mut parts = Vec::new();
            for item in access::iterate(other)? {
                parts.extend(split(&item, separators)?);
            }
            Ok(parts)
        }
    }
}

/// `os.path.join`.
fn join(folder: &str, name: &str) -> String {
    if name.starts_with('/') || folder.is_empty() {
        return name.to_owned();
    }
    let slash = if folder.ends_with('/') { "" } else { "/" };
    format!("{folder}{slash}{name}")
}
