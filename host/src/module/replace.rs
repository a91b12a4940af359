//! `replace`: everything that a regular expression matches in a file.

use crate::context::text::Encoding;
use crate::module::{Args, CheckMode, Context, Diff, Failure, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};

pub static MODULE: Module = Module {
    description: "Replaces all that a Python regular expression matches in a file, in the whole of it or in a part.\n\
        See to it that what is put in is not matched again.",
    options: &[
        Opt::path("path")
            .required()
            .aliases(&["dest", "destfile", "name"])
            .doc("The file to edit."),
        Opt::str("regexp").required().doc(
            "A Python regular expression. `^` and `$` match at every line; a dot matches no line break unless it says `(?s)`.",
        ),
        Opt::str("replace").or_str("").doc(
            "What to put in place of each match, with `\\1` or `\\g<name>` for what groups matched. If it is not said, matches are removed.",
        ),
        Opt::str("after").since("2.4").doc("Look behind the first match of this expression only."),
        Opt::str("before").since("2.4").doc("Look before the first match of this expression only."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("validate").doc(
            "A command with `%s` that checks the new file before it takes the old one's place.",
        ),
        Opt::str("encoding").or_str("utf-8").since("2.4").doc("The encoding of the file."),
    ],
    shared: &[crate::module::FILE_OPTIONS],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("msg", "str", "always", "What was done."),
        Returned::new("rc", "int", "always", "0, or what is wrong with the path."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
    ],
    examples: "- name: Another name\n  ansible.builtin.replace:\n    path: /etc/hosts\n    regexp: '(\\s+)old\\.host\\.name(\\s+.*)?$'\n    replace: '\\1new.host.name\\2'\n",
    version_added: "1.6",
    ..Module::builtin("replace", "Replaces all matches of a pattern in a file", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let shown = path.display();
    if cx.target.is_dir(&path) {
        return Err(Failure::new(format!("Path {shown} is a directory !")).with("rc", 256));
    }
    if !cx.target.exists(&path) {
        return Err(Failure::new(format!("Path {shown} does not exist !")).with("rc", 257));
    }
    let encoding = Encoding::named(args.req("encoding"))?;
    let bytes = cx.target.read(&path).map_err(|error| {
        let text = python::os_error(&error, Subject::Text(&path));
        Failure::new(format!("Unable to read the contents of {shown}: {text}"))
    })?;
    let text = encoding.decode(&bytes)?;
    let (start, end) = match section(args) {
        Some(pattern) => {
            let flags = Flags { dot_all: true, ..Flags::default() };
            let compiled = Pattern::new(&pattern, flags)?;
            let group = compiled.group_index("subsection").unwrap_or_default();
            match compiled.search(&text)?.and_then(|found| found.span(group)) {
                Some(range) => range,
                None => {
                    return Ok(Outcome::new(false).with("rc", 0).msg(format!(
                        "Pattern for before/after params did not match the given file: {pattern}"
                    )));
                }
            }
        }
        None => (0, text.len()),
    };
    let pattern = Pattern::new(args.req("regexp"), Flags { multiline: true, ..Flags::default() })?;
    let (new, count) = pattern.sub_counted(args.req("replace"), &text[start..end], 0)?;
    let changed = count > 0 && new != text[start..end];
    let mut outcome = Outcome::default().with("rc", 0);
    let mut msg = String::new();
    if changed {
        msg = format!("{count} replacements made");
        let whole = [&text[..start], &new, &text[end..]].concat();
        if cx.diff {
            let show = |text: &str| String::from_utf8_lossy(&encoding.shown(text)).into_owned();
            let header = path.to_string_lossy().into_owned();
            outcome =
                outcome.diff(Diff::of(show(&text), show(&whole)).headers(header.clone(), header));
        }
        if !cx.check {
            if args.bool("backup") {
                outcome = outcome.with("backup_file", cx.backup(&path)?);
            }
            cx.rewrite(&path, &encoding.encode(&whole), args)?;
        }
    }
    let (msg, changed) = cx.rewrite_attributes(&path, args, (msg, changed), None)?;
    outcome.changed = Some(changed);
    Ok(outcome.msg(msg))
}

/// The expression that finds the part between `after` and `before`.
fn section(args: &Args) -> Option<String> {
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty());
    match (given("after"), given("before")) {
        (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
        (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
        (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn edited(content: &str, mut args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/f", content);
        args["path"] = json!("/f");
        let result = Call::new("replace", args).run_on(&mut fake);
        (result["msg"].clone(), fake.text("/f"))
    }

    #[test]
    fn matches_are_replaced() {
        for (args, msg, after) in [
            (json!({"regexp": "a"}), "2 replacements made", "1\nb2\n3\n"),
            (
                json!({"regexp": "^(.)(.)$", "replace": r"\2\1"}),
                "3 replacements made",
                "1a\n2b\n3a\n",
            ),
            (json!({"regexp": "a", "replace": "a"}), "", "a1\nb2\na3\n"),
            (
                json!({"regexp": "a", "replace": "X", "after": "b2"}),
                "1 replacements made",
                "a1\nb2\nX3\n",
            ),
            (
                json!({"regexp": "a", "replace": "X", "before": "b2"}),
                "1 replacements made",
                "X1\nb2\na3\n",
            ),
            (
                json!({"regexp": "a", "before": "zz"}),
                "Pattern for before/after params did not match the given file: (?P<subsection>.*)zz",
                "a1\nb2\na3\n",
            ),
        ] {
            assert_eq!(
                edited("a1\nb2\na3\n", args.clone()),
                (json!(msg), after.to_owned()),
                "{args}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        use crate::target::Target;
        let mut fake = Fake::new().file("/f", "");
        let content = b"caf\xe9 a\n\xff";
        assert!(fake.overwrite("/f".as_ref(), content).is_ok());
        let args = json!({"path": "/f", "regexp": "a$", "replace": "\u{fc}"});
        let result = Call::new("replace", args).run_on(&mut fake);
        assert_eq!(result["msg"], "1 replacements made");
        assert_eq!(fake.read("/f".as_ref()).ok(), Some(b"caf\xe9 \xc3\xbc\n\xff".to_vec()));
    }
}
