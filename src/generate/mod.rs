//! A whole tree (inventory, variables, playbooks, roles, manifests) from the description of a cluster.
//!
//! What is the same for every cluster is embedded from the folders of this repository, and what differs is filled into
//! those same files. So the tree of the repository's own `cluster.yaml` is the repository's own tree.

mod check;
pub mod description;
pub mod embedded;
pub mod fields;
mod inventory;
mod manifests;
mod patch;
pub mod record;
pub mod secrets;
pub mod setting;
pub mod tree;
mod variables;
mod write;

use std::collections::BTreeMap;

use self::{description::Description, manifests::Filling};
use crate::diagnostic::Result;

/// A file that belongs into the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it says.
    pub content: String,
    /// Whether it is a program.
    pub executable: bool,
}

/// The files of a cluster's tree, by their paths; the encrypted secrets are not among them.
///
/// # Errors
/// A mistake of ours: an embedded file that can't be filled in.
pub fn plan(description: &Description) -> Result<BTreeMap<String, Planned>> {
    let filling = Filling::of(description);
    let mut files = BTreeMap::new();
    let own = |path: &str| {
        path.starts_with("inventory/group_vars/")
            || [inventory::HOSTS, secrets::EXAMPLE].contains(&path)
    };
    for file in embedded::FILES {
        if !own(file.path) && variables::is_needed(file.path, description) {
            let content = filling.fill(file.path, file.content);
            files.insert(file.path.to_owned(), Planned { content, executable: file.executable });
        }
    }
    let mut put = |path: String, content: String| {
        files.insert(path, Planned { content, executable: false });
    };
    put(inventory::HOSTS.to_owned(), inventory::hosts(description)?);
    put(secrets::EXAMPLE.to_owned(), secrets::example(description)?);
    for (path, content) in variables::files(description)? {
        put(path, content);
    }
    for (path, content) in description.hosts.iter().filter_map(inventory::host_variables) {
        put(path, content);
    }
    Ok(files)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]
mod tests;
