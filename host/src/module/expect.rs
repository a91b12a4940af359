//! `expect`: a program that asks questions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};
use crate::regex::{BytesPattern, Flags};
use crate::target::{Dialogue, Reply, Run, Time};

pub static MODULE: Module = Module {
    description: "Runs a program on a terminal of its own and answers what it asks.\n\
                  No shell is involved: name one in `command` for `<`, `>`, `|` and the like.\n\
                  The keys of `responses` are regular expressions of Python's; `.` matches line ends too.",
    options: &[
        Opt::str("command").required().doc("The program and its arguments."),
        Opt::path("chdir").doc("The folder that it is run in."),
        Opt::path("creates").doc("Where this exists, nothing is run."),
        Opt::path("removes").doc("Where this does not exist, nothing is run."),
        Opt::dict("responses").required().doc(
            "What is asked, and what is answered. Of a list the elements are the answers one after the other.",
        ),
        Opt::int("timeout").or_int(30).doc(
            "How many seconds may pass without a question that is answered. Null waits for ever.",
        ),
        Opt::bool("echo").or(false).doc("Whether the terminal shows the answers."),
    ],
    check_mode: CheckMode::None,
    returns: &[
        Returned::new("cmd", "str", "always", "What was run."),
        Returned::new("rc", "int", "always", "The exit code."),
        Returned::new("stdout", "str", "always", "What the program wrote."),
        Returned::new("start", "str", "it was run", "When it began."),
        Returned::new("end", "str", "it was run", "When it ended."),
        Returned::new("delta", "str", "it was run", "How long it took."),
    ],
    examples: "- name: A password that the program asks for twice\n  ansible.builtin.expect:\n    command: passwd alice\n    responses:\n      (?i)password: '{{ new_password }}'\n  no_log: true\n",
    version_added: "2.0",
    ..Module::builtin("expect", "Runs a program and answers its questions", run)
};

/// A question and its answers.
struct Event {
    question: String,
    pattern: BytesPattern,
    answers: Answers,
}

enum Answers {
    Always(Vec<u8>),
    Each(std::vec::IntoIter<Vec<u8>>),
}

/// What is known of the talk so far.
struct Talk {
    events: Vec<Event>,
    /// What no question was found in yet.
    open: Vec<u8>,
    /// What was written until the last question, and it.
    done: Vec<Vec<u8>>,
    failure: Option<Failure>,
}

impl Talk {
    fn hear(&mut self, new: &[u8]) -> Reply {
        self.open.extend_from_slice(new);
        match self.answer() {
            Ok(reply) => reply,
            Err(failure) => {
                self.failure = Some(failure);
                Reply::Stop
            }
        }
    }

    /// The answer to the question that comes first in what was written.
    fn answer(&mut self) -> Result<Reply, Failure> {
        let mut first: Option<(usize, usize, usize)> = None;
        for (at, event) in self.events.iter().enumerate() {
            let Some(found) = event.pattern.search(&self.open)? else { continue };
            let (begin, end) = found.range();
            if first.is_none_or(|(_, known, _)| begin < known) {
                first = Some((at, begin, end));
            }
        }
        let Some((at, _, end)) = first else { return Ok(Reply::Wait) };
        let rest = self.open.split_off(end);
        let asked = std::mem::replace(&mut self.open, rest);
        self.done.push(asked.clone());
        let Event { question, answers, .. } = &mut self.events[at];
        match answers {
            Answers::Always(text) => Ok(Reply::Type(text.clone())),
            Answers::Each(rest) => rest.next().map(Reply::Type).ok_or_else(|| {
                let shown = python::repr_bytes(&asked);
                Failure::new(format!(
                    "No remaining responses for '{question}', output was '{shown}'"
                ))
            }),
        }
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let command = args.string("command");
    let events = events(args)?;
    if command.trim().is_empty() {
        return Err(Failure::new("no command given").with("rc", 256));
    }
    let chdir = args.str("chdir").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    if let Some(dir) = &chdir {
        enter(cx, dir)?;
    }
    let base = chdir.clone().unwrap_or_default();
    for (name, stops, words) in [("creates", true, "exists"), ("removes", false, "does not exist")]
    {
        let Some(path) = args.str(name).filter(|path| !path.is_empty()) else { continue };
        if cx.target.exists(&base.join(path)) == stops {
            return Ok(Outcome::new(false)
                .with("cmd", command)
                .with("stdout", format!("skipped, since {path} {words}"))
                .with("rc", 0));
        }
    }
    let words =
        python::shell_split(&command).map_err(|error| Failure::crash("ValueError", error))?;
    let mut run = Run::argv(words.clone());
    run.cwd = chdir;
    if !runs(cx, &base, &words[0]) {
        let why = format!("The command was not found or was not executable: {}.", words[0]);
        let trace = format!(
            "Traceback (most recent call last):\npexpect.exceptions.ExceptionPexpect: {why}\n"
        );
        return Err(Failure::new(why).with("exception", trace));
    }
    let mut talk = Talk { events, open: Vec::new(), done: Vec::new(), failure: None };
    let patience =
        args.int("timeout").map(|secs| Duration::from_secs(u64::try_from(secs).unwrap_or(0)));
    let start = cx.target.now();
    let mut dialogue =
        Dialogue { echo: args.bool("echo"), patience, answer: &mut |new| talk.hear(new) };
    let ran = cx.target.dialogue(&run, &mut dialogue).map_err(|error| {
        Failure::new(python::os_error(&error, Subject::None)).with("cmd", command.as_str())
    })?;
    let end = cx.target.now();
    if let Some(failure) = talk.failure {
        return Err(failure);
    }
    let mut stdout = talk.done.concat();
    stdout.extend(talk.open);
    let stdout = String::from_utf8_lossy(&stdout).trim_end_matches(['\r', '\n']).to_owned();
    // Of what ended by a signal, as the module does after its patience, there is no exit code.
    let rc = (ran.rc >= 0).then_some(ran.rc);
    let mut result = times(cx, start, end);
    result.insert("cmd".into(), command.into());
    result.insert("stdout".into(), stdout.into());
    result.insert("rc".into(), rc.map_or(Data::Null, Data::from));
    result.insert("changed".into(), true.into());
    match rc {
        None => Err(Failure::new("command exceeded timeout").with_all(result)),
        Some(0) => Ok(Outcome::new(true).with_all(result)),
        Some(_) => Err(Failure::new("non-zero return code").with_all(result)),
    }
}

fn events(args: &Args) -> Result<Vec<Event>, Failure> {
    let line = |value: &Data| {
        let mut line = python::text(value).trim_end_matches('\n').as_bytes().to_vec();
        line.push(b'\n');
        line
    };
    let flags = Flags { dot_all: true, ..Flags::default() };
    let responses = args.dict("responses").cloned().unwrap_or_default();
    let event = |(question, value): (String, Data)| {
        let pattern = BytesPattern::new(&question, flags)?;
        let answers = match &value {
            Data::Array(all) => Answers::Each(all.iter().map(line).collect::<Vec<_>>().into_iter()),
            one => Answers::Always(line(one)),
        };
        Ok(Event { question, pattern, answers })
    };
    responses.into_iter().map(event).collect()
}

/// As Python changes into a folder.
fn enter(cx: &mut Context<'_>, dir: &Path) -> Result<(), Failure> {
    let stat = cx.target.stat(dir).map_err(|error| Failure::os(&error, Subject::Text(dir)))?;
    if stat.is_dir() {
        return Ok(());
    }
    Err(Failure::os(&std::io::Error::from_raw_os_error(libc::ENOTDIR), Subject::Text(dir)))
}

/// Whether a word names a program, in a folder or on the search path.
fn runs(cx: &mut Context<'_>, base: &Path, word: &str) -> bool {
    if word.contains('/') {
        let path = base.join(word);
        return cx.target.stat(&path).is_ok_and(|stat| !stat.is_dir() && stat.mode & 0o111 != 0);
    }
    cx.target.find_program(word, &[]).is_some()
}

fn times(cx: &mut Context<'_>, start: Time, end: Time) -> Map {
    let micros = |time: Time| time.secs * 1_000_000 + i64::from(time.nanos / 1000);
    // A clock that was set back meanwhile gives no negative time.
    let delta = Duration::from_micros(u64::try_from(micros(end) - micros(start)).unwrap_or(0));
    let mut map = Map::new();
    map.insert("start".into(), clock::local(cx.target, start).python_text().into());
    map.insert("end".into(), clock::local(cx.target, end).python_text().into());
    map.insert("delta".into(), clock::duration_text(delta).into());
    map
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Fake) {
        let mut fake = Fake::new().program("ask").file("/there", "").on_dialogue(
            "ask",
            &["Name", ": \r\nPass", "word: Name: ", "bye\r\n"],
            0,
        );
        let result = Call::new("expect", args).run_on(&mut fake);
        (result.into(), fake)
    }

    #[test]
    fn what_comes_first_is_answered_first() {
        let responses = json!({"(?i)password": "secret\n", "Name: ": ["bob", 7]});
        let (result, fake) = call(json!({"command": "ask 'a b'", "responses": responses}));
        assert_eq!(fake.typed, ["bob\n", "secret\n", "7\n"], "{result:?}");
        assert_eq!(result["stdout"], "Name: \r\nPassword: Name: bye");
        assert_eq!((&result["changed"], &result["rc"]), (&json!(true), &json!(0)));
        let (result, _) = call(json!({"command": "ask", "responses": {"Name: ": ["bob"]}}));
        assert_eq!(
            result["msg"],
            "No remaining responses for 'Name: ', output was 'b'\\r\\nPassword: Name: ''"
        );
    }

    #[test]
    fn what_is_not_run() {
        let msg = |args: Value| call(args).0;
        assert_eq!(msg(json!({"command": " ", "responses": {}}))["rc"], 256);
        let there = json!({"command": "ask", "responses": {}, "creates": "/there"});
        assert_eq!(msg(there)["stdout"], "skipped, since /there exists");
        let gone = json!({"command": "ask", "responses": {}, "removes": "/gone"});
        assert_eq!(msg(gone)["stdout"], "skipped, since /gone does not exist");
        let text = msg(json!({"command": "nosuch", "responses": {}}))["msg"].clone();
        assert_eq!(text, "The command was not found or was not executable: nosuch.");
    }
}
