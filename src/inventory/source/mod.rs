//! Inventory sources: one file a kind, tried in the order of the setting `enable_plugins`.

mod auto;
mod constructed;
mod generator;
mod host_list;
mod ini;
mod script;
mod templates;
mod toml;
mod yaml;

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Rules,
    files::{Owner, VarsFiles, overlay},
    graph::{Graph, Note},
    python,
};
use crate::{
    diagnostic::{Error, Kind, Notice, Notices, Result, ansible::describe},
    value::{Decrypt, Dict, Value, types},
    vault::Vault,
    yaml as document,
};

/// One kind of source.
trait Plugin: Sync {
    /// Its name in settings and messages.
    fn name(&self) -> &'static str;

    /// Whether it will try a source.
    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool;

    /// Reads a source. What it added before an error stays.
    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()>;
}

/// Every kind there is.
static PLUGINS: [&dyn Plugin; 9] = [
    &host_list::HostList,
    &host_list::AdvancedHostList,
    &script::Script,
    &auto::Auto,
    &constructed::Constructed,
    &generator::Generator,
    &yaml::Yaml,
    &toml::Toml,
    &ini::Ini,
];

fn plugin(name: &str) -> Option<&'static dyn Plugin> {
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    PLUGINS.iter().copied().find(|p| p.name() == short)
}

/// What reading a source works with.
pub(super) struct Reading<'a> {
    pub graph: &'a mut Graph,
    pub rules: &'a Rules,
    pub vault: Option<&'a Arc<Vault>>,
    pub notices: &'a dyn Notices,
    /// Reads variable files, for sources that ask for them.
    pub files: &'a VarsFiles,
    /// The sources read so far.
    pub read: Vec<String>,
    /// Whether the file that was loaded last is JSON, whose values are of Python's own classes.
    pub json: bool,
}

fn fail(message: impl Into<String>) -> Error {
    Error::new(Kind::Parser, message)
}

impl Reading<'_> {
    fn verbose(&self, level: u8, text: impl Into<String>) {
        self.notices.verbose(level, text.into());
    }

    /// Shows what the graph has to tell.
    pub fn tell(&mut self) {
        for note in std::mem::take(&mut self.graph.notes) {
            match note {
                Note::Warning(text) => self.notices.warning(text),
                Note::Verbose(level, text) => self.notices.verbose(level, text),
            }
        }
    }

    /// Whether a source is a file that may be read.
    fn is_readable(&self, source: &str) -> bool {
        let readable = std::fs::File::open(source).is_ok();
        if !readable {
            self.verbose(
                3,
                "Skipping due to inventory source not existing or not being readable by the \
                 current user",
            );
        }
        readable
    }

    /// The value in a YAML or JSON file.
    fn load(&mut self, path: &str) -> Result<Value> {
        let empty = Arc::new(Vault::default());
        let vault = self.vault.unwrap_or(&empty);
        let (text, _) = vault.read(Path::new(path))?;
        let secrets: Arc<dyn Decrypt> = Arc::clone(vault) as Arc<dyn Decrypt>;
        let loaded = document::load_one(&text, Some(&secrets), self.rules.duplicate_keys)?;
        for (warning, _) in loaded.warnings {
            self.notices.warning(warning);
        }
        self.json = loaded.node.span.source.was_read_as_json();
        Ok(loaded.node.to_value())
    }

    /// `str(type(value))` of a value that was loaded.
    fn class(&self, value: &Value) -> String {
        if self.json { types::class_repr(value) } else { python::class(value) }
    }

    /// The variables that files beside the sources read so far give to groups, or to hosts.
    fn vars_files(&self, names: Vec<Arc<str>>, hosts: bool) -> Result<Dict> {
        let owner = if hosts { Owner::Host } else { Owner::Group };
        let mut vars = Dict::new();
        for folder in self.read.iter().filter_map(|s| beside(s)) {
            let next = self.files.vars(&folder, owner, &names)?;
            vars = overlay(&vars, &next, self.rules.merge);
        }
        Ok(vars)
    }

    /// Adds hosts with their variables to a group.
    fn populate(
        &mut self,
        hosts: &[String],
        vars: &Value,
        group: Option<&str>,
        port: Option<u32>,
    ) -> Result<()> {
        let Value::Dict(vars) = vars else {
            let shown = python::shown(vars);
            return Err(fail(format!(
                "Invalid data from file, expected dictionary and got:\n\n{shown}"
            )));
        };
        for host in hosts {
            self.graph.add_host(host, group, port)?;
            for (key, value) in vars.snapshot() {
                self.graph.set_variable(host, key.value(), value)?;
            }
        }
        Ok(())
    }

    /// Reads all sources; tells whether any could be read.
    pub fn sources(&mut self, sources: &[String]) -> Result<bool> {
        let mut parsed = false;
        for source in sources.iter().filter(|s| !s.is_empty()) {
            parsed |= self.source(source)?;
        }
        if parsed {
            self.graph.reconcile()?;
            self.tell();
        } else if self.rules.unparsed_is_failed {
            return Err(Error::new(
                Kind::User,
                "No inventory was parsed, please check your configuration and options.",
            ));
        } else if self.rules.unparsed_warning {
            let text = "No inventory was parsed, only implicit localhost is available";
            self.notices.warning(text.to_owned());
        }
        Ok(parsed)
    }

    fn source(&mut self, source: &str) -> Result<bool> {
        let path = Path::new(source);
        let parsed = if path.is_dir() { self.folder(path)? } else { self.file(source)? };
        if !parsed && (source != "/etc/ansible/hosts" || path.exists()) {
            if self.rules.any_unparsed_is_failed {
                let text = format!("Completely failed to parse inventory source {source}");
                return Err(Error::new(Kind::User, text));
            }
            self.notices.warning(format!("Unable to parse {source} as an inventory source"));
        }
        self.graph.source = None;
        Ok(parsed)
    }

    fn folder(&mut self, path: &Path) -> Result<bool> {
        let unreadable = |e: std::io::Error| {
            Error::new(Kind::User, format!("cannot list {}: {e}", path.display()))
        };
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?.path());
        }
        entries.sort();
        let mut parsed = false;
        for entry in entries {
            let name = entry.file_name().map(|n| n.to_string_lossy().into_owned());
            if !self.rules.is_ignored(&name.unwrap_or_default()) {
                // Every entry is read, whatever became of those before.
                parsed |= self.source(&entry.to_string_lossy())?;
            }
        }
        Ok(parsed)
    }

    fn file(&mut self, source: &str) -> Result<bool> {
        self.graph.source = Some(source.to_owned());
        let mut failures = Vec::new();
        for plugin in self.enabled()? {
            let name = plugin.name();
            if !plugin.accepts(source, self) {
                self.verbose(
                    3,
                    format!(
                        "{name} declined parsing {source} as it did not pass its verify_file() \
                         method"
                    ),
                );
                continue;
            }
            let result = plugin.parse(source, self);
            self.tell();
            match result {
                Ok(()) => {
                    self.read.push(source.to_owned());
                    self.verbose(3, format!("Parsed {source} inventory source with {name} plugin"));
                    return Ok(true);
                }
                Err(error) => failures.push((name, error)),
            }
        }
        // Nothing is said of a default that is not there.
        if source != "/etc/ansible/hosts" || Path::new(source).exists() {
            for (name, error) in failures {
                let text = format!(
                    "\n* Failed to parse {source} with {name} plugin: {}",
                    describe(&error)
                );
                self.notices.notice(Notice::Warning(text));
            }
        }
        Ok(false)
    }

    fn enabled(&self) -> Result<Vec<&'static dyn Plugin>> {
        let mut found = Vec::new();
        for name in &self.rules.enabled {
            match plugin(name) {
                Some(plugin) => found.push(plugin),
                None => {
                    let text = format!("Failed to load inventory plugin, skipping {name}");
                    self.notices.warning(text);
                }
            }
        }
        if found.is_empty() {
            return Err(Error::new(
                Kind::User,
                "No inventory plugins available to generate inventory, make sure you have at \
                 least one enabled.",
            ));
        }
        Ok(found)
    }
}

/// The folder beside which the variable files of a source are; lists of hosts have none.
pub(super) fn beside(source: &str) -> Option<PathBuf> {
    let path = Path::new(source);
    if source.contains(',') && !path.exists() {
        return None;
    }
    if path.is_dir() { Some(path.to_owned()) } else { path.parent().map(Path::to_owned) }
}

/// A file's extension with its dot, as Python's `splitext` gives it.
pub(super) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bare = name.trim_start_matches('.');
    bare.rfind('.').map_or("", |at| &bare[at..])
}

fn is_executable(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (path, ext) in [
            ("/a.b/c", ""),
            ("/a/c.yml", ".yml"),
            (".hidden", ""),
            ("a.tar.gz", ".gz"),
            ("a.", "."),
        ] {
            assert_eq!(extension(path), ext, "{path}");
        }
    }

    #[test]
    fn every_kind_is_known_by_both_names() {
        for known in PLUGINS {
            assert!(plugin(known.name()).is_some());
            assert!(plugin(&format!("ansible.builtin.{}", known.name())).is_some());
        }
    }
}
