//! Users and groups, and what depends on them: `~` in paths.
//!
//! Read from /etc/passwd and /etc/group, then asked of `getent`, which knows
//! the directory services. libc's `getpw*` is never called: in a static
//! program it crashes where nsswitch names a service it must load.

use std::path::{Path, PathBuf};

use crate::target::{Run, Target};

/// An entry of passwd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub password: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

/// An entry of group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub password: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// Lines of passwd; what is not one is passed over.
pub fn users(text: &str) -> Vec<User> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, password, uid, gid, gecos, home, shell] = fields[..] else { return None };
            Some(User {
                name: name.into(),
                password: password.into(),
                uid: uid.parse().ok()?,
                gid: gid.parse().ok()?,
                gecos: gecos.into(),
                home: home.into(),
                shell: shell.into(),
            })
        })
        .collect()
}

/// Lines of group; what is not one is passed over.
pub fn groups(text: &str) -> Vec<Group> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, password, gid, members] = fields[..] else { return None };
            Some(Group {
                name: name.into(),
                password: password.into(),
                gid: gid.parse().ok()?,
                members: members
                    .split(',')
                    .filter(|member| !member.is_empty())
                    .map(String::from)
                    .collect(),
            })
        })
        .collect()
}

pub(super) fn user<T: Target + ?Sized>(
    target: &mut T,
    key: &str,
    wanted: impl Fn(&User) -> bool,
) -> Option<User> {
    let known = target.users().into_iter().find(|user| wanted(user));
    known.or_else(|| users(&getent(target, "passwd", key)?).into_iter().find(|user| wanted(user)))
}

pub(super) fn group<T: Target + ?Sized>(
    target: &mut T,
    key: &str,
    wanted: impl Fn(&Group) -> bool,
) -> Option<Group> {
    let known = target.groups().into_iter().find(|group| wanted(group));
    known.or_else(|| groups(&getent(target, "group", key)?).into_iter().find(|group| wanted(group)))
}

fn getent<T: Target + ?Sized>(target: &mut T, database: &str, key: &str) -> Option<String> {
    // A key with a leading dash would be read as an option, and is no name.
    if key.is_empty() || key.starts_with('-') {
        return None;
    }
    let program = target.find_program("getent", &[])?;
    let ran = target.run(&Run::argv([program.as_os_str()]).args([database, key])).ok()?;
    ran.ok().then(|| ran.out().into_owned())
}

pub(super) fn expand<T: Target + ?Sized>(target: &mut T, text: &str) -> String {
    let text = expand_variables(target, text);
    expand_home(target, text)
}

/// `os.path.expandvars`.
fn expand_variables<T: Target + ?Sized>(target: &T, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let (name, length) = match tail.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => (&inner[..end], end + 2),
                None => ("", 0),
            },
            None => {
                let end = tail
                    .find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
                    .unwrap_or(tail.len());
                (&tail[..end], end)
            }
        };
        match target.env(name) {
            Some(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &tail[length..];
    }
    out.push_str(rest);
    out
}

/// `os.path.expanduser`.
fn expand_home<T: Target + ?Sized>(target: &mut T, text: String) -> String {
    let Some(rest) = text.strip_prefix('~') else { return text };
    let end = rest.find('/').unwrap_or(rest.len());
    let (name, tail) = rest.split_at(end);
    let home = if name.is_empty() {
        target.env("HOME").or_else(|| {
            let uid = target.euid();
            target.user_by_id(uid).map(|user| user.home)
        })
    } else {
        target.user_by_name(name).map(|user| user.home)
    };
    match home {
        None => text,
        Some(home) => {
            let path = format!("{}{tail}", home.trim_end_matches('/'));
            if path.is_empty() { "/".into() } else { path }
        }
    }
}

/// The folders of a variable such as PATH.
pub(crate) fn path_list(text: &str) -> Vec<PathBuf> {
    text.split(':').filter(|part| !part.is_empty()).map(PathBuf::from).collect()
}

/// The name of a user, or the number where it has none.
pub fn user_name<T: Target + ?Sized>(target: &mut T, uid: u32) -> String {
    target.user_by_id(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

/// The name of a group, or the number where it has none.
pub fn group_name<T: Target + ?Sized>(target: &mut T, gid: u32) -> String {
    target.group_by_id(gid).map_or_else(|| gid.to_string(), |group| group.name)
}

/// `dirname` of a path, as Python splits it.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
