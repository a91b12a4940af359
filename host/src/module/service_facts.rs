//! `service_facts`: the services of a host and their states, as facts.

use crate::module::{Args, CheckMode, Context, Failure, Map, Module, Outcome, Returned};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Makes `ansible_facts.services` of the services that systemd and System V's scripts know, by their names.",
    check_mode: CheckMode::Full,
    returns: &[Returned::new(
        "ansible_facts",
        "dict",
        "always",
        "`services`: for each its `name`, `state`, `status` and `source`.",
    )],
    examples: "- name: Which services are there?\n  ansible.builtin.service_facts:\n\n- ansible.builtin.debug:\n    var: ansible_facts.services['sshd.service'].state\n",
    version_added: "2.5",
    ..Module::builtin("service_facts", "Makes facts of services and their states", run)
};

fn run(cx: &mut Context<'_>, _args: &mut Args) -> Result<Outcome, Failure> {
    let mut services = Map::new();
    let find = |cx: &mut Context<'_>, name: &str| cx.target.find_program(name, &[]);
    let others = ["chkconfig", "initctl", "rc-status"];
    let other = others.into_iter().find(|name| find(cx, name).is_some());
    match (other, find(cx, "service")) {
        (None, Some(service)) => scripts(cx, service.as_os_str(), &mut services)?,
        (Some("chkconfig"), _) => {
            // What systemd does not know is only in its listing; hosts with both have next to nothing there.
            cx.warn("services that only chkconfig lists are not supported yet");
        }
        (Some(name), _) => cx.warn(format!("services that {name} lists are not supported yet")),
        (None, None) => {}
    }
    let init = cx.target.read_text("/proc/1/comm".as_ref()).unwrap_or_default();
    if init.contains("systemd")
        && let Some(systemctl) =
            cx.target.find_program("systemctl", &["/usr/bin", "/usr/local/bin"])
    {
        let systemctl = systemctl.to_string_lossy().into_owned();
        let mut found = Map::new();
        units(cx, &systemctl, &mut found)?;
        unit_files(cx, &systemctl, &mut found)?;
        services.extend(found);
    }
    if services.is_empty() {
        return Ok(Outcome {
            skipped: true,
            ..Outcome::silent().msg(
                "Failed to find any services. This can be due to privileges or some other configuration issue.",
            )
        });
    }
    let mut facts = Map::new();
    facts.insert("services".into(), services.into());
    Ok(Outcome::silent().facts(facts))
}

fn entry(name: &str, state: &str, status: Option<&str>, source: &str) -> Map {
    let mut entry = Map::new();
    entry.insert("name".into(), name.into());
    entry.insert("state".into(), state.into());
    if let Some(status) = status {
        entry.insert("status".into(), status.into());
    }
    entry.insert("source".into(), source.into());
    entry
}

/// System V's scripts, as `service --status-all` tells of them.
fn scripts(
    cx: &mut Context<'_>,
    program: &std::ffi::OsStr,
    services: &mut Map,
) -> Result<(), Failure> {
    let ran = cx.run(&Run::argv([program]).arg("--status-all").c_locale())?;
    if ran.rc == 4 && !cx.target.exists("/etc/init.d".as_ref()) {
        return Ok(());
    }
    if !ran.ok() {
        cx.warn(format!("Unable to query 'service' tool ({}): {}", ran.rc, ran.err()));
    }
    for line in ran.out().lines() {
        let line = line.trim_start();
        let (state, rest) = match (line.strip_prefix("[ + ]"), line.strip_prefix("[ - ]")) {
            (Some(rest), _) => ("running", rest),
            (_, Some(rest)) => ("stopped", rest),
            _ => continue,
        };
        let name = rest.trim_start();
        if name.is_empty() || name.len() == rest.len() {
            continue;
        }
        services.insert(name.to_owned(), entry(name, state, None, "sysv").into());
    }
    Ok(())
}

/// Statuses that say more than what a unit's file does.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

fn ask(cx: &mut Context<'_>, systemctl: &str, words: &[&str]) -> Result<Ran, Failure> {
    cx.run(&Run::argv([systemctl]).args(words.iter().copied()).c_locale())
}

fn units(cx: &mut Context<'_>, systemctl: &str, found: &mut Map) -> Result<(), Failure> {
    let ran = ask(cx, systemctl, &["list-units", "--no-pager", "--type", "service", "--all"])?;
    if !ran.ok() {
        cx.warn(format!("Could not list units from systemd: {}", ran.err()));
        return Ok(());
    }
    for line in ran.out().lines().filter(|line| line.contains(".service")) {
        let mut fields: Vec<&str> = line.split_whitespace().collect();
        let bad = BAD.into_iter().find(|bad| fields.contains(bad));
        if bad.is_some() {
            // A dot marks the line.
            fields.remove(0);
        }
        let (Some(name), Some(state)) = (fields.first(), fields.get(3)) else {
            return Err(Failure::crash("IndexError", "list index out of range"));
        };
        let status = bad.or(fields.get(2).copied());
        let state = if *state == "running" { "running" } else { "stopped" };
        found.insert((*name).to_owned(), entry(name, state, status, "systemd").into());
    }
    Ok(())
}

fn unit_files(cx: &mut Context<'_>, systemctl: &str, found: &mut Map) -> Result<(), Failure> {
    let words = ["list-unit-files", "--no-pager", "--type", "service", "--all"];
    let ran = ask(cx, systemctl, &words)?;
    if !ran.ok() {
        cx.warn(format!("Could not get unit files data from systemd: {}", ran.err()));
        return Ok(());
    }
    for line in ran.out().lines().filter(|line| line.contains(".service")) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else {
            return Err(Failure::crash(
                "ValueError",
                "not enough values to unpack (expected 2, got 1)",
            ));
        };
        match found.get_mut(name) {
            Some(known) => {
                if !BAD.iter().any(|bad| known["status"] == *bad) {
                    known["status"] = status.into();
                }
            }
            None => {
                let ran = ask(cx, systemctl, &["show", name, "--property=ActiveState"])?;
                let state = match ran.ok() && !ran.stdout.is_empty() {
                    true => ran.out().replace("ActiveState=", "").trim_end().to_owned(),
                    false => "unknown".to_owned(),
                };
                found.insert(name.to_owned(), entry(name, &state, Some(status), "systemd").into());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn services_of_both_kinds() {
        let mut fake = Fake::new()
            .file("/proc/1/comm", "systemd\n")
            .program("systemctl")
            .program("service")
            .on("/usr/bin/service --status-all", Ran::of(0, " [ + ]  cron\n [ - ]  x11\n", ""))
            .on(
                "/usr/bin/systemctl list-units",
                Ran::of(
                    0,
                    "  UNIT LOAD ACTIVE SUB DESCRIPTION\n  a.service loaded active running A\n\u{25cf} b.service not-found inactive dead b.service\n",
                    "",
                ),
            )
            .on(
                "/usr/bin/systemctl list-unit-files",
                Ran::of(0, "a.service enabled enabled\nb.service disabled -\nc@.service static -\n", ""),
            )
            .on("/usr/bin/systemctl show c@.service", Ran::of(0, "ActiveState=inactive\n", ""));
        let result = Call::new("service_facts", json!({})).run_on(&mut fake);
        assert_eq!(
            result["ansible_facts"]["services"],
            json!({
                "cron": {"name": "cron", "state": "running", "source": "sysv"},
                "x11": {"name": "x11", "state": "stopped", "source": "sysv"},
                "a.service": {"name": "a.service", "state": "running", "status": "enabled", "source": "systemd"},
                "b.service": {"name": "b.service", "state": "stopped", "status": "not-found", "source": "systemd"},
                "c@.service": {"name": "c@.service", "state": "inactive", "status": "static", "source": "systemd"},
            })
        );
    }

    #[test]
    fn no_services() {
        let result = Call::new("service_facts", json!({})).run_on(&mut Fake::new());
        assert_eq!(result["skipped"], true);
    }
}
