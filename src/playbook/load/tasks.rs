//! Lists of tasks and blocks.

use std::sync::Arc;

use super::{Loader, Place, args::Depth, error_at};
use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::{
        Block, Item, Keyword, Level, LevelKind, Spanned,
        keywords::Place as In,
        python,
        resolve::{is_builtin, is_builtin_of},
    },
    value::Value,
    yaml::Node,
};

/// What a list of tasks has instead of tasks: ansible puts this behind its own text.
pub(super) struct NotTasks(pub String);

/// A loading error, or a list that is not one of tasks.
pub(super) enum Trouble {
    Error(Error),
    Malformed(NotTasks),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Trouble {
    /// The error; a malformed list is introduced by `message`, at the place of `node`.
    pub(super) fn into_error(self, message: &str, node: Option<&Node>) -> Error {
        match self {
            Self::Error(error) => error,
            Self::Malformed(NotTasks(what)) => Error::parser(message, node.map(|n| n.span.clone()))
                .caused_by(Error::new(Kind::User, what)),
        }
    }
}

/// Whether an entry of a list of tasks is a block.
fn is_block(node: &Node) -> bool {
    ["block", "rescue", "always"].iter().any(|key| node.get(key).is_some())
}

impl Loader {
    /// The blocks of a list of tasks; runs of tasks that stand in none get an implicit one, whose
    /// level is the one around it. Handlers come without blocks.
    pub(super) fn load_blocks(
        &self,
        list: Option<&Node>,
        place: &Place,
    ) -> Result<Vec<Item>, Trouble> {
        let Some(list) = list.filter(|n| !n.is_null()) else { return Ok(Vec::new()) };
        let Some(entries) = list.as_seq() else {
            let value = list.to_value();
            return Err(Trouble::Malformed(NotTasks(format!(
                "{} should be a list or None but is {}",
                python::text(&value),
                python::node_class(list)
            ))));
        };
        let mut blocks = Vec::new();
        let mut bare: Vec<Node> = Vec::new();
        for entry in entries {
            if entry.is_null() || is_block(entry) {
                blocks.extend(self.implicit_block(&mut bare, place)?);
            }
            if is_block(entry) {
                let block = self.load_block(entry, place);
                blocks.extend(self.or_next(block)?.map(Item::Block));
            } else if !entry.is_null() {
                bare.push(entry.clone());
            }
        }
        blocks.extend(self.implicit_block(&mut bare, place)?);
        if !place.handlers {
            return Ok(blocks);
        }
        // ansible-core 2.14 `PlayIterator`: only the bodies of blocks count among handlers.
        let body = |item: Item| match item {
            Item::Block(block) => block.body.clone(),
            task @ Item::Task(_) => vec![task],
        };
        Ok(blocks.into_iter().flat_map(body).collect())
    }

    fn implicit_block(&self, bare: &mut Vec<Node>, place: &Place) -> Result<Option<Item>> {
        if bare.is_empty() {
            return Ok(None);
        }
        let entries = std::mem::take(bare);
        let body = self.load_entries(&entries, "<class 'list'>", place).map_err(|e| {
            e.into_error("A malformed block was encountered while loading a block", None)
        })?;
        if body.is_empty() {
            return Ok(None);
        }
        let level = Arc::clone(&place.parent);
        let block = Block { level, body, rescue: Vec::new(), always: Vec::new() };
        Ok(Some(Item::Block(Arc::new(block))))
    }

    fn load_block(&self, node: &Node, place: &Place) -> Result<Arc<Block>> {
        let mut level = self.level(node, LevelKind::Block, "Block", In::Block, place)?;
        let sections = [Keyword::Block, Keyword::Rescue, Keyword::Always];
        level.keywords.retain(|(k, _)| !sections.contains(k));
        let level = Arc::new(level);
        let inner = place.within(&level);
        let section = |name: &str, message: &str| match node.get(name) {
            Some(list) => {
                self.load_list(list, &inner).map_err(|e| e.into_error(message, Some(node)))
            }
            None => Ok(Vec::new()),
        };
        let body = section("block", "A malformed block was encountered while loading a block")?;
        let rescue = section("rescue", "A malformed block was encountered while loading rescue.")?;
        let always = section("always", "A malformed block was encountered while loading always")?;
        for (name, items) in [("rescue", &rescue), ("always", &always)] {
            if !items.is_empty() && body.is_empty() {
                return Err(error_at(
                    format!("'{name}' keyword cannot be used without 'block'"),
                    node,
                ));
            }
        }
        Ok(Arc::new(Block { level, body, rescue, always }))
    }

    /// The entries of a block's list.
    fn load_list(&self, list: &Node, place: &Place) -> Result<Vec<Item>, Trouble> {
        let value = || list.to_value();
        let Some(entries) = list.as_seq() else {
            return Err(Trouble::Malformed(NotTasks(format!(
                "The ds ({}) should be a list but was a {}",
                python::text(&value()),
                python::node_class(list)
            ))));
        };
        self.load_entries(entries, &python::node_class(list), place)
    }

    fn load_entries(
        &self,
        entries: &[Node],
        class: &str,
        place: &Place,
    ) -> Result<Vec<Item>, Trouble> {
        let mut items = Vec::new();
        for entry in entries {
            if entry.as_map().is_none() {
                let all: Vec<Value> = entries.iter().map(Node::to_value).collect();
                return Err(Trouble::Malformed(NotTasks(format!(
                    "The ds ({}) should be a dict but was a {class}",
                    python::text(&Value::list(all))
                ))));
            }
            let loaded = self.load_entry(entry, place);
            items.extend(self.or_next(loaded)?.unwrap_or_default());
        }
        Ok(items)
    }

    fn load_entry(&self, entry: &Node, place: &Place) -> Result<Vec<Item>> {
        if entry.get("block").is_some() {
            if place.handlers {
                return Err(error_at("Using a block as a handler is not supported.", entry));
            }
            return Ok(vec![Item::Block(self.load_block(entry, place)?)]);
        }
        let action = self.parse_action(entry, Depth::Guess)?.action;
        if is_builtin_of(&action, &["include", "include_tasks", "import_tasks"]) {
            return self.load_task_include(entry, &action, place);
        }
        if is_builtin_of(&action, &["include_role", "import_role"]) {
            if place.handlers {
                return Err(error_at(
                    format!("Using '{action}' as a handler is not supported."),
                    entry,
                ));
            }
            let task = self.load_task(entry, "IncludeRole", place)?;
            if is_builtin(&action, "import_role") {
                return self.import_role(entry, &task, place);
            }
            self.check_role_include(entry, &task)?;
            return Ok(vec![Item::Task(Arc::new(task))]);
        }
        let class = if place.handlers { "Handler" } else { "Task" };
        Ok(vec![Item::Task(Arc::new(self.load_task(entry, class, place)?))])
    }

    /// A level of `kind` with the keywords of `node`, a mapping; `class` is ansible's name for it.
    pub(super) fn level(
        &self,
        node: &Node,
        kind: LevelKind,
        class: &str,
        allowed: In,
        place: &Place,
    ) -> Result<Level> {
        let mut keywords = Vec::new();
        for (key, value) in node.as_map().unwrap_or_default() {
            let name = python::text(&key.to_value());
            let keyword = Keyword::allowed(&name, allowed).ok_or_else(|| {
                let error =
                    error_at(format!("'{name}' is not a valid attribute for a {class}"), node);
                match Keyword::similar(&name, allowed) {
                    Some(similar) => error.hinted(format!("did you mean `{similar}`?")),
                    None => error,
                }
            })?;
            keywords.push((keyword, value.clone()));
        }
        self.level_of(node, kind, class, keywords, place)
    }

    /// A level of `kind` with these keywords, checked.
    pub(super) fn level_of(
        &self,
        node: &Node,
        kind: LevelKind,
        class: &str,
        keywords: Vec<(Keyword, Node)>,
        place: &Place,
    ) -> Result<Level> {
        let mut level = Level {
            kind,
            name: None,
            keywords: Vec::with_capacity(keywords.len()),
            vars: crate::value::Dict::new(),
            role: place.role.clone(),
            include: None,
            parent: Some(Arc::clone(&place.parent)),
            span: node.span.clone(),
        };
        for (keyword, value) in keywords {
            match keyword {
                Keyword::Vars => level.vars = self.vars(&value, class)?,
                Keyword::Name => {
                    level.name = name_of(&value, node)?;
                    // A number or the like is a name in lists, but not when the task runs.
                    let (value, span) = (value.to_value(), value.span.clone());
                    if value.as_str().is_none() {
                        level.keywords.push((keyword, Spanned { value, span }));
                    }
                }
                _ => {
                    let span = value.span.clone();
                    let value = self.keyword_value(keyword, &value, node, place)?;
                    level.keywords.push((keyword, Spanned { value, span }));
                }
            }
        }
        Ok(level)
    }
}

fn name_of(value: &Node, owner: &Node) -> Result<Option<String>> {
    super::task::check_text_field("name", value, owner)?;
    let value = value.to_value();
    Ok((!value.is_none()).then(|| python::text(&value)))
}
