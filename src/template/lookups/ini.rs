//! `ini`: values of files that Python's `configparser` reads.

mod document;

use document::{Document, Trouble};

use super::{
    Call, Lookup, lookup_error,
    options::{Default, Opt, Options, Type},
    options_error,
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value, codec,
    regex::{Flags, Pattern},
    repr::{repr, to_text},
    text::{is_space, split_space},
};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "ini",
    "The values of keys in files of sections, or in Java's property files.",
    &[
        Opt::new("type", Type::Any).default(Default::Text("ini")).choices(&["ini", "properties"]),
        Opt::new("file", Type::Any).default(Default::Text("ansible.ini")),
        Opt::new("section", Type::Any).default(Default::Text("global")),
        Opt::new("re", Type::Bool).default(Default::Bool(false)),
        Opt::new("encoding", Type::Any).default(Default::Text("utf-8")),
        Opt::new("default", Type::Any).default(Default::Text("")),
        Opt::new("case_sensitive", Type::Any).default(Default::Bool(false)),
        Opt::new("allow_no_value", Type::Bool)
            .default(Default::Bool(false))
            .aliases(&["allow_none"]),
    ],
    run,
);

/// Names of options that the text of a term may set.
const NAMES: &[&str] = &[
    "_terms",
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
];

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let mut options = call.options()?;
    let mut document = Document::new(options.is("allow_no_value"), options.is("case_sensitive"));
    let mut found = Vec::new();
    for term in call.each()? {
        let term = to_text(&term)?;
        let key = inline(&term, &mut options)?;
        let path = call.find("files", &options.get("file"))?;
        let Some(path) = path else {
            return Err(PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleParserError"),
                "Invalid filename: 'None'",
            ));
        };
        let mut text = String::new();
        if options.get("type").as_str() == Some("properties") {
            text.push_str("[java_properties]\n");
            options.set("section", Value::str("java_properties"));
        }
        let encoding = to_text(&options.get("encoding"))?;
        text.push_str(&codec::decode(&call.read(&path)?, &encoding, "strict")?);
        let file = to_text(&options.get("file"))?;
        document.read(&text).map_err(|trouble| match trouble {
            Trouble::DuplicateOption(why) => {
                lookup_error(format!("Duplicate option in '{file}': {why}"))
            }
            Trouble::Other(class, why) => PyError::new(PyErrorKind::Other(class), why),
        })?;
        let section = to_text(&options.get("section"))?;
        if !document.has_section(&section) {
            return Err(lookup_error(format!("No section '{section}' in {file}")));
        }
        found.extend(values(&document, &section, &key, &options)?);
    }
    Ok(found)
}

/// The values of a key, or of all keys that match it.
fn values(
    document: &Document,
    section: &str,
    key: &str,
    options: &Options,
) -> PyResult<Vec<Value>> {
    if options.is("re") {
        let pattern = Pattern::new(key, Flags::default())?;
        let mut found = Vec::new();
        for (name, value) in document.items(section)? {
            if pattern.match_start(&name)?.is_some() {
                found.push(Value::from(value));
            }
        }
        return Ok(found);
    }
    Ok(match document.get(section, key)? {
        Some(Some(value)) => vec![Value::from(value)],
        Some(None) => Vec::new(),
        None => match options.get("default") {
            Value::None => Vec::new(),
            Value::List(many) => many.snapshot(),
            other => vec![other],
        },
    })
}

/// The key of a term like `key section=s file=f`, whose options are set.
fn inline(term: &str, options: &mut Options) -> PyResult<String> {
    if !term.contains('=') && !term.trim_matches(is_space).contains(' ') {
        return Ok(term.to_owned());
    }
    let parts = parts(term);
    let mut key = None;
    for part in &parts {
        if !part.contains('=') {
            // Only the first is a key; ansible drops the rest.
            key.get_or_insert_with(|| part.clone());
            continue;
        }
        let fields: Vec<&str> = part.split('=').collect();
        let [name, value] = fields[..] else {
            let shown = repr(&parts.iter().map(|p| Value::str(p.as_str())).collect())?;
            let why = "too many values to unpack (expected 2)";
            return Err(lookup_error(format!(
                "Could not use '{part}' from '{shown}': {why}. {why}"
            )));
        };
        if !NAMES.contains(&name) {
            return Err(lookup_error(format!("{name} is not a valid option.")));
        }
        options.set(name, Value::str(value));
    }
    key.ok_or_else(|| {
        options_error(format!(
            "No key to lookup was provided as first term with in string inline options: {term}"
        ))
    })
}

/// The parts of a term: words belong to the last option that was named.
fn parts(term: &str) -> Vec<String> {
    let mut parts: Vec<(&str, String)> = Vec::new();
    let mut current = "key";
    for (i, word) in split_space(term, None).into_iter().enumerate() {
        if word.contains('=') {
            for name in NAMES {
                if word.contains(&format!("{name}=")) {
                    current = name;
                }
            }
        }
        match parts.iter_mut().find(|(name, _)| *name == current) {
            Some((_, text)) if i > 0 => {
                text.push(' ');
                text.push_str(word);
            }
            _ => parts.push((current, word.to_owned())),
        }
    }
    parts.into_iter().map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_belong_to_the_option_before() {
        assert_eq!(
            parts("a key section=my own file=f.ini"),
            ["a key", "section=my own", "file=f.ini"]
        );
        assert_eq!(parts("section=s"), ["section=s"]);
    }
}
