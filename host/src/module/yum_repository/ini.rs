//! Files of sections and settings, as Python's `RawConfigParser` reads and writes them.

/// Sections in the file's order, settings in theirs.
#[derive(Debug, Clone, Default)]
pub struct Ini {
    defaults: Vec<(String, String)>,
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    /// The error is a line that is neither section nor setting, with its number.
    pub fn parse(text: &str) -> Result<Ini, (usize, String)> {
        let mut ini = Ini::default();
        let mut section: Option<String> = None;
        // The lines of the setting being read, and how far its first line is indented.
        let mut open: Option<(String, Vec<String>, usize)> = None;
        for (at, line) in text.lines().enumerate() {
            let bare = line.trim();
            if bare.starts_with(['#', ';']) {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            match &mut open {
                Some((_, lines, _)) if bare.is_empty() => lines.push(String::new()),
                Some((_, lines, first)) if indent > *first => lines.push(bare.to_owned()),
                _ if bare.is_empty() => {}
                _ => {
                    ini.close(section.as_deref(), open.take());
                    if let Some((name, _)) =
                        bare.strip_prefix('[').and_then(|rest| rest.rsplit_once(']'))
                    {
                        ini.open_section(name);
                        section = Some(name.to_owned());
                        continue;
                    }
                    let (key, value) = bare
                        .split_once(['=', ':'])
                        .filter(|(key, _)| section.is_some() && !key.trim().is_empty())
                        .ok_or_else(|| (at + 1, bare.to_owned()))?;
                    let value = value.trim().to_owned();
                    open = Some((key.trim().to_lowercase(), vec![value], indent));
                }
            }
        }
        ini.close(section.as_deref(), open.take());
        Ok(ini)
    }

    fn open_section(&mut self, name: &str) {
        if name != "DEFAULT" && !self.sections.iter().any(|(known, _)| known == name) {
            self.sections.push((name.to_owned(), Vec::new()));
        }
    }

    fn close(&mut self, section: Option<&str>, setting: Option<(String, Vec<String>, usize)>) {
        let (Some(section), Some((key, lines, _))) = (section, setting) else { return };
        let value = lines.join("\n").trim_end().to_owned();
        let settings = match self.sections.iter_mut().find(|(name, _)| name == section) {
            Some((_, settings)) => settings,
            None => &mut self.defaults,
        };
        match settings.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => settings.push((key, value)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    pub fn remove(&mut self, section: &str) {
        self.sections.retain(|(name, _)| name != section);
    }

    pub fn add(&mut self, section: &str, settings: Vec<(String, String)>) {
        self.sections.push((section.to_owned(), settings));
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let defaults = ("DEFAULT".to_owned(), self.defaults.clone());
        let head = (!self.defaults.is_empty()).then_some(&defaults);
        for (name, settings) in head.into_iter().chain(&self.sections) {
            out.push_str(&format!("[{name}]\n"));
            for (key, value) in settings {
                out.push_str(&format!("{key} = {}\n", value.replace('\n', "\n\t")));
            }
            out.push('\n');
        }
        out
    }

    /// All of it sorted, for comparison and differences.
    pub fn sorted(&self) -> String {
        let mut sections: Vec<&(String, Vec<(String, String)>)> = self.sections.iter().collect();
        sections.sort_by(|a, b| a.0.cmp(&b.0));
        let mut out = String::new();
        for (name, settings) in sections {
            let inherited =
                self.defaults.iter().filter(|(key, _)| !settings.iter().any(|(own, _)| own == key));
            let mut settings: Vec<&(String, String)> = settings.iter().chain(inherited).collect();
            settings.sort();
            out.push_str(&format!("[{name}]\n"));
            for (key, value) in settings {
                out.push_str(&format!("{key} = {value}\n"));
            }
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn reads_as_python() {
        let text = "# c\n[a]\nName: x\nurl=1\n  2\n\n  3\n# c\n\nb =\n[DEFAULT]\nz=1\n";
        let ini = Ini::parse(text).unwrap();
        assert_eq!(
            ini.text(),
            "[DEFAULT]\nz = 1\n\n[a]\nname = x\nurl = 1\n\t2\n\t\n\t3\nb = \n\n"
        );
        assert_eq!(Ini::parse("x=1\n").unwrap_err(), (1, "x=1".into()));
    }
}
