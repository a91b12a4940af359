//! Whether two engines came to the same: recaps, what they said task by task, the hosts' files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::hosts::Lab;

/// What one engine came to on fresh hosts.
pub struct Outcome {
    /// Status and standard output of each run.
    pub runs: Vec<(i32, String)>,
    /// path on a host → type, mode, owner, link target, hash of the content.
    pub trees: BTreeMap<String, String>,
}

/// What machines write by themselves while they run.
const VOLATILE: &[&str] = &[
    "/etc/machine-id",
    "/etc/ld.so.cache",
    "/etc/.pwd.lock",
    "/etc/apt/sources.list.d/.lock",
    "/var/lib/apt/lists/lock",
];

/// What stands in the folders of a host, as root sees it from inside.
pub fn tree(lab: &Lab, host: &str, folders: &[String]) -> Result<BTreeMap<String, String>, String> {
    let folders = folders.join(" ");
    let script = format!(
        "cd / && for d in {folders}; do [ ! -e $d ] || {{ \
         find $d -xdev -printf 'e\\t%p\\t%y %m %u:%g %l\\n'; \
         find $d -xdev -type f -print0 | xargs -0r sha256sum | sed 's/^\\([^ ]*\\)  /h\\t\\1\\t/'; }}; done"
    );
    let done = lab.on_host(host, &script)?;
    if done.status != 0 {
        return Err(format!("the tree of {host}: {}", done.stderr));
    }
    let mut tree = BTreeMap::new();
    for line in done.stdout.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let (path, what) = match parts.as_slice() {
            ["e", path, what] => (path, what),
            ["h", hash, path] => (path, hash),
            _ => return Err(format!("the tree of {host} has a line `{line}`")),
        };
        if !VOLATILE.contains(path) {
            let entry: &mut String = tree.entry(format!("{host}:{path}")).or_default();
            let _ = write!(entry, "{what} ");
        }
    }
    Ok(tree)
}

/// Standard output in pieces that begin with a task's or play's title; the lines of a piece
/// sorted, because hosts answer in any order.
pub fn by_task(stdout: &str) -> Vec<(String, Vec<String>)> {
    let mut pieces: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new())];
    for line in stdout.lines().map(str::trim_end) {
        let title = ["TASK [", "PLAY ", "RUNNING HANDLER ["].iter().any(|t| line.starts_with(t));
        match pieces.last_mut() {
            Some((_, lines)) if !title => lines.push(line.to_string()),
            _ => pieces.push((line.to_string(), Vec::new())),
        }
    }
    for (_, lines) in &mut pieces {
        lines.sort();
    }
    pieces
}

/// A readable list of what differs; empty when nothing does.
pub fn differences(real: &Outcome, ours: &Outcome) -> String {
    let mut text = String::new();
    for (index, (expected, found)) in real.runs.iter().zip(&ours.runs).enumerate() {
        if expected.0 != found.0 {
            let _ =
                writeln!(text, "run {}: status {} there, {} here", index + 1, expected.0, found.0);
        }
        output_differences(&mut text, &by_task(&expected.1), &by_task(&found.1));
    }
    for (path, expected) in &real.trees {
        match ours.trees.get(path) {
            None => {
                let _ = writeln!(text, "{path} is missing ({expected})");
            }
            Some(found) if found != expected => {
                let _ = writeln!(text, "{path}: {expected}there, {found}here");
            }
            Some(_) => {}
        }
    }
    for path in ours.trees.keys().filter(|path| !real.trees.contains_key(*path)) {
        let _ = writeln!(text, "{path} should not be there");
    }
    text
}

fn output_differences(
    text: &mut String,
    real: &[(String, Vec<String>)],
    ours: &[(String, Vec<String>)],
) {
    for index in 0..real.len().max(ours.len()) {
        match (real.get(index), ours.get(index)) {
            (Some(expected), Some(found)) if expected == found => {}
            (expected, found) => {
                let show = |piece: Option<&(String, Vec<String>)>| {
                    piece.map_or("nothing\n".to_string(), |(title, lines)| {
                        format!("{title}\n{}\n", lines.join("\n"))
                    })
                };
                let _ = write!(text, "there:\n{}here:\n{}", show(expected), show(found));
            }
        }
    }
}
