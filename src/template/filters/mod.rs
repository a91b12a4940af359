//! Filters: one file a topic, each filter a function, registered by a line in its topic's table.

use std::{collections::HashMap, sync::OnceLock};

use super::{CallArgs, FilterContext, eval::is_rolled, optimize::PYTHON_KEYWORDS};
use crate::value::{PyError, PyErrorKind, PyResult, StrClass, Value, access, repr};

mod attribute;
mod basics;
mod comment;
mod crypt;
mod csv;
mod dates;
mod dicts;
mod encoding;
mod general;
mod glob;
mod hashes;
mod html;
mod json;
mod json_query;
mod keys;
mod net;
mod numbers;
mod paths;
mod pprint;
mod random;
mod regex;
mod schema;
mod selection;
mod sequences;
mod sets;
mod text;
mod vault;
mod wrap;
mod yaml;

pub use encoding::{Url, base64_decode, base64_encode, shell_quote, split_url};
pub use glob::{glob, matches as glob_matches};
pub use hashes::{
    Settings as PasswordSettings, do_encrypt, encrypt as encrypt_password, hash_defaults,
    random_salt,
};
pub use net::{Net, parse_ip};
pub use paths::{expand_user, expand_vars, join as join_paths, normpath, real_path};
pub use regex::compile as compile_pattern;

/// A filter's code: the filtered value (undefined ones included) and the arguments.
pub type FilterFn = fn(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value>;

/// Who brings a filter (or test), and so under which names it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// jinja2: the short name alone.
    Jinja,
    /// ansible-core: the short name, and below `ansible.builtin` and `ansible.legacy`.
    Ansible,
    /// A collection: its full name.
    Collection(&'static str),
    /// A collection that took it over from ansible: its full name, the short one, and the one in
    /// the collection that had it in between.
    Redirected(&'static str),
}

/// When the result of a filter (or test) for constants is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worked {
    /// While a template compiles.
    Once,
    /// As for jinja2 while it compiles, but it depends on chance or on files: in each rendering.
    Anew,
    /// While a template runs, which it asks for variables or other filters.
    Running,
}

/// A registered filter.
#[derive(Clone, Copy)]
pub struct Filter {
    /// Short name.
    pub name: &'static str,
    /// Who brings it.
    pub origin: Origin,
    /// One line on what it does.
    pub doc: &'static str,
    /// Its code.
    pub run: FilterFn,
    /// When its result for constants is worked out.
    pub worked: Worked,
}

impl Filter {
    /// The same, but the result depends on chance or on files.
    const fn anew(self) -> Self {
        Self { worked: Worked::Anew, ..self }
    }

    /// The same, but it asks the running template.
    const fn running(self) -> Self {
        Self { worked: Worked::Running, ..self }
    }

    const fn jinja(name: &'static str, doc: &'static str, run: FilterFn) -> Self {
        Self { name, origin: Origin::Jinja, doc, run, worked: Worked::Once }
    }

    const fn ansible(name: &'static str, doc: &'static str, run: FilterFn) -> Self {
        Self { name, origin: Origin::Ansible, doc, run, worked: Worked::Once }
    }

    const fn collection(
        collection: &'static str,
        name: &'static str,
        doc: &'static str,
        run: FilterFn,
    ) -> Self {
        Self { name, origin: Origin::Collection(collection), doc, run, worked: Worked::Once }
    }

    /// A filter of a collection that was once ansible's own: the short name leads to it still.
    const fn redirected(
        collection: &'static str,
        name: &'static str,
        doc: &'static str,
        run: FilterFn,
    ) -> Self {
        Self { name, origin: Origin::Redirected(collection), doc, run, worked: Worked::Once }
    }

    /// Applies the filter. `written` is the name as the template has it, which decides whether
    /// the result stays text.
    pub fn apply(
        &self,
        written: &str,
        cx: &mut dyn FilterContext,
        value: Value,
        args: CallArgs,
    ) -> PyResult<Value> {
        let mut result = (self.run)(cx, value, args)?;
        if cx.keeps_text(written) {
            return Ok(Value::Str(repr::to_str(&result)?.with_class(StrClass::Native)));
        }
        // ansible unrolls what a filter gives to be iterated.
        if is_rolled(&result) {
            result = Value::list(access::iterate(&result)?);
        }
        Ok(result)
    }
}

/// The tables of all topics; within one name, the later wins (ansible's over jinja2's).
static TOPICS: &[&[Filter]] = &[
    basics::FILTERS,
    text::FILTERS,
    wrap::FILTERS,
    html::FILTERS,
    numbers::FILTERS,
    sequences::FILTERS,
    selection::FILTERS,
    sets::FILTERS,
    dicts::FILTERS,
    json::FILTERS,
    yaml::FILTERS,
    regex::FILTERS,
    paths::FILTERS,
    encoding::FILTERS,
    hashes::FILTERS,
    vault::FILTERS,
    dates::FILTERS,
    random::FILTERS,
    comment::FILTERS,
    json_query::FILTERS,
    general::FILTERS,
    csv::FILTERS,
    keys::FILTERS,
    net::QUERIES,
    net::SUBNETS,
    net::HARDWARE,
];

/// The filter known by `name`, short or full.
pub fn find(name: &str) -> Option<&'static Filter> {
    static INDEX: OnceLock<HashMap<String, &'static Filter>> = OnceLock::new();
    INDEX.get_or_init(index).get(name).copied()
}

/// Every registered filter.
pub fn all() -> impl Iterator<Item = &'static Filter> {
    TOPICS.iter().flat_map(|topic| topic.iter())
}

fn index() -> HashMap<String, &'static Filter> {
    let mut index: HashMap<String, &'static Filter> = HashMap::new();
    for filter in all() {
        let name = filter.name;
        match filter.origin {
            Origin::Jinja => {
                index.entry(name.to_owned()).or_insert(filter);
            }
            Origin::Ansible => {
                for prefix in ["", "ansible.builtin.", "ansible.legacy."] {
                    index.insert(format!("{prefix}{name}"), filter);
                }
            }
            Origin::Collection(collection) => {
                index.insert(format!("{collection}.{name}"), filter);
            }
            Origin::Redirected(collection) => {
                for prefix in ["", "ansible.builtin.", "ansible.legacy."] {
                    index.insert(format!("{prefix}{name}"), filter);
                }
                index.insert(format!("{collection}.{name}"), filter);
                if collection == "ansible.utils" {
                    index.insert(format!("ansible.netcommon.{name}"), filter);
                }
            }
        }
    }
    index
}

/// Applies the filter `name` (as filters like `map` do, which name others at run time).
pub fn call(
    cx: &mut dyn FilterContext,
    name: &str,
    value: Value,
    args: CallArgs,
) -> PyResult<Value> {
    match find(name) {
        Some(filter) => filter.apply(name, cx, value, args),
        None => Err(unknown_name(name)),
    }
}

/// What ansible's registries of filters and tests say of a name that they don't have.
pub fn unknown_name(name: &str) -> PyError {
    unknown(&unknown_text(name))
}

pub(super) fn unknown(text: &str) -> PyError {
    PyError::new(PyErrorKind::TemplateSyntax, text)
}

/// The text of [`unknown_name`].
pub fn unknown_text(name: &str) -> String {
    let full = if name.contains('.') { name.to_owned() } else { format!("ansible.builtin.{name}") };
    let parts: Vec<&str> = full.split('.').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_name = |part: &&str| {
        !part.starts_with(|c: char| c.is_numeric()) && !PYTHON_KEYWORDS.contains(part)
    };
    let why = match parts[..] {
        [namespace, collection, _, ..]
            // The pattern of these names lets one line end follow.
            if parts[..parts.len() - 1].iter().all(is_word)
                && parts.last().is_some_and(|last| is_word(&last.strip_suffix('\n').unwrap_or(last))) && parts[..2].iter().all(is_name) =>
        {
            if namespace == "ansible" && matches!(collection, "builtin" | "legacy") {
                name.to_owned()
            } else {
                format!(
                    "Invalid plugin FQCN ({name}): unable to locate collection \
                     {namespace}.{collection}"
                )
            }
        }
        _ => format!("invalid plugin name: {full}"),
    };
    format!("Could not load \"{name}\": {}", repr::str_repr(&why))
}
