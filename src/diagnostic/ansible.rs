//! Errors as ansible prints them: `ERROR! message`, the place, the lines around it, advice.

use super::{Error, Kind, Span};

/// `ERROR! …`, as ansible writes it to standard error, without the last line end.
pub fn render(error: &Error) -> String {
    format!("ERROR! {}", describe(error)).trim_end_matches('\n').to_owned()
}

/// The message with the place and the advice, or with what it came from.
pub fn describe(error: &Error) -> String {
    // What nobody wrote (an ad-hoc command's play) has a source without a name.
    let span =
        error.span().filter(|s| !s.path().as_os_str().is_empty() && !s.source.was_read_as_json());
    match (span, error.cause()) {
        (Some(span), _) => format!("{}\n\n{}", error.message(), place(span)),
        (None, Some(cause)) => format!("{}. {}", error.message(), describe(cause)),
        (None, None) => error.message().to_owned(),
    }
}

/// Python's text of a failed system call: `[Errno 2] No such file or directory: '/x'`.
pub fn os_error(error: &std::io::Error, path: Option<&std::path::Path>) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    let path = path.map(|p| format!(": '{}'", p.display())).unwrap_or_default();
    match error.raw_os_error() {
        Some(number) => format!("[Errno {number}] {reason}{path}"),
        None => text,
    }
}

/// The exit code of a run that ended with this error.
pub fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        Kind::Parser => 4,
        Kind::Options => 5,
        Kind::Interrupted | Kind::Quit => 99,
        Kind::Internal => 250,
        _ => 1,
    }
}

fn position(path: &str, line: usize, column: usize) -> String {
    format!(
        "The error appears to be in '{path}': line {line}, column {column}, but may\n\
         be elsewhere in the file depending on the exact syntax problem.\n"
    )
}

/// Where the error is, with the lines around it and what may have caused it.
fn place(span: &Span) -> String {
    let path = span.path().display().to_string();
    let at = span.position();
    let mut text = position(&path, at.line, at.column);
    if span.source.is_hidden() || matches!(path.as_str(), "<string>" | "<unicode>") {
        return text;
    }
    let Some((target, before)) = lines_around(span.source.text(), at.line) else {
        return text + "\n(specified line no longer in file, maybe it changed?)";
    };
    if shorthand(&before) {
        let shown = before.trim_end();
        let equals = shown.chars().position(|c| c == '=').unwrap_or(0);
        text = position(&path, at.line - 1, equals + 1);
        text += &format!(
            "\nThe offending line appears to be:\n\n{shown}\n{}^ here\n\n{MIXED}",
            " ".repeat(equals)
        );
    } else {
        text += &format!(
            "\nThe offending line appears to be:\n\n{}\n{}\n{}^ here\n",
            before.trim_end(),
            target.trim_end(),
            " ".repeat(at.column - 1)
        );
    }
    text + &advice(&target, at.column)
}

/// The line at fault with its line end and the line before it. Where that line is blank it is the
/// last one before that is not, or else the last of all, as ansible counts on backwards from there.
fn lines_around(text: &str, line: usize) -> Option<(String, String)> {
    // Python reads the lines again, and knows these ends of them only.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let last = lines.len().checked_sub(1)?;
    let full = |lines: &[&str]| lines.iter().rposition(|l| !l.trim().is_empty());
    match full(&lines[..=last.min(line - 1)]) {
        Some(at) => {
            let before = at.checked_sub(1).map_or("", |i| lines[i]);
            Some((lines[at].to_owned(), before.to_owned()))
        }
        None => full(&lines).map(|at| (lines[at].to_owned(), String::new())),
    }
}

/// Whether a line holds `key=value`.
fn shorthand(line: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    line.char_indices().filter(|(_, c)| *c == '=').any(|(at, _)| {
        line[..at].trim_end().ends_with(word)
            && line[at + 1..].trim_start().starts_with(|c| word(c) || c == '/' || c == '-')
    })
}

/// Advice for common mistakes in the line at fault.
fn advice(target: &str, column: usize) -> String {
    let mut text = String::new();
    if target.contains('\t') {
        text += TAB;
    }
    let chars: Vec<char> = target.chars().collect();
    let squeezed = target.replace(' ', "");
    let quoted_both_ways = target.contains("\"{{") && target.contains("'{{");
    if target.contains("{{") && target.contains("}}") && !quoted_both_ways {
        text += UNQUOTED_TEMPLATE;
    } else if squeezed.contains(":{{") && squeezed.contains("}}") {
        text += TEMPLATE_AS_DICT;
    } else if chars.len() > 1
        && chars.get(column) == Some(&':')
        && chars.iter().filter(|c| **c == ':').count() > 1
    {
        text += UNQUOTED_COLON;
    } else {
        text += &quoting_advice(target);
    }
    text
}

fn quoting_advice(target: &str) -> String {
    let Some(middle) = target.split(':').nth(1).map(str::trim) else { return String::new() };
    let opens_only = |q: char| middle.starts_with(q) && !middle.ends_with(q);
    let count = |q: char| target.matches(q).count();
    let wrapped = middle.starts_with(['"', '\'']) && middle.ends_with(['"', '\'']);
    let mut text = String::new();
    if opens_only('\'') || opens_only('"') {
        text += PARTLY_QUOTED;
    }
    if (wrapped && count('\'') > 2) || count('"') > 2 {
        text += UNBALANCED;
    }
    text
}

const MIXED: &str = "There appears to be both 'k=v' shorthand syntax and YAML in this task. \
Only one syntax may be used.\n";

const UNQUOTED_TEMPLATE: &str = "\
We could be wrong, but this one looks like it might be an issue with
missing quotes. A value that begins with a template needs quotes around all
of it, or YAML reads the braces as a mapping:

    path: \"{{ base }}/bin\"
";

const TEMPLATE_AS_DICT: &str = "\
This one looks easy to fix. The value begins with two braces, which YAML
reads as a mapping within a mapping. Put quotes around the whole value:

    path: \"{{ base }}/bin\"
";

const UNQUOTED_COLON: &str = "\
This one looks easy to fix. There seems to be an extra unquoted colon in the line
and this is confusing the parser. Put quotes around the value that holds it:

    copy: 'src=a.txt dest=/srv/a:b.txt'
";

const PARTLY_QUOTED: &str = "\
This one looks easy to fix. It seems that there is a value started
with a quote that does not end with the same one. Quote all of it:

    when: '\"yes\" in answer.stdout'
";

const UNBALANCED: &str = "\
We could be wrong, but this one looks like it might be an issue with
unbalanced quotes. Quotes inside a quoted value must be of the other kind:

    text: '\"one\" \"two\"'
";

const TAB: &str = "\
There appears to be a tab character at the start of the line.

YAML does not use tabs for formatting. Tabs should be replaced with spaces.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    fn at(text: &str, offset: u32) -> String {
        let source = Source::new("/p/site.yml", text);
        render(&Error::parser("wrong", Span::new(&source, offset, offset)))
    }

    #[test]
    fn an_error_shows_its_line_and_the_one_before() {
        assert_eq!(
            at("- hosts: all\n  foo: 1\n", 15),
            "ERROR! wrong\n\nThe error appears to be in '/p/site.yml': line 2, column 3, but may\n\
             be elsewhere in the file depending on the exact syntax problem.\n\n\
             The offending line appears to be:\n\n- hosts: all\n  foo: 1\n  ^ here"
        );
    }

    #[test]
    fn a_place_after_the_end_shows_the_last_line_with_text() {
        assert!(at("a:\n  b: 1\n\n\n", 12).contains("\na:\n  b: 1\n^ here"));
    }

    #[test]
    fn advice_is_given_for_common_mistakes() {
        for (line, advice) in [
            ("a: {{ b }}", "missing quotes"),
            ("a:\t'b'", "a tab character"),
            ("when: \"a\" in b", "started\nwith a quote"),
            ("x: 'a' or 'b' or 'c'", "unbalanced quotes"),
        ] {
            assert!(at(line, 0).contains(advice), "{line}");
        }
        assert!(!at("a: b", 0).contains("looks"));
        assert!(at("- copy: src=a\n  dest: b\n", 16).contains("line 1, column 12"));
    }

    #[test]
    fn an_error_without_place_names_its_cause() {
        let error = Error::new(Kind::Parser, "outer").caused_by(Error::new(Kind::User, "inner"));
        assert_eq!(render(&error), "ERROR! outer. inner");
    }
}
