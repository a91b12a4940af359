//! A loaded document: values with their places.

use std::{collections::HashMap, sync::Arc};

use crate::{
    diagnostic::Span,
    value::{Dict, List, Value, ops},
};

/// A YAML node with its place. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A scalar, resolved to its YAML 1.1 type.
    Scalar(Value),
    /// A sequence.
    Seq(Arc<[Node]>),
    /// A mapping in the order of the file, merge keys applied, the last of duplicate keys kept.
    Map(Arc<[(Node, Node)]>),
}

impl Node {
    /// The plain value, without places. What aliases repeat is the same list or dict, as in Python.
    pub fn to_value(&self) -> Value {
        self.plain(&mut HashMap::new())
    }

    fn plain(&self, shared: &mut HashMap<usize, Value>) -> Value {
        let (place, count) = match &self.kind {
            NodeKind::Scalar(v) => return v.clone(),
            NodeKind::Seq(items) => (Arc::as_ptr(items).addr(), Arc::strong_count(items)),
            NodeKind::Map(entries) => (Arc::as_ptr(entries).addr(), Arc::strong_count(entries)),
        };
        if count == 1 {
            return self.container(shared);
        }
        if let Some(made) = shared.get(&place) {
            return made.clone();
        }
        let made = self.container(shared);
        shared.insert(place, made.clone());
        made
    }

    fn container(&self, shared: &mut HashMap<usize, Value>) -> Value {
        match &self.kind {
            NodeKind::Scalar(v) => v.clone(),
            NodeKind::Seq(items) => {
                Value::List(items.iter().map(|i| i.plain(shared)).collect::<List>())
            }
            NodeKind::Map(entries) => Value::Dict(
                entries
                    .iter()
                    // A key that is a container was refused when the document was loaded.
                    .filter_map(|(k, v)| Some((ops::to_key(k.to_value()).ok()?, v.plain(shared))))
                    .collect::<Dict>(),
            ),
        }
    }

    /// The same with all texts in it marked unsafe.
    #[must_use]
    pub fn into_unsafe(self) -> Self {
        let kind = match self.kind {
            NodeKind::Scalar(value) => NodeKind::Scalar(value.into_unsafe()),
            NodeKind::Seq(items) => {
                NodeKind::Seq(items.iter().cloned().map(Self::into_unsafe).collect())
            }
            NodeKind::Map(entries) => NodeKind::Map(
                entries.iter().cloned().map(|(k, v)| (k.into_unsafe(), v.into_unsafe())).collect(),
            ),
        };
        Self { kind, span: self.span }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(v) => v.as_str(),
            _ => None,
        }
    }

    /// The items, if it is a sequence.
    pub fn as_seq(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a text key, if it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
    }

    /// The outermost node in it that begins where `span` does and is no scalar.
    pub fn find(&self, span: &Span) -> Option<Self> {
        let inside = |node: &Self| node.span.start <= span.start && span.start < node.span.end;
        match &self.kind {
            NodeKind::Scalar(_) => None,
            _ if self.span.start == span.start => Some(self.clone()),
            NodeKind::Seq(items) => items.iter().filter(|n| inside(n)).find_map(|n| n.find(span)),
            NodeKind::Map(entries) => {
                entries.iter().filter(|(_, v)| inside(v)).find_map(|(_, v)| v.find(span))
            }
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(Value::None))
    }
}
