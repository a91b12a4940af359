//! The files that every tree is made from. They are this repository's own: `build.rs` embeds its folders, so that what is
//! mended there is mended for everybody.

/// A file of the repository.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path from the top.
    pub path: &'static str,
    /// Whether it is a program.
    pub executable: bool,
    /// What it says.
    pub content: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/tree.rs"));

/// The smallest description that makes a cluster.
pub const SMALLEST: &str = "\
name: mycluster
hosts:
  node1: {address: 192.168.1.11, os: debian-12, role: control_plane}
  node2: {address: 192.168.1.12, os: debian-12, role: compute}
";

/// The folder of the variables of all hosts.
pub const ALL: &str = "inventory/group_vars/all/";

/// One file.
pub fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|f| f.path == path)
}

/// The names of groups that the inventory has, and of those that ansible has by itself.
pub fn group_names() -> impl Iterator<Item = &'static str> {
    let own = ["kube_control_plane", "kube_workers", "all", "ungrouped", "localhost"];
    let with_variables = FILES.iter().filter_map(|f| {
        let name = f.path.strip_prefix("inventory/group_vars/")?;
        name.strip_suffix(".yml").filter(|n| !n.contains('/'))
    });
    own.into_iter().chain(with_variables)
}
