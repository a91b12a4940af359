//! The harness must be able to fail: these checks run before every use of it.

use std::fmt::Debug;

use crate::answer::{Answer, Done, Entry};
use crate::normalise::{Normaliser, Place};
use crate::{case, compare, diff, options};

const CASE: &str = "# why\n--- command\nansible-playbook a.yml\n--- file a.yml mode=0600\n  # dump: r a.b\n\
                    \\--- not a section\n\n--- stderr-contains\nERROR! two words\n";

pub fn run() -> Result<(), String> {
    parsing()?;
    round_trip()?;
    differences()?;
    normalising()?;
    equal("diff", diff::unified("a\nb\n", "a\nc\n"), "   a\n  -b\n  +c\n".to_string())?;
    equal("sample", options::sample((0..9).collect(), 3, 7).len(), 3)?;
    equal("seeds", options::sample((0..9).collect(), 3, 7), options::sample((0..9).collect(), 3, 7))
}

fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("self-test {what}: expected {expected:?}, found {found:?}"))
}

fn parsing() -> Result<(), String> {
    let parsed = case::parse("t/n", CASE)?;
    equal("why", parsed.why.as_str(), "why")?;
    let Some(case::InputKind::File { mode, content }) = parsed.inputs.first().map(|i| &i.kind)
    else {
        return Err("self-test: no input".to_string());
    };
    let text = String::from_utf8_lossy(content);
    equal("mode", *mode, 0o600)?;
    equal("dump", text.contains("'a.b': a.b | default('<undefined>')"), true)?;
    equal("escape", text.ends_with("\n--- not a section\n"), true)?;
    for bad in [
        "--- command\nx\n",
        "# w\n--- file a\nx\n",
        "# w\n--- command\nx\n--- nonsense\n",
        "# w\n--- command\nx\n--- file ../a\n",
        "# w\n--- command\nx\n--- compare everything\n",
    ] {
        equal(bad, case::parse("t/n", bad).is_err(), true)?;
    }
    Ok(())
}

fn sample() -> Answer {
    let done = Done {
        line: "ansible-playbook a.yml".to_string(),
        exit: 2,
        stdout: "a\r\n\n|b".to_string(),
        stderr: "ERROR! two\nwords\n".to_string(),
    };
    let mut answer = Answer { commands: vec![done], ..Answer::default() };
    for (path, entry) in [
        ("a b", Entry::File { mode: 0o4755, content: "x\n\ny".to_string() }),
        ("d", Entry::Dir { mode: 0o700 }),
        ("g", Entry::Gone),
        ("l", Entry::Link { target: "a".to_string() }),
    ] {
        answer.files.insert(path.to_string(), entry);
    }
    answer
}

fn round_trip() -> Result<(), String> {
    let answer = sample();
    let again = Answer::parse(&answer.render())?;
    equal("round trip", again.render(), answer.render())?;
    equal("stdout", again.commands[0].stdout.as_str(), "a\r\n\n|b")?;
    equal("entries", again.files == answer.files, true)
}

/// Each kind of deviation is one difference.
fn differences() -> Result<(), String> {
    let parsed = case::parse("t/n", CASE)?;
    equal("no difference", compare::differences(&parsed, &sample(), &sample()).len(), 0)?;
    type Change = (&'static str, fn(&mut Answer));
    let changes: [Change; 8] = [
        ("exit", |a| a.commands[0].exit = 0),
        ("stdout", |a| a.commands[0].stdout.push('x')),
        ("stderr", |a| a.commands[0].stderr.clear()),
        ("content", |a| {
            a.files.insert("a b".to_string(), Entry::File { mode: 0o4755, content: String::new() });
        }),
        ("mode", |a| {
            a.files.insert("d".to_string(), Entry::Dir { mode: 0o755 });
        }),
        ("missing", |a| {
            a.files.remove("l");
        }),
        ("extra", |a| {
            a.files.insert("z".to_string(), Entry::Special);
        }),
        ("commands", |a| a.commands.push(Done::default())),
    ];
    for (what, change) in changes {
        let mut found = sample();
        change(&mut found);
        let seen = !compare::differences(&parsed, &sample(), &found).is_empty();
        equal(what, seen, true)?;
    }
    Ok(())
}

fn normalising() -> Result<(), String> {
    let normaliser = Normaliser::new()?;
    let place = Place { run: "/tmp/vo-123456/000001".to_string(), http: None, extra: &[] };
    for (text, expected) in [
        ("/tmp/vo-123456/000001/case/x", "<CASE>/x"),
        ("ansible-tmp-1700000000.5-12-345/", "ansible-tmp-<N>/"),
        (r#"{"delta": "0:00:00.001", "rc": 0}"#, r#"{"delta": "<time>", "rc": 0}"#),
        ("x.cfg.123.2024-01-02@03:04:05~", "x.cfg.<pid>.<time>~"),
    ] {
        equal("filter", normaliser.text(&place, text).as_str(), expected)?;
    }
    let dump =
        br#"{"start": "now", "stat": {"isdir": true, "size": 4096, "inode": 7, "mode": "0755"}}"#;
    let text = normaliser.file(&place, "dump1.h.json", dump);
    equal("dump", text.contains("\"mode\": \"0755\"") && !text.contains("4096"), true)?;
    equal("times", text.contains("\"start\": \"<string>\""), true)
}
