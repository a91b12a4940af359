//! What a module answers: an outcome or a failure, and ansible's dictionary of either.

use crate::data::{Data, Map};
use crate::python::{self, Subject};

/// A module that did its work.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// `None` leaves `changed` out of the result, as a few modules do.
    pub changed: Option<bool>,
    pub data: Map,
    pub diff: Option<Diffs>,
    pub facts: Map,
    pub skipped: bool,
}

impl Outcome {
    /// A result that says whether something changed.
    pub fn new(changed: bool) -> Outcome {
        Outcome { changed: Some(changed), ..Outcome::default() }
    }

    /// A result without the key `changed`; the controller takes it as false.
    pub fn silent() -> Outcome {
        Outcome::default()
    }

    /// Add a returned value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Data>) -> Outcome {
        self.data.insert(key.into(), value.into());
        self
    }

    /// Add the message.
    #[must_use]
    pub fn msg(self, msg: impl Into<String>) -> Outcome {
        self.with("msg", msg.into())
    }

    /// Add all of a dictionary.
    #[must_use]
    pub fn with_all(mut self, data: Map) -> Outcome {
        self.data.extend(data);
        self
    }

    /// Attach what was before and after.
    #[must_use]
    pub fn diff(mut self, diff: impl Into<Diffs>) -> Outcome {
        self.diff = Some(diff.into());
        self
    }

    /// Facts that the host gets.
    #[must_use]
    pub fn facts(mut self, facts: Map) -> Outcome {
        self.facts = facts;
        self
    }

    /// Nothing was done, and why.
    pub fn skip(msg: impl Into<String>) -> Outcome {
        Outcome { skipped: true, ..Outcome::default() }.msg(msg)
    }

    /// ansible's dictionary.
    pub fn into_result(self) -> Map {
        let mut result = Map::new();
        if let Some(changed) = self.changed {
            result.insert("changed".into(), changed.into());
        }
        if self.skipped {
            result.insert("skipped".into(), true.into());
        }
        result.extend(self.data);
        if !self.facts.is_empty() {
            result.insert("ansible_facts".into(), self.facts.into());
        }
        if let Some(diff) = self.diff {
            result.insert("diff".into(), diff.into());
        }
        result
    }
}

/// A module that could not do its work.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    pub msg: String,
    pub data: Map,
    diff: Option<Box<Diffs>>,
    raised: Option<Box<str>>,
}

impl Failure {
    pub fn new(msg: impl Into<String>) -> Failure {
        Failure { msg: msg.into(), ..Failure::default() }
    }

    /// What ansible makes of a module that ends with an exception of Python's: its class and text.
    pub fn crash(class: &str, text: impl std::fmt::Display) -> Failure {
        let text = text.to_string();
        let trace = format!("Traceback (most recent call last):\n{class}: {text}\n");
        let failure = Failure::new("MODULE FAILURE\nSee stdout/stderr for the exact error")
            .with("module_stdout", "")
            .with("module_stderr", trace.as_str())
            .with("rc", 1)
            .with("exception", trace);
        Failure { raised: Some(text.into()), ..failure }
    }

    /// The same where the system's error is not caught.
    pub fn os(error: &std::io::Error, subject: Subject<'_>) -> Failure {
        Failure::crash(python::os_class(error), python::os_error(error, subject))
    }

    /// What modules of community.general say that gather what they return as they go: a failure carries all of it.
    /// In diff mode an empty difference is among it.
    pub fn with_output(msg: &str, output: &Map, diff: bool) -> Failure {
        let class = "ansible_collections.community.general.plugins.module_utils.mh.exceptions.ModuleHelperException";
        let mut all = output.clone();
        if diff {
            all.insert("diff".into(), Map::new().into());
        }
        Failure::new(msg)
            .with_all(all.clone())
            .with("output", all)
            .with("vars", output.clone())
            .with("exception", format!("Traceback (most recent call last):\n{class}\n"))
    }

    /// The text of the exception, if that is what it is.
    pub fn raised(&self) -> Option<&str> {
        self.raised.as_deref()
    }

    /// Add a returned value (`rc`, `stdout`, `path`, …).
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Data>) -> Failure {
        self.data.insert(key.into(), value.into());
        self
    }

    /// Add all of a dictionary.
    #[must_use]
    pub fn with_all(mut self, data: Map) -> Failure {
        self.data.extend(data);
        self
    }

    /// Attach what was before and after.
    #[must_use]
    pub fn diff(mut self, diff: impl Into<Diffs>) -> Failure {
        self.diff = Some(Box::new(diff.into()));
        self
    }

    /// ansible's dictionary.
    pub fn into_result(self) -> Map {
        let mut result = self.data;
        if let Some(diff) = self.diff {
            result.insert("diff".into(), (*diff).into());
        }
        result.insert("failed".into(), true.into());
        result.insert("msg".into(), self.msg.into());
        result
    }
}

impl From<crate::regex::Error> for Failure {
    fn from(error: crate::regex::Error) -> Failure {
        Failure::crash(error.class, error.message)
    }
}

impl From<String> for Failure {
    fn from(msg: String) -> Failure {
        Failure::new(msg)
    }
}

/// What was before and what is after.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// Text or a dictionary.
    pub before: Option<Data>,
    pub after: Option<Data>,
    pub before_header: Option<String>,
    pub after_header: Option<String>,
    /// A finished difference, shown as it is.
    pub prepared: Option<String>,
    /// Further keys, such as `dst_binary`.
    pub data: Map,
}

impl Diff {
    /// Of two texts or dictionaries.
    pub fn of(before: impl Into<Data>, after: impl Into<Data>) -> Diff {
        Diff { before: Some(before.into()), after: Some(after.into()), ..Diff::default() }
    }

    #[must_use]
    pub fn headers(mut self, before: impl Into<String>, after: impl Into<String>) -> Diff {
        self.before_header = Some(before.into());
        self.after_header = Some(after.into());
        self
    }

    /// Note a property's value before and after (owner, mode, …).
    pub fn note(&mut self, key: &str, before: impl Into<Data>, after: impl Into<Data>) {
        insert_into(&mut self.before, key, before.into());
        insert_into(&mut self.after, key, after.into());
    }
}

fn insert_into(side: &mut Option<Data>, key: &str, value: Data) {
    if !matches!(side, Some(Data::Object(_))) {
        *side = Some(Map::new().into());
    }
    if let Some(Data::Object(map)) = side {
        map.insert(key.into(), value);
    }
}

impl From<Diff> for Data {
    fn from(diff: Diff) -> Data {
        let mut map = Map::new();
        let texts = [
            ("before_header", diff.before_header),
            ("after_header", diff.after_header),
            ("prepared", diff.prepared),
        ];
        for (key, value) in [("before", diff.before), ("after", diff.after)] {
            map.extend(value.map(|value| (key.to_owned(), value)));
        }
        for (key, value) in texts {
            map.extend(value.map(|value| (key.to_owned(), value.into())));
        }
        map.extend(diff.data);
        map.into()
    }
}

/// One difference, or several.
#[derive(Debug, Clone)]
pub enum Diffs {
    One(Box<Diff>),
    Many(Vec<Diff>),
}

impl From<Diff> for Diffs {
    fn from(diff: Diff) -> Diffs {
        Diffs::One(Box::new(diff))
    }
}

impl From<Vec<Diff>> for Diffs {
    fn from(diffs: Vec<Diff>) -> Diffs {
        Diffs::Many(diffs)
    }
}

impl From<Diffs> for Data {
    fn from(diffs: Diffs) -> Data {
        match diffs {
            Diffs::One(diff) => (*diff).into(),
            Diffs::Many(diffs) => diffs.into_iter().map(Data::from).collect(),
        }
    }
}

/// Something that will go away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deprecation {
    pub msg: String,
    pub version: Option<String>,
    pub date: Option<String>,
    pub collection_name: Option<String>,
}

impl From<Deprecation> for Data {
    fn from(deprecation: Deprecation) -> Data {
        let mut map = Map::new();
        map.insert("msg".into(), deprecation.msg.into());
        match deprecation.date {
            Some(date) => map.insert("date".into(), date.into()),
            None => {
                map.insert("version".into(), deprecation.version.map_or(Data::Null, Data::from))
            }
        };
        map.insert(
            "collection_name".into(),
            deprecation.collection_name.map_or(Data::Null, Data::from),
        );
        map.into()
    }
}
