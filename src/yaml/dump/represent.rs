//! Values → YAML nodes, as PyYAML's `SafeRepresenter` with ansible's additions.

use std::{collections::HashMap, sync::Arc};

use super::{DumpOptions, Style, Text, lossy};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::{
        Key, StrClass, Value,
        number::float_repr,
        ops,
        repr::{isoformat, repr},
    },
    yaml::tag::Tag,
};

/// The index of a node in its [`Graph`].
pub(super) type Id = usize;

/// A node to be written.
pub(super) struct Node {
    pub tag: Tag,
    pub body: Body,
}

/// What a [`Node`] consists of.
pub(super) enum Body {
    Scalar { text: String, style: Option<Style> },
    Seq { items: Vec<Id>, flow: bool },
    Map { entries: Vec<(Id, Id)>, flow: bool },
}

/// The nodes of one document; the same list or dict in two places is one node.
#[derive(Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub root: Id,
}

/// Builds a [`Graph`].
pub(super) struct Representer<'o> {
    options: &'o DumpOptions,
    graph: Graph,
    /// What was represented already, by identity.
    known: HashMap<usize, Id>,
    /// Values made on the way, kept so that no other takes on their identity.
    kept: Vec<Value>,
}

impl<'o> Representer<'o> {
    pub fn new(options: &'o DumpOptions) -> Self {
        Self { options, graph: Graph::default(), known: HashMap::new(), kept: Vec::new() }
    }

    pub fn document(mut self, value: &Value) -> Result<Graph> {
        self.graph.root = self.value(value, None)?;
        Ok(self.graph)
    }

    fn push(&mut self, tag: Tag, body: Body, identity: Option<usize>) -> Id {
        self.graph.nodes.push(Node { tag, body });
        let id = self.graph.nodes.len() - 1;
        if let Some(identity) = identity {
            self.known.insert(identity, id);
        }
        id
    }

    fn scalar(&mut self, tag: Tag, text: impl Into<String>) -> Id {
        let style = self.options.default_style;
        self.push(tag, Body::Scalar { text: text.into(), style }, None)
    }

    /// Represents a value; `identity` is given where it is the plain form of an object.
    fn value(&mut self, value: &Value, identity: Option<usize>) -> Result<Id> {
        let identity = identity.or_else(|| identity_of(value));
        if let Some(id) = identity.and_then(|i| self.known.get(&i)) {
            return Ok(*id);
        }
        Ok(match value {
            Value::Undefined(u) if u.lenient => return Err(unknown("Undefined")),
            Value::Undefined(u) => {
                return Err(Error::new(Kind::Undefined, u.message()).at(u.span.clone()));
            }
            Value::None => self.scalar(Tag::Null, "null"),
            Value::Bool(b) => self.scalar(Tag::Bool, if *b { "true" } else { "false" }),
            Value::Int(n) => self.scalar(Tag::Int, n.to_string()),
            Value::BigInt(n) => self.scalar(Tag::Int, n.to_string()),
            Value::Float(n) => self.scalar(Tag::Float, float(*n)),
            // It knows only the classes of text that are registered.
            Value::Str(s) if s.class() == StrClass::Markup => {
                return Err(unknown(&repr(value).unwrap_or_default()));
            }
            Value::Str(s) => self.text(s),
            Value::Bytes(b) => {
                let body = Body::Scalar { text: base64_lines(b), style: Some(Style::Literal) };
                self.push(Tag::Binary, body, None)
            }
            Value::Date(d) => self.scalar(Tag::Timestamp, d.format("%Y-%m-%d").to_string()),
            Value::DateTime(d, zone) => self.scalar(Tag::Timestamp, isoformat(d, *zone, ' ')),
            Value::List(items) => self.sequence(&items.snapshot(), identity)?,
            Value::Tuple(items) => self.sequence(items, identity)?,
            Value::Dict(entries) => self.mapping(Tag::Map, entries.snapshot(), identity)?,
            Value::Vaulted(v) => {
                let body =
                    Body::Scalar { text: v.ciphertext().to_owned(), style: Some(Style::Literal) };
                self.push(Tag::Vault("!vault"), body, identity)
            }
            Value::Object(o) if o.type_name() == "set" => {
                let keys = o.iterate().unwrap_or_default();
                self.kept.extend_from_slice(&keys);
                let entries = keys.into_iter().filter_map(|k| Some((Key::new(k)?, Value::None)));
                self.mapping(Tag::Set, entries.collect(), identity)?
            }
            Value::Object(o) => match o.to_plain() {
                // PyYAML knows tuples, but none whose items have names.
                Some(plain) if !matches!(plain, Value::Tuple(_)) => {
                    self.kept.push(plain.clone());
                    self.value(&plain, identity)?
                }
                _ => {
                    return Err(unknown(&o.repr()));
                }
            },
        })
    }

    fn text(&mut self, text: &str) -> Id {
        match self.options.text {
            Text::Block { lossy } if text.contains(lossy::BREAKS) => {
                let text = if lossy { lossy::munge(text) } else { text.to_owned() };
                self.push(Tag::Str, Body::Scalar { text, style: Some(Style::Literal) }, None)
            }
            _ => self.scalar(Tag::Str, text),
        }
    }

    fn is_bare(&self, id: Id) -> bool {
        matches!(self.graph.nodes[id].body, Body::Scalar { style: None, .. })
    }

    fn sequence(&mut self, values: &[Value], identity: Option<usize>) -> Result<Id> {
        let flow = self.options.default_flow_style.unwrap_or(false);
        let id = self.push(Tag::Seq, Body::Seq { items: Vec::new(), flow }, identity);
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            items.push(self.value(value, None)?);
        }
        let best = items.iter().all(|i| self.is_bare(*i));
        let flow = self.options.default_flow_style.unwrap_or(best);
        self.graph.nodes[id].body = Body::Seq { items, flow };
        Ok(id)
    }

    fn mapping(
        &mut self,
        tag: Tag,
        mut values: Vec<(Key, Value)>,
        identity: Option<usize>,
    ) -> Result<Id> {
        if self.options.sort_keys {
            sort_keys(&mut values);
        }
        let flow = self.options.default_flow_style.unwrap_or(false);
        let id = self.push(tag, Body::Map { entries: Vec::new(), flow }, identity);
        let mut entries = Vec::with_capacity(values.len());
        for (key, value) in &values {
            entries.push((self.value(key.value(), None)?, self.value(value, None)?));
        }
        let best = entries.iter().all(|(k, v)| self.is_bare(*k) && self.is_bare(*v));
        let flow = self.options.default_flow_style.unwrap_or(best);
        self.graph.nodes[id].body = Body::Map { entries, flow };
        Ok(id)
    }
}

/// What Python's `id` would tell apart; scalars are never aliased.
fn identity_of(value: &Value) -> Option<usize> {
    match value {
        Value::List(l) => Some(l.id()),
        Value::Dict(d) => Some(d.id()),
        Value::Tuple(t) if !t.is_empty() => Some(t.as_ptr().addr()),
        Value::Vaulted(v) => Some(Arc::as_ptr(v).addr()),
        Value::Object(o) => Some(Arc::as_ptr(o).addr()),
        _ => None,
    }
}

/// Sorts entries by key, or leaves them if Python could not compare two of the keys.
fn sort_keys(entries: &mut [(Key, Value)]) {
    let pair = |(i, (key, _)): (i64, &(Key, Value))| (key.value().clone(), Value::Int(i));
    let pairs = (0..).zip(entries.iter()).map(pair).collect();
    let Ok(order) = ops::sort_by_key(pairs, false) else { return };
    let at = |i: &Value| match i {
        Value::Int(i) => usize::try_from(*i).ok().and_then(|i| entries.get(i).cloned()),
        _ => None,
    };
    let sorted: Vec<_> = order.iter().filter_map(at).collect();
    entries.clone_from_slice(&sorted);
}

fn float(n: f64) -> String {
    if n.is_nan() {
        return ".nan".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = float_repr(n);
    // YAML 1.1 has no float without a point.
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

/// PyYAML's error for a class that nobody registered.
fn unknown(shown: &str) -> Error {
    Error::new(Kind::Template, format!("('cannot represent an object', {shown})"))
}

/// Python's `base64.encodebytes`: lines of 76 characters, each with its line feed.
fn base64_lines(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
            let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
            for i in 0..4 {
                if i <= group.len() {
                    out.push(char::from(ALPHABET[(bits >> (18 - 6 * i)) as usize & 63]));
                } else {
                    out.push('=');
                }
            }
        }
        out.push('\n');
    }
    out
}
