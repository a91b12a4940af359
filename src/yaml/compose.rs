//! Events → nodes, as PyYAML's composer: tags resolved, aliases the same node as their anchor.

use std::collections::HashMap;

use super::{
    parse::{Event, EventKind, Mark, Parser, Problem},
    tag::Tag,
};

/// Deeper documents are refused: they would overflow the stack wherever they are walked.
const MAX_DEPTH: usize = 256;

/// The index of a node in its [`Graph`].
pub(super) type Id = usize;

/// A node before its tag was applied.
#[derive(Debug)]
pub(super) struct Composed {
    pub tag: Tag,
    pub body: Body,
    pub start: Mark,
    pub end: Mark,
}

/// What a [`Composed`] consists of.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Scalar(String),
    Seq(Vec<Id>),
    Map(Vec<(Id, Id)>),
}

impl Body {
    /// PyYAML's word for it in error texts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "scalar",
            Self::Seq(_) => "sequence",
            Self::Map(_) => "mapping",
        }
    }
}

/// One document's nodes; aliases make it a graph.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: Vec<Composed>,
    pub root: Id,
}

/// Reads a stream document by document.
pub(super) struct Composer<'t> {
    parser: Parser<'t>,
    graph: Graph,
    anchors: HashMap<String, Id>,
}

impl<'t> Composer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { parser: Parser::new(text), graph: Graph::default(), anchors: HashMap::new() }
    }

    /// The next document, or `None` at the end of the stream; with where it begins.
    pub fn document(&mut self) -> Result<Option<(Graph, Mark)>, Problem> {
        let Some(start) = self.next_start()? else { return Ok(None) };
        self.compose(start).map(Some)
    }

    /// The only document of the stream, if there is one.
    pub fn single(&mut self) -> Result<Option<Graph>, Problem> {
        let Some((graph, _)) = self.document()? else { return Ok(None) };
        match self.next_start()? {
            None => Ok(Some(graph)),
            Some(mark) => Err(Problem::new("but found another document", mark)
                .while_("expected a single document in the stream", graph.nodes[graph.root].start)),
        }
    }

    fn next_start(&mut self) -> Result<Option<Mark>, Problem> {
        loop {
            let event = self.parser.next()?;
            match event.kind {
                EventKind::StreamStart => {}
                EventKind::DocumentStart => return Ok(Some(event.start)),
                _ => return Ok(None),
            }
        }
    }

    fn compose(&mut self, start: Mark) -> Result<(Graph, Mark), Problem> {
        let first = self.parser.next()?;
        self.graph.root = self.node(first, 0)?;
        self.parser.next()?; // the end of the document
        self.anchors.clear();
        Ok((std::mem::take(&mut self.graph), start))
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Id, Problem> {
        let Event { kind, start, end } = event;
        if depth > MAX_DEPTH {
            return Err(Problem::python("maximum recursion depth exceeded", start));
        }
        let (anchor, tag, body) = match kind {
            EventKind::Alias { anchor } => {
                return self
                    .anchors
                    .get(&anchor)
                    .copied()
                    .ok_or_else(|| Problem::new("found undefined alias", start));
            }
            EventKind::Scalar { anchor, tag, text, plain_implicit } => {
                let tag = match tag {
                    Some(tag) if tag != "!" => Tag::explicit(tag),
                    _ if plain_implicit => Tag::of_plain(&text),
                    _ => Tag::Str,
                };
                (anchor, tag, Body::Scalar(text))
            }
            EventKind::SeqStart { anchor, tag } => {
                (anchor, collection_tag(tag, Tag::Seq), Body::Seq(Vec::new()))
            }
            EventKind::MapStart { anchor, tag } => {
                (anchor, collection_tag(tag, Tag::Map), Body::Map(Vec::new()))
            }
            // The parser balances its events: nothing else can begin a node.
            _ => return Err(Problem::new("did not find expected node content", start)),
        };
        if let Some(first) = anchor.as_ref().and_then(|a| self.anchors.get(a)) {
            return Err(Problem::new("second occurrence", start).while_(
                "found duplicate anchor; first occurrence",
                self.graph.nodes[*first].start,
            ));
        }
        let id = self.graph.nodes.len();
        self.graph.nodes.push(Composed { tag, body, start, end });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        self.children(id, depth)?;
        Ok(id)
    }

    fn children(&mut self, id: Id, depth: usize) -> Result<(), Problem> {
        let is_map = match &self.graph.nodes[id].body {
            Body::Scalar(_) => return Ok(()),
            Body::Seq(_) => false,
            Body::Map(_) => true,
        };
        let mut ids = Vec::new();
        loop {
            let event = self.parser.next()?;
            if matches!(event.kind, EventKind::SeqEnd | EventKind::MapEnd) {
                self.graph.nodes[id].end = event.end;
                break;
            }
            ids.push(self.node(event, depth + 1)?);
        }
        self.graph.nodes[id].body = if is_map {
            Body::Map(ids.as_chunks().0.iter().map(|[k, v]| (*k, *v)).collect())
        } else {
            Body::Seq(ids)
        };
        Ok(())
    }
}

fn collection_tag(tag: Option<String>, default: Tag) -> Tag {
    match tag {
        Some(tag) if tag != "!" => Tag::explicit(tag),
        _ => default,
    }
}
