//! Files of sections as Python's `configparser` reads them, `%(name)s` in values included.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::value::{PyError, PyErrorKind, PyResult, repr::str_repr};

type Section = IndexMap<String, Option<String>>;

/// Sections, their options, and `[DEFAULT]` behind all of them.
pub struct Document {
    allow_no_value: bool,
    case_sensitive: bool,
    sections: IndexMap<String, Section>,
    defaults: Section,
}

/// Why a file cannot be read.
pub enum Trouble {
    /// An option stands twice in a section.
    DuplicateOption(String),
    /// Anything else: the class of the error, and what it says.
    Other(&'static str, String),
}

/// An option whose lines are being read.
struct Open {
    key: String,
    lines: Option<Vec<String>>,
}

struct Reader<'d> {
    document: &'d mut Document,
    section: Option<String>,
    open: Option<Open>,
    indent: usize,
    sections: HashSet<String>,
    options: HashSet<(String, String)>,
    bad_lines: String,
}

/// What Python calls a file without a name.
const FILE: &str = "<???>";

impl Document {
    /// An empty document.
    pub fn new(allow_no_value: bool, case_sensitive: bool) -> Self {
        let (sections, defaults) = (IndexMap::new(), Section::new());
        Self { allow_no_value, case_sensitive, sections, defaults }
    }

    /// Adds a file's text; what it says wins over what was there.
    pub fn read(&mut self, text: &str) -> Result<(), Trouble> {
        let mut reader = Reader {
            document: self,
            section: None,
            open: None,
            indent: 0,
            sections: HashSet::new(),
            options: HashSet::new(),
            bad_lines: String::new(),
        };
        for (i, line) in text.split_inclusive('\n').enumerate() {
            reader.line(line, i + 1)?;
        }
        reader.close();
        if reader.bad_lines.is_empty() {
            return Ok(());
        }
        let why = format!("Source contains parsing errors: '{FILE}'{}", reader.bad_lines);
        Err(Trouble::Other("configparser.ParsingError", why))
    }

    /// Whether there is such a section.
    pub fn has_section(&self, section: &str) -> bool {
        section == "DEFAULT" || self.sections.contains_key(section)
    }

    /// The value of an option, if it is there (it may have none).
    pub fn get(&self, section: &str, key: &str) -> PyResult<Option<Option<String>>> {
        let key = self.name(key);
        match self.raw(section, &key) {
            None => Ok(None),
            Some(None) => Ok(Some(None)),
            Some(Some(value)) => self.interpolated(section, &key, value).map(|v| Some(Some(v))),
        }
    }

    /// Every option of a section with its value.
    pub fn items(&self, section: &str) -> PyResult<Vec<(String, String)>> {
        let own = self.sections.get(section).into_iter().flatten();
        let mut names: Vec<&String> = self.defaults.keys().collect();
        names.extend(own.map(|(name, _)| name).filter(|n| !self.defaults.contains_key(*n)));
        let mut items = Vec::new();
        for name in names {
            let value = match self.raw(section, name) {
                Some(Some(value)) => self.interpolated(section, name, value)?,
                _ => String::new(),
            };
            items.push((name.clone(), value));
        }
        Ok(items)
    }

    fn name(&self, name: &str) -> String {
        if self.case_sensitive { name.to_owned() } else { name.to_lowercase() }
    }

    fn raw(&self, section: &str, key: &str) -> Option<Option<&str>> {
        let own = self.sections.get(section).and_then(|s| s.get(key));
        own.or_else(|| self.defaults.get(key)).map(Option::as_deref)
    }

    fn interpolated(&self, section: &str, key: &str, value: &str) -> PyResult<String> {
        let mut out = String::new();
        self.interpolate(section, key, value, 1, &mut out)?;
        Ok(out)
    }

    fn interpolate(
        &self,
        section: &str,
        key: &str,
        value: &str,
        depth: usize,
        out: &mut String,
    ) -> PyResult<()> {
        const DEEPEST: usize = 10;
        let of = format!("option {} in section {}", str_repr(key), str_repr(section));
        let shown = str_repr(self.raw(section, key).flatten().unwrap_or(value));
        if depth > DEEPEST {
            let message = format!(
                "Recursion limit exceeded in value substitution: {of} contains an interpolation \
                 key which cannot be substituted in {DEEPEST} steps. Raw value: {shown}"
            );
            return Err(error("configparser.InterpolationDepthError", message));
        }
        let mut rest = value;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("%%") {
                out.push('%');
                rest = after;
                continue;
            }
            if !rest.starts_with("%(") {
                let found = str_repr(rest);
                let message = format!("'%' must be followed by '%' or '(', found: {found}");
                return Err(error("configparser.InterpolationSyntaxError", message));
            }
            let reference = rest[2..].split_once(')').filter(|(name, _)| !name.is_empty());
            let reference = reference.and_then(|(n, after)| Some((n, after.strip_prefix('s')?)));
            let Some((name, after)) = reference else {
                let found = str_repr(rest);
                let message = format!("bad interpolation variable reference {found}");
                return Err(error("configparser.InterpolationSyntaxError", message));
            };
            let name = self.name(name);
            let Some(inner) = self.raw(section, &name) else {
                let message = format!(
                    "Bad value substitution: {of} contains an interpolation key {} which is not a \
                     valid option name. Raw value: {shown}",
                    str_repr(&name)
                );
                return Err(error("configparser.InterpolationMissingOptionError", message));
            };
            let Some(inner) = inner else {
                return Err(PyError::type_error("argument of type 'NoneType' is not iterable"));
            };
            self.interpolate(section, key, inner, depth + 1, out)?;
            rest = after;
        }
        out.push_str(rest);
        Ok(())
    }
}

fn error(class: &'static str, message: String) -> PyError {
    PyError::new(PyErrorKind::Other(class), message)
}

impl Reader<'_> {
    fn line(&mut self, line: &str, number: usize) -> Result<(), Trouble> {
        let stripped = line.trim();
        let is_comment = stripped.starts_with(['#', ';']);
        if stripped.is_empty() || is_comment {
            if let Some(Open { lines: Some(lines), .. }) =
                self.open.as_mut().filter(|_| !is_comment)
            {
                lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let Some(open) = self.open.as_mut().filter(|_| indent > self.indent) {
            let Some(lines) = &mut open.lines else {
                let message = "'NoneType' object has no attribute 'append'".to_owned();
                return Err(Trouble::Other("AttributeError", message));
            };
            lines.push(stripped.to_owned());
            return Ok(());
        }
        self.indent = indent;
        let header = stripped.strip_prefix('[').and_then(|v| v.rsplit_once(']'));
        if let Some((name, _)) = header.filter(|(name, _)| !name.is_empty()) {
            return self.header(name, number);
        }
        let Some(section) = self.section.clone() else {
            let shown = str_repr(line);
            return Err(Trouble::Other(
                "configparser.MissingSectionHeaderError",
                format!(
                    "File contains no section headers.\nfile: '{FILE}', line: {number}\n{shown}"
                ),
            ));
        };
        self.option(&section, stripped, line, number)
    }

    fn option(
        &mut self,
        section: &str,
        stripped: &str,
        line: &str,
        number: usize,
    ) -> Result<(), Trouble> {
        let (key, value) = match stripped.split_once(['=', ':']) {
            Some((key, value)) => (key.trim_end(), Some(value.trim())),
            None if self.document.allow_no_value => (stripped, None),
            None => ("", None),
        };
        if key.is_empty() {
            self.bad_lines += &format!("\n\t[line {number:2}]: {}", str_repr(line));
            return Ok(());
        }
        self.close();
        let key = self.document.name(key);
        if !self.options.insert((section.to_owned(), key.clone())) {
            return Err(Trouble::DuplicateOption(format!(
                "While reading from '{FILE}' [line {number:2}]: option '{key}' in section \
                 '{section}' already exists"
            )));
        }
        self.open = Some(Open { key, lines: value.map(|v| vec![v.to_owned()]) });
        Ok(())
    }

    fn header(&mut self, name: &str, number: usize) -> Result<(), Trouble> {
        self.close();
        if name != "DEFAULT" && !self.sections.insert(name.to_owned()) {
            return Err(Trouble::Other(
                "configparser.DuplicateSectionError",
                format!(
                    "While reading from '{FILE}' [line {number:2}]: section '{name}' already exists"
                ),
            ));
        }
        if name != "DEFAULT" {
            self.document.sections.entry(name.to_owned()).or_default();
        }
        self.section = Some(name.to_owned());
        Ok(())
    }

    /// Puts the option that was being read into its section.
    fn close(&mut self) {
        let (Some(open), Some(name)) = (self.open.take(), &self.section) else { return };
        let value = open.lines.map(|lines| lines.join("\n").trim_end().to_owned());
        let section = match name.as_str() {
            "DEFAULT" => &mut self.document.defaults,
            name => self.document.sections.entry(name.to_owned()).or_default(),
        };
        section.insert(open.key, value);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        let mut document = Document::new(false, false);
        assert!(document.read(text).is_ok());
        document
    }

    #[test]
    fn values_are_joined_and_interpolated() {
        let d = document(
            "[DEFAULT]\nbase = /srv\n[a]\nKey = %(base)s/x\n# no\nmany = 1\n  2\n\n[b]\nc: 100%%\n",
        );
        assert_eq!(d.get("a", "KEY").unwrap(), Some(Some("/srv/x".to_owned())));
        assert_eq!(d.get("a", "many").unwrap(), Some(Some("1\n2".to_owned())));
        assert_eq!(d.get("b", "c").unwrap(), Some(Some("100%".to_owned())));
        assert_eq!(d.get("b", "nope").unwrap(), None);
        let names: Vec<String> = d.items("a").unwrap().into_iter().map(|(n, _)| n).collect();
        assert_eq!(names, ["base", "key", "many"]);
    }

    #[test]
    fn mistakes_are_told() {
        let mut d = Document::new(false, false);
        assert!(matches!(d.read("[a]\nb=1\nB=2\n"), Err(Trouble::DuplicateOption(_))));
        assert!(matches!(d.read("a=1\n"), Err(Trouble::Other(_, _))));
        assert!(document("[a]\nb=%(c)s\n").get("a", "b").is_err());
    }
}
