//! Values → YAML text, byte for byte as PyYAML writes under ansible's dumper.

mod astral;
mod emit;
mod lossy;
mod represent;

use astral::Astral;
use emit::Emitter;
use represent::{Body, Graph, Id, Representer};

use super::tag::Tag;
use crate::{diagnostic::Result, value::Value};

/// How `yaml.dump` is asked to write; [`Default`] is PyYAML's own.
#[derive(Clone, Debug)]
pub struct DumpOptions {
    /// Columns a level; PyYAML takes 2 unless it is 2 to 9.
    pub indent: Option<i32>,
    /// Where long lines are folded (80).
    pub width: Option<i32>,
    /// Whether characters beyond ASCII are written as they are.
    pub allow_unicode: bool,
    /// `Some(true)` `{a: 1}`, `Some(false)` one entry a line, `None`: innermost collections inline.
    pub default_flow_style: Option<bool>,
    /// The style of scalars that have none of their own.
    pub default_style: Option<Style>,
    /// Whether dicts are written in the order of their keys (if those can be compared).
    pub sort_keys: bool,
    /// Whether to begin with `---`.
    pub explicit_start: bool,
    /// Whether to end with `...`.
    pub explicit_end: bool,
    /// PyYAML's canonical form.
    pub canonical: bool,
    /// What ends a line (`\n`).
    pub line_break: LineBreak,
    /// How text is represented.
    pub text: Text,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineBreak {
    /// `\n`
    #[default]
    Lf,
    /// `\r`
    Cr,
    /// `\r\n`
    CrLf,
}

/// How text is represented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Text {
    /// As PyYAML does.
    #[default]
    Plain,
    /// As ansible's callbacks do with `result_format=yaml`: text of several lines as `|`.
    Block {
        /// Whether text is altered (tabs, trailing blanks, odd characters) so that `|` can be used.
        lossy: bool,
    },
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self {
            indent: None,
            width: None,
            allow_unicode: false,
            default_flow_style: Some(false),
            default_style: None,
            sort_keys: true,
            explicit_start: false,
            explicit_end: false,
            canonical: false,
            line_break: LineBreak::Lf,
            text: Text::Plain,
        }
    }
}

impl DumpOptions {
    /// What the filter `to_yaml` begins with.
    pub fn to_yaml() -> Self {
        Self { allow_unicode: true, default_flow_style: None, ..Self::default() }
    }

    /// What the filter `to_nice_yaml` begins with.
    pub fn to_nice_yaml() -> Self {
        Self { allow_unicode: true, indent: Some(4), ..Self::default() }
    }

    /// What ansible's callbacks use for `result_format=yaml`.
    pub fn callback(indent: Option<i32>, lossy: bool) -> Self {
        Self { allow_unicode: true, indent, text: Text::Block { lossy }, ..Self::default() }
    }
}

/// A value as one YAML document. Fails on what PyYAML can't represent: functions, undefined names.
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String> {
    dump_all(std::slice::from_ref(value), options)
}

/// Several values as YAML documents.
pub fn dump_all(values: &[Value], options: &DumpOptions) -> Result<String> {
    let graphs: Vec<Graph> =
        values.iter().map(|v| Representer::new(options).document(v)).collect::<Result<_>>()?;
    let texts = graphs.iter().flat_map(|g| &g.nodes).filter_map(|n| match &n.body {
        Body::Scalar { text, .. } => Some(text.as_str()),
        Body::Seq { .. } | Body::Map { .. } => None,
    });
    let mut emitter = Emitter::new(options, Astral::for_texts(texts));
    emitter.stream_start()?;
    for graph in &graphs {
        emitter.document_start(!options.explicit_start)?;
        Serializer::new(graph).document(&mut emitter)?;
        emitter.document_end(!options.explicit_end)?;
    }
    emitter.finish()
}

/// Walks represented nodes; a node met twice gets an anchor and is an alias from then on.
struct Serializer<'g> {
    graph: &'g Graph,
    anchors: Vec<Anchor>,
    last_anchor: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Unseen,
    Seen,
    Needed(usize),
    Written(usize),
}

impl<'g> Serializer<'g> {
    fn new(graph: &'g Graph) -> Self {
        Self { graph, anchors: vec![Anchor::Unseen; graph.nodes.len()], last_anchor: 0 }
    }

    fn document(mut self, emitter: &mut Emitter) -> Result<()> {
        self.find_anchors(self.graph.root);
        self.write(self.graph.root, emitter)
    }

    fn find_anchors(&mut self, id: Id) {
        match self.anchors[id] {
            Anchor::Unseen => self.anchors[id] = Anchor::Seen,
            Anchor::Seen => {
                self.last_anchor += 1;
                self.anchors[id] = Anchor::Needed(self.last_anchor);
                return;
            }
            Anchor::Needed(_) | Anchor::Written(_) => return,
        }
        match &self.graph.nodes[id].body {
            Body::Scalar { .. } => {}
            Body::Seq { items, .. } => items.iter().for_each(|i| self.find_anchors(*i)),
            Body::Map { entries, .. } => {
                for (key, value) in entries {
                    self.find_anchors(*key);
                    self.find_anchors(*value);
                }
            }
        }
    }

    fn write(&mut self, id: Id, emitter: &mut Emitter) -> Result<()> {
        let anchor = match self.anchors[id] {
            Anchor::Written(n) => return emitter.alias(&format!("id{n:03}")),
            Anchor::Needed(n) => {
                self.anchors[id] = Anchor::Written(n);
                Some(format!("id{n:03}"))
            }
            Anchor::Seen | Anchor::Unseen => None,
        };
        let anchor = anchor.as_deref();
        let graph = self.graph;
        let node = &graph.nodes[id];
        match &node.body {
            Body::Scalar { text, style } => {
                let plain_implicit = Tag::of_plain(text) == node.tag;
                let quoted_implicit = node.tag == Tag::Str;
                emitter.scalar(anchor, &node.tag, text, plain_implicit, quoted_implicit, *style)
            }
            Body::Seq { items, flow } => {
                emitter.seq_start(anchor, &node.tag, node.tag == Tag::Seq, *flow)?;
                for item in items {
                    self.write(*item, emitter)?;
                }
                emitter.seq_end()
            }
            Body::Map { entries, flow } => {
                emitter.map_start(anchor, &node.tag, node.tag == Tag::Map, *flow)?;
                for (key, value) in entries {
                    self.write(*key, emitter)?;
                    self.write(*value, emitter)?;
                }
                emitter.map_end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
