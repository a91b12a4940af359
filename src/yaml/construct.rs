//! Composed nodes → values with places, in PyYAML's order (level by level), so that of several
//! mistakes the same one is reported and warnings come in the same order.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use indexmap::map::Entry;

use super::{
    Duplicates, Node, NodeKind,
    compose::{Body, Graph, Id},
    parse::{Mark, Problem},
    scalar::{self, Bad},
    tag::Tag,
};
use crate::{
    diagnostic::{Error, Kind, Result, Source, Span},
    value::{Decrypt, Key, PyError, Set, Str, StrClass, Value, Vaulted, ops, repr},
};

/// Whose constructors apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `AnsibleLoader`: `!vault`, `!unsafe`, duplicate keys are remarked on.
    Ansible,
    /// `SafeLoader`.
    Safe,
}

/// A value under construction.
enum Plan {
    Scalar(Value),
    Seq(Vec<Id>),
    Map(Vec<(Id, Id)>),
    /// `!!omap` and `!!pairs`: a list of tuples.
    Tuples(Vec<(Id, Id)>),
    Set(Vec<Id>),
}

/// The type that a container has in Python, for error texts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    List,
    Dict,
    Set,
    AnsibleSequence,
    AnsibleMapping,
}

impl Container {
    fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Dict => "dict",
            Self::Set => "set",
            Self::AnsibleSequence => "AnsibleSequence",
            Self::AnsibleMapping => "AnsibleMapping",
        }
    }
}

/// Whether a node was looked at.
enum State {
    Fresh,
    /// Its own construction is under way (it contains itself where it may not).
    Busy,
    /// A container that exists but is still empty.
    Begun(Container),
    Done(Plan, Option<Container>),
}

/// Everything that constructing one document needs.
pub(super) struct Constructor<'a> {
    source: &'a Arc<Source>,
    dialect: Dialect,
    secrets: Option<&'a Arc<dyn Decrypt>>,
    graph: Graph,
    states: Vec<State>,
    /// Containers to be filled, in order.
    queue: VecDeque<Id>,
    /// What becomes of duplicate keys.
    pub duplicates: Duplicates,
    /// Duplicate keys.
    pub warnings: Vec<(String, Span)>,
}

type Made<T> = Result<T, Problem>;

impl<'a> Constructor<'a> {
    pub fn new(
        source: &'a Arc<Source>,
        dialect: Dialect,
        secrets: Option<&'a Arc<dyn Decrypt>>,
        graph: Graph,
    ) -> Self {
        let states = graph.nodes.iter().map(|_| State::Fresh).collect();
        Self {
            source,
            dialect,
            secrets,
            graph,
            states,
            queue: VecDeque::new(),
            duplicates: Duplicates::default(),
            warnings: Vec::new(),
        }
    }

    /// The document's value.
    pub fn document(&mut self) -> Made<Node> {
        let root = self.graph.root;
        self.object(root)?;
        while let Some(id) = self.queue.pop_front() {
            let State::Begun(container) = self.states[id] else { continue };
            let plan = self.fill(id)?;
            self.states[id] = State::Done(plan, Some(container));
        }
        let mut built = Builder { constructor: self, nodes: HashMap::new(), open: Vec::new() };
        built.node(root)
    }

    fn start(&self, id: Id) -> Mark {
        self.graph.nodes[id].start
    }

    fn body(&self, id: Id) -> &Body {
        &self.graph.nodes[id].body
    }

    /// Constructs a node, except that containers stay empty until their turn comes.
    fn object(&mut self, id: Id) -> Made<()> {
        match self.states[id] {
            State::Done(..) | State::Begun(_) => return Ok(()),
            State::Busy => {
                return Err(Problem::new("found unconstructable recursive node", self.start(id)));
            }
            State::Fresh => self.states[id] = State::Busy,
        }
        let ansible = self.dialect == Dialect::Ansible;
        let tag = self.graph.nodes[id].tag.clone();
        let begin = |this: &mut Self, container| {
            this.states[id] = State::Begun(container);
            this.queue.push_back(id);
            Ok(())
        };
        let value = match tag {
            Tag::Seq if ansible => return begin(self, Container::AnsibleSequence),
            Tag::Seq | Tag::Omap | Tag::Pairs => return begin(self, Container::List),
            Tag::Map | Tag::PythonDict if ansible => {
                return begin(self, Container::AnsibleMapping);
            }
            Tag::Map => return begin(self, Container::Dict),
            Tag::Set => return begin(self, Container::Set),
            Tag::Unsafe if ansible => return self.unsafe_object(id),
            Tag::Str | Tag::PythonUnicode if ansible => {
                Value::Str(Str::new(self.scalar(id)?).with_class(StrClass::Yaml))
            }
            Tag::Str => Value::str(self.scalar(id)?),
            Tag::Vault(_) if ansible => self.vaulted(id)?,
            Tag::Null => self.scalar(id).map(|_| Value::None)?,
            Tag::Bool => self.scalar_by(id, scalar::boolean)?,
            Tag::Int => self.scalar_by(id, scalar::integer)?,
            Tag::Float => self.scalar_by(id, scalar::float)?,
            Tag::Timestamp => self.scalar_by(id, scalar::timestamp)?,
            Tag::Binary => self.scalar_by(id, scalar::binary)?,
            other => {
                return Err(Problem::new(
                    format!(
                        "could not determine a constructor for the tag {}",
                        repr::str_repr(&other.to_string())
                    ),
                    self.start(id),
                ));
            }
        };
        self.states[id] = State::Done(Plan::Scalar(value), None);
        Ok(())
    }

    fn fill(&mut self, id: Id) -> Made<Plan> {
        Ok(match self.graph.nodes[id].tag {
            Tag::Seq => Plan::Seq(self.sequence(id)?),
            Tag::Omap => Plan::Tuples(self.pairs(id, "while constructing an ordered map")?),
            Tag::Pairs => Plan::Tuples(self.pairs(id, "while constructing pairs")?),
            Tag::Set => Plan::Set(self.mapping(id)?.into_iter().map(|(k, _)| k).collect()),
            _ => Plan::Map(self.mapping(id)?),
        })
    }

    /// The text of a scalar; of a mapping with the key `=`, the text under that.
    fn scalar(&self, id: Id) -> Made<String> {
        match self.body(id) {
            Body::Scalar(text) => return Ok(text.clone()),
            Body::Map(entries) => {
                let default = entries.iter().find(|(k, _)| self.graph.nodes[*k].tag == Tag::Value);
                if let Some((_, value)) = default {
                    return self.scalar(*value);
                }
            }
            Body::Seq(_) => {}
        }
        Err(self.expected("a scalar node", id))
    }

    fn expected(&self, what: &str, id: Id) -> Problem {
        let word = self.body(id).word();
        Problem::new(format!("expected {what}, but found {word}"), self.start(id))
    }

    fn scalar_by(&self, id: Id, read: fn(&str) -> Result<Value, Bad>) -> Made<Value> {
        read(&self.scalar(id)?).map_err(|bad| match bad {
            Bad::Yaml(text) => Problem::new(text, self.start(id)),
            Bad::Python(text) => Problem::python(text, self.start(id)),
        })
    }

    fn vaulted(&self, id: Id) -> Made<Value> {
        let secrets = self.secrets.cloned().unwrap_or_else(|| Arc::new(NoSecrets));
        let span = self.span(id);
        Ok(Value::Vaulted(Arc::new(Vaulted::new(self.scalar(id)?, secrets, Some(span)))))
    }

    fn sequence(&mut self, id: Id) -> Made<Vec<Id>> {
        let Body::Seq(items) = self.body(id) else {
            return Err(self.expected("a sequence node", id));
        };
        let items = items.clone();
        for item in &items {
            self.object(*item)?;
        }
        Ok(items)
    }

    fn pairs(&mut self, id: Id, context: &'static str) -> Made<Vec<(Id, Id)>> {
        let start = self.start(id);
        let Body::Seq(items) = self.body(id) else {
            return Err(self.expected("a sequence", id).while_(context, start));
        };
        let items = items.clone();
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            let Body::Map(entries) = self.body(item) else {
                return Err(self.expected("a mapping of length 1", item).while_(context, start));
            };
            let [(key, value)] = entries[..] else {
                let problem =
                    format!("expected a single mapping item, but found {} items", entries.len());
                return Err(Problem::new(problem, self.start(item)).while_(context, start));
            };
            self.object(key)?;
            self.object(value)?;
            pairs.push((key, value));
        }
        Ok(pairs)
    }

    /// Constructs a mapping's keys and values; of equal keys the first node with the last value.
    fn mapping(&mut self, id: Id) -> Made<Vec<(Id, Id)>> {
        self.flatten(id)?;
        let Body::Map(entries) = self.body(id) else {
            return Err(self.expected("a mapping node", id));
        };
        let mut seen = indexmap::IndexMap::new();
        for (key, value) in entries.clone() {
            self.object(key)?;
            let hashed = self.key(id, key)?;
            match seen.entry(hashed) {
                Entry::Vacant(entry) => {
                    entry.insert((key, value));
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().1 = value;
                    if self.dialect == Dialect::Ansible {
                        // ansible names the later spelling of the key.
                        self.duplicate(id, key)?;
                    }
                }
            }
            self.object(value)?;
        }
        Ok(seen.into_values().collect())
    }

    fn key(&self, map: Id, key: Id) -> Made<Key> {
        let container = match &self.states[key] {
            State::Done(Plan::Scalar(value), _) => match ops::to_key(value.clone()) {
                Ok(key) => return Ok(key),
                Err(PyError { source: Some(error), .. }) => return Err(Problem::passed(error)),
                Err(_) => None,
            },
            State::Begun(container) => Some(*container),
            State::Done(_, container) => *container,
            State::Fresh | State::Busy => None,
        };
        let problem = match self.dialect {
            Dialect::Safe => "found unhashable key".to_owned(),
            Dialect::Ansible => format!(
                "found unacceptable key (unhashable type: '{}')",
                container.unwrap_or(Container::List).name()
            ),
        };
        Err(Problem::new(problem, self.start(key))
            .while_("while constructing a mapping", self.start(map)))
    }

    fn duplicate(&mut self, map: Id, key: Id) -> Made<()> {
        if self.duplicates == Duplicates::Ignore {
            return Ok(());
        }
        let State::Done(Plan::Scalar(value), _) = &self.states[key] else { return Ok(()) };
        // A vaulted key was decrypted when it was hashed.
        let text = repr::to_text(value).unwrap_or_default();
        let Mark { line, column, .. } = self.start(map);
        let text = format!(
            "While constructing a mapping from {}, line {}, column {}, found a duplicate dict key \
             ({}). Using last defined value only.",
            self.source.name().display(),
            line + 1,
            column + 1,
            text,
        );
        if self.duplicates == Duplicates::Refuse {
            return Err(Problem::new(text, self.start(map)));
        }
        let span = self.span(key);
        self.warnings.push((text, span));
        Ok(())
    }

    /// Replaces merge keys (`<<`) by what they merge, in front of the mapping's own entries.
    fn flatten(&mut self, id: Id) -> Made<()> {
        let Body::Map(entries) = self.body(id) else { return Ok(()) };
        let entries = entries.clone();
        let mut merged = Vec::new();
        let mut own = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match self.graph.nodes[key].tag {
                Tag::Merge => {
                    // Taken out at once: a mapping that merges itself finds the key gone.
                    self.remove_entry(id, key);
                    self.merge(id, value, &mut merged)?;
                }
                Tag::Value => {
                    self.graph.nodes[key].tag = Tag::Str;
                    own.push((key, value));
                }
                _ => own.push((key, value)),
            }
        }
        merged.append(&mut own);
        self.graph.nodes[id].body = Body::Map(merged);
        Ok(())
    }

    fn remove_entry(&mut self, map: Id, key: Id) {
        if let Body::Map(entries) = &mut self.graph.nodes[map].body
            && let Some(at) = entries.iter().position(|(k, _)| *k == key)
        {
            entries.remove(at);
        }
    }

    fn merge(&mut self, map: Id, value: Id, merged: &mut Vec<(Id, Id)>) -> Made<()> {
        let context = "while constructing a mapping";
        match self.body(value) {
            Body::Map(_) => {
                self.flatten(value)?;
                self.extend_merged(value, merged);
                Ok(())
            }
            Body::Seq(items) => {
                let items = items.clone();
                for item in &items {
                    if !matches!(self.body(*item), Body::Map(_)) {
                        let start = self.start(map);
                        return Err(self
                            .expected("a mapping for merging", *item)
                            .while_(context, start));
                    }
                    self.flatten(*item)?;
                }
                // The first of the list wins, so it goes in last.
                for item in items.iter().rev() {
                    self.extend_merged(*item, merged);
                }
                Ok(())
            }
            Body::Scalar(_) => Err(self
                .expected("a mapping or list of mappings for merging", value)
                .while_(context, self.start(map))),
        }
    }

    fn extend_merged(&self, from: Id, merged: &mut Vec<(Id, Id)>) {
        if let Body::Map(entries) = self.body(from) {
            merged.extend_from_slice(entries);
        }
    }

    /// `!unsafe`: the text as it stands, or a container whose texts are unsafe.
    ///
    /// ansible-core 2.14 marks what is there at that moment: containers inside are still empty
    /// then and stay so (`!unsafe {a: [1]}` is `{a: []}`).
    fn unsafe_object(&mut self, id: Id) -> Made<()> {
        let (plan, container) = match self.body(id) {
            Body::Scalar(text) => (Plan::Scalar(Value::unsafe_str(text.as_str())), None),
            Body::Seq(_) => {
                let items = self.sequence(id)?;
                let items = items.into_iter().map(|i| self.wrapped(i)).collect();
                (Plan::Seq(items), Some(Container::List))
            }
            Body::Map(_) => {
                let entries = self.mapping(id)?;
                let entries =
                    entries.into_iter().map(|(k, v)| (self.wrapped(k), self.wrapped(v))).collect();
                (Plan::Map(entries), Some(Container::Dict))
            }
        };
        self.states[id] = State::Done(plan, container);
        Ok(())
    }

    /// A copy of a node in its present state with its texts marked unsafe.
    fn wrapped(&mut self, id: Id) -> Id {
        let plan = match &self.states[id] {
            State::Done(Plan::Scalar(Value::Str(s)), _) => {
                Plan::Scalar(Value::Str(s.clone().into_unsafe().with_class(StrClass::Str)))
            }
            State::Done(Plan::Scalar(Value::Bytes(b)), _) => {
                Plan::Scalar(Value::Bytes(Arc::clone(b)))
            }
            State::Done(Plan::Scalar(_), _) | State::Fresh | State::Busy => return id,
            State::Begun(Container::Dict | Container::AnsibleMapping) => Plan::Map(Vec::new()),
            State::Begun(Container::Set) => Plan::Set(Vec::new()),
            State::Begun(Container::List | Container::AnsibleSequence) => Plan::Seq(Vec::new()),
            State::Done(Plan::Seq(items), _) => {
                let items = items.clone();
                Plan::Seq(items.into_iter().map(|i| self.wrapped(i)).collect())
            }
            State::Done(Plan::Set(items), _) => {
                let items = items.clone();
                Plan::Set(items.into_iter().map(|i| self.wrapped(i)).collect())
            }
            State::Done(Plan::Map(entries), _) => {
                let entries = entries.clone();
                Plan::Map(
                    entries.into_iter().map(|(k, v)| (self.wrapped(k), self.wrapped(v))).collect(),
                )
            }
            State::Done(Plan::Tuples(entries), _) => {
                let entries = entries.clone();
                Plan::Tuples(
                    entries.into_iter().map(|(k, v)| (self.wrapped(k), self.wrapped(v))).collect(),
                )
            }
        };
        self.states.push(State::Done(plan, None));
        let node = &self.graph.nodes[id];
        let copy = super::compose::Composed {
            tag: Tag::Unsafe,
            body: Body::Seq(Vec::new()),
            start: node.start,
            end: node.end,
        };
        self.graph.nodes.push(copy);
        self.graph.nodes.len() - 1
    }

    fn span(&self, id: Id) -> Span {
        let node = &self.graph.nodes[id];
        let (start, mut end) = (node.start.byte, node.end.byte.max(node.start.byte));
        if !matches!(node.body, Body::Scalar(_)) {
            // A block collection ends, for libyaml, where the next token begins.
            let text = self.source.text().get(start as usize..end as usize).unwrap_or("");
            let trailing = text.len() - text.trim_end().len();
            end -= u32::try_from(trailing).unwrap_or(0);
        }
        Span::new(self.source, start, end)
    }
}

/// Turns finished plans into nodes; a node that is used twice is built once.
struct Builder<'c, 'a> {
    constructor: &'c Constructor<'a>,
    nodes: HashMap<Id, Node>,
    open: Vec<Id>,
}

impl Builder<'_, '_> {
    fn node(&mut self, id: Id) -> Made<Node> {
        if let Some(node) = self.nodes.get(&id) {
            return Ok(node.clone());
        }
        let constructor = self.constructor;
        if self.open.contains(&id) {
            // Python builds a list that contains itself; nothing in a playbook can use one.
            let start = constructor.start(id);
            return Err(Problem::new("found unconstructable recursive node", start));
        }
        let State::Done(plan, _) = &constructor.states[id] else {
            return Err(Problem::new("found unconstructable node", constructor.start(id)));
        };
        let kind = if let Plan::Scalar(value) = plan {
            NodeKind::Scalar(value.clone())
        } else {
            self.open.push(id);
            let kind = self.container(plan)?;
            self.open.pop();
            kind
        };
        let node = Node { kind, span: constructor.span(id) };
        self.nodes.insert(id, node.clone());
        Ok(node)
    }

    fn container(&mut self, plan: &Plan) -> Made<NodeKind> {
        Ok(match plan {
            Plan::Scalar(value) => NodeKind::Scalar(value.clone()),
            Plan::Seq(items) => {
                NodeKind::Seq(items.iter().map(|i| self.node(*i)).collect::<Made<Vec<_>>>()?.into())
            }
            Plan::Map(entries) => NodeKind::Map(
                entries
                    .iter()
                    .map(|(k, v)| Ok((self.node(*k)?, self.node(*v)?)))
                    .collect::<Made<Vec<_>>>()?
                    .into(),
            ),
            Plan::Tuples(entries) => NodeKind::Seq(
                entries
                    .iter()
                    .map(|(k, v)| {
                        let (key, value) = (self.node(*k)?, self.node(*v)?);
                        let tuple = Value::tuple(vec![key.to_value(), value.to_value()]);
                        Ok(Node { kind: NodeKind::Scalar(tuple), span: key.span })
                    })
                    .collect::<Made<Vec<_>>>()?
                    .into(),
            ),
            Plan::Set(items) => {
                let keys = items.iter().map(|i| Ok(ops::to_key(self.node(*i)?.to_value()).ok()));
                let keys = keys.collect::<Made<Vec<_>>>()?;
                NodeKind::Scalar(Set::from_keys(keys.into_iter().flatten()).into_value())
            }
        })
    }
}

/// Stands in where no vault secret was given: `!vault` loads, using it fails.
pub(super) struct NoSecrets;

impl Decrypt for NoSecrets {
    fn decrypt(&self, _ciphertext: &str, at: Option<&Span>) -> Result<Vec<u8>, Error> {
        let text = "Attempting to decrypt but no vault secrets found";
        Err(Error::new(Kind::Vault, text).at(at.cloned()))
    }
}
