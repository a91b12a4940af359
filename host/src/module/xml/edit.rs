//! Changes of a document, in the order and with the corners that lxml and community.general give them.

use super::eval::{self, Item, Value};
use super::tree::{Element, Id, Kind, Name, Tree};
use super::{parse, write};
use crate::data::{Data, Map};
use crate::module::Failure;
use crate::python;

/// What stops a change.
pub(super) enum Stop {
    /// An exception of Python's, which some callers tell in their own words: its class and text.
    Raised(&'static str, String),
    Failed(Failure),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Failure {
        match stop {
            Stop::Raised(class, text) => Failure::crash(class, text),
            Stop::Failed(failure) => failure,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

pub(super) fn raised<T>(class: &'static str, text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Raised(class, text.into()))
}

/// A document that is being changed, and the prefixes that expressions may use.
pub(super) struct Editor {
    pub tree: Tree,
    pub prefixes: Vec<(String, String)>,
}

/// The end of an expression: what is to be there below all that stands before it.
enum Last {
    /// An element, perhaps with text.
    Element(String, Option<String>),
    /// An element for which conditions hold.
    Conditions(String, Vec<String>),
    Attribute(String, Option<String>),
    Text(String),
}

impl Editor {
    /// The outermost element: what expressions begin at.
    fn top(&self) -> Id {
        self.tree.root().unwrap_or(0)
    }

    pub fn value(&self, at: Id, xpath: &str) -> Result<Value, Stop> {
        let value = eval::value(&self.tree, xpath, at, &self.prefixes);
        match value.or_else(|why| raised("lxml.etree.XPathEvalError", why))? {
            // The document itself is none of lxml's nodes.
            Value::Items(items) => {
                Ok(Value::Items(items.into_iter().filter(|item| *item != Item::Node(0)).collect()))
            }
            value => Ok(value),
        }
    }

    pub fn found(&self, xpath: &str) -> Result<Vec<Item>, Stop> {
        self.found_at(self.top(), xpath)
    }

    fn found_at(&self, at: Id, xpath: &str) -> Result<Vec<Item>, Stop> {
        match self.value(at, xpath)? {
            Value::Items(items) => Ok(items),
            Value::Bool(_) => raised("TypeError", "'bool' object is not iterable"),
            Value::Number(_) => raised("TypeError", "'float' object is not iterable"),
            Value::Text(_) => raised("AttributeError", "'str' object has no attribute 'getparent'"),
        }
    }

    /// The elements that an expression gives; attributes and texts are none.
    pub fn elements(&self, at: Id, xpath: &str) -> Result<Vec<Id>, Stop> {
        let items = self.found_at(at, xpath)?;
        Ok(items.into_iter().filter_map(|item| self.as_node(item)).collect())
    }

    fn as_node(&self, item: Item) -> Option<Id> {
        match item {
            Item::Node(id) if !self.tree.is_text(id) => Some(id),
            _ => None,
        }
    }

    /// Whether the first thing that an expression gives is a node.
    pub fn is_node(&self, at: Id, xpath: &str) -> Result<bool, Stop> {
        match self.value(at, xpath)? {
            Value::Items(items) => Ok(items.first().is_some_and(|i| self.as_node(*i).is_some())),
            Value::Bool(true) => raised("TypeError", "'bool' object is not subscriptable"),
            Value::Number(n) if n != 0.0 => {
                raised("TypeError", "'float' object is not subscriptable")
            }
            _ => Ok(false),
        }
    }

    pub fn is_top_node(&self, xpath: &str) -> Result<bool, Stop> {
        self.is_node(self.top(), xpath)
    }

    /// The document as failures show it: `b'…'`.
    pub fn shown(&self) -> String {
        self.shown_at(self.top())
    }

    /// An element, with the namespaces of those around it; the outermost one stands for the document.
    fn shown_at(&self, id: Id) -> String {
        let mut out = String::new();
        if id == self.top() {
            for child in self.tree.children(0) {
                write::node(&self.tree, *child, true, 0, &mut out);
                out.push('\n');
            }
        } else {
            let mut tree = self.tree.clone();
            let mut declared: Vec<(String, String)> = Vec::new();
            let mut at = Some(id);
            while let Some(element) = at.and_then(|at| self.tree.element(at)) {
                for (prefix, uri) in &element.declared {
                    if !declared.iter().any(|(known, _)| known == prefix) {
                        declared.push((prefix.clone(), uri.clone()));
                    }
                }
                at = at.and_then(|at| self.tree.parent(at));
            }
            if let Some(element) = tree.element_mut(id) {
                element.declared = declared;
            }
            write::node(&tree, id, true, 0, &mut out);
            out.push('\n');
        }
        let ascii: String = out
            .chars()
            .map(|c| if c.is_ascii() { c.to_string() } else { format!("&#{};", u32::from(c)) })
            .collect();
        python::repr_bytes(ascii.as_bytes())
    }

    // --- children --------------------------------------------------------------------------

    /// New elements as an option describes them.
    pub fn children(&mut self, list: &[Data], as_xml: bool) -> Result<Vec<Id>, Stop> {
        list.iter().map(|child| self.child(child, as_xml)).collect()
    }

    fn child(&mut self, child: &Data, as_xml: bool) -> Result<Id, Stop> {
        if as_xml {
            return self.child_of_xml(&python::text(child));
        }
        match child {
            Data::String(name) => self.new_element(name),
            Data::Object(map) => match map.iter().next() {
                Some((name, value)) if map.len() == 1 => self.child_of(name, value),
                Some(_) => {
                    let msg = "Can only create children from hashes with one key";
                    Err(Failure::new(msg).into())
                }
                None => raised("StopIteration", ""),
            },
            other => Err(Failure::new(format!(
                "Invalid child type: {}. Children must be either strings or hashes.",
                python::type_text(other)
            ))
            .into()),
        }
    }

    fn child_of(&mut self, name: &str, value: &Data) -> Result<Id, Stop> {
        let node = self.new_element(name)?;
        let text = |value: &Data| match value {
            Data::String(text) => Ok(text.clone()),
            other => raised(
                "TypeError",
                format!("Argument must be bytes or unicode, got '{}'", class_name(other)),
            ),
        };
        match value {
            Data::Null => {}
            Data::Object(attributes) => {
                for (name, value) in attributes.iter().filter(|(name, _)| *name != "_") {
                    let value = text(value)?;
                    self.set_attribute(node, name, &value);
                }
                match attributes.get("_") {
                    None | Some(Data::Null) => {}
                    Some(Data::Array(inner)) => {
                        for inner in self.children(inner, false)? {
                            self.tree.append(node, inner);
                        }
                    }
                    Some(other) => {
                        let kind = python::type_text(other);
                        let msg = format!("Invalid children type: {kind}, must be list.");
                        return Err(Failure::new(msg).into());
                    }
                }
            }
            value => {
                let text = text(value)?;
                self.tree.set_text(node, &text);
            }
        }
        Ok(node)
    }

    fn child_of_xml(&mut self, text: &str) -> Result<Id, Stop> {
        let other = parse::parse(text.as_bytes())
            .map_err(|why| Failure::new(format!("Error while parsing child element: {why}")))?;
        // Whatever was parsed has an element.
        let root = other.root().unwrap_or(0);
        Ok(self.adopt(&other, root))
    }

    fn adopt(&mut self, other: &Tree, id: Id) -> Id {
        let node = self.tree.add(other.kind(id).clone());
        for child in other.children(id) {
            let child = self.adopt(other, *child);
            self.tree.append(node, child);
        }
        node
    }

    /// An element by its name as lxml takes it: `local` or `{uri}local`.
    fn new_element(&mut self, full: &str) -> Result<Id, Stop> {
        let local = full.strip_prefix('{').and_then(|r| r.split_once('}')).map_or(full, |p| p.1);
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
        let begins = local.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !begins || !local.chars().all(part) {
            let shown = python::repr_str(local);
            return raised("ValueError", format!("Invalid tag name {shown}"));
        }
        let node = self.tree.add(Kind::Element(Element::default()));
        let name = self.tree.name_at(node, full, false);
        if let Some(element) = self.tree.element_mut(node) {
            element.name = name;
        }
        Ok(node)
    }

    pub fn replace_children(&mut self, parent: Id, children: &[Id]) {
        for old in self.tree.parts(parent) {
            self.tree.detach(old);
        }
        for child in children {
            self.tree.append(parent, *child);
        }
    }

    /// A node, with the text behind it, as text.
    pub fn written(&self, id: Id, with_tail: bool) -> String {
        let mut out = String::new();
        write::node(&self.tree, id, false, 0, &mut out);
        if let Some((parent, at)) = self.tree.place(id).filter(|_| with_tail) {
            let behind = &self.tree.children(parent)[at + 1..];
            for text in behind.iter().take_while(|node| self.tree.is_text(**node)) {
                write::node(&self.tree, *text, false, 0, &mut out);
            }
        }
        out
    }

    // --- attributes ------------------------------------------------------------------------

    fn has_name(name: &Name, full: &str) -> bool {
        name.full() == full
    }

    pub fn attribute(&self, id: Id, full: &str) -> Option<&str> {
        let element = self.tree.element(id)?;
        let found = element.attributes.iter().find(|(name, _)| Self::has_name(name, full));
        found.map(|(_, value)| value.as_str())
    }

    pub fn set_attribute(&mut self, id: Id, full: &str, value: &str) {
        let name = self.tree.name_at(id, full, true);
        let Some(element) = self.tree.element_mut(id) else { return };
        match element.attributes.iter_mut().find(|(name, _)| Self::has_name(name, full)) {
            Some((_, old)) => *old = value.to_owned(),
            None => element.attributes.push((name, value.to_owned())),
        }
    }

    /// `prefix:local` as `{uri}local`.
    pub fn full_name(&self, name: &str) -> Result<String, Stop> {
        let parts: Vec<&str> = name.split(':').collect();
        match parts[..] {
            [local] => Ok(local.to_owned()),
            [prefix, local] => match self.prefixes.iter().find(|(known, _)| known == prefix) {
                Some((_, uri)) => Ok(format!("{{{uri}}}{local}")),
                None => raised("KeyError", python::repr_str(prefix)),
            },
            _ => raised("ValueError", "too many values to unpack (expected 2)"),
        }
    }

    // --- what an expression asks for -------------------------------------------------------

    /// Makes what an expression asks for, with all that is missing on the way.
    pub fn make(&mut self, xpath: &str) -> Result<(), Stop> {
        self.make_at(self.top(), xpath, 0)
    }

    fn make_at(&mut self, at: Id, xpath: &str, depth: usize) -> Result<(), Stop> {
        let Some((before, last)) = split_last(xpath).filter(|_| depth < 100) else {
            return Err(Failure::new(format!(
                "Can't process Xpath {xpath} in order to spawn nodes! tree is {}",
                self.shown_at(at)
            ))
            .into());
        };
        if !self.is_node(at, &before)? {
            self.make_at(at, &before, depth + 1)?;
        }
        if !self.is_node(at, &before)? {
            return Ok(());
        }
        let parents = self.elements(at, &before)?;
        match last {
            Last::Element(name, text) => {
                let full = self.full_name(&name)?;
                let node = self.new_element(&full)?;
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    self.tree.set_text(node, &text);
                }
                // One element: of several parents, the last one keeps it.
                for parent in parents {
                    self.tree.append(parent, node);
                }
            }
            Last::Conditions(name, conditions) => {
                let full = self.full_name(&name)?;
                let node = self.new_element(&full)?;
                for parent in parents {
                    self.tree.append(parent, node);
                    for condition in &conditions {
                        self.make_at(node, &format!("./{condition}"), depth + 1)?;
                    }
                }
            }
            Last::Attribute(name, value) => {
                let full = self.full_name(&name)?;
                for parent in parents {
                    let same = self
                        .attribute(parent, &full)
                        .is_some_and(|old| value.as_deref() == Some(old));
                    if !same {
                        self.set_attribute(parent, &full, value.as_deref().unwrap_or_default());
                    }
                }
            }
            Last::Text(text) => {
                for parent in parents {
                    if self.tree.text(parent).as_deref() != Some(&text) {
                        self.tree.set_text(parent, &text);
                    }
                }
            }
        }
        Ok(())
    }

    /// Where a node is, as lxml writes it.
    pub fn path_of(&self, id: Id) -> String {
        let Some((parent, _)) = self.tree.place(id) else { return String::new() };
        let step = |node: Id| match self.tree.kind(node) {
            Kind::Element(element) => match (&element.name.uri, &element.name.prefix) {
                (Some(_), None) => "*".to_owned(),
                _ => element.name.written(),
            },
            Kind::Comment(_) => "comment()".to_owned(),
            Kind::Instruction(target, _) => format!("processing-instruction('{target}')"),
            _ => "text()".to_owned(),
        };
        let own = step(id);
        let alike: Vec<Id> = self
            .tree
            .children(parent)
            .iter()
            .copied()
            .filter(|other| match own.as_str() {
                "*" => self.tree.element(*other).is_some(),
                own => step(*other) == own,
            })
            .collect();
        let number = match alike.iter().position(|other| *other == id) {
            Some(at) if alike.len() > 1 => format!("[{}]", at + 1),
            _ => String::new(),
        };
        let above = if parent == 0 { String::new() } else { self.path_of(parent) };
        format!("{above}/{own}{number}")
    }

    /// The element of each match, with what `of` says of it.
    pub fn described(
        &self,
        xpath: &str,
        of: impl Fn(&Editor, Id) -> Data,
    ) -> Result<Vec<Data>, Stop> {
        let nodes = self.elements(self.top(), xpath)?;
        let described = nodes.into_iter().filter_map(|id| {
            let name = self.tree.element(id)?.name.full();
            let mut map = Map::new();
            map.insert(name, of(self, id));
            Some(Data::Object(map))
        });
        Ok(described.collect())
    }
}

fn class_name(value: &Data) -> &'static str {
    let text = python::type_text(value);
    text.strip_prefix("<class '").and_then(|rest| rest.strip_suffix("'>")).unwrap_or(text)
}

/// Whether a text is a name, perhaps with a prefix, that elements may be made by.
fn is_name(text: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    match text.split_once(':') {
        Some((prefix, local)) => word(prefix) && word(local),
        None => word(text),
    }
}

fn quoted(text: &str) -> Option<&str> {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"'))
}

/// An expression without its end, and its end, if that is of a form that can be made.
fn split_last(xpath: &str) -> Option<(String, Last)> {
    let xpath = xpath.trim();
    // The last slash behind which all is of the form.
    let split = |form: &dyn Fn(&str) -> Option<Last>| {
        let slashes = xpath.char_indices().rev().filter(|(_, c)| *c == '/');
        slashes
            .map(|(at, _)| at)
            .find_map(|at| Some((xpath[..at].to_owned(), form(&xpath[at + 1..])?)))
    };
    let name = |text: &str| is_name(text).then(|| text.to_owned());
    let valued = |text: &str, between: &str| {
        let at = text.find(between)?;
        Some((name(&text[..at])?, quoted(&text[at + between.len()..])?.to_owned()))
    };
    split(&|rest| Some(Last::Element(name(rest)?, None)))
        .or_else(|| {
            split(&|rest| {
                let (name, text) = valued(rest, "/text()=")?;
                Some(Last::Element(name, Some(text)))
            })
        })
        .or_else(|| split(&|rest| Some(Last::Attribute(name(rest.strip_prefix('@')?)?, None))))
        .or_else(|| {
            split(&|rest| {
                let (name, value) = valued(rest.strip_prefix('@')?, "=")?;
                Some(Last::Attribute(name, Some(value)))
            })
        })
        .or_else(|| {
            split(&|rest| {
                let (head, inner) = rest.strip_suffix(']')?.split_once('[')?;
                let conditions = inner.split(" and ").map(|part| part.trim().to_owned()).collect();
                Some(Last::Conditions(name(head)?, conditions))
            })
        })
        .or_else(|| {
            split(&|rest| Some(Last::Text(quoted(rest.strip_prefix("text()=")?)?.to_owned())))
        })
}
