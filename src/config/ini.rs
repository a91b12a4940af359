//! `ansible.cfg` as Python's `configparser` reads it.

use std::collections::{HashMap, HashSet};

/// Sections with their keys (lower case) and values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ini {
    sections: HashMap<String, HashMap<String, String>>,
    defaults: HashMap<String, String>,
}

impl Ini {
    /// The value of `key` in `section`; `[DEFAULT]` stands behind every section that exists.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let key = key.to_lowercase();
        let section = self.sections.get(section)?;
        section.get(&key).or_else(|| self.defaults.get(&key)).map(String::as_str)
    }
}

/// One option while its lines are collected.
struct Open {
    key: String,
    lines: Vec<String>,
}

struct Reader {
    ini: Ini,
    section: Option<String>,
    open: Option<Open>,
    indent: usize,
    seen: HashSet<(String, Option<String>)>,
    bad_lines: Vec<String>,
}

/// Reads a whole file. The error is Python's text.
pub(super) fn parse(text: &str) -> Result<Ini, String> {
    let mut reader = Reader {
        ini: Ini::default(),
        section: None,
        open: None,
        indent: 0,
        seen: HashSet::new(),
        bad_lines: Vec::new(),
    };
    for (i, line) in text.split_inclusive('\n').enumerate() {
        reader.line(line, i + 1)?;
    }
    reader.close();
    if reader.bad_lines.is_empty() {
        Ok(reader.ini)
    } else {
        Err(format!("Source contains parsing errors: '<string>'{}", reader.bad_lines.concat()))
    }
}

/// Where a comment begins: `;` after white space, or a whole line of `#` or `;`.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start().starts_with(['#', ';']) {
        return Some(0);
    }
    let spaced = |at: usize| line[..at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices(';').map(|(at, _)| at).find(|at| spaced(*at))
}

impl Reader {
    fn line(&mut self, line: &str, number: usize) -> Result<(), String> {
        let comment = comment_start(line);
        let value = line[..comment.unwrap_or(line.len())].trim();
        if value.is_empty() {
            if let Some(open) = self.open.as_mut().filter(|_| comment.is_none()) {
                open.lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.len() - line.trim_start().len();
        if let Some(open) = self.open.as_mut().filter(|_| indent > self.indent) {
            open.lines.push(value.to_owned());
            return Ok(());
        }
        self.indent = indent;
        let header = value.strip_prefix('[').and_then(|v| v.rsplit_once(']'));
        if let Some((name, _)) = header.filter(|(name, _)| !name.is_empty()) {
            return self.header(name, number);
        }
        let shown = python_repr(line);
        let Some(section) = self.section.clone() else {
            return Err(format!(
                "File contains no section headers.\nfile: '<string>', line: {number}\n{shown}"
            ));
        };
        let Some((key, text)) = value.split_once(['=', ':']).filter(|(k, _)| !k.trim().is_empty())
        else {
            self.bad_lines.push(format!("\n\t[line {number:2}]: {shown}"));
            return Ok(());
        };
        self.close();
        let key = key.trim_end().to_lowercase();
        if !self.seen.insert((section.clone(), Some(key.clone()))) {
            return Err(format!(
                "While reading from '<string>' [line {number:2}]: option '{key}' in section \
                 '{section}' already exists"
            ));
        }
        self.open = Some(Open { key, lines: vec![text.trim().to_owned()] });
        Ok(())
    }

    fn header(&mut self, name: &str, number: usize) -> Result<(), String> {
        self.close();
        if name != "DEFAULT" && !self.seen.insert((name.to_owned(), None)) {
            return Err(format!(
                "While reading from '<string>' [line {number:2}]: section '{name}' already exists"
            ));
        }
        if name != "DEFAULT" {
            self.ini.sections.entry(name.to_owned()).or_default();
        }
        self.section = Some(name.to_owned());
        Ok(())
    }

    fn close(&mut self) {
        let (Some(open), Some(section)) = (self.open.take(), &self.section) else { return };
        let value = open.lines.join("\n").trim_end().to_owned();
        if section == "DEFAULT" {
            self.ini.defaults.insert(open.key, value);
        } else {
            self.ini.sections.entry(section.clone()).or_default().insert(open.key, value);
        }
    }
}

fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let inner = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    let inner = if quote == '\'' { inner.replace('\'', "\\'") } else { inner };
    format!("{quote}{inner}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_configparser_reads_them() {
        let ini = parse(
            "# c\n[defaults]\nForks = 9 ; many\nroles_path: a:b\n\nlong = one\n  two;x\n ; no\n\n  \
             three\nempty =\n[DEFAULT]\nshared = 1\n[ssh_connection]\nssh_args = -o A=b ;-o C\n",
        )
        .expect("well formed");
        let get = |s: &str, k: &str| ini.get(s, k);
        assert_eq!(get("defaults", "forks"), Some("9"));
        assert_eq!(get("defaults", "roles_path"), Some("a:b"));
        assert_eq!(get("defaults", "long"), Some("one\ntwo;x\n\nthree"));
        assert_eq!(get("defaults", "empty"), Some(""));
        assert_eq!(get("ssh_connection", "ssh_args"), Some("-o A=b"));
        assert_eq!(get("ssh_connection", "shared"), Some("1"));
        assert_eq!(get("nope", "shared"), None);
    }

    #[test]
    fn errors_are_pythons() {
        let table = [
            ("a = 1\n", "File contains no section headers.\nfile: '<string>', line: 1\n'a = 1\\n'"),
            ("[a]\n[a]\n", "While reading from '<string>' [line  2]: section 'a' already exists"),
            (
                "[a]\nx=1\nx=2\n",
                "While reading from '<string>' [line  3]: option 'x' in section 'a' already exists",
            ),
            (
                "[a]\nx\ny\n",
                "Source contains parsing errors: '<string>'\n\t[line  2]: 'x\\n'\n\t[line  3]: 'y\\n'",
            ),
        ];
        for (text, error) in table {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
