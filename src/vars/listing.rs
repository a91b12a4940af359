//! What `ansible-inventory` shows: groups, hosts and their variables, not rendered.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use super::World;
use crate::{
    diagnostic::{Error, Kind, Result},
    template::Scope,
    value::{Dict, Value, repr},
};

/// Variables that are never listed: they are the same for all hosts, or tell of this run.
const INTERNAL: [&str; 20] = [
    "ansible_check_mode",
    "ansible_diff_mode",
    "ansible_config_file",
    "ansible_facts",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_playbook_python",
    "ansible_run_tags",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "groups",
    "group_names",
    "omit",
    "playbook_dir",
];

/// Lists the hosts of a world.
pub struct Listing<'a> {
    /// The hosts.
    pub world: &'a Arc<World>,
    /// Where `group_vars/` and `host_vars/` of plays are looked for: the working folder.
    pub basedir: PathBuf,
    /// `--playbook-dir`.
    pub playbook_dir: Option<PathBuf>,
    /// `--export`: variables where they are set, not merged into hosts.
    pub export: bool,
}

fn without_internal(vars: &Dict) -> Dict {
    INTERNAL.iter().for_each(|name| drop(vars.remove(name)));
    vars.clone()
}

impl Listing<'_> {
    /// `--host`: the variables of one host.
    pub fn host(&self, host: &str) -> Result<Dict> {
        if self.export {
            let own = self.world.inventory().own_vars(host, self.playbook_dir.as_deref())?;
            return Ok(without_internal(&own));
        }
        let stack = self.world.stack_for_others(host, &self.basedir)?;
        let vars = Dict::new();
        for name in stack.names() {
            if let Some(value) = stack.get(&name) {
                vars.insert(name, value);
            }
        }
        Ok(without_internal(&vars))
    }

    fn group_vars(&self, group: &str) -> Result<Dict> {
        let dir = self.playbook_dir.as_deref();
        Ok(without_internal(&self.world.inventory().own_group_vars(group, dir)?))
    }

    fn members(&self, group: &str) -> Result<crate::inventory::Members> {
        self.world.inventory().members(group).ok_or_else(|| {
            Error::new(Kind::Options, "Pattern must be valid group name when using --graph")
        })
    }

    /// `--list` as JSON has it.
    pub fn list(&self) -> Result<Dict> {
        let listed = Dict::new();
        self.list_group("all", &listed, &mut HashSet::new())?;
        let hostvars = Dict::new();
        for host in self.world.inventory().select(&["all".to_owned()])? {
            let vars = self.host(&host)?;
            if !vars.is_empty() {
                hostvars.insert(host, vars);
            }
        }
        let meta = Dict::new();
        meta.insert("hostvars", hostvars);
        listed.insert("_meta", meta);
        Ok(listed)
    }

    fn list_group(&self, group: &str, listed: &Dict, seen: &mut HashSet<Arc<str>>) -> Result<()> {
        let members = self.members(group)?;
        // A group stands before those that it leads to: where keys can't be sorted, it shows.
        let entry = Dict::new();
        listed.insert(group, entry.clone());
        let names = |l: &[Arc<str>]| l.iter().cloned().map(Value::str).collect::<Value>();
        if group != "all" && !members.hosts.is_empty() {
            entry.insert("hosts", names(&members.hosts));
        }
        if !members.children.is_empty() {
            entry.insert("children", names(&members.children));
        }
        for child in &members.children {
            if seen.insert(Arc::clone(child)) {
                self.list_group(child, listed, seen)?;
            }
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                entry.insert("vars", vars);
            }
        }
        if entry.is_empty() {
            listed.remove(group);
        }
        Ok(())
    }

    /// `--list --yaml`: groups within groups; a host's variables stand where it is first listed.
    pub fn tree(&self) -> Result<Dict> {
        let tree = Dict::new();
        tree.insert("all", self.branch("all", &mut HashSet::new())?);
        Ok(tree)
    }

    fn branch(&self, group: &str, seen: &mut HashSet<Arc<str>>) -> Result<Dict> {
        let members = self.members(group)?;
        let (branch, children, hosts) = (Dict::new(), Dict::new(), Dict::new());
        for child in members.children.iter().filter(|c| &***c != "all") {
            children.insert(Arc::clone(child), self.branch(child, seen)?);
        }
        if !children.is_empty() {
            branch.insert("children", children);
        }
        for host in members.hosts.iter().filter(|_| group != "all") {
            let first = seen.insert(Arc::clone(host));
            let vars = if first { self.host(host)? } else { Dict::new() };
            hosts.insert(Arc::clone(host), vars);
        }
        if !hosts.is_empty() {
            branch.insert("hosts", hosts);
        }
        if self.export {
            let vars = self.group_vars(group)?;
            if !vars.is_empty() {
                branch.insert("vars", vars);
            }
        }
        Ok(branch)
    }

    /// `--graph`: the groups from `group` down, with variables if `vars`.
    pub fn graph(&self, group: &str, vars: bool) -> Result<String> {
        let mut lines = Vec::new();
        self.graph_group(group, 0, vars, &mut lines)?;
        Ok(lines.join("\n"))
    }

    fn graph_group(
        &self,
        group: &str,
        depth: usize,
        vars: bool,
        lines: &mut Vec<String>,
    ) -> Result<()> {
        let members = self.members(group)?;
        lines.push(indented(&format!("@{group}:"), depth));
        for child in &members.children {
            self.graph_group(child, depth + 1, vars, lines)?;
        }
        for host in members.hosts.iter().filter(|_| group != "all") {
            lines.push(indented(host, depth + 1));
            if vars {
                show_vars(&self.host(host)?, depth + 2, lines);
            }
        }
        if vars {
            show_vars(&self.group_vars(group)?, depth + 1, lines);
        }
        Ok(())
    }
}

fn indented(text: &str, depth: usize) -> String {
    if depth == 0 { text.to_owned() } else { format!("{}--{text}", "  |".repeat(depth)) }
}

fn show_vars(vars: &Dict, depth: usize, lines: &mut Vec<String>) {
    let text = |v: &Value| repr::to_text(v).unwrap_or_else(|e| e.to_string());
    let mut all: Vec<(String, Value)> =
        vars.snapshot().into_iter().map(|(k, v)| (text(k.value()), v)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    lines.extend(all.iter().map(|(k, v)| indented(&format!("{{{k} = {}}}", text(v)), depth)));
}
