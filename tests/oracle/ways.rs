//! Ways to ask a case again: its playbooks checked for syntax, listed, and played in check mode with differences. Each way of
//! a case has an answer of its own, in `ways/<topic>/<name>.<way>.answer`.

use crate::case::Case;

/// What a way is called, and the flags that it gives to every `ansible-playbook` of a case.
const WAYS: [(&str, &str); 3] =
    [("syntax", "--syntax-check"), ("tasks", "--list-tasks"), ("check", "--check --diff")];

/// Flags that already decide what a run does; a command with one of them is asked as it stands.
const DECIDED: [&str; 9] = [
    "--syntax-check",
    "--list-",
    "--check",
    "--diff",
    "--step",
    "--start-at-task",
    "--version",
    "--help",
    " -C",
];

/// The ways in which `case` can be asked again: none if it runs no playbook, or talks to a terminal.
pub fn of(case: &Case) -> Vec<Case> {
    WAYS.iter().filter_map(|(way, flags)| asked(case, way, flags)).collect()
}

fn asked(case: &Case, way: &str, flags: &str) -> Option<Case> {
    let mut other = case.clone();
    let mut changed = false;
    for command in &mut other.commands {
        if command.terminal.is_some() {
            return None;
        }
        let decided = DECIDED.iter().any(|flag| command.line.contains(flag));
        if !decided && command.line.contains("ansible-playbook ") {
            command.line =
                command.line.replace("ansible-playbook ", &format!("ansible-playbook {flags} "));
            changed = true;
        }
    }
    other.way = Some((case.name.clone(), way.to_string()));
    other.name = format!("{}@{way}", case.name);
    // Those are pieces of what the case itself meets.
    other.stderr_contains.clear();
    // Nothing of the playbook runs: what else the commands do is the case's own.
    other.compare.files &= way == "check";
    changed.then_some(other)
}

/// Sorts the tags in a listing: ansible-core gives the order of a set, which is another at each run.
pub fn sorted_tags(text: &str) -> String {
    text.split_inclusive('\n').map(sorted_tags_of_line).collect()
}

fn sorted_tags_of_line(line: &str) -> String {
    let Some((before, after)) = line.split_once("TAGS: [") else { return line.to_string() };
    let Some((tags, rest)) = after.split_once(']') else { return line.to_string() };
    // A play's stand without spaces between them.
    let between = if tags.contains(", ") { ", " } else { "," };
    let mut tags: Vec<&str> = tags.split(between).collect();
    tags.sort_unstable();
    format!("{before}TAGS: [{}]{rest}", tags.join(between))
}
