//! `group_vars/` and `host_vars/`: files of variables beside inventories and playbooks.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Rules, python};
use crate::{
    diagnostic::{Error, Kind, Notices, Result},
    value::{Decrypt, Dict, Value},
    vault::Vault,
    yaml::{self, Duplicates},
};

/// Files by folder and entity.
type Found = HashMap<(PathBuf, Arc<str>), Arc<[PathBuf]>>;

/// Reads variable files, each once.
pub(super) struct VarsFiles {
    vault: Arc<Vault>,
    notices: Arc<dyn Notices>,
    extensions: Vec<String>,
    merge: bool,
    duplicate_keys: Duplicates,
    /// Folders that are there, and where they lie.
    folders: Mutex<HashMap<PathBuf, PathBuf>>,
    found: Mutex<Found>,
    loaded: Mutex<HashMap<PathBuf, Value>>,
}

/// Whose variables a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Group,
    Host,
}

impl Owner {
    fn folder(self) -> &'static str {
        match self {
            Self::Group => "group_vars",
            Self::Host => "host_vars",
        }
    }
}

impl VarsFiles {
    pub fn new(rules: &Rules, vault: Arc<Vault>, notices: Arc<dyn Notices>) -> Self {
        Self {
            vault,
            notices,
            extensions: rules.vars_extensions.clone(),
            merge: rules.merge,
            duplicate_keys: rules.duplicate_keys,
            folders: Mutex::default(),
            found: Mutex::default(),
            loaded: Mutex::default(),
        }
    }

    /// The variables of these groups, or of one host, in the folders beside `base`; later ones win.
    pub fn vars(&self, base: &Path, owner: Owner, names: &[Arc<str>]) -> Result<Dict> {
        let mut vars = Dict::new();
        // Hosts that are paths (chroots) have no files.
        for name in names.iter().filter(|n| !n.starts_with('/')) {
            for file in self.files(base, owner, name).iter() {
                self.lay_over(&mut vars, file)?;
            }
        }
        Ok(vars)
    }

    fn files(&self, base: &Path, owner: Owner, name: &Arc<str>) -> Arc<[PathBuf]> {
        let Some(folder) = self.real_folder(base.join(owner.folder())) else {
            return Arc::new([]);
        };
        let key = (folder, Arc::clone(name));
        if let Some(files) = self.found.lock().get(&key) {
            return Arc::clone(files);
        }
        if !key.0.is_dir() {
            self.notices.warning(format!(
                "Found {} that is not a directory, skipping: {}",
                owner.folder(),
                key.0.display()
            ));
            return Arc::new([]);
        }
        let files: Arc<[PathBuf]> = find(&key.0, name, &self.extensions).into();
        self.found.lock().insert(key, Arc::clone(&files));
        files
    }

    /// Symbolic links are followed, so that one folder is read once. Many hosts ask for the same one; one that is not
    /// there may come yet.
    fn real_folder(&self, folder: PathBuf) -> Option<PathBuf> {
        if let Some(known) = self.folders.lock().get(&folder) {
            return Some(known.clone());
        }
        let real = folder.exists().then(|| folder.canonicalize().ok())??;
        self.folders.lock().insert(folder, real.clone());
        Some(real)
    }

    fn lay_over(&self, vars: &mut Dict, file: &Path) -> Result<()> {
        let cached = self.loaded.lock().get(file).cloned();
        let value = match cached {
            Some(value) => value,
            None => {
                let value = self.load(file)?;
                self.loaded.lock().insert(file.to_owned(), value.clone());
                value
            }
        };
        match value {
            Value::Dict(new) => {
                *vars = overlay(vars, &new, self.merge);
                Ok(())
            }
            Value::None => Ok(()),
            other if !python::is_true(&other) => Ok(()),
            other => Err(Error::new(
                Kind::Parser,
                format!(
                    "failed to combine variables, expected dicts but got a 'dict' and a '{}': \n\
                     {}\n{}",
                    python::type_name(&other).rsplit('.').next().unwrap_or_default(),
                    python::json(&Value::Dict(vars.clone())),
                    python::json(&other)
                ),
            )),
        }
    }

    fn load(&self, file: &Path) -> Result<Value> {
        let (source, _) = self.vault.read(file).map_err(|e| e.with_kind(Kind::Parser))?;
        let secrets: Arc<dyn Decrypt> = Arc::clone(&self.vault) as Arc<dyn Decrypt>;
        let loaded = yaml::load_one(&source, Some(&secrets), self.duplicate_keys)?;
        for (warning, _) in loaded.warnings {
            self.notices.warning(warning);
        }
        Ok(loaded.node.to_value())
    }
}

/// Variables laid over others, as `hash_behaviour` says.
pub(crate) fn overlay(under: &Dict, over: &Dict, merge: bool) -> Dict {
    if merge {
        return python::merge(under, over);
    }
    let all = under.copy();
    all.write().extend(over.snapshot());
    all
}

/// The files of an entity: a folder of its name, or else a file with one of the extensions.
fn find(folder: &Path, name: &str, extensions: &[String]) -> Vec<PathBuf> {
    let named = |ext: &str| match ext {
        "" => folder.join(name),
        ext if ext.contains('.') => folder.join(format!("{name}{ext}")),
        ext => folder.join(format!("{name}.{ext}")),
    };
    let first = std::iter::once("").chain(extensions.iter().map(String::as_str));
    match first.map(named).find(|p| p.exists()) {
        Some(dir) if dir.is_dir() => in_folder(&dir, extensions),
        Some(file) => vec![file],
        None => Vec::new(),
    }
}

fn in_folder(folder: &Path, extensions: &[String]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut found = Vec::new();
    for name in names.iter().filter(|n| !n.starts_with('.') && !n.ends_with('~')) {
        let path = folder.join(name);
        let ext = super::source::extension(name);
        if path.is_dir() && ext.is_empty() {
            found.extend(in_folder(&path, extensions));
        } else if path.is_file() && (ext.is_empty() || extensions.iter().any(|e| e == ext)) {
            found.push(path);
        }
    }
    found
}
