//! What a task's key means: the full name of an action or module.

use std::path::{Path, PathBuf};

use crate::{action::names, diagnostic};

/// The meaning of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An action or module that we have, by its full name.
    Known(String),
    /// One that exists, but that we cannot run.
    Missing(String),
    /// No action or module is called so.
    Unknown,
}

/// Whether a name without collections around it is an action or module that we have.
pub fn is_action(name: &str) -> bool {
    matches!(meaning(name, &[], &Places::default()), Meaning::Known(_))
}

/// Where modules of people's own may lie.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Folders that hold `ansible_collections`.
    pub collections: Vec<PathBuf>,
    /// Folders with modules that belong to no collection: `library/` beside playbooks and in roles.
    pub libraries: Vec<PathBuf>,
    /// Folders with actions that belong to no collection: `action_plugins/` beside playbooks and in
    /// roles.
    pub actions: Vec<PathBuf>,
    /// Names that may not be used.
    pub rejected: Vec<String>,
}

/// Before the path of a program in the name of a module of people's own.
pub const OWN: &str = "file:";

/// What `ansible.builtin.` and `ansible.legacy.` are prefixes of: the name without them.
pub fn builtin_name(name: &str) -> Option<&str> {
    match name.strip_prefix("ansible.builtin.").or_else(|| name.strip_prefix("ansible.legacy.")) {
        Some(short) => Some(short),
        None if !name.contains('.') => Some(name),
        None => None,
    }
}

/// Whether `name`, as written, is the builtin action `short`.
pub fn is_builtin(name: &str, short: &str) -> bool {
    builtin_name(name) == Some(short)
}

/// Whether `name`, as written, is one of these builtin actions.
pub fn is_builtin_of(name: &str, shorts: &[&str]) -> bool {
    builtin_name(name).is_some_and(|n| shorts.contains(&n))
}

/// Whether a text has the form `namespace.collection.name`.
pub fn is_qualified(name: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    name.split('.').count() >= 3 && name.split('.').all(word)
}

/// Finds the meaning of `name`; `collections` are searched for short names.
pub fn meaning(name: &str, collections: &[String], places: &Places) -> Meaning {
    if places.rejected.iter().any(|rejected| rejected == name) {
        return Meaning::Unknown;
    }
    let known = |full: &str| names::known(full).map(|f| Meaning::Known(f.to_owned()));
    let Some(short) = builtin_name(name) else {
        let there = || Meaning::Missing(name.to_owned());
        return known(name)
            .or_else(|| installed(name, places).then(there))
            .unwrap_or(Meaning::Unknown);
    };
    let searched = || collections.iter().filter(|c| *c != "ansible.legacy");
    if !name.starts_with("ansible.builtin.")
        && let Some(path) = own(short, &places.libraries)
    {
        return if needs_ansible(&path) {
            Meaning::Missing(short.to_owned())
        } else {
            Meaning::Known(format!("{OWN}{}", path.display()))
        };
    }
    if !name.starts_with("ansible.builtin.")
        && places.actions.iter().any(|dir| dir.join(format!("{short}.py")).is_file())
        && names::known(&format!("ansible.builtin.{short}")).is_none()
    {
        return Meaning::Missing(short.to_owned());
    }
    if !name.contains('.')
        && let Some(found) = searched().find_map(|c| known(&format!("{c}.{name}")))
    {
        return found;
    }
    let full = format!("ansible.builtin.{short}");
    if let Some(found) = known(&full) {
        return found;
    }
    if names::is_core(&full) {
        return Meaning::Missing(full);
    }
    searched()
        .map(|c| format!("{c}.{short}"))
        .find(|full| installed(full, places))
        .or_else(|| moved_away(short, places))
        .map_or(Meaning::Unknown, Meaning::Missing)
}

/// The module of a collection on this machine that a short name leads to, as those that were once
/// ansible's own do.
fn moved_away(short: &str, places: &Places) -> Option<String> {
    let folders = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    places.collections.iter().find_map(|root| {
        let root = root.join("ansible_collections");
        let collections = folders(&root).into_iter().flat_map(|space| {
            let inner = folders(&root.join(&space));
            inner.into_iter().map(move |name| format!("{space}.{name}.{short}"))
        });
        // Of several, those that took most over come first.
        let mut all: Vec<String> = collections.filter(|full| installed(full, places)).collect();
        all.sort_by_key(|full| !full.starts_with("community.general."));
        all.into_iter().next()
    })
}

/// Endings of what lies beside modules and is none.
const NO_MODULES: &[&str] =
    &["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yaml", "yml", "ini"];

/// The file of a module that people have put beside their playbooks.
fn own(short: &str, libraries: &[PathBuf]) -> Option<PathBuf> {
    libraries.iter().find_map(|dir| {
        let files = std::fs::read_dir(dir).ok()?;
        let mut named: Vec<PathBuf> = files
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.file_stem().is_some_and(|stem| stem == short) && path.is_file())
            .filter(|path| {
                let ending = path.extension().unwrap_or_default().to_string_lossy();
                !NO_MODULES.contains(&&*ending)
            })
            .collect();
        named.sort();
        named.into_iter().next()
    })
}

/// Whether a module is written against ansible's own library, for Python or PowerShell, which is not
/// there.
fn needs_ansible(path: &Path) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let marks =
        ["ansible.module_utils", "<<INCLUDE_ANSIBLE_MODULE", "import ansible", "from ansible"];
    let powershell = text.contains("#!powershell") || text.contains("Ansible.ModuleUtils");
    powershell || marks.iter().any(|mark| text.contains(mark))
}

/// Whether a collection's module or action lies on this machine.
fn installed(full: &str, places: &Places) -> bool {
    in_collection(full, places).is_some()
}

/// The file of a collection's module or action.
fn in_collection(full: &str, places: &Places) -> Option<PathBuf> {
    let mut parts = full.splitn(3, '.');
    let (space, collection, name) = (parts.next()?, parts.next()?, parts.next()?);
    let file = format!("{}.py", name.replace('.', "/"));
    places.collections.iter().find_map(|root| {
        let plugins = root.join("ansible_collections").join(space).join(collection).join("plugins");
        ["modules", "action"].iter().map(|k| plugins.join(k).join(&file)).find(|f| f.exists())
    })
}

/// The file in Python that a module which we can't run consists of, where it lies on this machine.
pub fn python_file(full: &str, places: &Places) -> Option<PathBuf> {
    let Some(short) = builtin_name(full) else { return in_collection(full, places) };
    let action = || {
        let file = format!("{short}.py");
        places.actions.iter().map(|dir| dir.join(&file)).find(|file| file.is_file())
    };
    own(short, &places.libraries).or_else(action)
}

/// The name most like `name`, for people who mistyped one.
pub fn similar(name: &str) -> Option<&'static str> {
    let short = name.rsplit('.').next().unwrap_or(name);
    diagnostic::similar(short, names::short_names())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_ansible_core_routes_them_to() {
        let places = Places::default();
        let known = |name: &str, collections: &[String]| meaning(name, collections, &places);
        for (written, full) in [
            ("copy", "ansible.builtin.copy"),
            ("ansible.builtin.copy", "ansible.builtin.copy"),
            ("ansible.legacy.copy", "ansible.builtin.copy"),
            ("subversion", "ansible.builtin.subversion"),
            ("sysctl", "ansible.posix.sysctl"),
            ("ansible.posix.sysctl", "ansible.posix.sysctl"),
            ("community.general.modprobe", "community.general.modprobe"),
        ] {
            assert_eq!(known(written, &[]), Meaning::Known(full.to_owned()), "{written}");
        }
        assert_eq!(known("copi", &[]), Meaning::Unknown);
        assert_eq!(known("community.general.nope", &[]), Meaning::Unknown);
        assert!(
            crate::action::find("ansible.builtin.copy").is_some()
                && crate::action::find("ansible.posix.synchronize").is_some()
                && crate::action::find("some.other.copy").is_none()
        );
        assert_eq!(similar("copi"), Some("copy"));
        assert_eq!(similar("ansible.builtin.hostnmae"), Some("hostname"));
        assert_eq!(similar("zzzzzz"), None);
    }

    #[test]
    fn qualified_names_have_three_parts() {
        assert!(is_qualified("a.b.c") && is_qualified("a.b.c.d"));
        assert!(!is_qualified("a.b") && !is_qualified("a.b.c-d") && !is_qualified("a..b"));
    }
}
