//! Variables that nobody sets: made when they are asked for.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use indexmap::IndexSet;
use parking_lot::RwLock;

use super::{HostVars, World};
use crate::{
    template::Scope,
    value::{Dict, Object, Value},
};

/// What variables tell of a play. Made once a play; the engine keeps the hosts up to date.
#[derive(Debug, Default)]
pub struct PlayView {
    /// `ansible_play_name`.
    pub name: String,
    /// The folder of the playbook: `playbook_dir`, and where `group_vars/` are looked for.
    pub basedir: PathBuf,
    /// Names of the roles in `roles:`.
    pub roles: Vec<Arc<str>>,
    /// Names of the roles that those depend on.
    pub dependencies: Vec<Arc<str>>,
    hosts: RwLock<Hosts>,
}

#[derive(Debug, Default)]
struct Hosts {
    all: Vec<Arc<str>>,
    batch: Vec<Arc<str>>,
    removed: HashSet<Arc<str>>,
}

impl PlayView {
    /// The play that these name; no batch has begun.
    pub fn new(
        name: impl Into<String>,
        basedir: impl Into<PathBuf>,
        all_hosts: Vec<Arc<str>>,
    ) -> Self {
        let hosts = RwLock::new(Hosts { all: all_hosts, ..Hosts::default() });
        Self { name: name.into(), basedir: basedir.into(), hosts, ..Self::default() }
    }

    /// What is told of a play with these final fields.
    pub fn of(
        play: &crate::playbook::Play,
        fields: &crate::playbook::play::Fields,
        all_hosts: Vec<Arc<str>>,
    ) -> Self {
        let names = |roles: &[Arc<crate::playbook::Role>]| -> Vec<Arc<str>> {
            roles.iter().map(|r| Arc::from(r.full_name())).collect()
        };
        let dependencies = play
            .roles
            .iter()
            .flat_map(crate::playbook::Role::unfold)
            .filter(|r| !r.parents.is_empty())
            .collect::<Vec<_>>();
        let mut view = Self::new(fields.name.clone(), &play.basedir, all_hosts);
        view.roles = names(&play.roles);
        let unique: IndexSet<Arc<str>> = names(&dependencies).into_iter().collect();
        view.dependencies = unique.into_iter().collect();
        view
    }

    /// A batch begins with these hosts.
    pub fn set_batch(&self, hosts: Vec<Arc<str>>) {
        self.hosts.write().batch = hosts;
    }

    /// These hosts failed or cannot be reached: they leave the play.
    pub fn remove_hosts(&self, hosts: impl IntoIterator<Item = Arc<str>>) {
        self.hosts.write().removed.extend(hosts);
    }

    /// A host is back (`meta: clear_host_errors`).
    pub fn restore_host(&self, host: &str) {
        self.hosts.write().removed.remove(host);
    }

    /// A host that `add_host` made: the present batch knows it, whatever the play's pattern says.
    pub fn add_host(&self, host: Arc<str>) {
        let mut hosts = self.hosts.write();
        if !hosts.all.contains(&host) {
            hosts.all.push(host);
        }
    }

    /// The inventory was read again, and these hosts match the play's pattern.
    pub fn set_all_hosts(&self, all: Vec<Arc<str>>) {
        self.hosts.write().all = all;
    }

    /// `ansible_play_hosts_all`: hosts of the whole play, those that failed among them.
    pub fn all_hosts(&self) -> Vec<Arc<str>> {
        self.hosts.read().all.clone()
    }

    /// `ansible_play_hosts`: hosts of the play that are still in it.
    pub fn hosts(&self) -> Vec<Arc<str>> {
        let hosts = self.hosts.read();
        hosts.all.iter().filter(|h| !hosts.removed.contains(*h)).cloned().collect()
    }

    /// `ansible_play_batch`: hosts of the batch that are still in the play.
    pub fn batch(&self) -> Vec<Arc<str>> {
        let hosts = self.hosts.read();
        hosts.batch.iter().filter(|h| !hosts.removed.contains(*h)).cloned().collect()
    }
}

/// What variables tell of how this run was started.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// `--check`.
    pub check: bool,
    /// `--diff`.
    pub diff: bool,
    /// `--forks`; none where the command has no such flag.
    pub forks: Option<usize>,
    /// Inventory sources as resolved.
    pub sources: Vec<String>,
    /// `--limit` as given.
    pub limit: Option<String>,
    /// `--tags`; `all` where none are given.
    pub tags: Option<Vec<String>>,
    /// `--skip-tags`.
    pub skip_tags: Option<Vec<String>>,
    /// How many `-v` were given.
    pub verbosity: u8,
    /// The `ansible.cfg` in use.
    pub config_file: Option<PathBuf>,
}

/// The version that playbooks are told.
pub const VERSION: &str = "2.14.18";

impl RunOptions {
    /// The variables, in ansible's order.
    pub(super) fn to_vars(&self) -> Dict {
        let texts =
            |list: &[String]| Value::tuple(list.iter().map(|s| Value::str(s.as_str())).collect());
        let vars = Dict::new();
        vars.insert("ansible_version", version());
        vars.insert("ansible_check_mode", self.check);
        vars.insert("ansible_diff_mode", self.diff);
        if let Some(forks) = self.forks {
            vars.insert("ansible_forks", i64::try_from(forks).unwrap_or(i64::MAX));
        }
        vars.insert("ansible_inventory_sources", texts(&self.sources));
        if let Some(tags) = &self.skip_tags {
            vars.insert("ansible_skip_tags", texts(tags));
        }
        if let Some(limit) = &self.limit {
            vars.insert("ansible_limit", limit.as_str());
        }
        if let Some(tags) = &self.tags {
            vars.insert("ansible_run_tags", texts(tags));
        }
        vars.insert("ansible_verbosity", i64::from(self.verbosity));
        vars
    }
}

fn version() -> Dict {
    let mut numbers = VERSION.split('.').map(|n| n.parse::<i64>().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    [
        ("string", Value::str(VERSION)),
        ("full", Value::str(VERSION)),
        ("major", Value::Int(number())),
        ("minor", Value::Int(number())),
        ("revision", Value::Int(number())),
    ]
    .into_iter()
    .collect()
}

/// The magic variables of a play (or of no play: then only those that need none).
pub(super) struct Magic {
    /// The world keeps stacks that hold this.
    pub world: Weak<World>,
    /// None where another host's variables are read; then `hostvars` is not among them.
    pub play: Option<Arc<PlayView>>,
    pub basedir: PathBuf,
}

const ALWAYS: [&str; 3] = ["playbook_dir", "ansible_playbook_python", "ansible_config_file"];
const OF_PLAYS: [&str; 5] = [
    "ansible_role_names",
    "ansible_play_role_names",
    "ansible_dependent_role_names",
    "role_names",
    "ansible_play_name",
];
const HOSTS_OF_PLAYS: [&str; 4] =
    ["ansible_play_hosts_all", "ansible_play_hosts", "ansible_play_batch", "play_hosts"];

fn names(list: &[Arc<str>]) -> Value {
    list.iter().map(|n| Value::str(Arc::clone(n))).collect()
}

fn path(path: &Path) -> Value {
    Value::str(path.to_string_lossy().as_ref())
}

impl Magic {
    fn of_play(play: &PlayView, name: &str) -> Option<Value> {
        Some(match name {
            "ansible_role_names" => {
                let both: IndexSet<_> = play.dependencies.iter().chain(&play.roles).collect();
                both.into_iter().map(|n| Value::str(Arc::clone(n))).collect()
            }
            "ansible_play_role_names" | "role_names" => names(&play.roles),
            "ansible_dependent_role_names" => {
                let once: IndexSet<_> = play.dependencies.iter().cloned().collect();
                names(&once.into_iter().collect::<Vec<_>>())
            }
            "ansible_play_name" => Value::str(play.name.as_str()),
            "ansible_play_hosts_all" => names(&play.all_hosts()),
            "ansible_play_hosts" => names(&play.hosts()),
            "ansible_play_batch" | "play_hosts" => names(&play.batch()),
            _ => return None,
        })
    }
}

impl Scope for Magic {
    fn get(&self, name: &str) -> Option<Value> {
        let world = self.world.upgrade()?;
        match name {
            "playbook_dir" => {
                let dir =
                    std::path::absolute(&self.basedir).unwrap_or_else(|_| self.basedir.clone());
                Some(path(&dir))
            }
            "ansible_playbook_python" => Some(Value::str(Arc::clone(world.python()))),
            "ansible_config_file" => Some(world.config_file().map_or(Value::None, path)),
            "groups" => Some(world.inventory().groups_dict().into()),
            "omit" => Some(Value::str(Arc::clone(world.omit()))),
            "hostvars" if self.play.is_some() => {
                let object: Arc<dyn Object> = Arc::new(HostVars::new(world, self.basedir.clone()));
                Some(Value::Object(object))
            }
            _ => {
                let of_play = self.play.as_ref().and_then(|p| Self::of_play(p, name));
                of_play.or_else(|| world.run_vars().get(name))
            }
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let Some(world) = self.world.upgrade() else { return Vec::new() };
        let mut all: Vec<Arc<str>> = ALWAYS.map(Arc::from).to_vec();
        if self.play.is_some() {
            all.extend(OF_PLAYS.map(Arc::from));
        }
        all.push("groups".into());
        if self.play.is_some() {
            all.extend(HOSTS_OF_PLAYS.map(Arc::from));
        }
        all.push("omit".into());
        let run = world.run_vars().read();
        all.extend(run.keys().filter_map(|k| k.as_str().map(Arc::from)));
        if self.play.is_some() {
            all.push("hostvars".into());
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_leave_and_return() {
        let host = |n: &str| Arc::<str>::from(n);
        let play = PlayView::new("p", "/x", vec![host("a"), host("b"), host("c")]);
        play.set_batch(vec![host("a"), host("b")]);
        play.remove_hosts([host("b"), host("c")]);
        assert_eq!((play.hosts(), play.batch()), (vec![host("a")], vec![host("a")]));
        play.restore_host("b");
        assert_eq!(play.batch().len(), 2);
        play.add_host(host("d"));
        play.add_host(host("a"));
        assert_eq!(play.all_hosts(), ["a", "b", "c", "d"].map(host));
    }
}
