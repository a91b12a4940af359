//! Lookups: one file each, registered by a line in the table below.

mod call;
mod cartesian;
mod config;
mod csvfile;
mod dependent;
mod dict;
mod env;
mod file;
mod fileglob;
mod filetree;
mod first_found;
mod flattened;
mod indexed_items;
mod ini;
mod inventory_hostnames;
mod items;
mod lines;
mod list;
mod merge_variables;
mod nested;
mod options;
mod password;
mod passwordstore;
mod pipe;
mod random_choice;
mod random_string;
mod sequence;
mod subelements;
mod template;
mod together;
mod unvault;
mod url;
mod varnames;
mod vars;

use std::sync::Arc;

pub(super) use call::Call;
use options::Opt;

use super::{
    CallArgs, Templar,
    eval::Run,
    templar::{Chain, RenderOptions, ansible},
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Str, StrClass, Undefined, Value, access, ops, repr::to_text,
};

/// A lookup: what templates call by `lookup('name', …)` and tasks by `with_name`.
pub struct Lookup {
    /// The name, without its collection.
    pub name: &'static str,
    /// The collection that it belongs to.
    pub collection: &'static str,
    /// What it gives, in a line.
    pub summary: &'static str,
    options: &'static [Opt],
    run: fn(&Call<'_>) -> PyResult<Vec<Value>>,
}

impl Lookup {
    const fn builtin(
        name: &'static str,
        summary: &'static str,
        options: &'static [Opt],
        run: fn(&Call<'_>) -> PyResult<Vec<Value>>,
    ) -> Self {
        Self { name, collection: "ansible.builtin", summary, options, run }
    }

    const fn community(
        name: &'static str,
        summary: &'static str,
        options: &'static [Opt],
        run: fn(&Call<'_>) -> PyResult<Vec<Value>>,
    ) -> Self {
        Self { name, collection: "community.general", summary, options, run }
    }

    /// What ansible-core calls it where its options are wrong.
    fn module(&self) -> String {
        match self.collection {
            "ansible.builtin" => self.name.to_owned(),
            other => format!("ansible_collections.{other}.plugins.lookup.{}", self.name),
        }
    }
}

/// Every lookup.
pub static LOOKUPS: &[&Lookup] = &[
    &cartesian::LOOKUP,
    &config::LOOKUP,
    &csvfile::LOOKUP,
    &dependent::LOOKUP,
    &dict::LOOKUP,
    &env::LOOKUP,
    &file::LOOKUP,
    &fileglob::LOOKUP,
    &filetree::LOOKUP,
    &first_found::LOOKUP,
    &flattened::LOOKUP,
    &indexed_items::LOOKUP,
    &ini::LOOKUP,
    &inventory_hostnames::LOOKUP,
    &items::LOOKUP,
    &lines::LOOKUP,
    &list::LOOKUP,
    &merge_variables::LOOKUP,
    &nested::LOOKUP,
    &password::LOOKUP,
    &passwordstore::LOOKUP,
    &pipe::LOOKUP,
    &random_choice::LOOKUP,
    &random_string::LOOKUP,
    &sequence::LOOKUP,
    &subelements::LOOKUP,
    &template::LOOKUP,
    &together::LOOKUP,
    &unvault::LOOKUP,
    &url::LOOKUP,
    &varnames::LOOKUP,
    &vars::LOOKUP,
];

/// What was ansible's own once: short names lead to it still.
const MOVED: &[&str] = &["cartesian", "filetree", "flattened", "passwordstore"];

/// The lookup that a name, short or full, means.
pub fn find(name: &str) -> Option<&'static Lookup> {
    let of = |collection: &str, name: &str| {
        LOOKUPS.iter().find(|l| l.name == name && l.collection == collection).copied()
    };
    match name.rsplit_once('.') {
        Some(("ansible.builtin" | "ansible.legacy", short)) => find(short),
        Some((collection, short)) => of(collection, short),
        None if MOVED.contains(&name) => of("community.general", name),
        None => of("ansible.builtin", name),
    }
}

/// What becomes of an error that the lookup saw coming.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    Raise,
    Warn,
    Ignore,
}

/// The name of a lookup as it is looked up: a key first, then text.
fn named_by(given: &Value) -> PyResult<Option<String>> {
    match ops::settle_typed(given)?.as_ref() {
        Value::Str(s) => Ok(Some(s.to_string())),
        Value::Bytes(_) => Err(PyError::type_error(
            "startswith first arg must be bytes or a tuple of bytes, not str",
        )),
        Value::Undefined(_) => Ok(None),
        other => {
            ops::to_key(other.clone())?;
            Err(ops::no_attribute(other, "startswith"))
        }
    }
}

/// `lookup(…)` and `query(…)` in a template.
pub(super) fn call(run: &Arc<Run>, args: CallArgs, wantlist: bool) -> PyResult<Value> {
    let function = if wantlist { "Templar._query_lookup" } else { "Templar._lookup" };
    let ([name], terms, mut keywords) = args.bind_all(function, &["self"], &["name"], 1)?;
    let name_given = name.unwrap_or(Value::None);
    let name = to_text(&name_given)?;
    if !run.lookups {
        return Err(ansible(format!(
            "The lookup `{name}` was found, however lookups were disabled from templating"
        )));
    }
    let Some(name) = named_by(&name_given)? else {
        return Err(ansible(format!("lookup plugin ({name}) not found")));
    };
    let lookup = find(&name).ok_or_else(|| ansible(format!("lookup plugin ({name}) not found")))?;
    let wanted = keywords.shift_remove("wantlist").unwrap_or(Value::Bool(false));
    // Only asked when it matters.
    let wantlist = || if wantlist { Ok(true) } else { ops::truth(&wanted) };
    let allow_unsafe = keywords
        .shift_remove("allow_unsafe")
        .unwrap_or_else(|| Value::Bool(run.templar.environment().settings.allow_unsafe_lookups));
    let wanted_on_error = keywords.shift_remove("errors");
    let on_error = match wanted_on_error.as_ref().and_then(Value::as_str) {
        Some("warn") => OnError::Warn,
        Some("ignore") => OnError::Ignore,
        _ => OnError::Raise,
    };
    let chain = run.chain.as_ref();
    let terms = listify(&run.templar, chain, &Value::tuple(terms), true)?;
    let call = Call::new(lookup, &run.templar, chain, terms, keywords, "files");
    match (lookup.run)(&call) {
        Ok(found) => finish(run, found, &allow_unsafe, &wantlist),
        Err(e) => {
            let message = judged(e, &name)?;
            match on_error {
                OnError::Raise => {
                    // Only now does anybody look at it.
                    wanted_on_error.as_ref().map(ops::operand).transpose()?;
                    return Err(message.raised);
                }
                OnError::Warn => run.templar.environment().notices.warning(message.told),
                OnError::Ignore => {}
            }
            Ok(if wantlist()? { Value::list(Vec::new()) } else { Value::None })
        }
    }
}

/// An error that `errors=` may turn into a warning.
struct Judged {
    raised: PyError,
    told: String,
}

/// What an error of a lookup is to the template; some errors are never ignored.
fn judged(e: PyError, name: &str) -> PyResult<Judged> {
    const OPTIONS: PyErrorKind = PyErrorKind::Other("ansible.errors.AnsibleOptionsError");
    const LOOKUP: PyErrorKind = PyErrorKind::Other("ansible.errors.AnsibleLookupError");
    if e.is_undefined() || e.kind == OPTIONS {
        return Err(e);
    }
    if e.kind == LOOKUP {
        let told = format!("Lookup failed but the error is being ignored: {}", e.message);
        return Ok(Judged { raised: e, told });
    }
    let told = format!(
        "An unhandled exception occurred while running the lookup plugin '{name}'. Error was a \
         {}, original message: {}",
        e.class(),
        e.message
    );
    let raised = PyError { source: e.source, ..ansible(format!("{told}. {}", e.message)) };
    Ok(Judged { raised, told })
}

/// What the caller gets of what a lookup found.
fn finish(
    run: &Arc<Run>,
    found: Vec<Value>,
    allow_unsafe: &Value,
    wantlist: &dyn Fn() -> PyResult<bool>,
) -> PyResult<Value> {
    if found.is_empty() || !matches!(allow_unsafe, Value::Bool(false)) {
        return Ok(Value::list(found));
    }
    run.touch_unsafe();
    if wantlist()? {
        return Ok(Value::list(found).into_unsafe());
    }
    if let Some(texts) = found.iter().map(text_of).collect::<Option<Vec<&Str>>>() {
        let native = texts.first().is_some_and(|t| t.class() == StrClass::Native);
        let joined: Vec<&str> = texts.iter().map(|t| t.as_str()).collect();
        let joined = Str::new_unsafe(joined.join(","));
        let class = if native { StrClass::Native } else { StrClass::Str };
        return Ok(Value::Str(joined.with_class(class)));
    }
    let mut found = found;
    Ok(match found.len() {
        1 => found.remove(0).into_unsafe(),
        _ => Value::list(found).into_unsafe(),
    })
}

fn text_of(value: &Value) -> Option<&Str> {
    match value {
        Value::Str(s) => Some(s),
        _ => None,
    }
}

/// The items of `with_<name>: terms`.
pub(super) fn items(
    templar: &Templar,
    name: &str,
    terms: &Value,
    action: &str,
) -> PyResult<Vec<Value>> {
    let lookup = find(name).ok_or_else(|| {
        ansible(format!(
            "Unexpected failure in finding the lookup named '{name}' in the available lookup \
             plugins"
        ))
    })?;
    // Names that are not there make first_found go on to the next file.
    let lenient = name == "first_found";
    let mut terms = listify(templar, None, terms, !lenient)?;
    if lenient {
        let kept = access::iterate(&terms)?;
        terms = kept.into_iter().filter(|t| !templar.is_template(t)).collect();
    }
    let subdir = match action {
        a if a.contains("template") => "templates",
        a if a.contains("var") => "vars",
        _ => "files",
    };
    let call = Call::new(lookup, templar, None, terms, indexmap::IndexMap::new(), subdir);
    let found = (lookup.run)(&call)?;
    Ok(found.into_iter().map(Value::into_unsafe).collect())
}

/// Terms, rendered; something that is no collection becomes a list of itself.
fn listify(
    templar: &Templar,
    chain: Option<&Arc<Chain>>,
    terms: &Value,
    fail_on_undefined: bool,
) -> PyResult<Value> {
    let options = RenderOptions { fail_on_undefined, ..RenderOptions::default() };
    let stripped = match terms {
        Value::Str(s) => Some(Value::Str(trimmed(s))),
        _ => None,
    };
    let rendered = templar.template_along(stripped.as_ref().unwrap_or(terms), &options, chain)?;
    let single = matches!(rendered, Value::Str(_))
        || !rendered.is_undefined() && !access::is_iterable(&rendered)?;
    Ok(if single { Value::list(vec![rendered]) } else { rendered })
}

/// The text without white space around it; of no other trust than before.
fn trimmed(s: &Str) -> Str {
    let text = s.trim_matches(crate::value::text::is_space);
    if text.len() == s.len() { s.clone() } else { s.derive(text) }
}

/// An `AnsibleLookupError`: what a lookup says that saw the problem itself.
fn lookup_error(message: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Other("ansible.errors.AnsibleLookupError"), message)
}

/// An `AnsibleOptionsError`: what was asked for cannot be meant.
fn options_error(message: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Other("ansible.errors.AnsibleOptionsError"), message)
}

/// An `AnsibleUndefinedVariable` that says `message`.
fn undefined(message: impl Into<String>) -> PyError {
    PyError::undefined(&Arc::new(Undefined::hinted(message)))
}

/// ansible's `_flatten`: lists and tuples among the items give way to what they hold.
fn flatten(items: Vec<Value>) -> Vec<Value> {
    let mut flat = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::List(l) => flat.extend(l.snapshot()),
            Value::Tuple(t) => flat.extend(t.iter().cloned()),
            other => flat.push(other),
        }
    }
    flat
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_lookup_has_its_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/template/lookups");
        let shared = ["mod", "call", "options"];
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                (path.extension()? == "rs")
                    .then(|| path.file_stem()?.to_str().map(str::to_owned))?
            })
            .filter(|name| !shared.contains(&name.as_str()))
            .collect();
        files.sort_unstable();
        let names: Vec<&str> = LOOKUPS.iter().map(|l| l.name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn names_are_found_with_and_without_collection() {
        for name in ["file", "ansible.builtin.file", "ansible.legacy.file"] {
            assert_eq!(find(name).unwrap().name, "file");
        }
        assert!(find("community.general.file").is_none());
        assert!(find("nope").is_none());
    }
}
