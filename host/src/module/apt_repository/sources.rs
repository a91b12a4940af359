//! apt's lists of sources in the one-line style.

use std::path::Path;

use crate::data::Data;
use crate::module::{Context, Failure, Write};
use crate::python::{self, Subject};
use crate::target::Run;

const KINDS: [&str; 2] = ["deb", "deb-src"];

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    valid: bool,
    enabled: bool,
    source: String,
    comment: String,
}

/// A list: its file and lines.
#[derive(Debug, Clone)]
struct List {
    file: String,
    lines: Vec<Line>,
}

/// All lists.
#[derive(Debug, Clone)]
pub struct Sources {
    folder: String,
    lists: Vec<List>,
    /// Lists that got a new line: their mode may be asked for.
    grown: Vec<String>,
}

/// A list's text before and after, written in one way.
pub struct Change {
    pub file: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Change {
    pub fn is_one(&self) -> bool {
        self.before != self.after
    }
}

fn parse(line: &str) -> Line {
    let mut rest = line.trim();
    let enabled = !rest.starts_with('#');
    if !enabled {
        rest = &rest[1..];
    }
    let mut comment = "";
    if let Some(at) = rest.find('#').filter(|at| *at > 0) {
        comment = rest[at + 1..].trim();
        rest = &rest[..at];
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    let valid = words.first().is_some_and(|word| KINDS.contains(word));
    let source = if valid { words.join(" ") } else { rest.trim().to_owned() };
    Line { valid, enabled, source, comment: comment.to_owned() }
}

/// The source of a line that must be one and enabled; the error is what is left of the line.
pub fn parse_new(text: &str) -> Result<String, String> {
    let line = parse(text);
    if line.valid && line.enabled {
        return Ok(line.source);
    }
    let rest = text.trim();
    let rest = rest.strip_prefix('#').unwrap_or(rest);
    Err(match rest.find('#').filter(|at| *at > 0) {
        Some(at) => rest[..at].to_owned(),
        None => rest.to_owned(),
    })
}

/// The file for a new source: named, or made of the address.
pub fn file_name(source: &str, named: Option<&str>) -> String {
    if let Some(named) = named {
        return format!("{named}.list");
    }
    let bare = without_protocols(&without_options(source));
    let address = bare.split_whitespace().find(|word| !KINDS.contains(word)).unwrap_or_default();
    let address = address.split_once('@').map_or(address, |(_, rest)| rest);
    let words: Vec<&str> = address
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("{}.list", words.join("_"))
}

/// A source without what stands in brackets.
fn without_options(source: &str) -> String {
    let (mut out, mut rest) = (String::new(), source);
    while let Some(open) = rest.find('[') {
        let inner = &rest[open + 1..];
        match inner.find(']') {
            Some(close) if close > 0 => {
                out.push_str(&rest[..open]);
                rest = &inner[close + 1..];
            }
            _ => {
                out.push_str(&rest[..=open]);
                rest = inner;
            }
        }
    }
    out + rest
}

/// A source without `http://` and the like.
fn without_protocols(source: &str) -> String {
    let (mut out, mut rest) = (String::new(), source);
    while let Some(at) = rest.find("://") {
        let head = &rest[..at];
        let kept = head.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        out.push_str(kept);
        if kept.len() == head.len() {
            out.push_str("://");
        }
        rest = &rest[at + 3..];
    }
    out + rest
}

impl List {
    /// The text of the file; `None` if nothing is left of it.
    fn text(&self) -> Option<String> {
        (!self.lines.is_empty()).then(|| self.lines.iter().map(Line::text).collect())
    }
}

impl Line {
    fn text(&self) -> String {
        let off = if self.enabled { "" } else { "# " };
        match self.comment.as_str() {
            "" => format!("{off}{}\n", self.source),
            comment => format!("{off}{} # {comment}\n", self.source),
        }
    }
}

impl Sources {
    pub fn read(cx: &mut Context<'_>) -> Result<Sources, Failure> {
        let (file, folder) = places(cx)?;
        let mut sources = Sources { folder, lists: Vec::new(), grown: Vec::new() };
        if cx.target.stat(file.as_ref()).is_ok_and(|stat| !stat.is_dir()) {
            sources.load(cx, file)?;
        }
        let entries = cx.target.read_dir(sources.folder.as_ref()).unwrap_or_default();
        for entry in entries {
            let name = entry.name.to_string_lossy();
            if name.ends_with(".list") && !name.starts_with('.') {
                sources.load(cx, format!("{}/{name}", sources.folder))?;
            }
        }
        Ok(sources)
    }

    fn load(&mut self, cx: &mut Context<'_>, file: String) -> Result<(), Failure> {
        let path = Path::new(&file);
        let text = cx
            .target
            .read_text(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
        let lines = text.lines().map(parse).collect();
        self.lists.push(List { file, lines });
        Ok(())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lists.iter().flat_map(|list| &list.lines).filter(|line| line.valid)
    }

    pub fn has_enabled(&self, source: &str) -> bool {
        self.lines().any(|line| line.enabled && line.source == source)
    }

    /// Enables the source wherever it stands, or adds it to a list.
    pub fn add(&mut self, source: &str, file: &str) {
        let mut found = false;
        for line in self.lists.iter_mut().flat_map(|list| &mut list.lines) {
            if line.valid && line.source == source {
                line.enabled = true;
                found = true;
            }
        }
        if found {
            return;
        }
        let file = match file.contains('/') {
            true => file.to_owned(),
            false => format!("{}/{file}", self.folder),
        };
        let new =
            Line { valid: true, enabled: true, source: source.to_owned(), comment: String::new() };
        self.grown.push(file.clone());
        match self.lists.iter_mut().find(|list| list.file == file) {
            Some(list) => list.lines.push(new),
            None => self.lists.push(List { file, lines: vec![new] }),
        }
    }

    /// Takes the source out wherever it stands enabled.
    pub fn remove(&mut self, source: &str) {
        for list in &mut self.lists {
            list.lines.retain(|line| !(line.valid && line.enabled && line.source == source));
        }
    }

    fn text(&self, file: &str) -> Option<String> {
        self.lists.iter().find(|list| list.file == file)?.text()
    }

    /// All lists that have lines, now or before.
    pub fn beside(&self, before: &Sources) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for list in before.lists.iter().chain(&self.lists) {
            let (old, new) = (before.text(&list.file), self.text(&list.file));
            let known = changes.iter().any(|change| change.file == list.file);
            if !known && (old.is_some() || new.is_some()) {
                changes.push(Change { file: list.file.clone(), before: old, after: new });
            }
        }
        changes
    }

    /// Writes every list; those without lines go away.
    pub fn save(&self, cx: &mut Context<'_>, mode: Option<&Data>) -> Result<(), Failure> {
        for list in &self.lists {
            let path = Path::new(&list.file);
            let Some(text) = list.text() else {
                if cx.target.exists(path) {
                    cx.target.unlink(path).map_err(|error| {
                        Failure::new(python::os_error(&error, Subject::Text(path)))
                    })?;
                }
                continue;
            };
            make_parents(cx, path)?;
            cx.write_if_changed(Write::bytes(path, text.as_bytes()))?;
            if let Some(mode) = mode
                && self.grown.contains(&list.file)
            {
                cx.set_mode(path, mode, None)?;
            }
        }
        Ok(())
    }
}

fn make_parents(cx: &mut Context<'_>, path: &Path) -> Result<(), Failure> {
    let missing: Vec<&Path> =
        path.ancestors().skip(1).take_while(|parent| !cx.target.is_dir(parent)).collect();
    for parent in missing.into_iter().rev() {
        cx.target.mkdir(parent, 0o777).map_err(|error| {
            Failure::new(format!(
                "Failed to create directory {}: {}",
                parent.display(),
                python::os_error(&error, Subject::Text(parent))
            ))
        })?;
    }
    Ok(())
}

/// Where apt's configuration has the list and the folder of lists.
fn places(cx: &mut Context<'_>) -> Result<(String, String), Failure> {
    let program = cx.program("apt-config")?;
    let run = Run::argv([program.into_os_string()]).args([
        "shell",
        "FILE",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]);
    let ran = cx.run_ok(&run)?;
    let out = ran.out().into_owned();
    let value = |name: &str, default: &str| {
        let line = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let word = line.and_then(|line| python::shell_split(line).ok()?.into_iter().next());
        word.unwrap_or_else(|| default.to_owned())
    };
    let folder = value("PARTS", "/etc/apt/sources.list.d");
    Ok((value("FILE", "/etc/apt/sources.list"), folder.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_addresses() {
        for (source, expected) in [
            (
                "deb http://archive.canonical.com/ubuntu hardy partner",
                "archive_canonical_com_ubuntu.list",
            ),
            ("deb [arch=amd64 signed-by=/x] https://u:p@h.io:8080/a-b/ /", "h_io_8080_a_b.list"),
            ("deb file:/srv/repo ./", "file_srv_repo.list"),
            ("deb-src cdrom:[Debian]/ bookworm main", "cdrom.list"),
        ] {
            assert_eq!(file_name(source, None), expected, "{source}");
        }
        assert_eq!(file_name("deb http://x y", Some("docker")), "docker.list");
    }
}
