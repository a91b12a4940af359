//! Tests (`is …`): one file a topic, each test a function, registered by a line in its topic's
//! table.

use std::{collections::HashMap, sync::OnceLock};

use super::{
    CallArgs, FilterContext,
    filters::{Origin, Worked},
};
use crate::value::{PyResult, Value};

mod comparison;
mod files;
mod matching;
mod net;
mod results;
mod types;
mod uri;
mod version;

/// A test's code.
pub type TestFn = fn(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value>;

/// A registered test.
#[derive(Clone, Copy)]
pub struct Test {
    /// Short name.
    pub name: &'static str,
    /// Who brings it.
    pub origin: Origin,
    /// One line on what it does.
    pub doc: &'static str,
    /// Its code. The result is usually a bool; `is failed` gives what the result holds.
    pub run: TestFn,
    /// When its result for constants is worked out.
    pub worked: Worked,
}

impl Test {
    /// The same, but the result depends on files.
    const fn anew(self) -> Self {
        Self { worked: Worked::Anew, ..self }
    }

    const fn jinja(name: &'static str, doc: &'static str, run: TestFn) -> Self {
        Self { name, origin: Origin::Jinja, doc, run, worked: Worked::Once }
    }

    const fn collection(
        collection: &'static str,
        name: &'static str,
        doc: &'static str,
        run: TestFn,
    ) -> Self {
        Self { name, origin: Origin::Collection(collection), doc, run, worked: Worked::Once }
    }

    const fn ansible(name: &'static str, doc: &'static str, run: TestFn) -> Self {
        Self { name, origin: Origin::Ansible, doc, run, worked: Worked::Once }
    }
}

/// The tables of all topics.
static TOPICS: &[&[Test]] = &[
    types::TESTS,
    comparison::TESTS,
    results::TESTS,
    matching::TESTS,
    version::TESTS,
    files::TESTS,
    uri::TESTS,
    net::TESTS,
];

pub use matching::boolean;
pub use version::{components as version_components, loose_order};

/// The test known by `name`, short or full.
pub fn find(name: &str) -> Option<&'static Test> {
    static INDEX: OnceLock<HashMap<String, &'static Test>> = OnceLock::new();
    INDEX.get_or_init(index).get(name).copied()
}

/// Every registered test.
pub fn all() -> impl Iterator<Item = &'static Test> {
    TOPICS.iter().flat_map(|topic| topic.iter())
}

fn index() -> HashMap<String, &'static Test> {
    let mut index: HashMap<String, &'static Test> = HashMap::new();
    for test in all() {
        let name = test.name;
        match test.origin {
            Origin::Jinja => {
                index.entry(name.to_owned()).or_insert(test);
            }
            Origin::Ansible => {
                for prefix in ["", "ansible.builtin.", "ansible.legacy."] {
                    index.insert(format!("{prefix}{name}"), test);
                }
            }
            Origin::Collection(collection) | Origin::Redirected(collection) => {
                index.insert(format!("{collection}.{name}"), test);
            }
        }
    }
    index
}

/// Applies the test `name`.
pub fn call(
    cx: &mut dyn FilterContext,
    name: &str,
    value: Value,
    args: CallArgs,
) -> PyResult<Value> {
    match find(name) {
        Some(test) => (test.run)(cx, value, args),
        None => Err(crate::template::filters::unknown_name(name)),
    }
}
