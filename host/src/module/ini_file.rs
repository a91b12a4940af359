//! `ini_file`: options and sections of INI files.

use crate::context::edit::lines;
use crate::context::text::Encoding;
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, FileAttributes, Kind, Lit, Module, Opt, Outcome,
    Returned, Rule, Write,
};
use crate::regex::{Flags, Pattern, escape};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.ini_file"],
    description: "Sets, adds and removes options and sections of INI files, without touching the rest of the file.",
    options: &[
        Opt::path("path").required().aliases(&["dest"]).doc("The file; it is made if it is not there."),
        Opt::str("section").doc(
            "The section; made if it is not there. Without one, options before the first section are meant.",
        ),
        Opt::str("option").doc("The option. With `state=absent` and no option the whole section goes."),
        Opt::str("value").doc("Its value. Not needed with `state=absent`."),
        Opt::list("values", Kind::Str)
            .since("3.6.0")
            .doc("Several values, each on a line of its own with the option's name."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the option shall be there."),
        Opt::bool("exclusive").or(true).since("3.6.0").doc(
            "Whether all lines with the option are meant; else only those with the values.",
        ),
        Opt::bool("no_extra_spaces").or(false).doc("Write no blanks around the equals sign."),
        Opt::bool("allow_no_value").or(false).doc("Allow options without a value."),
        Opt::bool("create").or(true).doc("Make the file if it is not there; else fail."),
    ],
    shared: &[crate::module::FILE_OPTIONS],
    rules: &[Rule::MutuallyExclusive(&["value", "values"])],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("msg", "str", "always", "What was done."),
        Returned::new("path", "str", "always", "The file."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
    ],
    examples: "- name: Where the database is\n  community.general.ini_file:\n    path: /etc/app.ini\n    section: database\n    option: host\n    value: db.example.com\n    mode: '0600'\n",
    ..Module::builtin("ini_file", "Manages options of INI files", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut edit = Edit::of(args)?;
    let path = args.path("path");
    let there = cx.target.exists(&path);
    let mut ini = match there {
        true => read(cx, &path)?,
        false => {
            missing(cx, args, &path)?;
            Vec::new()
        }
    };
    let before = ini.concat();
    edit.apply(&mut ini)?;
    let after = ini.concat();
    let header = format!("{} (content)", path.display());
    let diff = match cx.diff {
        true => Diff::of(before, after.as_str()),
        false => Diff::of("", ""),
    };
    let mut outcome = Outcome::default()
        .msg(edit.msg)
        .with("path", args.req("path"))
        .diff(diff.headers(header.clone(), header));
    let mut changed = edit.changed;
    if changed && !cx.check {
        if args.bool("backup") {
            let backup = if there { cx.backup(&path)? } else { String::new() };
            outcome = outcome.with("backup_file", backup);
        }
        cx.write(Write::bytes(&path, after.as_bytes()))?;
    }
    if !cx.check && cx.target.exists(&path) {
        let wanted = FileAttributes::of(cx, args, &path);
        changed |= cx.set_attributes(&path, &wanted, None)?;
    }
    outcome.changed = Some(changed);
    Ok(outcome)
}

/// The lines of a file, read as text: every end of a line is `\n` then.
fn read(cx: &mut Context<'_>, path: &std::path::Path) -> Result<Vec<String>, Failure> {
    let bytes = cx.read_or_raise(path)?;
    if let Err(error) = std::str::from_utf8(&bytes) {
        let at = error.valid_up_to();
        let text = format!(
            "'utf-8' codec can't decode byte 0x{:02x} in position {at}: invalid start byte",
            bytes[at]
        );
        return Err(Failure::crash("UnicodeDecodeError", text));
    }
    let text = Encoding::Utf8Signed.decode(&bytes)?.replace("\r\n", "\n").replace('\r', "\n");
    Ok(lines(text.as_bytes())
        .into_iter()
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect())
}

fn missing(cx: &mut Context<'_>, args: &Args, path: &std::path::Path) -> Result<(), Failure> {
    if !args.bool("create") {
        let msg = format!("Destination {} does not exist!", path.display());
        return Err(Failure::new(msg).with("rc", 257));
    }
    let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) else {
        return Ok(());
    };
    if cx.check || cx.target.exists(above) {
        return Ok(());
    }
    cx.make_dirs(above).map_err(|error| {
        use crate::python::{Subject, os_class, os_error};
        Failure::crash(os_class(&error), os_error(&error, Subject::Text(above)))
    })
}

/// Stands for a section in which options before the first one are.
const NO_SECTION: &str = "\0no section";

/// What shall become of a file, and what became of it.
struct Edit<'a> {
    section: &'a str,
    option: Option<&'a str>,
    values: Vec<String>,
    present: bool,
    exclusive: bool,
    allow_no_value: bool,
    equals: &'static str,
    changed: bool,
    msg: &'static str,
}

impl<'a> Edit<'a> {
    fn of(args: &'a Args) -> Result<Edit<'a>, Failure> {
        let present = args.req("state") == "present";
        let given = match args.str("value") {
            Some(value) => vec![value.to_owned()],
            None => args.strings("values"),
        };
        let allow_no_value = args.bool("allow_no_value");
        if present && !allow_no_value && given.is_empty() {
            return Err(Failure::new(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        let mut values: Vec<String> = Vec::new();
        for value in given {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Edit {
            section: args.str("section").filter(|name| !name.is_empty()).unwrap_or(NO_SECTION),
            option: args.str("option"),
            values,
            present,
            exclusive: args.bool("exclusive"),
            allow_no_value,
            equals: if args.bool("no_extra_spaces") { "=" } else { " = " },
            changed: false,
            msg: "OK",
        })
    }

    fn line(&self, option: &str, value: &str) -> String {
        format!("{option}{}{value}\n", self.equals)
    }

    fn apply(&mut self, ini: &mut Vec<String>) -> Result<(), Failure> {
        if ini.is_empty() {
            ini.push("\n".to_owned());
        }
        if let Some(last) = ini.last_mut().filter(|last| !last.ends_with('\n')) {
            last.push('\n');
            self.changed = true;
        }
        ini.insert(0, format!("[{NO_SECTION}]"));
        ini.push("[".to_owned());
        let head = format!("[{}]", self.section);
        let (mut start, mut end, mut found) = (0, 0, false);
        for (at, line) in ini.iter().enumerate() {
            if line.starts_with(&head) {
                found = true;
                start = at;
            } else if line.starts_with('[') && found {
                end = at;
                break;
            }
        }
        let mut section: Vec<String> = ini.drain(start..end).collect();
        match self.present {
            true => self.set(&mut section)?,
            false => self.remove(&mut section)?,
        }
        ini.splice(start..start, section);
        // The marks at both ends; where they went with their section, ansible takes real lines in their place.
        ini.remove(0);
        ini.pop();
        if !found && self.present {
            self.append(ini);
        }
        Ok(())
    }

    /// A section that is not there.
    fn append(&mut self, ini: &mut Vec<String>) {
        ini.push(format!("[{}]\n", self.section));
        self.msg = "section and option added";
        match self.option.filter(|option| !option.is_empty()) {
            Some(option) if !self.values.is_empty() => {
                ini.extend(self.values.iter().map(|value| self.line(option, value)));
            }
            Some(option) if self.allow_no_value => ini.push(format!("{option}\n")),
            _ => self.msg = "only section added",
        }
        self.changed = true;
    }

    fn put(&mut self, line: &mut String, new: String) {
        if *line != new {
            self.changed = true;
            self.msg = "option changed";
            *line = new;
        }
    }

    fn set(&mut self, section: &mut Vec<String>) -> Result<(), Failure> {
        let pattern = match self.option {
            Some(option) => Some(any_line(option)?),
            None if !section.is_empty() && self.exclusive && !self.allow_no_value => {
                return Err(Failure::crash(
                    "TypeError",
                    "decoding to str: need a bytes-like object, NoneType found",
                ));
            }
            None => None,
        };
        let mut done = vec![false; section.len()];
        let mut bare_there = false;
        let named = self.option.filter(|option| !option.is_empty());
        if let (Some(option), Some(pattern)) = (named, &pattern) {
            for (at, line) in section.iter_mut().enumerate() {
                let Some(value) = value_of(pattern, line)? else { continue };
                if let Some(known) = self.values.iter().position(|wanted| *wanted == value) {
                    let bare = value.is_empty() && self.allow_no_value;
                    bare_there |= bare;
                    let new = if bare { format!("{option}\n") } else { self.line(option, &value) };
                    self.put(line, new);
                    done[at] = true;
                    self.values.remove(known);
                } else if self.values.is_empty() && self.allow_no_value {
                    self.put(line, format!("{option}\n"));
                    done[at] = true;
                    bare_there = true;
                    break;
                }
            }
        }
        if let Some(pattern) = pattern.filter(|_| self.exclusive && !self.allow_no_value) {
            self.reuse(section, &mut done, &pattern)?;
        }
        self.add(section, named, bare_there);
        Ok(())
    }

    /// Lines with other values get those that are left, and the rest of them goes.
    fn reuse(
        &mut self,
        section: &mut Vec<String>,
        done: &mut Vec<bool>,
        pattern: &Pattern,
    ) -> Result<(), Failure> {
        let option = self.option.unwrap_or_default();
        for at in 0..section.len() {
            if self.values.is_empty() {
                break;
            }
            if !done[at] && value_of(pattern, &section[at])?.is_some() {
                let value = self.values.remove(0);
                let new = self.line(option, &value);
                self.put(&mut section[at], new);
                done[at] = true;
            }
        }
        for at in (1..section.len()).rev() {
            if !done[at] && value_of(pattern, &section[at])?.is_some() {
                section.remove(at);
                done.remove(at);
                self.changed = true;
                self.msg = "option changed";
            }
        }
        Ok(())
    }

    /// What is missing, behind the last line that is neither blank nor a comment.
    fn add(&mut self, section: &mut Vec<String>, option: Option<&str>, bare_there: bool) {
        let blank = |line: &String| {
            let text = line.trim_end_matches('\n').trim_start_matches([' ', '\t']);
            text.is_empty() || text.starts_with(['#', ';'])
        };
        let Some(last) = section.iter().rposition(|line| !blank(line)) else { return };
        let Some(option) = option else { return };
        let new: Vec<String> = match self.values.is_empty() {
            false => self.values.iter().map(|value| self.line(option, value)).collect(),
            true if self.allow_no_value && !bare_there => vec![format!("{option}\n")],
            true => return,
        };
        section.splice(last + 1..last + 1, new);
        self.msg = "option added";
        self.changed = true;
    }

    fn remove(&mut self, section: &mut Vec<String>) -> Result<(), Failure> {
        let Some(option) = self.option.filter(|option| !option.is_empty()) else {
            if !section.is_empty() {
                section.clear();
                self.changed = true;
                self.msg = "section removed";
            }
            return Ok(());
        };
        let pattern = Pattern::new(&expression("", option), Flags::default())?;
        let mut kept = Vec::new();
        for line in section.drain(..) {
            let gone = match value_of(&pattern, &line)? {
                Some(value) => self.exclusive || self.values.contains(&value),
                None => false,
            };
            if gone {
                self.changed = true;
                self.msg = "option changed";
            } else {
                kept.push(line);
            }
        }
        *section = kept;
        Ok(())
    }
}

fn expression(before: &str, option: &str) -> String {
    format!("{before}( |\\t)*({})( |\\t)*(=|$)( |\\t)*(.*)", escape(option))
}

/// A line with the option, commented out or not.
fn any_line(option: &str) -> Result<std::sync::Arc<Pattern>, Failure> {
    Ok(Pattern::new(&expression("[#;]?", option), Flags::default())?)
}

/// The value of a line, if it has the option.
fn value_of(pattern: &Pattern, line: &str) -> Result<Option<String>, Failure> {
    let found = pattern.match_start(line)?;
    Ok(found.map(|found| found.group(line, 6).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn edited(content: &str, mut args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/f", content);
        args["path"] = json!("/f");
        let result = Call::new("ini_file", args).run_on(&mut fake);
        (result["msg"].clone(), fake.text("/f"))
    }

    #[test]
    fn options_and_sections() {
        let file = "top = 1\n[a]\nx = 1\n#y = 2\n\n[b]\nx=5\n";
        for (args, msg, after) in [
            (
                json!({"section": "a", "option": "x", "value": "2"}),
                "option changed",
                "top = 1\n[a]\nx = 2\n#y = 2\n\n[b]\nx=5\n",
            ),
            (json!({"section": "a", "option": "x", "value": "1"}), "OK", file),
            (
                json!({"section": "a", "option": "y", "value": "2"}),
                "option changed",
                "top = 1\n[a]\nx = 1\ny = 2\n\n[b]\nx=5\n",
            ),
            (
                json!({"section": "a", "option": "z", "value": "3", "no_extra_spaces": true}),
                "option added",
                "top = 1\n[a]\nx = 1\nz=3\n#y = 2\n\n[b]\nx=5\n",
            ),
            (
                json!({"section": "c", "option": "z", "value": "3"}),
                "section and option added",
                "top = 1\n[a]\nx = 1\n#y = 2\n\n[b]\nx=5\n[c]\nz = 3\n",
            ),
            (json!({"section": "a", "state": "absent"}), "section removed", "top = 1\n[b]\nx=5\n"),
            (
                json!({"section": "b", "option": "x", "state": "absent"}),
                "option changed",
                "top = 1\n[a]\nx = 1\n#y = 2\n\n[b]\n",
            ),
            (
                json!({"option": "top", "value": "2"}),
                "option changed",
                "top = 2\n[a]\nx = 1\n#y = 2\n\n[b]\nx=5\n",
            ),
            (
                json!({"section": "b", "option": "x", "values": ["5", "6"]}),
                "option added",
                "top = 1\n[a]\nx = 1\n#y = 2\n\n[b]\nx = 5\nx = 6\n",
            ),
            (
                json!({"section": "b", "option": "flag", "allow_no_value": true}),
                "option added",
                "top = 1\n[a]\nx = 1\n#y = 2\n\n[b]\nx=5\nflag\n",
            ),
        ] {
            assert_eq!(edited(file, args.clone()), (json!(msg), after.to_owned()), "{args}");
        }
    }
}
