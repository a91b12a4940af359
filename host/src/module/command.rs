//! `command`: a program with its arguments; also the host's half of `shell`.

use std::io;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Kind, Map, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};
use crate::target::{Access, Run, Time, glob};

pub static MODULE: Module = Module {
    description: "Runs a program with its arguments, without a shell: pipes, redirections and `;` mean nothing here.\n\
                  `~` and variables of the environment are replaced.",
    options: &[
        Opt::str("_raw_params").doc("The program and its arguments as one line."),
        Opt::bool("_uses_shell").or(false).doc("Whether a shell reads the line."),
        Opt::list("argv", Kind::Str).doc("The program and its arguments as a list."),
        Opt::path("chdir").doc("The folder to run in."),
        Opt::str("executable").doc("The shell that reads the line of `shell`."),
        Opt::path("creates").doc("A path, or a pattern of paths; where one is, nothing is run."),
        Opt::path("removes").doc("A path, or a pattern of paths; where none is, nothing is run."),
        Opt::str("stdin").doc("What the program reads."),
        Opt::bool("stdin_add_newline").or(true).doc("Whether a line feed follows `stdin`."),
        Opt::bool("strip_empty_ends")
            .or(true)
            .doc("Whether line feeds at the end of the output are dropped."),
    ],
    check_mode: CheckMode::Partial,
    returns: &[
        Returned::new("cmd", "list", "always", "What was run.").sample("[echo, hello]"),
        Returned::new("rc", "int", "always", "The exit code; negative is a signal.").sample("0"),
        Returned::new("stdout", "str", "always", "The standard output.").sample("hello"),
        Returned::new("stderr", "str", "always", "The standard error."),
        Returned::new("start", "str", "always", "When it began."),
        Returned::new("end", "str", "always", "When it ended."),
        Returned::new("delta", "str", "always", "How long it took.").sample("0:00:00.325771"),
        Returned::new("msg", "str", "always", "Why it was not run, or failed."),
    ],
    examples: "- name: Make the database once\n  ansible.builtin.command: /usr/bin/make_database.sh db_user db_name\n  args:\n    creates: /path/to/database\n",
    ..Module::builtin("command", "Runs a program", run)
};

/// What is returned in every case; `None` is null.
#[derive(Default)]
struct Report {
    changed: bool,
    skipped: bool,
    stdout: String,
    stderr: String,
    rc: Option<i32>,
    cmd: Data,
    times: Option<(String, String, String)>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let shell = args.bool("_uses_shell");
    let mut executable = args.str("executable").filter(|e| !e.is_empty()).map(str::to_owned);
    if let Some(named) = executable.take_if(|_| !shell) {
        cx.warn(format!("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '{named}'."));
    }
    let line = args.str("_raw_params").filter(|l| !l.is_empty()).map(str::to_owned);
    let argv = args.strings("argv");
    let mut report = Report::default();
    let refusal = match &line {
        Some(line) if !line.trim().is_empty() && argv.is_empty() => None,
        Some(_) if !argv.is_empty() => Some("only command or argv can be given, not both"),
        None if !argv.is_empty() => None,
        _ => Some("no command given"),
    };
    if let Some(refusal) = refusal {
        report.rc = Some(256);
        return Err(report.failure(refusal));
    }
    let words = match &line {
        Some(line) if shell => {
            report.cmd = line.as_str().into();
            vec![line.clone()]
        }
        Some(line) => {
            let words = python::shell_split(line).map_err(|e| Failure::crash("ValueError", e))?;
            report.cmd = words.clone().into();
            words
        }
        None => {
            report.cmd = argv.clone().into();
            argv
        }
    };
    let chdir = args.str("chdir").filter(|d| !d.is_empty()).map(PathBuf::from);
    if let Some(Err(error)) = chdir.as_deref().map(|dir| enter(cx, dir)) {
        return Err(report.failure(&format!(
            "Unable to change directory before execution: {}",
            python::os_error(&error, Subject::Bytes(chdir.as_deref().unwrap_or(Path::new(""))))
        )));
    }
    let base = chdir.clone().unwrap_or_default();
    if let Some((message, stdout)) = superfluous(cx, args, &base) {
        report.stdout = stdout;
        report.rc = Some(0);
        return Ok(report.outcome(&message));
    }
    report.changed = true;
    if cx.check {
        report.rc = Some(0);
        if args.get("creates").is_none() && args.get("removes").is_none() {
            report.skipped = true;
            report.changed = false;
        }
        return Ok(report.outcome("Command would have run if not in check mode"));
    }
    let mut run =
        if shell { shell_run(cx, &words, line.is_none(), executable) } else { direct(cx, &words) };
    run.cwd = chdir;
    run.stdin = stdin(args);
    let start = cx.target.now();
    let ran = cx.run(&run)?;
    let end = cx.target.now();
    report.times = Some(times(cx, start, end));
    report.rc = Some(ran.rc);
    report.stdout = ran.out().into_owned();
    report.stderr = ran.err().into_owned();
    if args.bool("strip_empty_ends") {
        for text in [&mut report.stdout, &mut report.stderr] {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
    }
    if ran.ok() { Ok(report.outcome("")) } else { Err(report.failure("non-zero return code")) }
}

impl Report {
    fn data(self) -> Map {
        let (start, end, delta) = match self.times {
            Some((start, end, delta)) => (start.into(), end.into(), delta.into()),
            None => (Data::Null, Data::Null, Data::Null),
        };
        let all = [
            ("changed", self.changed.into()),
            ("stdout", self.stdout.into()),
            ("stderr", self.stderr.into()),
            ("rc", self.rc.map_or(Data::Null, Data::from)),
            ("cmd", self.cmd),
            ("start", start),
            ("end", end),
            ("delta", delta),
        ];
        all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn outcome(self, msg: &str) -> Outcome {
        let skipped = self.skipped;
        let outcome = Outcome::silent().with_all(self.data()).msg(msg);
        if skipped { outcome.with("skipped", true) } else { outcome }
    }

    fn failure(self, msg: &str) -> Failure {
        Failure::new(msg).with_all(self.data())
    }
}

/// Whether a folder could be changed into.
fn enter(cx: &mut Context<'_>, dir: &Path) -> io::Result<()> {
    if !cx.target.stat(dir)?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
    }
    match cx.target.access(dir, Access::Execute) {
        true => Ok(()),
        false => Err(io::Error::from_raw_os_error(libc::EACCES)),
    }
}

/// Why nothing is to be run, in the words of `msg` and of `stdout`.
fn superfluous(cx: &mut Context<'_>, args: &Args, base: &Path) -> Option<(String, String)> {
    let verb = if cx.check { "Would" } else { "Did" };
    for (name, stops, words) in [("creates", true, "exists"), ("removes", false, "does not exist")]
    {
        let Some(pattern) = args.str(name).filter(|p| !p.is_empty()) else { continue };
        let there = !glob(cx.target, base, pattern).is_empty();
        if there == stops {
            return Some((
                format!("{verb} not run command since '{pattern}' {words}"),
                format!("skipped, since {pattern} {words}"),
            ));
        }
    }
    None
}

fn direct(cx: &mut Context<'_>, words: &[String]) -> Run {
    Run::argv(words.iter().map(|word| cx.target.expand(word)).collect::<Vec<_>>())
}

fn shell_run(cx: &Context<'_>, words: &[String], quote: bool, executable: Option<String>) -> Run {
    let line = match quote {
        true => words.iter().map(|w| python::shell_quote(w)).collect::<Vec<_>>().join(" "),
        false => words.concat(),
    };
    let configured = || cx.call.shell.clone().filter(|shell| !shell.is_empty());
    Run::shell_of(executable.or_else(configured).unwrap_or_else(|| "/bin/sh".to_owned()), line)
}

fn stdin(args: &Args) -> Option<Vec<u8>> {
    let mut text = args.str("stdin").filter(|text| !text.is_empty())?.to_owned();
    if args.bool("stdin_add_newline") {
        text.push('\n');
    }
    Some(text.into_bytes())
}

fn times(cx: &mut Context<'_>, start: Time, end: Time) -> (String, String, String) {
    let micros = |time: Time| time.secs * 1_000_000 + i64::from(time.nanos / 1000);
    // A clock that was set back meanwhile gives no negative time.
    let delta = u64::try_from(micros(end) - micros(start)).unwrap_or(0);
    let text = |cx: &mut Context<'_>, at| clock::local(cx.target, at).python_text();
    (text(cx, start), text(cx, end), clock::duration_text(std::time::Duration::from_micros(delta)))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .file("/data/there.txt", "")
            .with_env("HOME", "/root")
            .on("echo", Ran::of(0, "hello\n\n", ""))
            .on("false", Ran::of(3, "out\r\n", "why\n"))
            .on("/bin/", Ran::of(0, "", ""))
    }

    fn call(args: Value) -> (Value, Fake) {
        let mut fake = host();
        let result = Call::new("command", args).run_on(&mut fake);
        (result.into(), fake)
    }

    #[test]
    fn words_are_split_and_expanded_without_a_shell() {
        let (result, fake) = call(json!({"_raw_params": "echo 'a b' $HOME ~/x | tee"}));
        assert_eq!(fake.runs, ["echo 'a b' /root /root/x '|' tee"]);
        assert_eq!(result["cmd"], json!(["echo", "a b", "$HOME", "~/x", "|", "tee"]));
        assert_eq!(result["stdout"], "hello");
        assert_eq!(result["msg"], "");
        assert_eq!(result["changed"], true);
    }

    #[test]
    fn shells() {
        let run = |args: Value| call(args).1.runs;
        assert_eq!(
            run(json!({"_raw_params": "a | b", "_uses_shell": true})),
            ["/bin/sh -c 'a | b'"]
        );
        let args = json!({"_raw_params": "a", "_uses_shell": true, "executable": "/bin/bash"});
        assert_eq!(run(args), ["/bin/bash -c a"]);
        let args = json!({"argv": ["a b", "c"], "_uses_shell": true});
        assert_eq!(run(args), ["/bin/sh -c ''\"'\"'a b'\"'\"' c'"]);
    }

    #[test]
    fn what_is_there_already_is_not_made() {
        let cases = [
            (
                json!({"creates": "/data/*.txt"}),
                Some("Did not run command since '/data/*.txt' exists"),
            ),
            (
                json!({"creates": "there.txt", "chdir": "/data"}),
                Some("Did not run command since 'there.txt' exists"),
            ),
            (json!({"creates": "/data/no"}), None),
            (
                json!({"removes": "/data/no"}),
                Some("Did not run command since '/data/no' does not exist"),
            ),
            (json!({"removes": "/data/there.txt"}), None),
        ];
        for (mut args, message) in cases {
            args["_raw_params"] = "echo".into();
            let result = call(args).0;
            assert_eq!(result["msg"], message.unwrap_or(""));
            assert_eq!(result["changed"], message.is_none());
            assert_eq!(result["start"].is_null(), message.is_some());
        }
    }

    #[test]
    fn failures_tell_everything() {
        let (result, _) = call(json!({"_raw_params": "false"}));
        assert_eq!(
            (&result["failed"], &result["changed"], &result["rc"], &result["msg"]),
            (&json!(true), &json!(true), &json!(3), &json!("non-zero return code"))
        );
        assert_eq!((&result["stdout"], &result["stderr"]), (&json!("out"), &json!("why")));
        let cases = [
            (json!({}), "no command given"),
            (json!({"_raw_params": "  "}), "no command given"),
            (
                json!({"_raw_params": "a", "argv": ["b"]}),
                "only command or argv can be given, not both",
            ),
            (
                json!({"_raw_params": "echo", "chdir": "/no"}),
                "Unable to change directory before execution: [Errno 2] No such file or directory: b'/no'",
            ),
            (
                json!({"_raw_params": "echo 'a"}),
                "MODULE FAILURE\nSee stdout/stderr for the exact error",
            ),
            (json!({"_raw_params": "nothing"}), "[Errno 2] No such file or directory: b'nothing'"),
        ];
        for (args, message) in cases {
            let result = call(args).0;
            assert_eq!(result["msg"], message);
            assert_eq!(result["failed"], true);
        }
    }

    #[test]
    fn check_mode_looks_and_does_not_run() {
        for (extra, skipped) in [(None, true), (Some("/data/no"), false)] {
            let mut args = json!({"_raw_params": "echo"});
            if let Some(path) = extra {
                args["creates"] = path.into();
            }
            let mut fake = host();
            let result = Call::new("command", args).check().run_on(&mut fake);
            assert_eq!(result.get("skipped").is_some(), skipped);
            assert_eq!(result["changed"], !skipped);
            assert_eq!(result["msg"], "Command would have run if not in check mode");
            assert_eq!(fake.runs, [""; 0]);
        }
    }
}
