//! What settings are read from: environment, working folder, files.

use std::{
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The surroundings of a run, so that tests can make their own.
pub trait Machine: Send + Sync {
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
    /// The working folder.
    fn cwd(&self) -> io::Result<PathBuf>;
    /// The home folder of a user, or of the one who runs this.
    fn home(&self, user: Option<&str>) -> Option<PathBuf>;
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The permission bits of a file or folder.
    fn mode(&self, path: &Path) -> io::Result<u32>;
    /// Whether there is a folder.
    fn is_dir(&self, path: &Path) -> bool;
}

/// The controller's Python, for what still asks for one: the first `python3` of PATH, which is the
/// virtual environment's where one is active.
pub fn controller_python() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runs = |file: &PathBuf| {
        file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("python3"))
        .find(runs)
        .map_or_else(|| "/usr/bin/python3".to_owned(), |f| f.to_string_lossy().into_owned())
}

/// The machine that this runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Machine for System {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|v| v.to_string_lossy().into_owned())
    }

    fn cwd(&self) -> io::Result<PathBuf> {
        std::env::current_dir()
    }

    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        if user.is_none()
            && let Some(home) = std::env::var_os("HOME")
        {
            return Some(PathBuf::from(home));
        }
        let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
        let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let wanted = match user {
                Some(user) => fields.first() == Some(&user),
                None => fields.get(2) == Some(&uid.as_str()),
            };
            wanted.then(|| fields.get(5).map(PathBuf::from)).flatten()
        })
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn mode(&self, path: &Path) -> io::Result<u32> {
        Ok(std::fs::metadata(path)?.permissions().mode())
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// An absolute path without `~`, `$VARIABLES`, `.` and `..`; relative ones begin at `base` (or at
/// the file's folder if that is a file), which is the working folder where none is given. Symbolic
/// links stay.
pub fn expand_path(text: &str, base: Option<&Path>, machine: &dyn Machine) -> PathBuf {
    let expanded = expand_user(&expand_variables(text, machine), machine);
    let cwd = || machine.cwd().unwrap_or_else(|_| PathBuf::from("/"));
    let base = match base {
        None => cwd(),
        Some(base) if machine.is_dir(base) => base.to_owned(),
        Some(base) if machine.mode(base).is_ok() => base.parent().map_or_else(cwd, Path::to_owned),
        Some(base) => base.to_owned(),
    };
    normalize(&base.join(expanded))
}

/// A path without `.`, `..` and doubled slashes, by its text alone.
pub fn normalize(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                let at_root = matches!(out.components().next_back(), Some(Component::RootDir));
                let up = matches!(out.components().next_back(), None | Some(Component::ParentDir));
                if up {
                    out.push("..");
                } else if !at_root {
                    out.pop();
                }
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// `$NAME` and `${NAME}` replaced, unknown ones left.
fn expand_variables(text: &str, machine: &dyn Machine) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{') {
            Some(braced) => braced.find('}').map_or(("", 0), |end| (&braced[..end], end + 2)),
            None => {
                let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = after.find(|c| !word(c)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match machine.env(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(&after[..length]);
            }
        }
        rest = &after[length..];
    }
    out + rest
}

fn expand_user(text: &str, machine: &dyn Machine) -> String {
    let Some(after) = text.strip_prefix('~') else { return text.to_owned() };
    let (user, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
    match machine.home(Some(user).filter(|u| !u.is_empty())) {
        Some(home) => {
            let home = home.to_string_lossy();
            let whole = format!("{}{rest}", home.trim_end_matches('/'));
            if whole.is_empty() { "/".to_owned() } else { whole }
        }
        None => text.to_owned(),
    }
}

/// A machine of a test's making.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Fake {
    pub env: std::collections::HashMap<String, String>,
    pub cwd: PathBuf,
    pub files: std::collections::HashMap<PathBuf, (u32, String)>,
    pub dirs: std::collections::HashMap<PathBuf, u32>,
}

#[cfg(test)]
impl Fake {
    pub fn new(cwd: &str) -> Self {
        let dirs = [(PathBuf::from(cwd), 0o755)].into();
        Self { cwd: cwd.into(), dirs, ..Self::default() }
    }

    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.into(), (0o644, text.into()));
        self
    }
}

#[cfg(test)]
impl Machine for Fake {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
    fn cwd(&self) -> io::Result<PathBuf> {
        Ok(self.cwd.clone())
    }
    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        match user {
            None => Some("/home/me".into()),
            Some("ada") => Some("/home/ada".into()),
            Some(_) => None,
        }
    }
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.files.get(path).map(|(_, text)| text.clone().into_bytes());
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn mode(&self, path: &Path) -> io::Result<u32> {
        let file = self.files.get(path).map(|(mode, _)| *mode);
        file.or_else(|| self.dirs.get(path).copied()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.dirs.contains_key(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_expand_as_in_python() {
        let machine = Fake::new("/work").with_env("X", "y").with_file("/etc/a/ansible.cfg", "");
        let table = [
            ("a/../b", "/work/b"),
            ("~/x", "/home/me/x"),
            ("~ada/x", "/home/ada/x"),
            ("~nobody/x", "/work/~nobody/x"),
            ("$X/${X}z/$Q/${Q}", "/work/y/yz/$Q/${Q}"),
            ("/a//b/./c", "/a/b/c"),
            ("/../a", "/a"),
            ("../../../a", "/a"),
            ("a$", "/work/a$"),
        ];
        for (text, path) in table {
            assert_eq!(expand_path(text, None, &machine), Path::new(path), "{text}");
        }
        let cfg = Path::new("/etc/a/ansible.cfg");
        assert_eq!(expand_path("../x", Some(cfg), &machine), Path::new("/etc/x"));
    }
}
