//! `service`: services of machines without systemd; where systemd is, `systemctl` all the same.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Starts, stops and enables services by whatever the host has for that.",
    options: &[
        Opt::str("name").required().doc("The service."),
        Opt::str("state")
            .choices(&[
                Lit::Str("started"),
                Lit::Str("stopped"),
                Lit::Str("reloaded"),
                Lit::Str("restarted"),
            ])
            .doc("What it is to be."),
        Opt::int("sleep").doc("Seconds between stopping and starting for `restarted`."),
        Opt::str("pattern")
            .doc("A text that tells the service among the processes, where it can't tell itself."),
        Opt::bool("enabled").doc("Whether it starts with the system."),
        Opt::str("runlevel").or_str("default").doc("For OpenRC: the level."),
        Opt::str("arguments").or_str("").aliases(&["args"]).doc("More arguments."),
    ],
    rules: &[Rule::RequiredOneOf(&["state", "enabled"])],
    check_mode: CheckMode::Full,
    examples: "- name: Run the time service\n  ansible.builtin.service:\n    name: chrony\n    state: started\n",
    ..Module::builtin("service", "Manages services", run)
};

/// What starts services here.
enum Manager {
    Systemctl,
    OpenRc,
    Script(String),
    Service,
}

fn manager(cx: &mut Context<'_>, name: &str) -> Manager {
    let systemd = ["/run/systemd/system/", "/dev/.run/systemd/"]
        .iter()
        .any(|path| cx.target.exists(path.as_ref()));
    if systemd && cx.target.find_program("systemctl", &[]).is_some() {
        return Manager::Systemctl;
    }
    if cx.target.find_program("rc-service", &[]).is_some() {
        return Manager::OpenRc;
    }
    if cx.target.find_program("service", &[]).is_some() {
        return Manager::Service;
    }
    Manager::Script(format!("/etc/init.d/{name}"))
}

struct Service {
    name: String,
    manager: Manager,
    arguments: Vec<String>,
}

impl Service {
    fn ask(&self, cx: &mut Context<'_>, action: &str) -> Result<Ran, Failure> {
        let run = match &self.manager {
            Manager::Systemctl => Run::argv(["systemctl", action, self.name.as_str()]),
            Manager::OpenRc => Run::argv(["rc-service", self.name.as_str(), action]),
            Manager::Service => Run::argv(["service", self.name.as_str(), action]),
            Manager::Script(path) => Run::argv([path.as_str(), action]),
        };
        cx.run(&run.args(self.arguments.clone()))
    }

    /// Whether it runs; unknown if nothing tells.
    fn running(
        &self,
        cx: &mut Context<'_>,
        pattern: Option<&str>,
    ) -> Result<Option<bool>, Failure> {
        if let Some(pattern) = pattern {
            let ran = cx.run(&Run::argv(["ps", "auxww"]))?;
            return Ok(Some(ran.out().lines().any(|l| l.contains(pattern))));
        }
        let ran = match &self.manager {
            Manager::Systemctl => self.ask(cx, "is-active")?,
            _ => self.ask(cx, "status")?,
        };
        let text = format!("{} {}", ran.out(), ran.err()).to_lowercase();
        let says = |words: &[&str]| words.iter().any(|w| text.contains(w));
        Ok(match ran.rc {
            0 if says(&["stopped", "not running", "inactive", "dead"]) => Some(false),
            0 => Some(true),
            // What the Linux Standard Base has for programs that are dead or not running.
            1..=3 => Some(says(&["activating"])),
            4 => None,
            69 => Some(false),
            _ if says(&["running"]) && !says(&["not running"]) => Some(true),
            _ => None,
        })
    }

    fn enabled(&self, cx: &mut Context<'_>, runlevel: &str) -> Result<bool, Failure> {
        Ok(match &self.manager {
            Manager::Systemctl => self.ask(cx, "is-enabled")?.ok(),
            Manager::OpenRc => {
                let ran = cx.run(&Run::argv(["rc-update", "show", runlevel]))?;
                ran.out().lines().any(|l| l.split('|').next().map(str::trim) == Some(&self.name))
            }
            _ => {
                let mut found = false;
                for level in 2..=5 {
                    let folder = format!("/etc/rc{level}.d");
                    let links = cx.target.read_dir(folder.as_ref()).unwrap_or_default();
                    found |= links.iter().any(|l| {
                        let link = l.name.to_string_lossy();
                        link.starts_with('S') && link.get(3..) == Some(self.name.as_str())
                    });
                }
                found
            }
        })
    }

    fn enable(&self, cx: &mut Context<'_>, on: bool, runlevel: &str) -> Result<Ran, Failure> {
        let run = match &self.manager {
            Manager::Systemctl => {
                Run::argv(["systemctl", if on { "enable" } else { "disable" }, self.name.as_str()])
            }
            Manager::OpenRc => Run::argv([
                "rc-update",
                if on { "add" } else { "delete" },
                self.name.as_str(),
                runlevel,
            ]),
            _ if cx.target.find_program("chkconfig", &[]).is_some() => {
                Run::argv(["chkconfig", self.name.as_str(), if on { "on" } else { "off" }])
            }
            _ => {
                let program = cx.program("update-rc.d")?;
                Run::argv([program.into_os_string()])
                    .args([self.name.as_str(), if on { "defaults" } else { "disable" }])
            }
        };
        cx.run(&run)
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.req("name").to_owned();
    let arguments = args.req("arguments").split_whitespace().map(str::to_owned).collect();
    let service = Service { manager: manager(cx, &name), name, arguments };
    let runlevel = args.req("runlevel").to_owned();
    let mut outcome = Outcome::new(false).with("name", service.name.as_str());
    let mut changed = false;
    if let Some(wanted) = args.opt_bool("enabled") {
        if service.enabled(cx, &runlevel)? != wanted {
            changed = true;
            if !cx.check {
                must(&service, service.enable(cx, wanted, &runlevel)?)?;
            }
        }
        outcome = outcome.with("enabled", wanted);
    }
    let Some(wanted) = args.str("state").map(str::to_owned) else {
        return Ok(with_changed(outcome, changed));
    };
    let Some(running) = service.running(cx, args.str("pattern"))? else {
        return Err(Failure::new(format!(
            "Could not find the requested service {}: host",
            service.name
        )));
    };
    let actions: &[&str] = match (wanted.as_str(), running) {
        ("started", false) | ("reloaded", false) => &["start"],
        ("stopped", true) => &["stop"],
        ("reloaded", true) => &["reload"],
        ("restarted", _) if args.is_given("sleep") => &["stop", "start"],
        ("restarted", _) => &["restart"],
        _ => &[],
    };
    for (turn, action) in actions.iter().enumerate() {
        changed = true;
        if cx.check {
            continue;
        }
        if turn > 0 {
            let seconds = args.int("sleep").unwrap_or(0).unsigned_abs();
            cx.target.sleep(std::time::Duration::from_secs(seconds));
        }
        must(&service, service.ask(cx, action)?)?;
    }
    let state = if wanted == "stopped" { "stopped" } else { "started" };
    Ok(with_changed(outcome.with("state", state), changed))
}

fn with_changed(outcome: Outcome, changed: bool) -> Outcome {
    outcome.with("changed", changed)
}

fn must(service: &Service, ran: Ran) -> Result<(), Failure> {
    if ran.ok() {
        return Ok(());
    }
    let text = if ran.err().is_empty() { ran.out().into_owned() } else { ran.err().into_owned() };
    Err(Failure::new(text).with("name", service.name.as_str()).with("rc", ran.rc))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn starts_what_does_not_run() {
        let host = |rc: i32, out: &str| {
            Fake::new()
                .program("service")
                .on("service x status", Ran::of(rc, out, ""))
                .on("service", Ran::of(0, "", ""))
        };
        let call = Call::new("service", json!({"name": "x", "state": "started"}));
        let mut fake = host(3, "x is stopped");
        assert_eq!(call.run_on(&mut fake)["changed"], true);
        assert!(fake.runs.iter().any(|r| r == "service x start"), "{:?}", fake.runs);
        assert_eq!(call.run_on(&mut host(0, "x is running"))["changed"], false);
    }
}
