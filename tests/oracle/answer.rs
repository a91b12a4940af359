//! What an engine did with a case: the text form that is stored beside it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::case::{self, Case};

#[derive(Default)]
pub struct Answer {
    /// Who answered, with versions.
    pub engine: String,
    pub case_hash: String,
    pub commands: Vec<Done>,
    /// What differs from the case's inputs, by path.
    pub files: BTreeMap<String, Entry>,
}

#[derive(Default)]
pub struct Done {
    pub line: String,
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Clone, PartialEq)]
pub enum Entry {
    File {
        mode: u32,
        content: String,
    },
    Dir {
        mode: u32,
    },
    Link {
        target: String,
    },
    /// A socket, a pipe, a device.
    Special,
    /// An input that is no longer there.
    Gone,
}

impl Entry {
    /// Without the content.
    pub fn headline(&self) -> String {
        match self {
            Entry::File { mode, .. } => format!("file mode={mode:04o}"),
            Entry::Dir { mode } => format!("dir mode={mode:04o}"),
            Entry::Link { target } => format!("link to={target}"),
            Entry::Special => "special".to_string(),
            Entry::Gone => "gone".to_string(),
        }
    }
}

const NO_NEWLINE: &str = "\\ no newline at the end";

impl Answer {
    pub fn render(&self) -> String {
        let mut text = format!("--- engine {}\n--- case {}\n", self.engine, self.case_hash);
        for done in &self.commands {
            let _ = writeln!(text, "--- command {}\n--- exit {}", done.line, done.exit);
            quoted(&mut text, "--- stdout", &done.stdout);
            quoted(&mut text, "--- stderr", &done.stderr);
        }
        for (path, entry) in &self.files {
            let head = format!("--- entry {} {path}", entry.headline());
            let content =
                if let Entry::File { content, .. } = entry { content.as_str() } else { "" };
            quoted(&mut text, &head, content);
        }
        text
    }

    pub fn parse(text: &str) -> Result<Answer, String> {
        let mut answer = Answer::default();
        // Not `lines()`: a carriage return is content.
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n').peekable();
        while let Some(line) = lines.next() {
            let head = line.strip_prefix("--- ").ok_or(format!("`{line}`"))?;
            let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
            let mut content = String::new();
            while let Some(quoted) = lines.next_if(|l| !l.starts_with("--- ")) {
                if quoted == NO_NEWLINE {
                    content.pop();
                } else {
                    content.push_str(quoted.strip_prefix('|').ok_or(format!("`{quoted}`"))?);
                    content.push('\n');
                }
            }
            answer.take(word, rest, content)?;
        }
        Ok(answer)
    }

    fn take(&mut self, word: &str, rest: &str, content: String) -> Result<(), String> {
        let outside = || format!("`{word}` before a command");
        match word {
            "engine" => self.engine = rest.to_string(),
            "case" => self.case_hash = rest.to_string(),
            "command" => {
                self.commands.push(Done { line: rest.to_string(), ..Done::default() });
            }
            "exit" => {
                self.commands.last_mut().ok_or_else(outside)?.exit =
                    rest.parse().map_err(|_| format!("exit `{rest}`"))?;
            }
            "stdout" => self.commands.last_mut().ok_or_else(outside)?.stdout = content,
            "stderr" => self.commands.last_mut().ok_or_else(outside)?.stderr = content,
            "entry" => {
                let (path, entry) = entry(rest, content).ok_or(format!("entry `{rest}`"))?;
                self.files.insert(path, entry);
            }
            _ => return Err(format!("`{word}`")),
        }
        Ok(())
    }
}

fn entry(head: &str, content: String) -> Option<(String, Entry)> {
    let (kind, rest) = head.split_once(' ')?;
    if kind == "gone" || kind == "special" {
        let entry = if kind == "gone" { Entry::Gone } else { Entry::Special };
        return Some((rest.to_string(), entry));
    }
    let (option, path) = rest.split_once(' ')?;
    let (_, value) = option.split_once('=')?;
    let mode = || u32::from_str_radix(value, 8).ok();
    let entry = match kind {
        "file" => Entry::File { mode: mode()?, content },
        "dir" => Entry::Dir { mode: mode()? },
        "link" => Entry::Link { target: value.to_string() },
        _ => return None,
    };
    Some((path.to_string(), entry))
}

fn quoted(text: &mut String, head: &str, content: &str) {
    let _ = writeln!(text, "{head}");
    for line in content.split_inclusive('\n') {
        let _ = writeln!(text, "|{}", line.strip_suffix('\n').unwrap_or(line));
    }
    if !content.is_empty() && !content.ends_with('\n') {
        let _ = writeln!(text, "{NO_NEWLINE}");
    }
}

/// Where the answer to `case` lies, below the oracle's folder.
pub fn file_of(case: &Case) -> String {
    match &case.way {
        None => format!("cases/{}.answer", case.name),
        Some((name, way)) => format!("ways/{name}.{way}.answer"),
    }
}

/// Answers left behind by a case that was renamed or removed, and files that are none.
pub fn without_case(root: &Path, cases: &[Case]) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    case::collect(&root.join("cases"), &mut files)?;
    case::collect(&root.join("ways"), &mut files)?;
    let known: HashSet<PathBuf> = cases.iter().map(|c| root.join(file_of(c))).collect();
    Ok(files
        .iter()
        .filter(|f| f.extension().is_none_or(|e| e != "case") && !known.contains(*f))
        .map(|f| f.display().to_string())
        .collect())
}
