//! How relative names become files: ansible's search orders.

use std::{
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

use crate::splitter::unquote;

/// The home folder of `~` or `~name`, from the environment or `/etc/passwd`.
fn home(user: &str) -> Option<String> {
    if user.is_empty()
        && let Ok(home) = std::env::var("HOME")
    {
        return Some(home);
    }
    let name = if user.is_empty() { std::env::var("USER").ok()? } else { user.to_owned() };
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fields.len() >= 6 && fields[0] == name).then(|| fields[5].to_owned())
    })
}

/// `~` and `~name` at the beginning replaced by the home folder, if there is one.
pub fn expand_user(path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    match home(&rest[..end]) {
        Some(home) => {
            let joined = format!("{}{}", home.trim_end_matches('/'), &rest[end..]);
            if joined.is_empty() { "/".to_owned() } else { joined }
        }
        None => path.to_owned(),
    }
}

/// `$NAME` and `${NAME}` replaced by the environment's values; unknown names stay.
pub fn expand_vars(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let braced =
            rest.strip_prefix("${").and_then(|r| r.find('}').map(|end| (&r[..end], end + 3)));
        let (name, length) = braced.unwrap_or_else(|| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest[1..].find(|c| !word(c)).unwrap_or(rest.len() - 1);
            (&rest[1..=end], end + 1)
        });
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out + rest
}

/// The path without `.`, `..` and doubled slashes, taken as text.
pub fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                let last = out.components().next_back();
                match last {
                    Some(Component::Normal(_)) => {
                        out.pop();
                    }
                    Some(Component::RootDir) => {}
                    _ => out.push(".."),
                }
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// The path with symbolic links resolved as far as it exists.
pub fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => resolved(parent).join(name),
        _ => normalised(path),
    }
}

/// The folder the process was started in: it never goes to another one.
pub fn working_folder() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    FOLDER.get_or_init(folder).clone()
}

/// An absolute, normal path: environment variables and `~` expanded, relative to the working
/// folder; symbolic links are resolved with `follow`.
pub fn unfrack(path: &str, follow: bool) -> PathBuf {
    let expanded = PathBuf::from(expand_user(&expand_vars(path)));
    let absolute = if expanded.is_absolute() { expanded } else { working_folder().join(expanded) };
    if follow { normalised(&resolved(&absolute)) } else { normalised(&absolute) }
}

/// As [`unfrack`], for a path that may not be text.
pub fn unfrack_path(path: &Path, follow: bool) -> PathBuf {
    match path.to_str() {
        Some(text) => unfrack(text, follow),
        None => normalised(path),
    }
}

fn rooted(name: &str) -> bool {
    name.starts_with('/') || name.starts_with('~')
}

/// A name relative to `basedir`, quotes around it dropped.
pub fn dwim(basedir: &Path, name: &str) -> PathBuf {
    let name = unquote(name);
    if rooted(name) { unfrack(name, false) } else { unfrack_path(&basedir.join(name), false) }
}

/// Whether a folder lies in (or is) something that looks like a role.
fn is_role(path: &Path) -> bool {
    let mains = |folder: &Path| {
        ["main.yml", "main.yaml", "main"].iter().any(|name| folder.join(name).exists())
    };
    let around = path.parent().unwrap_or(Path::new(""));
    let clean = unfrack_path(path, false);
    (ends_in_tasks(path) && mains(path))
        || [clean.as_path(), around]
            .iter()
            .any(|folder| mains(&folder.join("tasks")) || mains(&folder.join("meta")))
}

fn ends_in_tasks(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tasks")
}

/// Finds `source` for a role or playbook folder `path`, in its subfolder `dirname` or without; the
/// last place looked at if it is nowhere. `basedir` is the playbook's folder.
pub fn dwim_relative(
    basedir: &Path,
    path: &Path,
    dirname: &str,
    source: &str,
    in_role: bool,
) -> PathBuf {
    if rooted(source) {
        return unfrack(source, false);
    }
    let first = path.join(dirname).join(source);
    if first.exists() {
        return first;
    }
    let in_role = in_role || is_role(path);
    let folder = match path.parent() {
        Some(above) if in_role && ends_in_tasks(path) => unfrack_path(above, false),
        _ => unfrack_path(path, false),
    };
    let within = Path::new(dirname).join(source);
    let among_tasks = in_role && !source.ends_with(dirname);
    let candidates: [&dyn Fn() -> PathBuf; 5] = [
        &|| unfrack_path(&folder.join(&within), false),
        &|| unfrack_path(&folder.join("tasks").join(source), false),
        &|| unfrack_path(&within, false),
        &|| unfrack_path(&folder.join(source), false),
        &|| dwim(basedir, &within.to_string_lossy()),
    ];
    let looked_at = candidates.iter().enumerate().filter(|(at, _)| *at != 1 || among_tasks);
    let found = looked_at.map(|(_, candidate)| candidate()).find(|path| path.exists());
    found.unwrap_or_else(|| dwim(basedir, source))
}

/// Finds `source` in the first of `paths` that has it, in its subfolder `dirname` or without, the
/// playbook's folder last; else all places looked at.
pub fn dwim_relative_stack(
    basedir: &Path,
    paths: &[PathBuf],
    dirname: &str,
    source: &str,
) -> Result<PathBuf, Vec<PathBuf>> {
    if rooted(source) {
        let path = unfrack(source, false);
        return if path.exists() { Ok(path) } else { Err(Vec::new()) };
    }
    let mut candidates = Vec::new();
    for path in paths {
        let clean = unfrack_path(path, false);
        let above = clean.parent().unwrap_or(Path::new("/")).to_path_buf();
        if above.to_string_lossy().ends_with("/tasks") && is_role(path) {
            candidates.push(above.parent().unwrap_or(Path::new("/")).join(dirname).join(source));
            candidates.push(above.join(source));
        } else {
            // Also where the source begins with that folder: ansible's check for it never holds.
            candidates.push(clean.join(dirname).join(source));
            candidates.push(clean.join(source));
        }
    }
    candidates.push(basedir.join(dirname).join(source));
    candidates.push(basedir.join(source));
    match candidates.iter().position(|c| c.exists()) {
        Some(at) => Ok(candidates.swap_remove(at)),
        None => Err(candidates),
    }
}

/// Files called `name` under `path`, with one of `extensions` (written with their dot; `""` for
/// none): the first that exists, or all files of a folder of that name, if folders are allowed.
pub fn find_vars_files(
    path: &Path,
    name: &str,
    extensions: &[&str],
    allow_dir: bool,
) -> Vec<PathBuf> {
    for extension in extensions {
        let full = path.join(format!("{name}{extension}"));
        if full.is_dir() {
            if allow_dir {
                return folder_files(&full, extensions);
            }
        } else if full.exists() {
            return vec![full];
        }
    }
    Vec::new()
}

fn folder_files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.ends_with('~'))
        .collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let full = folder.join(&name);
        let dot = name.rfind('.').filter(|at| *at > 0);
        let extension = dot.map_or("", |at| &name[at..]);
        if full.is_dir() && extension.is_empty() {
            found.extend(folder_files(&full, extensions));
        } else if full.is_file() && (extension.is_empty() || extensions.contains(&extension)) {
            found.push(full);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_as_text() {
        for (from, to) in [
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("a/../../b", "../b"),
            ("a//b/", "a/b"),
            ("", "."),
        ] {
            assert_eq!(normalised(Path::new(from)), PathBuf::from(to), "{from}");
        }
    }

    #[test]
    fn the_environment_is_expanded() {
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(expand_vars("$HOME/a"), format!("{home}/a"));
        assert_eq!(expand_vars("x${HOME}y"), format!("x{home}y"));
        assert_eq!(expand_vars("$NO_SUCH_NAME_1/a$"), "$NO_SUCH_NAME_1/a$");
        assert_eq!(expand_user("~/a"), format!("{home}/a"));
        assert_eq!(expand_user("a~"), "a~");
    }

    #[test]
    fn files_are_found_in_ansibles_order() {
        let folder = std::env::temp_dir().join(format!("vmstation-paths-{}", std::process::id()));
        let made = |name: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder)).ok();
            std::fs::write(&path, "").ok();
            path
        };
        let in_role = made("roles/a/tasks/main.yml");
        let part = made("roles/a/tasks/part.yml");
        let site = made("part.yml");
        let role = folder.join("roles/a");
        assert_eq!(dwim_relative(&folder, &role, "tasks", "part.yml", true), part);
        assert_eq!(dwim_relative(&folder, &folder, "", "part.yml", false), site);
        assert_eq!(dwim(&folder, "'part.yml'"), site);
        assert_eq!(find_vars_files(&role.join("tasks"), "main", &["", ".yml"], false), [in_role]);
        assert!(dwim_relative_stack(&folder, &[role], "vars", "no.yml").is_err());
        std::fs::remove_dir_all(&folder).ok();
    }
}
