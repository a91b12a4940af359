//! Hosts and groups, and who belongs to whom.
//!
//! Groups and hosts are never removed, so their places in the tables are their identities. The
//! order of things is the order in which they were first named.

use std::{collections::HashSet, path::Path, sync::Arc};

use indexmap::IndexMap;

use super::{address, python};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::{Dict, Key, Value},
};

/// Names that stand for the controller itself even where no inventory lists them.
pub const LOCALHOST: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// A group's place in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupId(usize);

/// A host's place in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct HostId(usize);

pub(super) const ALL: GroupId = GroupId(0);
pub(super) const UNGROUPED: GroupId = GroupId(1);

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    pub name: Arc<str>,
    pub vars: Dict,
    pub hosts: Vec<HostId>,
    /// The same hosts, for looking up.
    members: HashSet<HostId>,
    pub children: Vec<GroupId>,
    pub parents: Vec<GroupId>,
    /// The longest way down from `all`: deeper groups win.
    pub depth: usize,
    /// `ansible_group_priority`: decides among groups of one depth.
    pub priority: i64,
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    pub name: Arc<str>,
    pub address: Arc<str>,
    pub vars: Dict,
    /// Its groups and all their ancestors.
    pub groups: Vec<GroupId>,
    /// The controller, where no source lists it.
    pub implicit: bool,
}

/// How names of groups with characters that no variable may have are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GroupNames {
    /// Replaced by underscores, with a warning.
    Always,
    /// Kept, with a warning.
    #[default]
    Never,
    /// Kept without a word.
    Ignore,
    /// Replaced without a word.
    Silently,
}

/// Hosts and groups.
pub(super) struct Graph {
    groups: IndexMap<Arc<str>, Group>,
    hosts: Vec<Host>,
    listed: IndexMap<Arc<str>, HostId>,
    /// The host that answers to every name of [`LOCALHOST`].
    localhost: Option<HostId>,
    /// The source being read; hosts that appear remember it.
    pub source: Option<String>,
    /// `hash_behaviour = merge`.
    merge: bool,
    group_names: GroupNames,
    /// The value of `ansible_python_interpreter` for the implicit localhost.
    python: Arc<str>,
    /// Warnings and texts for `-vvvv` that nobody has shown yet.
    pub notes: Vec<Note>,
}

/// What the graph has to tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    Warning(String),
    Verbose(u8, String),
}

fn fail(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

impl Graph {
    pub fn new(merge: bool, group_names: GroupNames, python: Arc<str>) -> Self {
        let mut graph = Self {
            groups: IndexMap::new(),
            hosts: Vec::new(),
            listed: IndexMap::new(),
            localhost: None,
            source: None,
            merge,
            group_names,
            python,
            notes: Vec::new(),
        };
        for (name, depth) in [("all", 0), ("ungrouped", 1)] {
            let group = Group { depth, ..Group::named(name) };
            graph.groups.insert(Arc::from(name), group);
        }
        graph.groups[ALL.0].children.push(UNGROUPED);
        graph.groups[UNGROUPED.0].parents.push(ALL);
        graph
    }

    pub fn group(&self, id: GroupId) -> &Group {
        &self.groups[id.0]
    }

    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.0]
    }

    pub fn group_id(&self, name: &str) -> Option<GroupId> {
        self.groups.get_index_of(name).map(GroupId)
    }

    pub fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len()).map(GroupId)
    }

    /// A host that some source lists, or that was added.
    pub fn listed(&self, name: &str) -> Option<HostId> {
        self.listed.get(name).copied()
    }

    pub fn listed_ids(&self) -> impl Iterator<Item = HostId> + '_ {
        self.listed.values().copied()
    }

    /// A host by name, the controller among them if it was asked for before.
    pub fn known(&self, name: &str) -> Option<HostId> {
        self.listed(name).or_else(|| self.localhost.filter(|_| LOCALHOST.contains(&name)))
    }

    /// A host by name; the controller comes to be when it is first asked for.
    pub fn find_or_localhost(&mut self, name: &str) -> Option<HostId> {
        if let Some(id) = self.known(name) {
            return Some(id);
        }
        if !LOCALHOST.contains(&name) {
            return None;
        }
        let id = HostId(self.hosts.len());
        let vars = Dict::new();
        vars.insert("ansible_python_interpreter", Value::str(Arc::clone(&self.python)));
        vars.insert("ansible_connection", "local");
        self.hosts.push(Host {
            name: Arc::from(name),
            address: Arc::from("127.0.0.1"),
            vars,
            groups: Vec::new(),
            implicit: true,
        });
        self.localhost = Some(id);
        Some(id)
    }

    /// Adds a group unless it is there, and gives the name it goes by.
    pub fn add_group(&mut self, name: &Value) -> Result<Arc<str>> {
        let Some(text) = name.as_str() else {
            if is_falsy(name) {
                let shown = python::shown(name);
                return Err(fail(format!("Invalid empty/false group name provided: {shown}")));
            }
            return Err(fail(format!(
                "Invalid group name supplied, expected a string but got {} for {}",
                python::class(name),
                python::shown(name)
            )));
        };
        self.add_group_named(text)
    }

    /// Adds a group unless it is there, and gives the name it goes by.
    pub fn add_group_named(&mut self, name: &str) -> Result<Arc<str>> {
        if name.is_empty() {
            return Err(fail("Invalid empty/false group name provided: "));
        }
        if let Some((known, _)) = self.groups.get_key_value(name) {
            return Ok(Arc::clone(known));
        }
        let safe = self.safe_group_name(name);
        if let Some((known, _)) = self.groups.get_key_value(&*safe) {
            return Ok(Arc::clone(known));
        }
        let safe: Arc<str> = safe.into();
        self.groups.insert(Arc::clone(&safe), Group::named(&safe));
        Ok(safe)
    }

    /// The name that a group gets under the rule for characters that no variable may have.
    pub fn safe_group_name(&mut self, name: &str) -> String {
        let invalid = invalid_characters(name);
        if invalid.is_empty() {
            return name.to_owned();
        }
        // Python prints a set here, in an order of its own: any order is right.
        let quoted: Vec<String> = invalid.iter().map(|c| python::quoted(c)).collect();
        let what =
            format!("invalid character(s) \"{{{}}}\" in group name ({name})", quoted.join(", "));
        match self.group_names {
            GroupNames::Always => {
                self.notes.push(Note::Verbose(4, format!("Replacing {what}")));
                self.notes.push(Note::Warning(
                    "Invalid characters were found in group names and automatically replaced, \
                     use -vvvv to see details"
                        .to_owned(),
                ));
                replace_invalid_characters(name)
            }
            GroupNames::Silently => replace_invalid_characters(name),
            GroupNames::Never => {
                self.notes.push(Note::Verbose(4, format!("Not replacing {what}")));
                self.notes.push(Note::Warning(
                    "Invalid characters were found in group names but not replaced, \
                     use -vvvv to see details"
                        .to_owned(),
                ));
                name.to_owned()
            }
            GroupNames::Ignore => name.to_owned(),
        }
    }

    /// Adds a host unless it is there, and puts it into a group.
    pub fn add_host(
        &mut self,
        name: &str,
        group: Option<&str>,
        port: Option<u32>,
    ) -> Result<HostId> {
        if name.is_empty() {
            return Err(fail("Invalid empty host name provided: "));
        }
        let group = match group {
            Some(g) => Some(
                self.group_id(g)
                    .ok_or_else(|| fail(format!("Could not find group {g} in inventory")))?,
            ),
            None => None,
        };
        let id = match self.listed(name) {
            Some(id) => id,
            None => self.create_host(name, port),
        };
        if let Some(group) = group {
            self.add_host_to_group(group, id);
        }
        Ok(id)
    }

    fn create_host(&mut self, name: &str, port: Option<u32>) -> HostId {
        let id = HostId(self.hosts.len());
        let vars = Dict::new();
        if let Some(port) = port.filter(|p| *p != 0) {
            vars.insert("ansible_port", i64::from(port));
        }
        let source = self.source.as_deref();
        vars.insert("inventory_file", source.map_or(Value::None, Value::str));
        vars.insert(
            "inventory_dir",
            // ansible makes text of the folder that a list of hosts has not.
            source.map_or(Value::None, |s| {
                Value::str(source_folder(s).unwrap_or_else(|| "None".into()))
            }),
        );
        let name: Arc<str> = Arc::from(name);
        self.hosts.push(Host {
            name: Arc::clone(&name),
            address: Arc::clone(&name),
            vars,
            groups: Vec::new(),
            implicit: false,
        });
        self.listed.insert(Arc::clone(&name), id);
        if LOCALHOST.contains(&&*name) {
            match self.localhost {
                None => self.localhost = Some(id),
                Some(first) => self.notes.push(Note::Warning(format!(
                    "A duplicate localhost-like entry was found ({name}). First found localhost \
                     was {}",
                    self.host(first).name
                ))),
            }
        }
        id
    }

    /// Sets a variable of the group, or else host, of that name.
    pub fn set_variable(&mut self, entity: &str, key: &Value, value: Value) -> Result<()> {
        if let Some(id) = self.group_id(entity) {
            if key.as_str() == Some("ansible_group_priority") {
                self.groups[id.0].priority = priority(&value)?;
                return Ok(());
            }
            let vars = self.groups[id.0].vars.clone();
            return self.set(&vars, key, value);
        }
        let Some(id) = self.listed(entity) else {
            return Err(fail(format!("Could not identify group or host named {entity}")));
        };
        let vars = self.host(id).vars.clone();
        self.set(&vars, key, value)
    }

    fn set(&self, vars: &Dict, key: &Value, value: Value) -> Result<()> {
        let Some(key) = Key::new(key.clone()) else {
            return Err(fail(format!("unhashable type: '{}'", python::type_name(key))));
        };
        let merged = match (vars.get_key(&key), &value) {
            (Some(Value::Dict(old)), Value::Dict(new)) if self.merge => {
                Value::Dict(python::merge(&old, new))
            }
            _ => value,
        };
        vars.write().insert(key, merged);
        Ok(())
    }

    /// Lays variables over a host's own; false if nothing changed by that.
    pub fn update_host_vars(&mut self, id: HostId, vars: &Dict) -> bool {
        // ansible-core 2.14 `add_dynamic_host` keeps the magic variables in the host from then on.
        let before = self.host_vars(id);
        let after = if self.merge { python::merge(&before, vars) } else { before.copy() };
        if !self.merge {
            after.write().extend(vars.snapshot());
        }
        let same = python::equal(&Value::Dict(before), &Value::Dict(after.clone()));
        if !same {
            self.hosts[id.0].vars = after;
        }
        !same
    }

    /// Adds a host or group to a group, all by name.
    pub fn add_child(&mut self, group: &str, child: &str) -> Result<bool> {
        let Some(parent) = self.group_id(group) else {
            return Err(fail(format!("{group} is not a known group")));
        };
        if let Some(child) = self.group_id(child) {
            return self.add_child_group(parent, child);
        }
        match self.listed(child) {
            Some(host) => Ok(self.add_host_to_group(parent, host)),
            None => Err(fail(format!("{child} is not a known host nor group"))),
        }
    }

    /// Puts a group into another; false if it was there already.
    pub fn add_child_group(&mut self, parent: GroupId, child: GroupId) -> Result<bool> {
        if parent == child {
            return Err(fail("can't add group to itself"));
        }
        if self.group(parent).children.contains(&child) {
            return Ok(false);
        }
        let before = self.ancestors(child);
        let mut above = self.ancestors(parent);
        if above.contains(&child) {
            return Err(fail(format!(
                "Adding group '{}' as child to '{}' creates a recursive dependency loop.",
                self.group(child).name,
                self.group(parent).name
            )));
        }
        above.push(parent);
        above.retain(|g| !before.contains(g));
        self.groups[parent.0].children.push(child);
        let depth = self.group(parent).depth + 1;
        self.groups[child.0].depth = self.group(child).depth.max(depth);
        self.push_children_down(child)?;
        if !self.group(child).parents.contains(&parent) {
            self.groups[child.0].parents.push(parent);
            for host in self.hosts_of(child) {
                let groups = &mut self.hosts[host.0].groups;
                above.iter().for_each(|g| push_new(groups, *g));
            }
        }
        Ok(true)
    }

    fn push_children_down(&mut self, from: GroupId) -> Result<()> {
        let start = self.group(from).depth;
        let mut depth = start;
        let mut seen = HashSet::new();
        let mut todo: Vec<GroupId> = self.group(from).children.clone();
        while !todo.is_empty() {
            seen.extend(todo.iter().copied());
            depth += 1;
            for group in std::mem::take(&mut todo) {
                if self.group(group).depth < depth {
                    self.groups[group.0].depth = depth;
                    let children = self.group(group).children.clone();
                    children.into_iter().for_each(|c| push_new(&mut todo, c));
                }
            }
            if depth - start > seen.len() {
                return Err(fail(format!(
                    "The group named '{}' has a recursive dependency loop.",
                    self.group(from).name
                )));
            }
        }
        Ok(())
    }

    /// Puts a host into a group; false if it was there already.
    pub fn add_host_to_group(&mut self, group: GroupId, host: HostId) -> bool {
        if !self.groups[group.0].members.insert(host) {
            return false;
        }
        self.groups[group.0].hosts.push(host);
        self.enter(host, group);
        true
    }

    /// Tells a host that it is in a group and in the groups above; false if it knew.
    pub fn enter(&mut self, host: HostId, group: GroupId) -> bool {
        let above = self.ancestors(group);
        let groups = &mut self.hosts[host.0].groups;
        above.into_iter().for_each(|g| push_new(groups, g));
        let new = !groups.contains(&group);
        push_new(groups, group);
        new
    }

    fn remove_host_from_group(&mut self, group: GroupId, host: HostId) {
        let from = &mut self.groups[group.0];
        if from.members.remove(&host) {
            from.hosts.retain(|h| *h != host);
            self.leave(host, group);
        }
    }

    fn leave(&mut self, host: HostId, group: GroupId) {
        let groups = &mut self.hosts[host.0].groups;
        let Some(at) = groups.iter().position(|g| *g == group) else { return };
        groups.remove(at);
        for above in self.ancestors(group) {
            let elsewhere =
                self.host(host).groups.iter().any(|g| self.ancestors(*g).contains(&above));
            if above != ALL && !elsewhere {
                self.leave(host, above);
            }
        }
    }

    fn ancestors(&self, group: GroupId) -> Vec<GroupId> {
        self.walk(group, |g| &g.parents)
    }

    fn walk(&self, from: GroupId, next: impl Fn(&Group) -> &Vec<GroupId>) -> Vec<GroupId> {
        let mut found: Vec<GroupId> = Vec::new();
        next(self.group(from)).iter().for_each(|g| push_new(&mut found, *g));
        let mut at = 0;
        while let Some(group) = found.get(at).copied() {
            next(self.group(group)).iter().for_each(|g| push_new(&mut found, *g));
            at += 1;
        }
        found
    }

    /// The hosts of a group and of the groups below it, in order, each once.
    pub fn hosts_of(&self, group: GroupId) -> Vec<HostId> {
        let mut seen = HashSet::new();
        let mut hosts = Vec::new();
        for group_below in std::iter::once(group).chain(self.walk(group, |g| &g.children)) {
            for host in &self.group(group_below).hosts {
                let hidden = group == ALL && self.host(*host).implicit;
                if seen.insert(*host) && !hidden {
                    hosts.push(*host);
                }
            }
        }
        hosts
    }

    /// A host's groups except `all`, lowest precedence first.
    pub fn ranked_groups(&self, host: HostId) -> Vec<GroupId> {
        let mut groups: Vec<_> =
            self.host(host).groups.iter().copied().filter(|g| *g != ALL).collect();
        groups.sort_by(|a, b| {
            let (a, b) = (self.group(*a), self.group(*b));
            (a.depth, a.priority, &a.name).cmp(&(b.depth, b.priority, &b.name))
        });
        groups
    }

    /// A host's own variables, with those that tell its name and groups.
    pub fn host_vars(&self, id: HostId) -> Dict {
        let host = self.host(id);
        let vars = host.vars.copy();
        vars.insert("inventory_hostname", Value::str(Arc::clone(&host.name)));
        vars.insert("inventory_hostname_short", Value::str(address::short_name(&host.name)));
        let mut names: Vec<Arc<str>> = host
            .groups
            .iter()
            .filter(|g| **g != ALL)
            .map(|g| Arc::clone(&self.group(*g).name))
            .collect();
        names.sort();
        vars.insert("group_names", names.into_iter().map(Value::str).collect::<Value>());
        vars
    }

    /// Puts things right after hosts and groups were added: everything is below `all`, and hosts
    /// without another group, and only those, are in `ungrouped`.
    pub fn reconcile(&mut self) -> Result<()> {
        self.source = None;
        for group in self.group_ids() {
            if group != ALL && self.group(group).parents.is_empty() {
                self.add_child_group(ALL, group)?;
            }
        }
        for host in self.listed.values().copied().collect::<Vec<_>>() {
            let groups = &self.host(host).groups;
            let others = groups.iter().any(|g| *g != ALL && *g != UNGROUPED);
            if groups.contains(&UNGROUPED) {
                if others {
                    self.remove_host_from_group(UNGROUPED, host);
                }
            } else if !others {
                // By name, so that a group of the host's name goes there in its place, as in
                // ansible-core 2.14 `reconcile_inventory`.
                let name = Arc::clone(&self.host(host).name);
                self.add_child("ungrouped", &name)?;
            }
        }
        for name in self.groups.keys().filter(|n| self.listed.contains_key(*n)) {
            let text = format!("Found both group and host with same name: {name}");
            self.notes.push(Note::Warning(text));
        }
        Ok(())
    }
}

impl Group {
    fn named(name: &str) -> Self {
        Self {
            name: Arc::from(name),
            vars: Dict::new(),
            hosts: Vec::new(),
            members: HashSet::new(),
            children: Vec::new(),
            parents: Vec::new(),
            depth: 0,
            priority: 1,
        }
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// The folder of a source that is a file, or the source itself if it is a folder.
fn source_folder(source: &str) -> Option<Arc<str>> {
    let path = Path::new(source);
    let folder = if path.is_dir() {
        path
    } else if path.is_file() {
        path.parent()?
    } else {
        return None;
    };
    let absolute = std::path::absolute(folder).ok()?;
    Some(absolute.to_string_lossy().into())
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(false) | Value::Int(0) => true,
        Value::Float(f) => *f == 0.0,
        Value::Tuple(t) => t.is_empty(),
        _ => false,
    }
}

/// Python's `int(value)` for `ansible_group_priority`.
fn priority(value: &Value) -> Result<i64> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Bool(b) => Ok(i64::from(*b)),
        #[expect(clippy::cast_possible_truncation, reason = "Python truncates too")]
        Value::Float(f) => Ok(*f as i64),
        Value::Str(s) => s.trim().replace('_', "").parse().map_err(|_| {
            let shown = python::quoted(s);
            fail(format!("invalid literal for int() with base 10: {shown}"))
        }),
        other => Err(fail(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            python::type_name(other)
        ))),
    }
}

/// The characters of a group's name that a variable's name may not have: a digit in front, and
/// all but letters, digits and underscores.
fn invalid_characters(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (i, c) in name.chars().enumerate() {
        let word = c.is_alphanumeric() || c == '_';
        if !word || (i == 0 && c.is_numeric()) {
            push_new(&mut found, c.to_string());
        }
    }
    found
}

pub(super) fn replace_invalid_characters(name: &str) -> String {
    let replaced = |(i, c): (usize, char)| {
        let word = c.is_alphanumeric() || c == '_';
        if !word || (i == 0 && c.is_numeric()) { '_' } else { c }
    };
    name.chars().enumerate().map(replaced).collect()
}
