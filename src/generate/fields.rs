//! Typed reading of loaded nodes: every mistake is noted with its place, and reading goes on.

use std::cell::RefCell;

use crate::{
    diagnostic::{Error, Span, similar},
    value::Value,
    yaml::{Node, NodeKind},
};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// The mistakes found so far.
#[derive(Default)]
pub struct Mistakes(RefCell<Vec<Error>>);

impl Mistakes {
    /// Notes one.
    pub fn add(&self, error: Error) {
        self.0.borrow_mut().push(error);
    }

    /// Notes one at a place.
    pub fn at(&self, span: &Span, message: impl Into<String>) {
        self.add(Error::parser(message, span.clone()));
    }

    /// Notes one at a place, with advice.
    pub fn hinted(&self, span: &Span, message: impl Into<String>, hint: impl Into<String>) {
        self.add(Error::parser(message, span.clone()).hinted(hint));
    }

    /// All of them, in the order of the file.
    pub fn take(self) -> Vec<Error> {
        let mut all = self.0.into_inner();
        all.sort_by_key(|e| e.span().map_or(u32::MAX, |s| s.start));
        all
    }
}

/// A mapping that is being read. The keys that are asked for are the ones that it may have.
pub struct Section<'n> {
    /// What it is, for messages: `hosts.masternode`.
    pub path: String,
    /// Where it stands.
    pub span: Span,
    entries: &'n [(Node, Node)],
    known: Vec<String>,
    mistakes: &'n Mistakes,
}

impl<'n> Section<'n> {
    /// The mapping that `node` must be.
    pub fn open(node: &'n Node, path: &str, mistakes: &'n Mistakes) -> Option<Self> {
        let entries = match &node.kind {
            NodeKind::Map(entries) => &entries[..],
            _ if node.is_null() => &[],
            _ => {
                let what = kind_of(node);
                mistakes.at(&node.span, format!("`{path}` must be a mapping, not {what}"));
                return None;
            }
        };
        for (key, _) in entries.iter().filter(|(k, _)| k.as_str().is_none()) {
            mistakes.at(&key.span, format!("a key of `{path}` must be text"));
        }
        Some(Self {
            path: path.to_owned(),
            span: node.span.clone(),
            entries,
            known: Vec::new(),
            mistakes,
        })
    }

    /// The path of a key of it.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// All entries with text keys.
    pub fn entries(&self) -> impl Iterator<Item = (&'n str, &'n Node, &'n Node)> + use<'n> {
        self.entries.iter().filter_map(|(k, v)| Some((k.as_str()?, k, v)))
    }

    /// The value of a key, which becomes one that it may have.
    pub fn node(&mut self, key: &str) -> Option<&'n Node> {
        if !self.known.iter().any(|k| k == key) {
            self.known.push(key.to_owned());
        }
        self.entries().find(|(name, _, _)| *name == key).map(|(_, _, value)| value)
    }

    /// The text of a key. What YAML reads as a number is the text that stands there: `1.30` is not 1.3.
    pub fn text(&mut self, key: &str) -> Option<At<String>> {
        let node = self.node(key)?;
        let found = text_of(node).map(|value| At { value, span: node.span.clone() });
        if found.is_none() {
            let (path, what) = (self.path_of(key), kind_of(node));
            self.mistakes.at(&node.span, format!("`{path}` must be text, not {what}"));
        }
        found
    }

    /// The text of a key that must be there.
    pub fn required(&mut self, key: &str, example: &str) -> Option<At<String>> {
        if self.node(key).is_none() {
            self.miss(key, example);
            return None;
        }
        self.text(key)
    }

    /// Notes that a key is missing, unless one stands there that was meant to be it: that one is unknown.
    pub fn miss(&self, key: &str, example: &str) {
        let meant =
            |name: &str| !self.known.iter().any(|k| k == name) && similar(name, [key]).is_some();
        if !self.entries().any(|(name, _, _)| meant(name)) {
            let (path, hint) = (self.path_of(key), format!("add `{key}: {example}`"));
            self.mistakes.hinted(&self.span, format!("`{path}` is missing"), hint);
        }
    }

    /// A mapping under a key.
    pub fn section(&mut self, key: &str) -> Option<Self> {
        let node = self.node(key)?;
        Section::open(node, &self.path_of(key), self.mistakes)
    }

    /// Notes the keys that nobody asked for.
    pub fn close(self) {
        for (name, key, _) in self.entries() {
            if !self.known.iter().any(|k| k == name) {
                let known = self.known.iter().map(String::as_str);
                self.mistakes.add(unknown(&key.span, "key", name, known));
            }
        }
    }
}

/// An unknown name, with the one that was meant.
pub fn unknown<'k>(
    span: &Span,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Error {
    let error = Error::parser(format!("unknown {what} `{name}`"), span.clone());
    match similar(name, known.clone()) {
        Some(other) => error.hinted(format!("did you mean `{other}`?")),
        None if known.clone().count() <= 20 => {
            error.hinted(format!("there are: {}", known.collect::<Vec<_>>().join(", ")))
        }
        None => error,
    }
}

/// The text of a scalar as it is written.
pub fn text_of(node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::Scalar(Value::Str(text)) => Some(text.as_str().to_owned()),
        NodeKind::Scalar(Value::None) => None,
        NodeKind::Scalar(_) => Some(node.span.text().to_owned()),
        NodeKind::Seq(_) | NodeKind::Map(_) => None,
    }
}

/// What a node is, for messages.
pub fn kind_of(node: &Node) -> &'static str {
    match &node.kind {
        NodeKind::Seq(_) => "a list",
        NodeKind::Map(_) => "a mapping",
        NodeKind::Scalar(value) => match value {
            Value::None => "empty",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::BigInt(_) | Value::Float(_) => "a number",
            _ => "text",
        },
    }
}
