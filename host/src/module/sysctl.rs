//! `sysctl`: settings of the kernel, now and at every start.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule, Write};
use crate::target::Run;

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
        Opt::bool("reload").or(true).doc("Have the file read again when it changed."),
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

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.req("name").to_owned();
    if name.is_empty() {
        return Err(Failure::new("name cannot be empty"));
    }
    let state = args.req("state").to_owned();
    let value = args.str("value").map(word);
    if state == "present" && value.as_deref() == Some("") {
        return Err(Failure::new("value cannot be empty"));
    }
    let file = args.req("sysctl_file").to_owned();
    let (set, ignore) = (args.bool("sysctl_set"), args.bool("ignoreerrors"));
    let path = cx.target.realpath(file.as_ref());
    let old = if cx.target.exists(&path) {
        cx.target
            .read_text(&path)
            .map_err(|e| Failure::new(format!("Failed to open {file}: {e}")))?
    } else {
        String::new()
    };
    let wanted = value.clone().filter(|_| state == "present");
    let new = edited(&old, &name, wanted.as_deref());
    let in_file = setting(&old, &name);
    let changes_file = match &wanted {
        Some(wanted) => in_file.as_deref() != Some(wanted),
        None => in_file.is_some(),
    };
    let mut changed = changes_file;
    let running = if set && state == "present" { current(cx, &name)? } else { None };
    let set_running = set
        && wanted.as_ref().is_some_and(|w| {
            running.as_ref().is_none_or(|now| now.split_whitespace().ne(w.split_whitespace()))
        });
    changed |= set_running;
    if set_running
        && !cx.check
        && let Some(wanted) = &wanted
    {
        assign(cx, &name, wanted, ignore)?;
    }
    if changes_file && !cx.check {
        cx.write_if_changed(Write::bytes(&path, new.as_bytes()))?;
        if args.bool("reload") {
            reload(cx, &file, ignore)?;
        }
    }
    Ok(Outcome::new(changed))
}

/// A value as the kernel's files have it: booleans are numbers.
fn word(value: &str) -> String {
    match value.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" => "1".to_owned(),
        "false" | "no" | "off" | "n" | "f" => "0".to_owned(),
        _ => value.trim().to_owned(),
    }
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
    text.lines().filter_map(parts).filter(|(k, _)| *k == name).map(|(_, v)| v.to_owned()).last()
}

/// The file with the setting once and last of its kind, or without it.
fn edited(text: &str, name: &str, wanted: Option<&str>) -> String {
    let mut out = String::new();
    let mut done = false;
    for line in text.lines() {
        match parts(line).filter(|(k, _)| *k == name) {
            None => {
                out.push_str(line);
                out.push('\n');
            }
            Some(_) if done => {}
            Some(_) => {
                if let Some(wanted) = wanted {
                    out.push_str(&format!("{name}={wanted}\n"));
                }
                done = true;
            }
        }
    }
    if let Some(wanted) = wanted.filter(|_| !done) {
        out.push_str(&format!("{name}={wanted}\n"));
    }
    out
}

fn program(cx: &mut Context<'_>) -> Result<Run, Failure> {
    let path = cx.program_in("sysctl", &["/sbin", "/usr/sbin"])?;
    Ok(Run::argv([path.into_os_string()]).c_locale())
}

fn current(cx: &mut Context<'_>, name: &str) -> Result<Option<String>, Failure> {
    let run = program(cx)?.args(["-e", "-n", name]);
    let ran = cx.run(&run)?;
    Ok(ran.ok().then(|| ran.out().trim().to_owned()))
}

fn assign(cx: &mut Context<'_>, name: &str, value: &str, ignore: bool) -> Result<(), Failure> {
    let mut run = program(cx)?;
    if ignore {
        run = run.arg("-e");
    }
    let ran = cx.run(&run.arg("-w").arg(format!("{name}={value}")))?;
    if ran.ok() && !complains(&ran.err()) {
        return Ok(());
    }
    Err(Failure::new(format!("setting {name} failed: {}{}", ran.out(), ran.err())))
}

/// sysctl ends well for some settings that it could not set.
fn complains(text: &str) -> bool {
    text.lines().any(|l| l.ends_with("Invalid argument") || l.ends_with("Read-only file system"))
}

fn reload(cx: &mut Context<'_>, file: &str, ignore: bool) -> Result<(), Failure> {
    let mut run = program(cx)?;
    if ignore {
        run = run.arg("-e");
    }
    let ran = cx.run(&run.args(["-p", file]))?;
    if ran.ok() && !complains(&ran.err()) {
        return Ok(());
    }
    Err(Failure::new(format!("Failed to reload sysctl: {}{}", ran.out(), ran.err())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn lines_are_replaced_and_added() {
        assert_eq!(edited("# c\na=1\nb = 2\na=3\n", "a", Some("9")), "# c\na=9\nb = 2\n");
        assert_eq!(edited("b=2\n", "a", Some("1")), "b=2\na=1\n");
        assert_eq!(edited("a=1\nb=2\n", "a", None), "b=2\n");
        assert_eq!(word("yes"), "1");
    }

    #[test]
    fn the_kernel_is_set_only_if_it_differs() {
        let host = |now: &str| {
            Fake::new()
                .file("/etc/sysctl.conf", "net.ipv4.ip_forward=1\n")
                .program("sysctl")
                .on("/usr/bin/sysctl -e -n", Ran::of(0, now, ""))
                .on("/usr/bin/sysctl", Ran::of(0, "", ""))
        };
        let args = json!({"name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true});
        let result = Call::new("sysctl", args.clone()).run_on(&mut host("1\n"));
        assert_eq!(result["changed"], false, "{result:?}");
        let mut fake = host("0\n");
        let result = Call::new("sysctl", args).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.iter().any(|r| r.contains("-w")), "{:?}", fake.runs);
    }
}
