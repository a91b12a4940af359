//! The walls of the house: which room may know which. Fails on a `crate::` path that the tables forbid, and on rooms
//! that they don't list.

#![expect(clippy::panic, reason = "a test may fail")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A room, and the rooms that it may know.
type Room = (&'static str, &'static [&'static str]);

/// The controller, from what everything stands on to what stands on everything.
const CONTROLLER: &[Room] = &[
    ("diagnostic", &[]),
    ("terminal", &["diagnostic"]),
    ("value", &["diagnostic"]),
    ("splitter", &["value"]),
    ("paths", &["splitter"]),
    ("config", &["diagnostic", "value"]),
    ("connection", &["diagnostic"]),
    ("agent", &["connection", "diagnostic"]),
    ("yaml", &["diagnostic", "value"]),
    ("vault", &["config", "diagnostic", "value"]),
    ("template", &["diagnostic", "paths", "splitter", "value", "vault", "yaml"]),
    ("inventory", &["config", "diagnostic", "template", "value", "vault", "yaml"]),
    ("event", &["diagnostic", "value"]),
    ("callback", &["config", "diagnostic", "event", "value", "yaml"]),
    // `vars` shows plays to templates (`play_hosts`, `ansible_role_names`); `playbook` loads files through its loader, and
    // asks `action` which names exist.
    (
        "vars",
        &["config", "diagnostic", "inventory", "playbook", "template", "value", "vault", "yaml"],
    ),
    (
        "playbook",
        &[
            "action",
            "diagnostic",
            "paths",
            "splitter",
            "template",
            "value",
            "vars",
            "vault",
            "yaml",
        ],
    ),
    // A worker carries out actions, and an action sees the worker that it works for: one floor.
    (
        "action",
        &[
            "agent",
            "config",
            "connection",
            "diagnostic",
            "event",
            "inventory",
            "playbook",
            "run",
            "template",
            "terminal",
            "value",
            "vars",
            "yaml",
        ],
    ),
    (
        "run",
        &[
            "action",
            "agent",
            "config",
            "connection",
            "diagnostic",
            "event",
            "inventory",
            "playbook",
            "template",
            "terminal",
            "value",
            "vars",
            "vault",
            "yaml",
        ],
    ),
    ("review", &["action", "diagnostic", "paths", "playbook", "template", "value", "yaml"]),
    ("generate", &["config", "diagnostic", "value", "vault", "yaml"]),
    ("cli", ANYTHING),
    ("lib", ANYTHING),
    ("main", ANYTHING),
];

/// What runs on hosts.
const HOST: &[Room] = &[
    ("data", &[]),
    ("python", &["data"]),
    ("regex", &["data", "python"]),
    ("outcome", &["data", "python", "regex"]),
    ("fragments", &[]),
    ("crypt", &[]),
    ("csv", &[]),
    ("strptime", &["clock", "data", "python", "target"]),
    ("spec", &["data", "outcome", "python", "regex"]),
    ("files", &["data"]),
    ("clock", &["target"]),
    // A target runs programs and reads files; the context's attributes are what `chmod` takes.
    ("target", &["clock", "data", "python"]),
    ("resolve", &["target"]),
    ("http", &["clock", "data", "python", "resolve", "target"]),
    // A context is made for a call, and a call runs a module in a context: one floor.
    (
        "context",
        &[
            "call", "clock", "data", "files", "http", "module", "outcome", "python", "spec",
            "target",
        ],
    ),
    ("x509", &["clock", "context", "data", "outcome", "python", "regex", "target"]),
    ("call", &["context", "data", "files", "job", "module", "outcome", "spec", "target"]),
    // A job is a call that goes on in a process of its own.
    ("job", &["call", "data", "files", "outcome", "python", "target", "wire"]),
    ("facts", &["call", "clock", "context", "data", "files", "python", "target"]),
    (
        "module",
        &[
            "agent",
            "call",
            "clock",
            "context",
            "crypt",
            "csv",
            "data",
            "facts",
            "files",
            "fragments",
            "http",
            "outcome",
            "python",
            "regex",
            "resolve",
            "spec",
            "strptime",
            "target",
            "x509",
        ],
    ),
    ("wire", &["call", "data", "files", "job"]),
    ("agent", &["call", "data", "files", "module", "python", "target", "wire"]),
    ("lib", ANYTHING),
    ("main", ANYTHING),
];

const ANYTHING: &[&str] = &["*"];

#[test]
fn rooms_of_the_controller_keep_to_themselves() {
    assert_eq!(broken("src", CONTROLLER), Vec::<String>::new());
}

#[test]
fn rooms_of_the_host_keep_to_themselves() {
    assert_eq!(broken("host/src", HOST), Vec::<String>::new());
}

#[test]
fn main_is_short() {
    for path in ["src/main.rs", "host/src/main.rs"] {
        let lines = read(&root().join(path)).lines().count();
        assert!(lines < 40, "{path} has {lines} lines; work belongs into the library");
    }
}

#[test]
fn paths_are_found_in_every_form() {
    let text = "use crate::{\n    a::{self, x}, // crate::nothing\n    b,\n};\nfn f() -> crate::c::D {}\n\
                #[cfg(test)]\nmod tests { use crate::e; }\n";
    let found: Vec<String> = named(text).into_iter().collect();
    assert_eq!(found, ["a", "b", "c"]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every line that tells of an edge which the table forbids.
fn broken(folder: &str, rooms: &[Room]) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = rooms.iter().copied().collect();
    let mut wrong = Vec::new();
    for entry in walkdir::WalkDir::new(root().join(folder)).sort_by_file_name() {
        let entry = entry.unwrap_or_else(|e| panic!("{e}"));
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "rs") || is_test(path) {
            continue;
        }
        let relative = path.strip_prefix(root().join(folder)).unwrap_or(path);
        let first = relative.components().next().map(|c| c.as_os_str().to_string_lossy());
        let room = first.unwrap_or_default().trim_end_matches(".rs").to_owned();
        let shown = format!("{folder}/{}", relative.display());
        let Some(may) = table.get(room.as_str()) else {
            wrong.push(format!("{shown}: the room `{room}` is not in tests/architecture.rs"));
            continue;
        };
        for other in named(&read(path)) {
            let allowed = other == room || may.contains(&"*") || may.contains(&other.as_str());
            if !allowed && table.contains_key(other.as_str()) {
                wrong.push(format!("{shown}: `{room}` must not know `{other}`"));
            }
        }
    }
    wrong
}

/// Files of tests that stand beside the code.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests")
}

/// The first words after `crate::`, comments and unit tests apart.
fn named(text: &str) -> BTreeSet<String> {
    // Unit tests end a file, and may reach wherever they like.
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, pattern) in code.match_indices("crate::") {
        let rest = &code[at + pattern.len()..];
        match rest.strip_prefix('{') {
            Some(tree) => found.extend(branches(tree)),
            None => found.extend(word(rest)),
        }
    }
    found
}

/// The first words of the outer level of a `use` tree, after its `{`.
fn branches(tree: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut found = Vec::new();
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.extend(word(&tree[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.extend(word(&tree[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !(c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit()))
        .unwrap_or(text.len());
    Some(text[..end].to_owned()).filter(|w| !w.is_empty())
}
