//! Our `re` beside Python's, with patterns, texts and replacements made by chance.
//!
//! `REGEX_SEED` and `REGEX_COUNT` choose others, and more.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use vmstation_host::regex::{BytesPattern, Error, Flags, Match, Pattern};

fn number(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

/// A program that is Python 3.11.
fn python() -> &'static str {
    let is_right = |name: &&str| {
        let asked = Command::new(name).arg("--version").output();
        asked.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).starts_with("Python 3.11."))
    };
    let found = ["python3", "python3.11"].into_iter().find(is_right);
    found.expect("Python 3.11 is needed to compare with, as python3 or python3.11")
}

#[test]
fn answers_as_python_does() {
    let (seed, count) = (number("REGEX_SEED", "11"), number("REGEX_COUNT", "3000"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/regex.py");
    let mut python = Command::new(python())
        .args([script, &seed, &count])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut different = Vec::new();
    let mut asked = 0;
    for line in BufReader::new(python.stdout.take().unwrap()).lines() {
        let question: Value = serde_json::from_str(&line.unwrap()).unwrap();
        asked += 1;
        let (wanted, got) = (wanted(&question), answer(&question));
        if got != wanted {
            different.push(format!("{question}\n  Python: {wanted}\n  ours:   {got}"));
        }
    }
    assert!(python.wait().unwrap().success());
    assert_eq!(asked.to_string(), count);
    let shown = &different[..different.len().min(20)];
    assert!(shown.is_empty(), "{} of {asked} differ:\n{}", different.len(), shown.join("\n"));
}

fn wanted(question: &Value) -> Value {
    match question.get("error") {
        Some(error) => json!({ "error": error }),
        None => question["answer"].clone(),
    }
}

fn answer(question: &Value) -> Value {
    match asked(question) {
        Ok(answer) => answer,
        Err(error) => json!({ "error": [error.class, error.message] }),
    }
}

fn asked(question: &Value) -> Result<Value, Error> {
    let text = |key: &str| question[key].as_str().unwrap();
    let has = |letter: char| text("flags").contains(letter);
    let flags =
        Flags { ignore_case: has('i'), multiline: has('m'), dot_all: has('s'), verbose: has('x') };
    let subject = text("text");
    let count = usize::try_from(question["count"].as_u64().unwrap()).unwrap();
    if question["bytes"] == true {
        let pattern = BytesPattern::new(text("pattern"), flags)?;
        let Some(found) = pattern.search(subject.as_bytes())? else { return Ok(Value::Null) };
        if text("kind") == "expand" {
            let expanded = found.expand(text("replacement"))?;
            return Ok(expanded.iter().map(|b| format!("{b:02x}")).collect::<String>().into());
        }
        return Ok((0..=found.groups()).map(|group| json!(found.span(group))).collect());
    }
    let pattern = Pattern::new(text("pattern"), flags)?;
    Ok(match text("kind") {
        "search" => spans(&pattern, subject, pattern.search(subject)?),
        "match" => spans(&pattern, subject, pattern.match_start(subject)?),
        "fullmatch" => spans(&pattern, subject, pattern.full_match(subject)?),
        "finditer" => {
            let all = pattern.find_all(subject, None)?;
            all.into_iter().map(|found| spans(&pattern, subject, Some(found))).collect()
        }
        "split" => json!(pattern.split(subject, count)?),
        "sub" => json!(pattern.sub_counted(text("replacement"), subject, count)?),
        other => panic!("{other}"),
    })
}

/// Where the groups are, in characters.
fn spans(pattern: &Pattern, text: &str, found: Option<Match>) -> Value {
    let Some(found) = found else { return Value::Null };
    let at = |end: usize| text[..end].chars().count();
    let span = |group| found.span(group).map(|(start, end)| (at(start), at(end)));
    (0..=pattern.groups()).map(|group| json!(span(group))).collect()
}
