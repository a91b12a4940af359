//! `at`: commands that run once, later.

use std::path::{Path, PathBuf};

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule, Write};
use crate::python::{self, Subject};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.at"],
    description: "Has a command or a script run once at a later time by `at`, or takes such jobs back.",
    options: &[
        Opt::str("command").doc("The command."),
        Opt::str("script_file").doc("A script on the host."),
        Opt::int("count").doc("In how many units it runs; needed with `state=present`."),
        Opt::str("units")
            .choices(&[Lit::Str("minutes"), Lit::Str("hours"), Lit::Str("days"), Lit::Str("weeks")])
            .doc("The units; needed with `state=present`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to run; `absent` takes back all jobs that contain it."),
        Opt::bool("unique").or(false).doc("Add no job where one contains it already."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["command", "script_file"]),
        Rule::RequiredOneOf(&["command", "script_file"]),
    ],
    check_mode: CheckMode::None,
    examples: "- name: Close the firewall again in twenty minutes\n  ansible.posix.at:\n    command: ufw enable\n    count: 20\n    units: minutes\n    unique: true\n",
    version_added: "1.0.0",
    ..Module::builtin("at", "Schedules a command for later", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let at = cx.program("at")?.to_string_lossy().into_owned();
    let (count, units) = (args.int("count").unwrap_or(0), args.str("units").unwrap_or_default());
    let present = args.req("state") == "present";
    if present && (count == 0 || units.is_empty()) {
        return Err(Failure::new("present state requires count and units"));
    }
    let script = script(cx, args)?;
    let state = args.string("state");
    let outcome = |changed| Outcome::new(changed).with("state", state.as_str());
    if !present {
        let jobs = jobs(cx, &at, &script)?;
        for job in &jobs {
            cx.run_ok(&Run::argv([at.as_str(), "-r", job]))?;
        }
        return Ok(outcome(!jobs.is_empty()));
    }
    if args.bool("unique") && !jobs(cx, &at, &script)?.is_empty() {
        return Ok(outcome(false));
    }
    let mut line = Run::argv([at.as_str(), "-f"]);
    let named = cx.target.expand(&script.to_string_lossy());
    line = line.arg(named).args(["now", "+", &count.to_string(), units]);
    cx.run_ok(&line)?;
    Ok(outcome(true)
        .with("script_file", script.to_string_lossy())
        .with("count", count)
        .with("units", units))
}

/// The script; one that is made for a command goes when the call ends.
fn script(cx: &mut Context<'_>, args: &Args) -> Result<PathBuf, Failure> {
    let Some(command) = args.str("command").filter(|command| !command.is_empty()) else {
        return Ok(args.path("script_file"));
    };
    let folder = cx.system_tmp();
    let path = folder.join(format!("at{:08x}", cx.target.random() as u32));
    let owner = crate::module::FileAttributes {
        mode: Some("0600".into()),
        ..crate::module::FileAttributes::default()
    };
    cx.remove_at_end(&path);
    cx.write(Write::bytes(&path, format!("{command}\n").as_bytes()).born_with(&owner))?;
    Ok(path)
}

/// The jobs that contain the script.
fn jobs(cx: &mut Context<'_>, at: &str, script: &Path) -> Result<Vec<String>, Failure> {
    let queue = cx.program("atq")?;
    let listed = cx.run_ok(&Run::argv([queue.into_os_string()]))?;
    if listed.stdout.is_empty() {
        return Ok(Vec::new());
    }
    let text = cx.target.read_text(script).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(script));
        Failure::crash(python::os_class(&error), why)
    })?;
    let mut found = Vec::new();
    let listed = listed.out();
    for job in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let shown = cx.run_ok(&Run::argv([at, "-c", job]))?;
        if shown.out().contains(text.trim()) {
            found.push(job.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("at")
            .program("atq")
            .on("/usr/bin/atq", Ran::of(0, "3\tMon Jan  1 a root\n14\tTue a root\n", ""))
            .on("/usr/bin/at -c 14", Ran::of(0, "#!/bin/sh\numask 22\nbackup now\n", ""))
            .on("/usr/bin/at", Ran::of(0, "", ""));
        let result = Call::new("ansible.posix.at", args).run_on(&mut fake).into();
        assert!(fake.tree("/tmp").is_empty(), "{:?}", fake.tree("/tmp"));
        (result, fake.runs)
    }

    #[test]
    fn jobs_come_and_go() {
        let (result, runs) = call(json!({"command": "x y", "count": 2, "units": "hours"}));
        assert_eq!(result["changed"], true, "{result}");
        assert!(runs[0].ends_with("now + 2 hours"), "{runs:?}");
        let once = json!({"command": "backup now", "count": 2, "units": "hours", "unique": true});
        assert_eq!(call(once).0["changed"], false);
        let (result, runs) = call(json!({"command": "backup now", "state": "absent"}));
        assert_eq!(result["changed"], true);
        assert_eq!(runs.last().map(String::as_str), Some("/usr/bin/at -r 14"));
        let (result, _) = call(json!({"command": "x", "count": 2}));
        assert_eq!(result["msg"], "present state requires count and units");
    }
}
