//! The text of the table of file systems.

/// An entry; the last two fields may be missing in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub src: String,
    pub name: String,
    pub fstype: String,
    pub opts: String,
    pub dump: Option<String>,
    pub passno: Option<String>,
}

/// A table after an entry was set.
pub struct Set {
    pub text: String,
    /// As it was, its last line ended.
    pub old: String,
    pub changed: bool,
}

impl Entry {
    /// A line's entry, if it has between `least` and six fields.
    fn of(line: &str, least: usize) -> Option<Entry> {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            return None;
        }
        let fields: Vec<&str> = bare.split_whitespace().collect();
        if !(least..=6).contains(&fields.len()) {
            return None;
        }
        let at = |index: usize| fields.get(index).map(|field| (*field).to_owned());
        Some(Entry {
            src: at(0)?,
            name: at(1)?,
            fstype: at(2)?,
            opts: at(3)?,
            dump: at(4),
            passno: at(5),
        })
    }

    fn escaped(&self) -> Entry {
        let text = |field: &String| escaped(field);
        Entry {
            src: text(&self.src),
            name: text(&self.name),
            fstype: text(&self.fstype),
            opts: text(&self.opts),
            dump: self.dump.as_ref().map(text),
            passno: self.passno.as_ref().map(text),
        }
    }

    fn line(&self) -> String {
        let number = |field: &Option<String>| field.clone().unwrap_or_else(|| "0".into());
        format!(
            "{} {} {} {} {} {}\n",
            self.src,
            self.name,
            self.fstype,
            self.opts,
            number(&self.dump),
            number(&self.passno)
        )
    }

    /// Whether it is the one meant: by its place, swap by its source.
    fn is(&self, name: &str, source: Option<&str>) -> bool {
        let other_swap = source.is_some_and(|source| {
            self.name == "none" && self.fstype == "swap" && self.src != source
        });
        self.name == name && !other_swap
    }
}

fn escaped(field: &str) -> String {
    field.replace('\\', "\\134").replace(' ', "\\040").replace('&', "\\046")
}

/// The table with the entry: changed where it stands, else at the end.
pub fn set(text: &str, wanted: &Entry) -> Set {
    let new = wanted.escaped();
    let (mut out, mut old) = (String::new(), String::new());
    let (mut found, mut changed) = (false, false);
    for line in text.split_inclusive('\n') {
        let line = format!("{}\n", line.strip_suffix('\n').unwrap_or(line));
        old.push_str(&line);
        match Entry::of(&line, 4) {
            Some(entry) if entry.is(&new.name, Some(&wanted.src)) => {
                found = true;
                changed |= entry != new;
                out.push_str(&if changed { new.line() } else { line });
            }
            _ => out.push_str(&line),
        }
    }
    if !found {
        changed = true;
        out.push_str(&new.line());
    }
    Set { text: out, old, changed }
}

/// The table without the entry; `None` if it had none.
pub fn unset(text: &str, name: &str, source: Option<&str>) -> Option<String> {
    let name = escaped(name);
    let kept: Vec<&str> = text
        .split_inclusive('\n')
        // ansible.posix sees only lines with all six fields here.
        .filter(|line| !Entry::of(line, 6).is_some_and(|entry| entry.is(&name, source)))
        .collect();
    let kept = kept.concat();
    (kept.len() != text.len()).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(src: &str, name: &str, fstype: &str) -> Entry {
        Entry {
            src: src.into(),
            name: name.into(),
            fstype: fstype.into(),
            opts: "defaults".into(),
            dump: Some("0".into()),
            passno: Some("0".into()),
        }
    }

    #[test]
    fn sets() {
        let wanted = entry("/dev/b", "/b b", "xfs");
        let cases = [
            ("", "/dev/b /b\\040b xfs defaults 0 0\n", true),
            ("#x", "#x\n/dev/b /b\\040b xfs defaults 0 0\n", true),
            ("/dev/b  /b\\040b\txfs defaults 0 0", "/dev/b  /b\\040b\txfs defaults 0 0\n", false),
            ("/dev/b /b\\040b xfs defaults\n", "/dev/b /b\\040b xfs defaults 0 0\n", true),
            ("/dev/c /b\\040b xfs ro 0 2\nx\n", "/dev/b /b\\040b xfs defaults 0 0\nx\n", true),
        ];
        for (text, expected, changed) in cases {
            let set = set(text, &wanted);
            assert_eq!((set.text.as_str(), set.changed), (expected, changed), "{text}");
        }
    }

    #[test]
    fn swap_goes_by_its_source() {
        let text = "/dev/a none swap sw 0 0\n/dev/b none swap sw 0 0\n";
        let set = set(text, &entry("/dev/b", "none", "swap"));
        assert_eq!(set.text, "/dev/a none swap sw 0 0\n/dev/b none swap defaults 0 0\n");
        assert_eq!(
            unset(text, "none", Some("/dev/b")).as_deref(),
            Some("/dev/a none swap sw 0 0\n")
        );
        assert_eq!(unset(text, "none", None).as_deref(), Some(""));
        assert_eq!(unset(text, "/x", None), None);
        assert_eq!(unset("/dev/a /x ext4 ro\n", "/x", None), None);
    }
}
