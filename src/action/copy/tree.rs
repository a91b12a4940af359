//! What a folder of the controller's holds, as it is to be copied.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a folder holds. The second of each pair is the path below the destination.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Files of the controller's.
    pub files: Vec<(PathBuf, String)>,
    /// Folders, empty ones too.
    pub directories: Vec<String>,
    /// Links to make, and what they are to contain.
    pub links: Vec<(String, String)>,
}

/// The device and number of a folder.
type Id = (u64, u64);

impl Tree {
    /// What is in `root`; with a trailing slash, its own name is left out. Links are followed if asked
    /// for, except those that lead to nothing or in circles.
    pub fn of(root: &str, follow: bool) -> std::io::Result<Self> {
        let base = if root.ends_with('/') { root } else { vmstation_host::python::dirname(root) };
        let offset = base.len() + usize::from(!base.ends_with('/') && !base.is_empty());
        let meta = fs::metadata(root)?;
        let mut tree = Self::default();
        tree.walk(root, offset, &HashSet::from([(meta.dev(), meta.ino())]), "", follow);
        Ok(tree)
    }

    fn walk(&mut self, folder: &str, offset: usize, known: &HashSet<Id>, base: &str, follow: bool) {
        let mut names: Vec<String> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        let paths = names.iter().map(|name| vmstation_host::python::join(folder, name));
        let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| Path::new(path).is_dir());
        let relative = |path: &str| {
            let inner = path.get(offset..).unwrap_or_default();
            if base.is_empty() {
                inner.to_owned()
            } else {
                vmstation_host::python::join(base, inner)
            }
        };
        for file in files {
            let place = relative(&file);
            match fs::read_link(&file) {
                Ok(content) => match fs::canonicalize(&file) {
                    Ok(real) if follow && real.is_file() => self.files.push((real, place)),
                    _ => self.links.push((content.to_string_lossy().into_owned(), place)),
                },
                Err(_) => self.files.push((file.into(), place)),
            }
        }
        for inner in &folders {
            self.folder(inner, relative(inner), known, follow);
        }
        for inner in folders.iter().filter(|f| !Path::new(f).is_symlink()) {
            self.walk(inner, offset, known, base, follow);
        }
    }

    fn folder(&mut self, path: &str, place: String, known: &HashSet<Id>, follow: bool) {
        let Ok(content) = fs::read_link(path) else {
            self.directories.push(place);
            return;
        };
        let link = (content.to_string_lossy().into_owned(), place.clone());
        let (Ok(meta), Ok(real)) = (fs::metadata(path), fs::canonicalize(path)) else {
            self.links.push(link);
            return;
        };
        let id = (meta.dev(), meta.ino());
        if !follow || known.contains(&id) {
            self.links.push(link);
            return;
        }
        let mut above = known.clone();
        for parent in Path::new(path).ancestors().skip(1) {
            let Ok(meta) = fs::metadata(parent) else { break };
            if !above.insert((meta.dev(), meta.ino())) {
                break;
            }
        }
        if above.contains(&id) {
            self.links.push(link);
            return;
        }
        self.directories.push(place.clone());
        let real = real.display().to_string();
        self.walk(&real, real.len() + 1, &above, &place, follow);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree(root: &Path, slash: &str, follow: bool) -> (Vec<String>, Vec<String>, Vec<String>) {
        let tree = Tree::of(&format!("{}{slash}", root.display()), follow).unwrap();
        let files = tree.files.into_iter().map(|(_, place)| place).collect();
        let links = tree.links.into_iter().map(|(to, place)| format!("{place} -> {to}")).collect();
        (files, tree.directories, links)
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("t");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(dir.path().join("outside")).unwrap();
        fs::write(root.join("f"), "").unwrap();
        fs::write(dir.path().join("outside/o"), "").unwrap();
        symlink("f", root.join("lf")).unwrap();
        symlink("nowhere", root.join("broken")).unwrap();
        symlink("..", root.join("a/up")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        let (files, folders, links) = tree(&root, "", true);
        assert_eq!(files, ["t/f", "t/lf", "t/out/o"]);
        assert_eq!(folders, ["t/a", "t/out", "t/a/b"]);
        assert_eq!(links, ["t/broken -> nowhere", "t/a/up -> .."]);
        let (files, folders, links) = tree(&root, "/", false);
        assert_eq!(files, ["f"]);
        assert_eq!(folders, ["a", "a/b"]);
        assert_eq!(links, ["broken -> nowhere", "lf -> f", "out -> ../outside", "a/up -> .."]);
    }
}
