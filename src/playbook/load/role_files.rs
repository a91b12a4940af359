//! The files of a role: where they lie, and what is in them.

use std::path::{Path, PathBuf};

use super::{Loader, Place, document::is_inside, node_span, paths};
use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::resolve::is_qualified,
    value::{Dict, Value},
    yaml::{Node, NodeKind},
};

/// Other files than `main` to take from a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleFiles {
    /// `tasks_from`.
    pub tasks: Option<String>,
    /// `vars_from`.
    pub vars: Option<String>,
    /// `defaults_from`.
    pub defaults: Option<String>,
    /// `handlers_from`.
    pub handlers: Option<String>,
}

/// A role that was found.
pub(super) struct Found {
    pub name: String,
    pub path: PathBuf,
    pub collection: Option<String>,
}

/// A role's name with the collection that it may be of.
fn in_collections<'a>(name: &'a str, collections: &'a [String]) -> Vec<(String, &'a str)> {
    if is_qualified(name) {
        let mut parts = name.rsplitn(2, '.');
        let (short, collection) = (parts.next().unwrap_or(name), parts.next().unwrap_or(""));
        return vec![(collection.to_owned(), short)];
    }
    collections.iter().map(|c| (c.clone(), name)).collect()
}

impl Loader {
    /// Finds the role called `name`; `beside` is the folder of the role that depends on it.
    pub(super) fn find_role(
        &self,
        name: &str,
        collections: &[String],
        beside: Option<&Path>,
        place: &Place,
        at: &Node,
    ) -> Result<Found> {
        let basedir = &place.play.basedir;
        for (collection, short) in in_collections(name, collections) {
            for root in self.collection_roots(basedir) {
                let folder = root.join("ansible_collections").join(collection.replace('.', "/"));
                let path = folder.join("roles").join(short);
                if self.is_folder(&path) {
                    let name = short.to_owned();
                    return Ok(Found { name, path, collection: Some(collection) });
                }
            }
        }
        let mut searched = vec![basedir.join("roles")];
        searched.extend(self.config.settings.roles_path.iter().cloned());
        searched.extend(beside.map(Path::to_path_buf));
        searched.push(basedir.clone());
        let full = |folder: &Path| paths::unfrack_path(&folder.join(name), true);
        if let Some(path) = searched.iter().map(|f| full(f)).find(|p| p.exists()) {
            return Ok(Found { name: name.to_owned(), path, collection: None });
        }
        let path = paths::unfrack(name, true);
        if path.exists() {
            let last = name.rsplit('/').next().unwrap_or(name);
            return Ok(Found { name: last.to_owned(), path, collection: None });
        }
        let shown: Vec<_> = collections
            .iter()
            .cloned()
            .chain(searched.iter().map(|p| p.to_string_lossy().into_owned()))
            .collect();
        let message = format!("the role '{name}' was not found in {}", shown.join(":"));
        Err(Error::new(Kind::User, message).at(node_span(at)))
    }

    /// The document of a role's folder `kind`: `main`, or the file that was asked for, which must
    /// be there.
    pub(super) fn role_document(
        &self,
        path: &Path,
        name: &str,
        kind: &'static str,
        main: Option<&str>,
    ) -> Result<Option<Node>> {
        let find = || role_file_names(path, name, kind, main, false);
        let files = self.remembered_files(path, kind, main, find)?;
        for file in files {
            if let Some(document) = self.load_file(&file)?.filter(|d| !is_falsy(d)) {
                return Ok(Some(document));
            }
        }
        Ok(None)
    }

    /// The variables of a role's folder `kind`, which may be split over a folder of files.
    pub(super) fn role_vars(
        &self,
        path: &Path,
        name: &str,
        kind: &'static str,
        main: Option<&str>,
    ) -> Result<Dict> {
        self.remembered_vars(path, kind, main, || self.read_role_vars(path, name, kind, main))
    }

    fn read_role_vars(
        &self,
        path: &Path,
        name: &str,
        kind: &str,
        main: Option<&str>,
    ) -> Result<Dict> {
        let vars = Dict::new();
        for file in role_file_names(path, name, kind, main, true)? {
            let Some(document) = self.load_file(&file)?.filter(|d| !is_falsy(d)) else { continue };
            let Value::Dict(more) = document.to_value() else {
                return Err(Error::parser(
                    format!(
                        "The {kind}/main.yml file for role '{name}' must contain a dictionary of \
                         variables"
                    ),
                    None,
                ));
            };
            for (key, value) in more.snapshot() {
                vars.write().insert(key, value);
            }
        }
        Ok(vars)
    }
}

fn is_falsy(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Seq(items) => items.is_empty(),
        NodeKind::Map(entries) => entries.is_empty(),
        NodeKind::Scalar(value) => super::include::is_empty(value),
    }
}

fn role_file_names(
    path: &Path,
    name: &str,
    kind: &str,
    main: Option<&str>,
    allow_dir: bool,
) -> Result<Vec<PathBuf>> {
    let folder = path.join(kind);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    // Whether names without an extension come first depends on who chose the name.
    let extensions: &[&str] = match main {
        None => &[".yml", ".yaml", ".json", ""],
        Some(_) => &["", ".yml", ".yaml", ".json"],
    };
    let files = paths::find_vars_files(&folder, main.unwrap_or("main"), extensions, allow_dir);
    if let Some(outside) = files.iter().find(|f| !is_inside(f, &folder)) {
        return Err(Error::parser(
            format!(
                "Failed loading '{}' for role ({name}) as it is not inside the expected role path: \
                 '{}'",
                outside.display(),
                folder.display()
            ),
            None,
        ));
    }
    match (files.is_empty(), main) {
        (true, Some(main)) => Err(Error::parser(
            format!("Could not find specified file in role: {kind}/{main}"),
            None,
        )),
        _ => Ok(files),
    }
}
