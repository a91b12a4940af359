//! `lineinfile`: one line of a file, there or not there.

use std::path::Path;

use crate::context::edit::{bare, lines};
use crate::context::text::decode_utf8;
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python::{self, Subject};
use crate::regex::{BytesMatch, BytesPattern, Flags};

pub static MODULE: Module = Module {
    description: "Sees to it that a file has a certain line, or that a line is replaced by way of a regular expression, \
        or that lines are gone.\n\
        For more than one line at a time there is `blockinfile`, for many places `replace`, for whole files `template`.",
    options: &[
        Opt::path("path")
            .required()
            .aliases(&["dest", "destfile", "name"])
            .doc("The file to edit."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the line shall be there."),
        Opt::str("regexp").aliases(&["regex"]).doc(
            "A Python regular expression that is searched in each line.\n\
             With `state=present` the last line that it is found in is replaced; with `state=absent` all of them go.\n\
             Where it is found nowhere, the line is added as `insertafter` and `insertbefore` say. \
             It had better be found in the line itself too, so that nothing changes the second time.",
        ),
        Opt::str("search_string").since("2.11").doc(
            "Text that is searched in each line as it is; else like `regexp`.",
        ),
        Opt::str("line").aliases(&["value"]).doc(
            "The line. Needed with `state=present`. With `backrefs` it may have `\\1` and the like for what groups of `regexp` matched.",
        ),
        Opt::bool("backrefs").or(false).doc(
            "Put what groups of `regexp` matched into the line. If `regexp` is not found, the file stays as it is.",
        ),
        Opt::str("insertafter").doc(
            "Where a line is added that is not there yet: after the last line that this regular expression is found in, \
             at the start (`BOF`), or at the end (`EOF`), which is the default and what happens if it is not found.",
        ),
        Opt::str("insertbefore").doc(
            "Where a line is added that is not there yet: before the last line that this regular expression is found in, \
             or at the start (`BOF`). If it is not found, the line goes to the end.",
        ),
        Opt::bool("create").or(false).doc("Make the file, and directories above it, if it is not there."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("firstmatch")
            .or(false)
            .since("2.5")
            .doc("Take the first line that an expression is found in, not the last."),
        Opt::str("validate").doc(
            "A command with `%s` that checks the new file before it takes the old one's place.",
        ),
    ],
    shared: &[crate::module::FILE_OPTIONS],
    rules: &[
        Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
        Rule::MutuallyExclusive(&["regexp", "search_string"]),
        Rule::MutuallyExclusive(&["backrefs", "search_string"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("msg", "str", "always", "What was done."),
        Returned::new("backup", "str", "always", "The name of the backup, or an empty text."),
        Returned::new("found", "int", "with state=absent", "How many lines were removed."),
    ],
    examples: "- name: SELinux enforces\n  ansible.builtin.lineinfile:\n    path: /etc/selinux/config\n    regexp: '^SELINUX='\n    line: SELINUX=enforcing\n\n- name: No sudoers entry for wheel\n  ansible.builtin.lineinfile:\n    path: /etc/sudoers\n    state: absent\n    regexp: '^%wheel'\n    validate: /usr/sbin/visudo -cf %s\n",
    version_added: "0.7",
    ..Module::builtin("lineinfile", "Manages lines in text files", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    warn_of_empty(cx, args);
    let path = args.path("path");
    if cx.target.is_dir(&path) {
        let msg = format!("Path {} is a directory !", path.display());
        return Err(Failure::new(msg).with("rc", 256));
    }
    if args.req("state") == "absent" {
        if !["line", "search_string", "regexp"].iter().any(|name| args.is_given(name)) {
            return Err(Failure::new(
                "one of line, search_string, or regexp is required with state=absent",
            ));
        }
        return absent(cx, args, &path);
    }
    if args.bool("backrefs") && !args.is_given("regexp") {
        return Err(Failure::new("regexp is required with backrefs=true"));
    }
    if !args.is_given("line") {
        return Err(Failure::new("line is required with state=present"));
    }
    present(cx, args, &path)
}

fn warn_of_empty(cx: &mut Context<'_>, args: &Args) {
    let (what, hint) = match (args.str("regexp"), args.str("search_string")) {
        (Some(""), _) => (
            "regular expression",
            " If this is desired, use '^' to match every line in the file and avoid this warning.",
        ),
        (_, Some("")) => ("search string", ""),
        _ => return,
    };
    cx.warn(format!(
        "The {what} is an empty string, which will match every line in the file. This may have unintended \
         consequences, such as replacing the last line in the file rather than appending.{hint}"
    ));
}

fn present(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    let there = cx.target.exists(path);
    let before = match there {
        true => cx.read_or_raise(path)?,
        false => {
            missing(cx, args, path)?;
            Vec::new()
        }
    };
    let edit = Edit::of(args)?;
    let mut lines = lines(&before);
    let msg = edit.apply(&mut lines)?;
    let after = lines.concat();
    let mut backup = String::new();
    if msg.is_some() && !cx.check {
        if args.bool("backup") && there {
            backup = cx.backup(path)?;
        }
        cx.rewrite(path, &after, args)?;
    }
    let verdict = (msg.unwrap_or_default().to_owned(), msg.is_some());
    let content = content_diff(cx, path, &before, &after);
    if cx.check && !there {
        let outcome = Outcome::new(verdict.1).msg(verdict.0).with("backup", backup);
        return Ok(outcome.diff(content));
    }
    finished(cx, args, path, verdict, content, backup, None)
}

/// A file that is not there: refused, or the way to it made.
fn missing(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<(), Failure> {
    if !args.bool("create") {
        let msg = format!("Destination {} does not exist !", path.display());
        return Err(Failure::new(msg).with("rc", 257));
    }
    let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) else {
        return Ok(());
    };
    if cx.check || cx.target.exists(above) {
        return Ok(());
    }
    cx.make_dirs(above).map_err(|error| {
        let text = python::os_error(&error, Subject::Bytes(above));
        Failure::new(format!("Error creating {} ({text})", above.display()))
    })
}

fn absent(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    if !cx.target.exists(path) {
        return Ok(Outcome::new(false).msg("file not present"));
    }
    let before = cx.read_or_raise(path)?;
    let regexp = pattern(args.str("regexp"))?;
    let wanted = args.req("line").as_bytes();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut found = 0;
    for line in lines(&before) {
        let matches = match (&regexp, args.str("search_string")) {
            (Some(regexp), _) => regexp.search(&line)?.is_some(),
            (None, Some(text)) => contains(&line, text.as_bytes()),
            (None, None) => bare(&line) == wanted,
        };
        match matches {
            true => found += 1,
            false => kept.push(line),
        }
    }
    let after = kept.concat();
    let mut backup = String::new();
    if found > 0 && !cx.check {
        if args.bool("backup") {
            backup = cx.backup(path)?;
        }
        cx.rewrite(path, &after, args)?;
    }
    let msg = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
    let content = content_diff(cx, path, &before, &after);
    finished(cx, args, path, (msg, found > 0), content, backup, Some(found))
}

fn content_diff(cx: &Context<'_>, path: &Path, before: &[u8], after: &[u8]) -> Diff {
    let text = |content: &[u8]| match cx.diff {
        true => decode_utf8(content),
        false => String::new(),
    };
    let header = format!("{} (content)", path.display());
    Diff::of(text(before), text(after)).headers(header.clone(), header)
}

/// Attributes, and the result.
fn finished(
    cx: &mut Context<'_>,
    args: &Args,
    path: &Path,
    verdict: (String, bool),
    content: Diff,
    backup: String,
    found: Option<usize>,
) -> Result<Outcome, Failure> {
    let mut attributes = Diff::default();
    let (msg, changed) = cx.rewrite_attributes(path, args, verdict, Some(&mut attributes))?;
    let header = format!("{} (file attributes)", path.display());
    let attributes = attributes.headers(header.clone(), header);
    let mut outcome = Outcome::new(changed);
    if let Some(found) = found {
        outcome = outcome.with("found", found);
    }
    Ok(outcome.msg(msg).with("backup", backup).diff(vec![content, attributes]))
}

fn pattern(text: Option<&str>) -> Result<Option<BytesPattern>, Failure> {
    Ok(text.map(|text| BytesPattern::new(text, Flags::default())).transpose()?)
}

fn contains(line: &[u8], text: &[u8]) -> bool {
    text.is_empty() || line.windows(text.len()).any(|window| window == text)
}

/// Where a line goes that is not there yet.
enum Insert {
    Start,
    End,
    After(BytesPattern),
    Before(BytesPattern),
    /// An empty expression is compiled and then never asked: the line goes to the end.
    Unasked,
}

/// What shall become of a file.
struct Edit<'a> {
    line: &'a str,
    regexp: Option<BytesPattern>,
    search_string: Option<&'a str>,
    insert: Insert,
    backrefs: bool,
    first: bool,
}

/// What a file has of what is looked for.
enum Found<'p> {
    /// This line is matched; by an expression whose groups are known, if one is asked for.
    Match(usize, Option<BytesMatch<'p>>),
    /// This line is the wanted one.
    Same(usize),
    /// Nothing, but here is where it goes.
    Place(usize),
    Nothing,
}

impl<'a> Edit<'a> {
    fn of(args: &'a Args) -> Result<Edit<'a>, Failure> {
        let regexp = pattern(args.str("regexp"))?;
        let insert = match (args.str("insertafter"), args.str("insertbefore")) {
            (Some("BOF"), _) | (None, Some("BOF")) => Insert::Start,
            (None | Some("EOF"), None) => Insert::End,
            (Some("") | None, Some("") | None) => Insert::Unasked,
            (Some("EOF"), Some(_)) => Insert::End,
            (Some(text), _) => Insert::After(BytesPattern::new(text, Flags::default())?),
            (None, Some(text)) => Insert::Before(BytesPattern::new(text, Flags::default())?),
        };
        Ok(Edit {
            line: args.req("line"),
            regexp,
            search_string: args.str("search_string"),
            insert,
            backrefs: args.bool("backrefs"),
            first: args.bool("firstmatch"),
        })
    }

    fn find(&self, lines: &[Vec<u8>]) -> Result<Found<'_>, Failure> {
        let mut found = Found::Nothing;
        for (at, line) in lines.iter().enumerate() {
            let matched = match (&self.regexp, self.search_string) {
                (Some(regexp), _) => regexp.search(line)?.map(Some),
                (None, Some(text)) => contains(line, text.as_bytes()).then_some(None),
                (None, None) => None,
            };
            if let Some(matched) = matched {
                found = Found::Match(at, matched);
                if self.first {
                    break;
                }
            }
        }
        if matches!(found, Found::Match(..)) {
            return Ok(found);
        }
        for (at, line) in lines.iter().enumerate() {
            if bare(line) == self.line.as_bytes() {
                found = Found::Same(at);
                continue;
            }
            let place = match &self.insert {
                Insert::After(pattern) => pattern.search(line)?.map(|_| at + 1),
                Insert::Before(pattern) => pattern.search(line)?.map(|_| at),
                Insert::Start | Insert::End | Insert::Unasked => None,
            };
            let Some(place) = place else { continue };
            if !matches!(found, Found::Same(_)) {
                found = Found::Place(place);
            }
            if self.first {
                break;
            }
        }
        Ok(found)
    }

    /// Edits the lines; says what was done, if something was.
    fn apply(&self, lines: &mut Vec<Vec<u8>>) -> Result<Option<&'static str>, Failure> {
        let ended = [self.line.as_bytes(), b"\n"].concat();
        let added = Ok(Some("line added"));
        match self.find(lines)? {
            Found::Match(at, matched) => {
                let mut new = match matched.filter(|_| self.backrefs) {
                    Some(matched) => matched.expand(self.line)?,
                    None => self.line.as_bytes().to_vec(),
                };
                if !new.ends_with(b"\n") {
                    new.push(b'\n');
                }
                Ok(replaced(&mut lines[at], new))
            }
            Found::Same(at) => {
                let new = match self.line.ends_with('\n') {
                    true => self.line.as_bytes().to_vec(),
                    false => ended,
                };
                Ok(replaced(&mut lines[at], new))
            }
            // Without a match there is nothing to put into the line.
            _ if self.backrefs => Ok(None),
            _ if matches!(self.insert, Insert::Start) => {
                lines.insert(0, ended);
                added
            }
            Found::Place(at) => {
                if matches!(self.insert, Insert::After(_)) {
                    let neighbour = if at == lines.len() { at - 1 } else { at };
                    if bare(&lines[neighbour]) == self.line.as_bytes() {
                        return Ok(None);
                    }
                }
                lines.insert(at, ended);
                added
            }
            Found::Nothing => {
                if lines.last().is_some_and(|last| !last.ends_with(b"\n") && !last.ends_with(b"\r"))
                {
                    lines.push(b"\n".to_vec());
                }
                lines.push(ended);
                added
            }
        }
    }
}

fn replaced(line: &mut Vec<u8>, new: Vec<u8>) -> Option<&'static str> {
    if *line == new {
        return None;
    }
    *line = new;
    Some("line replaced")
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn edited(content: &str, mut args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/f", content);
        args["path"] = json!("/f");
        let result = Call::new("lineinfile", args).run_on(&mut fake);
        (result["msg"].clone(), fake.text("/f"))
    }

    #[test]
    fn lines_are_replaced_or_added() {
        let file = "a=1\nb=2\na=3\n";
        for (args, msg, after) in [
            (json!({"regexp": "^a=", "line": "a=9"}), "line replaced", "a=1\nb=2\na=9\n"),
            (
                json!({"regexp": "^a=", "line": "a=9", "firstmatch": true}),
                "line replaced",
                "a=9\nb=2\na=3\n",
            ),
            (json!({"search_string": "b=", "line": "x"}), "line replaced", "a=1\nx\na=3\n"),
            (json!({"line": "b=2"}), "", "a=1\nb=2\na=3\n"),
            (json!({"line": "x"}), "line added", "a=1\nb=2\na=3\nx\n"),
            (json!({"line": "x", "insertafter": "^b"}), "line added", "a=1\nb=2\nx\na=3\n"),
            (json!({"line": "x", "insertbefore": "^b"}), "line added", "a=1\nx\nb=2\na=3\n"),
            (json!({"line": "x", "insertbefore": "BOF"}), "line added", "x\na=1\nb=2\na=3\n"),
            (json!({"line": "x", "insertafter": "zz"}), "line added", "a=1\nb=2\na=3\nx\n"),
            (
                json!({"regexp": "^(.)=(2)", "line": r"\2=\g<1>", "backrefs": true}),
                "line replaced",
                "a=1\n2=b\na=3\n",
            ),
            (json!({"regexp": "zz", "line": "x", "backrefs": true}), "", "a=1\nb=2\na=3\n"),
        ] {
            assert_eq!(edited(file, args.clone()), (json!(msg), after.to_owned()), "{args}");
        }
    }

    #[test]
    fn ends_of_lines() {
        assert_eq!(edited("a", json!({"line": "b"})).1, "a\nb\n");
        assert_eq!(edited("", json!({"line": "b"})).1, "b\n");
        assert_eq!(edited("a\r\n", json!({"line": "a"})).1, "a\n");
    }

    #[test]
    fn lines_are_removed() {
        let mut fake = Fake::new().file("/f", "a\nb\na\n");
        let call = Call::new("lineinfile", json!({"path": "/f", "line": "a", "state": "absent"}));
        let result = call.run_on(&mut fake);
        assert_eq!((&result["msg"], &result["found"]), (&json!("2 line(s) removed"), &json!(2)));
        assert_eq!(fake.text("/f"), "b\n");
    }

    #[test]
    fn bad_expressions_end_the_module() {
        let mut fake = Fake::new().file("/f", "a\n");
        let call = Call::new("lineinfile", json!({"path": "/f", "line": "a", "regexp": "("}));
        let result = call.run_on(&mut fake);
        assert_eq!(
            result["module_stderr"],
            "Traceback (most recent call last):\nre.error: missing ), unterminated subpattern at position 0\n"
        );
    }
}
