//! Hosts, groups and their variables, from all inventory sources.
//!
//! [`Inventory`] is shared by the whole run and changes only by `add_host`, `group_by` and
//! `refresh_inventory`. Hosts are spoken of by name; names are shared text.

mod address;
mod files;
mod graph;
mod pattern;
mod python;
mod range;
mod rules;
mod shlex;
mod source;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};

pub use self::{
    address::parse as parse_address,
    graph::{GroupNames, LOCALHOST},
    pattern::{Mismatch, glob_to_regex, split as split_pattern},
    rules::{GroupStep, Rules, VarsStage},
};
use self::{
    files::{Owner, VarsFiles},
    graph::{Graph, HostId, Note},
    pattern::Selection,
    source::Reading,
};
use crate::{
    diagnostic::{Error, Kind, Notices, Result},
    value::{Dict, Value},
    vault::Vault,
};
pub(crate) use files::overlay;
pub(crate) use python::merge;

/// All hosts and groups.
pub struct Inventory {
    graph: RwLock<Graph>,
    rules: Rules,
    notices: Arc<dyn Notices>,
    limit: RwLock<Option<Vec<String>>>,
    /// Grows with every change, so that what was made of the inventory knows when it is stale.
    generation: AtomicU64,
    groups_dict: Mutex<Option<(u64, Dict)>>,
    sources: Vec<String>,
    vault: Arc<Vault>,
    files: VarsFiles,
    /// What `add_host` and `group_by` did, to be done again when sources are read anew.
    added: Mutex<Vec<Added>>,
}

/// A change at run time.
enum Added {
    Host { name: String, vars: Dict, groups: Vec<String> },
    Group { host: String, group: String, parents: Vec<String> },
}

fn new_graph(rules: &Rules) -> Graph {
    Graph::new(rules.merge, rules.group_names, Arc::clone(&rules.python))
}

impl Inventory {
    /// An inventory without any host.
    pub fn empty(rules: Rules, notices: Arc<dyn Notices>) -> Self {
        Self::of(Vec::new(), rules, Arc::default(), notices)
    }

    /// Reads inventory sources: paths of files and folders, and lists of hosts with commas.
    /// Paths are absolute already.
    pub fn load(
        sources: Vec<String>,
        rules: Rules,
        vault: Arc<Vault>,
        notices: Arc<dyn Notices>,
    ) -> Result<Self> {
        let inventory = Self::of(sources, rules, vault, notices);
        inventory.read_sources()?;
        Ok(inventory)
    }

    fn of(
        sources: Vec<String>,
        rules: Rules,
        vault: Arc<Vault>,
        notices: Arc<dyn Notices>,
    ) -> Self {
        let files = VarsFiles::new(&rules, Arc::clone(&vault), Arc::clone(&notices));
        Self {
            graph: RwLock::new(new_graph(&rules)),
            rules,
            notices,
            limit: RwLock::new(None),
            generation: AtomicU64::new(0),
            groups_dict: Mutex::new(None),
            sources,
            vault,
            files,
            added: Mutex::default(),
        }
    }

    fn read_sources(&self) -> Result<()> {
        let mut graph = new_graph(&self.rules);
        let mut reading = Reading {
            graph: &mut graph,
            rules: &self.rules,
            vault: Some(&self.vault),
            notices: &*self.notices,
            files: &self.files,
            read: Vec::new(),
            json: false,
        };
        reading.sources(&self.sources)?;
        reading.tell();
        *self.graph.write() = graph;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// `meta: refresh_inventory`: reads the sources anew; hosts and groups that tasks added stay.
    pub fn refresh(&self) -> Result<()> {
        self.read_sources()?;
        let added = std::mem::take(&mut *self.added.lock());
        for change in added {
            match change {
                Added::Host { name, vars, groups } => {
                    self.add_host(&name, &vars, &groups)?;
                }
                // The host may be gone.
                Added::Group { host, .. } if self.find(&host).is_none() => {}
                Added::Group { host, group, parents } => {
                    self.group_by(&host, &group, &parents)?;
                }
            }
        }
        Ok(())
    }

    /// The settings that it goes by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Its sources.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// A number that changes when hosts, groups or their variables change.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn tell(&self, notes: Vec<Note>) {
        for note in notes {
            match note {
                Note::Warning(text) => self.notices.warning(text),
                Note::Verbose(level, text) => self.notices.verbose(level, text),
            }
        }
    }

    /// Changes the graph; what was derived from it is stale afterwards.
    fn change<T>(&self, change: impl FnOnce(&mut Graph) -> Result<T>) -> Result<T> {
        let mut graph = self.graph.write();
        let result = change(&mut graph);
        let notes = std::mem::take(&mut graph.notes);
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(graph);
        self.tell(notes);
        result
    }

    // --- which hosts -----------------------------------------------------------------------

    /// The hosts that patterns select, within `--limit`, in inventory order.
    ///
    /// Each pattern may itself be a list (`a,b`, `a:!b`). Warns of patterns that match nothing.
    pub fn select(&self, patterns: &[String]) -> Result<Vec<Arc<str>>> {
        self.select_with(patterns, true)
    }

    /// Like [`Inventory::select`], whatever the limit.
    pub fn select_unlimited(&self, patterns: &[String]) -> Result<Vec<Arc<str>>> {
        self.select_with(patterns, false)
    }

    fn select_with(&self, patterns: &[String], limited: bool) -> Result<Vec<Arc<str>>> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let limit = self.limit.read().clone().filter(|l| limited && !l.is_empty());
        let mut graph = self.graph.write();
        let mut selection =
            Selection { graph: &mut graph, mismatch: self.rules.mismatch, warnings: Vec::new() };
        let single: Vec<String> = patterns.iter().flat_map(|p| split_pattern(p)).collect();
        let hosts = selection.evaluate(&single).and_then(|mut hosts| {
            if let Some(limit) = &limit {
                let within: HashSet<HostId> = selection.evaluate(limit)?.into_iter().collect();
                hosts.retain(|h| within.contains(h));
            }
            Ok(hosts)
        });
        let warnings = std::mem::take(&mut selection.warnings);
        let names = hosts.map(|hosts| {
            let mut seen = HashSet::new();
            let first = hosts.into_iter().filter(|h| seen.insert(*h));
            first.map(|h| Arc::clone(&graph.host(h).name)).collect()
        });
        drop(graph);
        warnings.into_iter().for_each(|w| self.notices.warning(w));
        names
    }

    /// Sets `--limit`; `@file` names a file with a pattern a line.
    pub fn set_limit(&self, limit: Option<&str>) -> Result<()> {
        let patterns = limit.map(read_limit).transpose()?;
        *self.limit.write() = patterns;
        Ok(())
    }

    /// What a command works on: `pattern` within `limit`, which stays set. An empty inventory is
    /// warned of; that nothing is left is an error.
    pub fn target(&self, limit: Option<&str>, pattern: &str) -> Result<Vec<Arc<str>>> {
        let empty = self.select(&["all".to_owned()])?.is_empty();
        if empty && self.rules.localhost_warning && !LOCALHOST.contains(&pattern) {
            self.notices.warning(
                "provided hosts list is empty, only localhost is available. Note that the \
                 implicit localhost does not match 'all'"
                    .to_owned(),
            );
        }
        self.set_limit(limit)?;
        let hosts = self.select(&[pattern.to_owned()])?;
        if hosts.is_empty() && LOCALHOST.contains(&pattern) {
            return Ok(vec![Arc::from(pattern)]);
        }
        if hosts.is_empty() && !empty {
            return Err(Error::new(
                Kind::User,
                "Specified inventory, host pattern and/or --limit leaves us with no hosts to \
                 target.",
            ));
        }
        Ok(hosts)
    }

    /// Every host that is listed or was added, in order. The implicit localhost is not.
    pub fn hosts(&self) -> Vec<Arc<str>> {
        let graph = self.graph.read();
        graph.listed_ids().map(|h| Arc::clone(&graph.host(h).name)).collect()
    }

    /// How many hosts are listed.
    pub fn len(&self) -> usize {
        self.graph.read().listed_ids().count()
    }

    /// Whether no host is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The host of that name. `localhost`, `127.0.0.1` and `::1` are always there; they give the
    /// name of the host that stands for all of them.
    pub fn find(&self, name: &str) -> Option<Arc<str>> {
        {
            let graph = self.graph.read();
            if let Some(id) = graph.known(name) {
                return Some(Arc::clone(&graph.host(id).name));
            }
        }
        if !LOCALHOST.contains(&name) {
            return None;
        }
        let mut graph = self.graph.write();
        let id = graph.find_or_localhost(name)?;
        Some(Arc::clone(&graph.host(id).name))
    }

    /// The host whose address (its name, if it was not the implicit localhost) is this.
    pub fn find_by_address(&self, address: &str) -> Option<Arc<str>> {
        let graph = self.graph.read();
        let found = graph.hosts_of(graph::ALL).into_iter().map(|h| graph.host(h));
        let mut found = found.filter(|h| *h.address == *address);
        found.next().map(|h| Arc::clone(&h.name))
    }

    /// Whether the host is the controller without being listed.
    pub fn is_implicit(&self, host: &str) -> bool {
        let graph = self.graph.read();
        graph.known(host).is_some_and(|h| graph.host(h).implicit)
    }

    // --- groups ----------------------------------------------------------------------------

    /// Every group, in order.
    pub fn groups(&self) -> Vec<Arc<str>> {
        let graph = self.graph.read();
        graph.group_ids().map(|g| Arc::clone(&graph.group(g).name)).collect()
    }

    /// The hosts of a group and of those below it; `None` if there is no such group.
    pub fn group_hosts(&self, group: &str) -> Option<Vec<Arc<str>>> {
        let graph = self.graph.read();
        let id = graph.group_id(group)?;
        Some(graph.hosts_of(id).into_iter().map(|h| Arc::clone(&graph.host(h).name)).collect())
    }

    /// A group's own hosts and its child groups; `None` if there is no such group.
    pub fn members(&self, group: &str) -> Option<Members> {
        let graph = self.graph.read();
        let group = graph.group(graph.group_id(group)?);
        Some(Members {
            hosts: group.hosts.iter().map(|h| Arc::clone(&graph.host(*h).name)).collect(),
            children: group.children.iter().map(|g| Arc::clone(&graph.group(*g).name)).collect(),
        })
    }

    /// The magic variable `groups`: group names to lists of host names.
    pub fn groups_dict(&self) -> Dict {
        let now = self.generation();
        let mut cached = self.groups_dict.lock();
        if let Some((made, dict)) = &*cached
            && *made == now
        {
            return dict.clone();
        }
        let graph = self.graph.read();
        let hosts = |g| {
            let names = graph.hosts_of(g).into_iter();
            names.map(|h| Value::str(Arc::clone(&graph.host(h).name))).collect::<Value>()
        };
        let dict = Dict::new();
        for group in graph.group_ids() {
            dict.insert(Arc::clone(&graph.group(group).name), hosts(group));
        }
        *cached = Some((now, dict.clone()));
        dict
    }

    /// The groups that a host is in, directly or through others, without `all`; those whose
    /// variables win come last.
    pub fn groups_of(&self, host: &str) -> Vec<Arc<str>> {
        let graph = self.graph.read();
        let Some(id) = graph.known(host) else { return Vec::new() };
        graph.ranked_groups(id).into_iter().map(|g| Arc::clone(&graph.group(g).name)).collect()
    }

    // --- variables -------------------------------------------------------------------------

    /// The variables that sources give a group. Not to be changed.
    pub fn group_vars(&self, group: &str) -> Option<Dict> {
        let graph = self.graph.read();
        graph.group_id(group).map(|g| graph.group(g).vars.clone())
    }

    /// The variables that sources give a host, with `inventory_hostname` and the like.
    pub fn host_vars(&self, host: &str) -> Option<Dict> {
        let graph = self.graph.read();
        graph.known(host).map(|h| graph.host_vars(h))
    }

    /// Every variable of a host that inventories and the files beside them and beside the playbook
    /// (in `basedirs`) give, merged by precedence.
    pub fn merged_vars(&self, host: &str, basedirs: &[PathBuf]) -> Result<Dict> {
        let groups = self.groups_of(host);
        let all = [Arc::<str>::from("all")];
        let merge = self.rules.merge;
        let of = |names: &[Arc<str>]| {
            let vars = names.iter().filter_map(|g| self.group_vars(g));
            vars.fold(Dict::new(), |under, over| overlay(&under, &over, merge))
        };
        let mut vars = Dict::new();
        for step in &self.rules.precedence {
            let next = match step {
                GroupStep::AllInventory => of(&all),
                GroupStep::GroupsInventory => of(&groups),
                GroupStep::AllFilesInventory => self.beside_sources(Owner::Group, &all)?,
                GroupStep::AllFilesPlay => self.beside_plays(basedirs, Owner::Group, &all)?,
                GroupStep::GroupsFilesInventory => self.beside_sources(Owner::Group, &groups)?,
                GroupStep::GroupsFilesPlay => self.beside_plays(basedirs, Owner::Group, &groups)?,
            };
            vars = overlay(&vars, &next, merge);
        }
        for unknown in &self.rules.unknown_precedence {
            let text = format!("Ignoring unknown variable precedence entry: {unknown}");
            self.notices.warning(text);
        }
        let own = self.host_vars(host).unwrap_or_default();
        let names = [Arc::<str>::from(host)];
        vars = overlay(&vars, &own, merge);
        vars = overlay(&vars, &self.beside_sources(Owner::Host, &names)?, merge);
        Ok(overlay(&vars, &self.beside_plays(basedirs, Owner::Host, &names)?, merge))
    }

    /// The variables of a host alone, without those of its groups.
    pub fn own_vars(&self, host: &str, basedir: Option<&Path>) -> Result<Dict> {
        let vars = self.host_vars(host).unwrap_or_default();
        self.own(vars, Owner::Host, host, basedir)
    }

    /// The variables of a group alone, its priority among them.
    pub fn own_group_vars(&self, group: &str, basedir: Option<&Path>) -> Result<Dict> {
        let vars = self.group_vars(group).unwrap_or_default().copy();
        let vars = self.own(vars, Owner::Group, group, basedir)?;
        let graph = self.graph.read();
        let priority = graph.group_id(group).map_or(1, |g| graph.group(g).priority);
        if priority != 1 {
            vars.insert("ansible_group_priority", priority);
        }
        Ok(vars)
    }

    fn own(&self, vars: Dict, owner: Owner, name: &str, basedir: Option<&Path>) -> Result<Dict> {
        let names = [Arc::<str>::from(name)];
        let vars = overlay(&vars, &self.beside_sources(owner, &names)?, self.rules.merge);
        let more = self.in_folders(basedir.into_iter(), owner, &names)?;
        Ok(overlay(&vars, &more, self.rules.merge))
    }

    /// Files beside the inventory sources. At [`VarsStage::Start`] they count for the source.
    fn beside_sources(&self, owner: Owner, names: &[Arc<str>]) -> Result<Dict> {
        let folders: Vec<PathBuf> = self.sources.iter().filter_map(|s| source::beside(s)).collect();
        self.in_folders(folders.iter().map(PathBuf::as_path), owner, names)
    }

    fn beside_plays(&self, dirs: &[PathBuf], owner: Owner, names: &[Arc<str>]) -> Result<Dict> {
        if self.rules.vars_stage == VarsStage::Start {
            return Ok(Dict::new());
        }
        self.in_folders(dirs.iter().map(PathBuf::as_path), owner, names)
    }

    fn in_folders<'a>(
        &self,
        folders: impl Iterator<Item = &'a Path>,
        owner: Owner,
        names: &[Arc<str>],
    ) -> Result<Dict> {
        let mut vars = Dict::new();
        if self.rules.vars_files {
            for folder in folders {
                let next = self.files.vars(folder, owner, names)?;
                vars = overlay(&vars, &next, self.rules.merge);
            }
        }
        Ok(vars)
    }

    // --- changes at run time ---------------------------------------------------------------

    /// `add_host`: adds a host (or changes its variables) and puts it into groups, which come to
    /// be. Tells whether anything changed.
    pub fn add_host(&self, name: &str, vars: &Dict, groups: &[String]) -> Result<bool> {
        self.added.lock().push(Added::Host {
            name: name.to_owned(),
            vars: vars.copy(),
            groups: groups.to_vec(),
        });
        self.change(|graph| {
            let mut changed = false;
            let host = match graph.listed(name) {
                Some(id) => id,
                None => {
                    changed = true;
                    graph.add_host(name, Some("all"), None)?
                }
            };
            changed |= graph.update_host_vars(host, vars);
            for group in groups {
                let known = graph.group_id(group).is_some();
                let group = graph.add_group_named(group)?;
                changed |= !known;
                let id = graph.group_id(&group).ok_or_else(|| lost(&group))?;
                changed |= graph.add_host_to_group(id, host);
            }
            if changed {
                graph.reconcile()?;
            }
            Ok(changed)
        })
    }

    /// `group_by`: puts a host into a group, and that group into others; they all come to be.
    /// Tells whether anything changed.
    pub fn group_by(&self, host: &str, group: &str, parents: &[String]) -> Result<bool> {
        self.added.lock().push(Added::Group {
            host: host.to_owned(),
            group: group.to_owned(),
            parents: parents.to_vec(),
        });
        self.change(|graph| {
            let Some(host) = graph.known(host) else {
                let text = format!("{host} cannot be matched in inventory");
                return Err(Error::new(Kind::User, text));
            };
            let mut changed = false;
            let group = graph.add_group_named(group)?;
            for parent in parents {
                changed |= graph.group_id(parent).is_none();
                graph.add_group_named(parent)?;
            }
            let id = graph.group_id(&group).ok_or_else(|| lost(&group))?;
            for parent in parents {
                let parent = graph.group_id(parent).ok_or_else(|| lost(parent))?;
                changed |= graph.add_child_group(parent, id)?;
            }
            if !graph.hosts_of(id).contains(&host) {
                changed = graph.add_host_to_group(id, host);
            }
            if !graph.host(host).groups.contains(&id) {
                changed = graph.enter(host, id);
            }
            if changed {
                graph.reconcile()?;
            }
            Ok(changed)
        })
    }
}

/// What a group holds directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// Hosts named in the group itself.
    pub hosts: Vec<Arc<str>>,
    /// Groups directly below it.
    pub children: Vec<Arc<str>>,
}

fn lost(group: &str) -> Error {
    Error::new(Kind::Internal, format!("group {group} is gone from the inventory"))
}

/// The single patterns of `--limit`.
fn read_limit(limit: &str) -> Result<Vec<String>> {
    let mut patterns = Vec::new();
    for part in split_pattern(limit) {
        let Some(file) = part.strip_prefix('@') else {
            patterns.push(part);
            continue;
        };
        // The reference prints the path as bytes: b'…'.
        let shown = format!("b{}", python::quoted(file));
        let path = std::path::Path::new(file);
        if !path.exists() {
            let text = format!("Unable to find limit file {shown}");
            return Err(Error::new(Kind::User, text));
        }
        if !path.is_file() {
            let text =
                format!("Limit starting with \"@\" must be a file, not a directory: {shown}");
            return Err(Error::new(Kind::User, text));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::new(Kind::User, format!("cannot read limit file {file}: {e}")))?;
        patterns.extend(text.split('\n').map(|l| l.trim().to_owned()));
    }
    Ok(patterns)
}

/// The order in which a play takes its hosts.
pub fn order_hosts(mut hosts: Vec<Arc<str>>, order: Option<&str>) -> Result<Vec<Arc<str>>> {
    match order {
        None | Some("inventory") => {}
        Some("sorted") => hosts.sort(),
        Some("reverse_sorted") => hosts.sort_by(|a, b| b.cmp(a)),
        Some("reverse_inventory") => hosts.reverse(),
        Some("shuffle") => shuffle(&mut hosts),
        Some(other) => {
            let text = format!("Invalid 'order' specified for inventory hosts: {other}");
            return Err(Error::new(Kind::Options, text));
        }
    }
    Ok(hosts)
}

fn shuffle(hosts: &mut [Arc<str>]) {
    use std::hash::{BuildHasher, RandomState};
    // A fresh `RandomState` is seeded by the system; that is random enough for an order.
    let random = RandomState::new();
    let keys: IndexMap<Arc<str>, u64> =
        hosts.iter().map(|h| (Arc::clone(h), random.hash_one(h))).collect();
    hosts.sort_by_key(|h| keys.get(h).copied());
}
