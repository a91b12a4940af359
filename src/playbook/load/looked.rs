//! What lies where, kept in mind while a playbook is loaded: the same roles are asked for hundreds of times, and nothing
//! changes meanwhile. Includes of a running play look anew.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::Loader;
use crate::{diagnostic::Result, value::Dict};

/// A folder of a role, and the file of it that was asked for.
type Asked = (PathBuf, &'static str, Option<String>);

/// What was looked up since the loading of a playbook began.
#[derive(Default)]
pub(super) struct Looked {
    folders: HashMap<PathBuf, bool>,
    files: HashMap<Asked, Vec<PathBuf>>,
    vars: HashMap<Asked, Dict>,
    specifications: HashMap<PathBuf, bool>,
}

impl Loader {
    /// Does `work`, during which answers are remembered.
    pub(super) fn remembering<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.looked.lock().replace(Looked::default());
        let done = work();
        *self.looked.lock() = before;
        done
    }

    /// Whether it is a folder.
    pub(super) fn is_folder(&self, path: &Path) -> bool {
        let known = |looked: &Looked| looked.folders.get(path).copied();
        if let Some(known) = self.looked.lock().as_ref().and_then(known) {
            return known;
        }
        let answer = path.is_dir();
        if let Some(looked) = self.looked.lock().as_mut() {
            looked.folders.insert(path.to_owned(), answer);
        }
        answer
    }

    /// Whether a role has a file of argument specifications.
    pub(super) fn has_specifications(&self, role: &Path) -> bool {
        let known = |looked: &Looked| looked.specifications.get(role).copied();
        if let Some(known) = self.looked.lock().as_ref().and_then(known) {
            return known;
        }
        let meta = role.join("meta");
        let answer = [".yml", ".yaml", ".json"]
            .iter()
            .any(|e| meta.join(format!("argument_specs{e}")).exists());
        if let Some(looked) = self.looked.lock().as_mut() {
            looked.specifications.insert(role.to_owned(), answer);
        }
        answer
    }

    /// The files that `find` finds for a folder of a role.
    pub(super) fn remembered_files(
        &self,
        role: &Path,
        kind: &'static str,
        main: Option<&str>,
        find: impl FnOnce() -> Result<Vec<PathBuf>>,
    ) -> Result<Vec<PathBuf>> {
        let asked = (role.to_owned(), kind, main.map(str::to_owned));
        let known = |looked: &Looked| looked.files.get(&asked).cloned();
        if let Some(known) = self.looked.lock().as_ref().and_then(known) {
            return Ok(known);
        }
        let found = find()?;
        if let Some(looked) = self.looked.lock().as_mut() {
            looked.files.insert(asked, found.clone());
        }
        Ok(found)
    }

    /// The variables that `read` reads from a folder of a role. Uses of the role share them: they never change.
    pub(super) fn remembered_vars(
        &self,
        role: &Path,
        kind: &'static str,
        main: Option<&str>,
        read: impl FnOnce() -> Result<Dict>,
    ) -> Result<Dict> {
        let asked = (role.to_owned(), kind, main.map(str::to_owned));
        let known = |looked: &Looked| looked.vars.get(&asked).cloned();
        if let Some(known) = self.looked.lock().as_ref().and_then(known) {
            return Ok(known);
        }
        let vars = read()?;
        if let Some(looked) = self.looked.lock().as_mut() {
            looked.vars.insert(asked, vars.clone());
        }
        Ok(vars)
    }
}
