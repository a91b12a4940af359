//! A document in memory. Nodes are numbers; number 0 is the document itself.

/// A node's number.
pub(super) type Id = usize;

/// A name with its namespace. Two names are the same if address and local part are.
#[derive(Clone, Debug, Default)]
pub(super) struct Name {
    pub prefix: Option<String>,
    pub local: String,
    pub uri: Option<String>,
}

impl Name {
    /// `prefix:local`.
    pub fn written(&self) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}:{}", self.local),
            None => self.local.clone(),
        }
    }

    /// `{uri}local`, as lxml shows names.
    pub fn full(&self) -> String {
        match &self.uri {
            Some(uri) => format!("{{{uri}}}{}", self.local),
            None => self.local.clone(),
        }
    }
}

/// An element.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub name: Name,
    pub attributes: Vec<(Name, String)>,
    /// Namespaces that it declares: prefix (empty for the default one) and address.
    pub declared: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Document,
    Element(Element),
    Text(String),
    Cdata(String),
    Comment(String),
    /// A processing instruction: what it is for, and what it says.
    Instruction(String, String),
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    parent: Option<Id>,
    children: Vec<Id>,
}

/// A document.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// `<!DOCTYPE …>`, as it is written.
    pub doctype: Option<String>,
}

impl Tree {
    pub fn new() -> Tree {
        let document = Node { kind: Kind::Document, parent: None, children: Vec::new() };
        Tree { nodes: vec![document], doctype: None }
    }

    /// A node that is nowhere yet.
    pub fn add(&mut self, kind: Kind) -> Id {
        self.nodes.push(Node { kind, parent: None, children: Vec::new() });
        self.nodes.len() - 1
    }

    pub fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id].kind
    }

    pub fn kind_mut(&mut self, id: Id) -> &mut Kind {
        &mut self.nodes[id].kind
    }

    pub fn element(&self, id: Id) -> Option<&Element> {
        match self.kind(id) {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    pub fn element_mut(&mut self, id: Id) -> Option<&mut Element> {
        match self.kind_mut(id) {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    pub fn is_text(&self, id: Id) -> bool {
        matches!(self.kind(id), Kind::Text(_) | Kind::Cdata(_))
    }

    pub fn parent(&self, id: Id) -> Option<Id> {
        self.nodes[id].parent
    }

    pub fn children(&self, id: Id) -> &[Id] {
        &self.nodes[id].children
    }

    /// The children that are no text.
    pub fn parts(&self, id: Id) -> Vec<Id> {
        self.children(id).iter().copied().filter(|child| !self.is_text(*child)).collect()
    }

    /// The outermost element.
    pub fn root(&self) -> Option<Id> {
        self.children(0).iter().copied().find(|id| self.element(*id).is_some())
    }

    /// Where a node stands among its parent's children.
    pub fn place(&self, id: Id) -> Option<(Id, usize)> {
        let parent = self.parent(id)?;
        let at = self.children(parent).iter().position(|child| *child == id)?;
        Some((parent, at))
    }

    /// Leaves a node only these of its children.
    pub fn keep(&mut self, id: Id, children: Vec<Id>) {
        self.nodes[id].children = children;
    }

    /// Takes a node, and the text behind it, away from where it is.
    pub fn detach(&mut self, id: Id) -> Vec<Id> {
        let Some((parent, at)) = self.place(id) else { return vec![id] };
        let behind = &self.nodes[parent].children[at + 1..];
        let texts = behind.iter().take_while(|node| self.is_text(**node)).count();
        let gone: Vec<Id> = self.nodes[parent].children.drain(at..=at + texts).collect();
        for node in &gone {
            self.nodes[*node].parent = None;
        }
        gone
    }

    /// Puts a node among a parent's children, with the text that stood behind it.
    pub fn insert(&mut self, parent: Id, at: usize, id: Id) {
        let nodes = self.detach(id);
        let at = at.min(self.nodes[parent].children.len());
        for node in &nodes {
            self.nodes[*node].parent = Some(parent);
        }
        self.nodes[parent].children.splice(at..at, nodes);
        self.settle_namespaces(id);
    }

    pub fn append(&mut self, parent: Id, id: Id) {
        let nodes = self.detach(id);
        for node in nodes {
            self.nodes[node].parent = Some(parent);
            self.nodes[parent].children.push(node);
        }
        self.settle_namespaces(id);
    }

    /// The text before the first child that is none; none if there is no text.
    pub fn text(&self, id: Id) -> Option<String> {
        let texts = self.children(id).iter().map_while(|child| match self.kind(*child) {
            Kind::Text(text) | Kind::Cdata(text) => Some(text.as_str()),
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    pub fn set_text(&mut self, id: Id, text: &str) {
        let count = self.children(id).iter().take_while(|child| self.is_text(**child)).count();
        let gone: Vec<Id> = self.nodes[id].children.drain(..count).collect();
        for node in gone {
            self.nodes[node].parent = None;
        }
        let node = self.add(Kind::Text(text.to_owned()));
        self.nodes[node].parent = Some(id);
        self.nodes[id].children.insert(0, node);
    }

    /// All text within.
    pub fn all_text(&self, id: Id) -> String {
        match self.kind(id) {
            Kind::Text(text) | Kind::Cdata(text) | Kind::Comment(text) => text.clone(),
            Kind::Instruction(_, text) => text.clone(),
            Kind::Document | Kind::Element(_) => {
                let within = |child: &&Id| self.is_text(**child) || self.element(**child).is_some();
                self.children(id).iter().filter(within).map(|child| self.all_text(*child)).collect()
            }
        }
    }

    /// The address that a prefix (empty for the default one) stands for.
    pub fn address(&self, id: Id, prefix: &str) -> Option<String> {
        let mut at = Some(id);
        while let Some(id) = at {
            if let Some(element) = self.element(id)
                && let Some((_, uri)) = element.declared.iter().find(|(known, _)| known == prefix)
            {
                return Some(uri.clone()).filter(|uri| !uri.is_empty());
            }
            at = self.parent(id);
        }
        (prefix == "xml").then(|| XML.to_owned())
    }

    /// The nearest prefix for an address that still stands for it; attributes have no default namespace.
    fn prefix_of(&self, id: Id, uri: &str, attribute: bool) -> Option<String> {
        let mut at = Some(id);
        while let Some(inner) = at {
            if let Some(element) = self.element(inner) {
                for (prefix, known) in &element.declared {
                    let usable = !(attribute && prefix.is_empty());
                    if known == uri && usable && self.address(id, prefix).as_deref() == Some(uri) {
                        return Some(prefix.clone());
                    }
                }
            }
            at = self.parent(inner);
        }
        None
    }

    /// Of a node that came from elsewhere: what its new surroundings declare already is not declared again.
    fn settle_namespaces(&mut self, id: Id) {
        let Some(parent) = self.parent(id) else { return };
        let Some(element) = self.element(id) else { return };
        let mut kept = Vec::new();
        let mut renamed: Vec<(String, Option<String>)> = Vec::new();
        for (prefix, uri) in element.declared.clone() {
            match self.prefix_of(parent, &uri, false) {
                Some(known) => renamed.push((uri, Some(known).filter(|known| !known.is_empty()))),
                None => kept.push((prefix, uri)),
            }
        }
        self.rename(id, &renamed);
        if let Some(element) = self.element_mut(id) {
            element.declared = kept;
        }
    }

    fn rename(&mut self, id: Id, renamed: &[(String, Option<String>)]) {
        let to = |name: &Name| {
            let uri = name.uri.as_ref()?;
            renamed.iter().find(|(known, _)| known == uri).map(|(_, prefix)| prefix.clone())
        };
        if let Some(element) = self.element_mut(id) {
            if let Some(prefix) = to(&element.name) {
                element.name.prefix = prefix;
            }
            for (name, _) in &mut element.attributes {
                // An attribute without a prefix would be in no namespace.
                if let Some(Some(prefix)) = to(name) {
                    name.prefix = Some(prefix);
                }
            }
        }
        for child in self.children(id).to_vec() {
            self.rename(child, renamed);
        }
    }

    /// A name given as `{uri}local` or `local`, to be used at a node; a prefix is declared there if none is known.
    pub fn name_at(&mut self, id: Id, full: &str, attribute: bool) -> Name {
        let Some((uri, local)) = full.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        else {
            return Name { local: full.to_owned(), ..Name::default() };
        };
        let (uri, local) = (Some(uri.to_owned()), local.to_owned());
        let known = self.prefix_of(id, uri.as_deref().unwrap_or_default(), attribute);
        if let Some(prefix) = known {
            let prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
            return Name { prefix, local, uri };
        }
        let free = |tree: &Tree| {
            (0..).map(|n| format!("ns{n}")).find(|prefix| tree.address(id, prefix).is_none())
        };
        let prefix = free(self).unwrap_or_default();
        if let (Some(element), Some(uri)) = (self.element_mut(id), &uri) {
            element.declared.push((prefix.clone(), uri.clone()));
        }
        Name { prefix: Some(prefix), local, uri }
    }
}

/// What `xml:` always stands for.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
