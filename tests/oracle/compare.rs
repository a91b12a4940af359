//! Where an answer is not the expected one.

use crate::answer::{Answer, Entry};
use crate::case::Case;
use crate::{diff, ways};

/// Readable differences; none when the answers agree.
pub fn differences(case: &Case, expected: &Answer, found: &Answer) -> Vec<String> {
    let mut list = Vec::new();
    for (number, (want, got)) in expected.commands.iter().zip(&found.commands).enumerate() {
        let at = format!("of command {} (`{}`)", number + 1, want.line);
        let before = list.len();
        if want.exit != got.exit {
            list.push(format!("exit code {at}: expected {}, found {}", want.exit, got.exit));
        }
        if case.compare.stdout {
            text(&mut list, case, &format!("stdout {at}"), &want.stdout, &got.stdout);
        }
        if case.compare.stderr {
            text(&mut list, case, &format!("stderr {at}"), &want.stderr, &got.stderr);
        } else if list.len() > before {
            list.push(format!("our stderr {at}:\n{}", diff::tail(&got.stderr, 15)));
        }
    }
    if expected.commands.len() != found.commands.len() {
        list.push("the number of commands differs".to_string());
    }
    for piece in missing_text(case, found) {
        let stderr = found.commands.iter().map(|c| c.stderr.as_str()).collect::<String>();
        list.push(format!("stderr lacks `{piece}`; it is:\n{}", diff::tail(&stderr, 15)));
    }
    if case.compare.files {
        files(&mut list, case, expected, found);
    }
    list
}

fn text(list: &mut Vec<String>, case: &Case, what: &str, want: &str, got: &str) {
    let listing = case.way.as_ref().is_some_and(|(_, way)| way == "tasks");
    let order = |text: &str| match case.compare.unordered {
        true => ordered(text),
        false if listing => ways::sorted_tags(text),
        false => text.to_string(),
    };
    let (want, got) = (order(want), order(got));
    if want != got {
        list.push(format!("{what} (- expected, + found):\n{}", diff::unified(&want, &got)));
    }
}

fn files(list: &mut Vec<String>, case: &Case, expected: &Answer, found: &Answer) {
    for (path, want) in &expected.files {
        match found.files.get(path) {
            None => list.push(format!("{path}: expected {}, found no change", want.headline())),
            Some(got) if got == want => {}
            Some(got) if got.headline() != want.headline() => {
                list.push(format!(
                    "{path}: expected {}, found {}",
                    want.headline(),
                    got.headline()
                ));
                contents(list, path, want, got);
            }
            // An archive that a command made holds the time; the case itself unpacks it and takes it away.
            Some(got) if case.way.is_some() && both_binary(want, got) => {}
            Some(got) => contents(list, path, want, got),
        }
    }
    for (path, got) in &found.files {
        if !expected.files.contains_key(path) {
            list.push(format!("{path}: expected no change, found {}", got.headline()));
        }
    }
}

/// Whether both are bytes that are no text.
fn both_binary(want: &Entry, got: &Entry) -> bool {
    let binary = |entry: &Entry| matches!(entry, Entry::File { content, .. } if content.starts_with("hex:\n"));
    binary(want) && binary(got)
}

fn contents(list: &mut Vec<String>, path: &str, want: &Entry, got: &Entry) {
    if let (Entry::File { content: want, .. }, Entry::File { content: got, .. }) = (want, got)
        && want != got
    {
        list.push(format!("{path} (- expected, + found):\n{}", diff::unified(want, got)));
    }
}

/// Pieces of `stderr-contains` that no command wrote. Lines are wrapped at the width of a
/// terminal, so white space doesn't count.
pub fn missing_text<'a>(case: &'a Case, answer: &Answer) -> Vec<&'a str> {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let all = bare(&answer.commands.iter().map(|c| c.stderr.as_str()).collect::<String>());
    case.stderr_contains.iter().filter(|p| !all.contains(&bare(p))).map(String::as_str).collect()
}

/// Sorts the paragraphs' lines: a task's results of several hosts.
fn ordered(text: &str) -> String {
    let mut out = Vec::new();
    for paragraph in text.split("\n\n") {
        let mut lines: Vec<&str> = paragraph.lines().collect();
        if lines.len() > 1 {
            lines[1..].sort_unstable();
        }
        out.push(lines.join("\n"));
    }
    out.join("\n\n")
}
