//! `sysctl`: settings of the kernel, now and at every start.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule, Write};
use crate::python::{self, Subject};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.sysctl"],
    description: "Sets values of the kernel in a file that is read at every start, and in the running kernel.",
    options: &[
        Opt::str("name").required().aliases(&["key"]).doc("The setting, with dots or slashes."),
        Opt::str("value").aliases(&["val"]).doc("Its value."),
        Opt::bool("ignoreerrors")
            .or(false)
            .doc("Don't mind settings that the kernel does not know."),
        Opt::bool("reload")
            .or(true)
            .doc("Have the file read again when it changed, or when the kernel has another value."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the file is to have the setting."),
        Opt::path("sysctl_file").or_str("/etc/sysctl.conf").doc("The file."),
        Opt::bool("sysctl_set").or(false).doc("Set the running kernel's value too."),
    ],
    rules: &[Rule::RequiredIf {
        option: "state",
        is: Lit::Str("present"),
        needs: &["value"],
        any: false,
    }],
    check_mode: CheckMode::Full,
    examples: "- name: Forward packets\n  ansible.posix.sysctl:\n    name: net.ipv4.ip_forward\n    value: '1'\n    sysctl_set: true\n",
    ..Module::builtin("sysctl", "Manages kernel settings", run)
};

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    changed: bool,
    write: bool,
    assign: bool,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let present = args.req("state") == "present";
    if args.req("name").is_empty() {
        return Err(Failure::new("name cannot be blank"));
    }
    if present && args.req("value").is_empty() {
        return Err(Failure::new("value cannot be blank"));
    }
    let name = args.req("name").trim().to_owned();
    let value = args.str("value").map(word).unwrap_or_default();
    args.set("name", name.as_str());
    args.set("value", value.as_str());
    let (file, reload) = (args.string("sysctl_file"), args.bool("reload"));
    let ignore = args.bool("ignoreerrors");
    let running = current(cx, &name)?;
    let old = read(cx, &file)?;
    let in_file = setting(&old, &name);
    let mut plan = plan(present, in_file.as_deref(), &value, reload.then_some(running.as_deref()));
    if args.bool("sysctl_set") && present {
        plan.assign = running.as_deref().is_some_and(|now| !equal(now, &value));
        plan.changed |= plan.assign || running.is_none();
    }
    if cx.check {
        return Ok(Outcome::new(plan.changed));
    }
    if plan.assign {
        assign(cx, &name, &value, ignore)?;
    }
    if plan.write {
        let new = edited(&old, &name, present.then_some(value.as_str()));
        cx.write_if_changed(Write::bytes(file.as_ref(), new.as_bytes()))?;
    }
    if plan.changed && reload {
        reread(cx, &file, ignore)?;
    }
    Ok(Outcome::new(plan.changed))
}

/// `running`: the kernel's value, if it counts.
fn plan(present: bool, in_file: Option<&str>, value: &str, running: Option<Option<&str>>) -> Plan {
    let write = match in_file {
        None => present,
        // ansible.posix takes an empty setting as none when it is to go.
        Some(found) if !present => !found.is_empty() || !value.is_empty(),
        Some(found) => found != value,
    };
    let counts = in_file.is_some() || present;
    let differs = running.is_some_and(|now| !now.is_some_and(|now| equal(now, value)));
    Plan { changed: write || counts && differs, write, assign: false }
}

fn equal(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// A value as the kernel's files have it: booleans are numbers.
fn word(value: &str) -> String {
    match value.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" | "1" => "1".to_owned(),
        "false" | "no" | "off" | "n" | "f" | "0" => "0".to_owned(),
        _ => value.trim().to_owned(),
    }
}

fn read(cx: &mut Context<'_>, file: &str) -> Result<String, Failure> {
    let path = Path::new(file);
    if !cx.target.stat(path).is_ok_and(|stat| !stat.is_dir()) {
        return Ok(String::new());
    }
    cx.target.read_text(path).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(path));
        Failure::new(format!("Failed to open {file}: {why}"))
    })
}

fn parts(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim();
    if bare.is_empty() || bare.starts_with(['#', ';']) {
        return None;
    }
    let (key, value) = bare.split_once('=')?;
    Some((key.trim(), value.trim()))
}

fn setting(text: &str, name: &str) -> Option<String> {
    text.lines().rev().filter_map(parts).find(|(k, _)| *k == name).map(|(_, v)| v.to_owned())
}

/// The file with every setting once, written in one way, and this one as it is wanted.
fn edited(text: &str, name: &str, wanted: Option<&str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = parts(line) else {
            lines.push(line.trim().to_owned());
            continue;
        };
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        match (key == name, wanted) {
            (false, _) => lines.push(format!("{key}={value}")),
            (true, Some(wanted)) => lines.push(format!("{key}={wanted}")),
            (true, None) => {}
        }
    }
    if let Some(wanted) = wanted.filter(|_| !seen.contains(&name)) {
        lines.push(format!("{name}={wanted}"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn program(cx: &mut Context<'_>) -> Result<String, Failure> {
    Ok(cx.program("sysctl")?.to_string_lossy().into_owned())
}

fn sysctl(cx: &mut Context<'_>, run: Run) -> Result<Ran, Failure> {
    cx.run(&run.c_locale())
}

fn current(cx: &mut Context<'_>, name: &str) -> Result<Option<String>, Failure> {
    let line = format!("{} -e -n {name}", program(cx)?);
    let run = cx.words(&line)?;
    let ran = sysctl(cx, run)?;
    Ok(ran.ok().then(|| ran.out().into_owned()))
}

fn assign(cx: &mut Context<'_>, name: &str, value: &str, ignore: bool) -> Result<(), Failure> {
    let ignore = if ignore { "-e" } else { "" };
    let line = format!("{} {ignore} -w {name}=\"{value}\"", program(cx)?);
    let run = cx.words(&line)?;
    let ran = sysctl(cx, run)?;
    if ran.ok() && !complains(&ran.err()) {
        return Ok(());
    }
    Err(Failure::new(format!("setting {name} failed: {}{}", ran.out(), ran.err())))
}

/// sysctl ends well for some settings that it could not set.
fn complains(text: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.strip_prefix("sysctl: setting key \"").and_then(|l| l.split_once("\": "));
        rest.is_some_and(|(key, why)| {
            !key.is_empty() && matches!(why, "Invalid argument" | "Read-only file system")
        })
    })
}

fn reread(cx: &mut Context<'_>, file: &str, ignore: bool) -> Result<(), Failure> {
    let mut run = Run::argv([program(cx)?]);
    if ignore {
        run = run.arg("-e");
    }
    let ran = sysctl(cx, run.args(["-p", file]))?;
    if ran.ok() && !complains(&ran.err()) {
        return Ok(());
    }
    Err(Failure::new(format!("Failed to reload sysctl: {}{}", ran.out(), ran.err())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn lines_are_replaced_and_added() {
        assert_eq!(edited("# c\na=1\nb = 2\na=3\n", "a", Some("9")), "# c\na=9\nb=2\n");
        assert_eq!(edited(" b=2\n\nx\n", "a", Some("1")), "b=2\n\nx\na=1\n");
        assert_eq!(edited("a=1\nb=2\n", "a", None), "b=2\n");
        assert_eq!(word("yes"), "1");
    }

    #[test]
    fn plans() {
        let plan = |present, in_file, running| {
            let plan = plan(present, in_file, if present { "1" } else { "" }, running);
            (plan.changed, plan.write)
        };
        assert_eq!(plan(true, None, None), (true, true));
        assert_eq!(plan(true, Some("1"), Some(Some("1\n"))), (false, false));
        assert_eq!(plan(true, Some("1"), Some(Some("0\n"))), (true, false));
        assert_eq!(plan(true, Some("1"), Some(None)), (true, false));
        assert_eq!(plan(true, Some("1"), None), (false, false));
        assert_eq!(plan(false, None, Some(Some("1\n"))), (false, false));
        assert_eq!(plan(false, Some("1"), None), (true, true));
    }

    fn host(now: &str) -> Fake {
        Fake::new()
            .file("/etc/sysctl.conf", "net.ipv4.ip_forward=1\n")
            .program("sysctl")
            .on("/usr/bin/sysctl -e -n", Ran::of(0, now, ""))
            .on("/usr/bin/sysctl", Ran::of(0, "", ""))
    }

    #[test]
    fn the_kernel_is_set_only_if_it_differs() {
        let args = json!({"name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true});
        let result = Call::new("sysctl", args.clone()).run_on(&mut host("1\n"));
        assert_eq!(result["changed"], false, "{result:?}");
        let mut fake = host("0\n");
        let result = Call::new("sysctl", args).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.iter().any(|r| r.contains("-w")), "{:?}", fake.runs);
    }

    #[test]
    fn failures() {
        let why = "sysctl: setting key \"a.b\": Invalid argument\n";
        let mut fake = Fake::new()
            .program("sysctl")
            .on("/usr/bin/sysctl -e -n", Ran::of(0, "1\n", ""))
            .on("/usr/bin/sysctl -w", Ran::of(0, "", why));
        let args = json!({"name": "a.b", "value": "x y", "sysctl_set": true});
        let result = Call::new("sysctl", args).run_on(&mut fake);
        assert_eq!(result["msg"], format!("setting a.b failed: {why}"));
        assert!(fake.runs.iter().any(|r| r == "/usr/bin/sysctl -w 'a.b=x y'"), "{:?}", fake.runs);
        let blank = |args| Call::new("sysctl", args).run_on(&mut host(""))["msg"].clone();
        assert_eq!(blank(json!({"name": "", "value": "1"})), "name cannot be blank");
        assert_eq!(blank(json!({"name": "a", "value": ""})), "value cannot be blank");
    }
}
