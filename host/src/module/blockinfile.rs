//! `blockinfile`: a block of lines in a file, between two lines that mark it.

use std::path::Path;

use crate::context::edit::lines_of_any_end;
use crate::context::text::decode_utf8;
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python::{self, Subject};
use crate::regex::{BytesPattern, Flags};

pub static MODULE: Module = Module {
    description: "Puts a block of lines into a file, replaces it or takes it out. A line before and a line after it, \
        which should be comments in that file, tell where it is.",
    options: &[
        Opt::path("path")
            .required()
            .aliases(&["dest", "destfile", "name"])
            .doc("The file to edit."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the block shall be there."),
        Opt::str("marker").or_str("# {mark} ANSIBLE MANAGED BLOCK").doc(
            "The lines that mark the block; `{mark}` becomes `marker_begin` and `marker_end`. \
             Several blocks in one file need markers that differ. One line each: a marker with line breaks is never found again.",
        ),
        Opt::str("block").or_str("").aliases(&["content"]).doc(
            "The lines. If there are none, the block is taken out, as with `state=absent`.",
        ),
        Opt::str("insertafter").doc(
            "Where a block goes that is not there yet: after the last line that this regular expression is found in, or at the \
             end (`EOF`), which is the default and what happens if it is not found.",
        ),
        Opt::str("insertbefore").doc(
            "Where a block goes that is not there yet: before the last line that this regular expression is found in, or at the \
             start (`BOF`). If it is not found, the block goes to the end.",
        ),
        Opt::bool("create").or(false).doc("Make the file if it is not there."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("validate").doc(
            "A command with `%s` that checks the new file before it takes the old one's place.",
        ),
        Opt::str("marker_begin").or_str("BEGIN").since("2.5").doc("What `{mark}` becomes before the block."),
        Opt::str("marker_end").or_str("END").since("2.5").doc("What `{mark}` becomes after the block."),
    ],
    shared: &[crate::module::FILE_OPTIONS],
    rules: &[Rule::MutuallyExclusive(&["insertbefore", "insertafter"])],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("msg", "str", "always", "What was done."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
    ],
    examples: "- name: Hosts of the lab\n  ansible.builtin.blockinfile:\n    path: /etc/hosts\n    marker: '# {mark} lab'\n    block: |\n      10.0.0.1 one\n      10.0.0.2 two\n",
    version_added: "2.0",
    ..Module::builtin("blockinfile", "Manages a marked block of lines in text files", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let shown = path.display();
    if cx.target.is_dir(&path) {
        return Err(Failure::new(format!("Path {shown} is a directory !")).with("rc", 256));
    }
    let original = match cx.target.exists(&path) {
        true => Some(cx.read_or_raise(&path)?),
        false => {
            missing(cx, args, &path)?;
            None
        }
    };
    if args.req("state") == "absent" && original.is_none() {
        return Ok(Outcome::new(false).msg(format!("File {shown} not present")));
    }
    let block = block(args);
    let removed = block.is_empty();
    let after = edited(original.as_deref(), block, args)?;
    let verdict = match &original {
        Some(original) if *original == after => ("", false),
        None => ("File created", true),
        Some(_) if removed => ("Block removed", true),
        Some(_) => ("Block inserted", true),
    };
    let mut backup = None;
    if verdict.1 && !cx.check {
        if args.bool("backup") && original.is_some() {
            backup = Some(cx.backup(&path)?);
        }
        cx.rewrite(&path, &after, args)?;
    }
    let content = content_diff(cx, &path, original.as_deref().unwrap_or_default(), &after);
    let verdict = (verdict.0.to_owned(), verdict.1);
    if cx.check && original.is_none() {
        return Ok(Outcome::new(verdict.1).msg(verdict.0).diff(content));
    }
    let mut attributes = Diff::default();
    let (msg, changed) = cx.rewrite_attributes(&path, args, verdict, Some(&mut attributes))?;
    let header = format!("{shown} (file attributes)");
    let attributes = attributes.headers(header.clone(), header);
    let mut outcome = Outcome::new(changed).msg(msg).diff(vec![content, attributes]);
    if let Some(backup) = backup {
        outcome = outcome.with("backup_file", backup);
    }
    Ok(outcome)
}

/// A file that is not there: refused, or the way to it made.
fn missing(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<(), Failure> {
    if !args.bool("create") {
        let msg = format!("Path {} does not exist !", path.display());
        return Err(Failure::new(msg).with("rc", 257));
    }
    let above = path.parent().unwrap_or(Path::new(""));
    if cx.check || cx.target.exists(above) {
        return Ok(());
    }
    if above.as_os_str().is_empty() {
        // ansible-core 2.14 takes the empty name for a missing directory, and stumbles over its own error.
        return Err(Failure::crash("TypeError", "'FileNotFoundError' object is not subscriptable"));
    }
    cx.make_dirs(above).map_err(|error| {
        Failure::crash(
            "TypeError",
            format!("'{}' object is not subscriptable", python::os_class(&error)),
        )
        .with("hint", python::os_error(&error, Subject::Text(above)))
    })
}

fn content_diff(cx: &Context<'_>, path: &Path, before: &[u8], after: &[u8]) -> Diff {
    let text = |content: &[u8]| match cx.diff {
        true => decode_utf8(content),
        false => String::new(),
    };
    let header = format!("{} (content)", path.display());
    Diff::of(text(before), text(after)).headers(header.clone(), header)
}

/// The line that marks an end of the block.
fn marker(args: &Args, word: &str) -> Vec<u8> {
    format!("{}\n", args.req("marker").replace("{mark}", args.req(word))).into_bytes()
}

/// The lines to put in, markers among them; none if the block shall go.
fn block(args: &Args) -> Vec<Vec<u8>> {
    let block = args.req("block");
    if args.req("state") == "absent" || block.is_empty() {
        return Vec::new();
    }
    let mut block = block.to_owned();
    if !block.ends_with('\n') {
        block.push('\n');
    }
    let mut all = vec![marker(args, "marker_begin")];
    all.extend(lines_of_any_end(block.as_bytes()));
    all.push(marker(args, "marker_end"));
    all
}

/// The file with this block.
fn edited(original: Option<&[u8]>, block: Vec<Vec<u8>>, args: &Args) -> Result<Vec<u8>, Failure> {
    let content = original.unwrap_or_default();
    let mut lines = lines_of_any_end(content);
    let place = Place::of(args)?;
    let begin = marker(args, "marker_begin");
    let end = marker(args, "marker_end");
    let last = |wanted: &[u8]| lines.iter().rposition(|line| line == wanted);
    let at = match (last(&begin), last(&end)) {
        (Some(begin), Some(end)) => {
            let (from, to) = (begin.min(end), begin.max(end));
            lines.drain(from..=to);
            from
        }
        _ => place.find(content, &lines)?,
    };
    if let Some(line) = at.checked_sub(1).and_then(|before| lines.get_mut(before))
        && !line.ends_with(b"\n")
    {
        line.push(b'\n');
    }
    lines.splice(at..at, block);
    Ok(lines.concat())
}

/// Where a block goes that is not there yet.
enum Place {
    Start,
    End,
    /// After, or else before, the last line with this; `multiline` searches the whole text, once.
    At {
        pattern: BytesPattern,
        after: bool,
        multiline: bool,
    },
}

impl Place {
    fn of(args: &Args) -> Result<Place, Failure> {
        let (text, after) = match (args.str("insertafter"), args.str("insertbefore")) {
            (Some("EOF") | None, None) => return Ok(Place::End),
            (Some(text), _) => (text, true),
            (None, Some("BOF")) => return Ok(Place::Start),
            (None, Some(text)) => (text, false),
        };
        let pattern = BytesPattern::new(text, Flags::default())?;
        let multiline = pattern.is_multiline();
        Ok(Place::At { pattern, after, multiline })
    }

    fn find(&self, content: &[u8], lines: &[Vec<u8>]) -> Result<usize, Failure> {
        let (pattern, after, multiline) = match self {
            Place::Start => return Ok(0),
            Place::End => return Ok(lines.len()),
            Place::At { pattern, after, multiline } => (pattern, *after, *multiline),
        };
        let mut found = None;
        if multiline {
            if let Some(range) = pattern.search(content)?.map(|found| found.range()) {
                let until = if after { range.1 } else { range.0 };
                // Python counts in text, in which the place in bytes is further on.
                let text: String = String::from_utf8_lossy(content).chars().take(until).collect();
                found = Some(text.matches('\n').count());
            }
        } else {
            for (at, line) in lines.iter().enumerate() {
                if pattern.search(line)?.is_some() {
                    found = Some(at);
                }
            }
        }
        Ok(match found {
            Some(at) => at + usize::from(after),
            None => lines.len(),
        })
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
        args["marker"] = json!("# {mark}");
        let result = Call::new("blockinfile", args).run_on(&mut fake);
        (result["msg"].clone(), fake.text("/f"))
    }

    #[test]
    fn blocks_come_and_go() {
        let with = "a\n# BEGIN\nx\n# END\nb\n";
        for (before, args, msg, after) in [
            ("a\nb", json!({"block": "x"}), "Block inserted", "a\nb\n# BEGIN\nx\n# END\n"),
            (with, json!({"block": "x\n"}), "", with),
            (with, json!({"block": "y"}), "Block inserted", "a\n# BEGIN\ny\n# END\nb\n"),
            (with, json!({"state": "absent"}), "Block removed", "a\nb\n"),
            (with, json!({}), "Block removed", "a\nb\n"),
            ("a\nb\n", json!({"block": "x", "insertafter": "^a"}), "Block inserted", with),
            ("a\nb\n", json!({"block": "x", "insertbefore": "^b"}), "Block inserted", with),
            ("a\nb\n", json!({"block": "x", "insertafter": "(?m)a$"}), "Block inserted", with),
            ("# END\na\n# BEGIN\n", json!({"block": "x"}), "Block inserted", "# BEGIN\nx\n# END\n"),
        ] {
            assert_eq!(edited(before, args.clone()), (json!(msg), after.to_owned()), "{args}");
        }
    }
}
