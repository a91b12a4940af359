//! `service`: services of machines without systemd; where systemd is, `systemctl` all the same.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::python;
use crate::target::{Access, Ran, Run};

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
    let systemd = ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"]
        .iter()
        .any(|path| cx.target.exists(path.as_ref()));
    let mut is_first = || {
        let first = cx.target.read("/proc/1/comm".as_ref()).unwrap_or_default();
        String::from_utf8_lossy(&first).contains("systemd")
    };
    let systemd = systemd || is_first();
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

/// Whether anything knows the service: without systemd and OpenRC that needs a script of System V and a program
/// that enables it, or a file of upstart's.
fn is_known(cx: &mut Context<'_>, service: &Service) -> bool {
    if let Manager::Systemctl | Manager::OpenRc = service.manager {
        return true;
    }
    let mut has = |program: &str| cx.target.find_program(program, &[]).is_some();
    let (enables, upstart) =
        (has("update-rc.d") || has("insserv") || has("chkconfig"), has("initctl"));
    let mut there = |path: String| cx.target.exists(path.as_ref());
    upstart && there(format!("/etc/init/{}.conf", service.name))
        || enables && there(format!("/etc/init.d/{}", service.name))
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
            let found = |line: &str| line.contains(pattern) && !line.contains("pattern=");
            return Ok(ran.ok().then(|| ran.out().lines().any(found)));
        }
        if let Manager::Systemctl = self.manager {
            return self.active(cx).map(Some);
        }
        let ran = self.ask(cx, "status")?;
        let said = ran.out();
        if let Manager::OpenRc = self.manager {
            return Ok(Some(said.contains("started")));
        }
        // What the Linux Standard Base has for programs that are dead or not running, and for unknown ones.
        if matches!(ran.rc, 1..=4 | 69) {
            return Ok(Some(false));
        }
        // Scripts that say more than a line may say anything.
        let told = match said.matches('\n').count() {
            0 | 1 => self.told(&said),
            _ => None,
        };
        let by_rules = self.name == "iptables" && said.contains("ACCEPT");
        Ok(told.or((ran.ok() || by_rules).then_some(true)))
    }

    /// What a line of a script's tells.
    fn told(&self, line: &str) -> Option<bool> {
        let text = line.to_lowercase().replace(&self.name.to_lowercase(), "");
        let says = |word: &str| text.contains(word);
        match () {
            () if says("stop") => Some(false),
            () if says("run") => Some(!says("not ")),
            () if says("start") && !says("not ") => Some(true),
            () if says("could not access pid file")
                || says("is dead and pid file exists")
                || says("dead but subsys locked")
                || says("dead but pid file exists") =>
            {
                Some(false)
            }
            () => None,
        }
    }

    fn active(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let ran = cx.run(&Run::argv(["systemctl", "show", self.name.as_str()]))?;
        let shown = python::repr_str(&self.name);
        if !ran.ok() {
            return Err(Failure::new(format!(
                "failure {} running systemctl show for {shown}: {}",
                ran.rc,
                ran.err()
            )));
        }
        let said = ran.out();
        if said.contains("LoadState=not-found") {
            return Err(Failure::new(format!(
                "systemd could not find the requested service \"{shown}\": {}",
                ran.err()
            )));
        }
        match said.lines().find_map(|line| line.strip_prefix("ActiveState=")) {
            Some(state) => Ok(state == "active"),
            None => Err(Failure::new(format!(
                "No ActiveState value in systemctl show output for {shown}"
            ))),
        }
    }

    fn enabled(&self, cx: &mut Context<'_>, runlevel: &str) -> Result<bool, Failure> {
        Ok(match &self.manager {
            Manager::Systemctl => {
                let ran = self.ask(cx, "is-enabled")?;
                let script = format!("/etc/init.d/{}", self.name);
                match ran.ok() {
                    true => true,
                    false if ran.out().starts_with("disabled") => false,
                    false if cx.target.access(script.as_ref(), Access::Execute) => self.links(cx),
                    false => false,
                }
            }
            Manager::OpenRc => {
                let ran = cx.run(&Run::argv(["rc-update", "show", runlevel]))?;
                ran.out().lines().any(|l| l.split('|').next().map(str::trim) == Some(&self.name))
            }
            _ => self.links(cx),
        })
    }

    /// Whether a level of System V starts it.
    fn links(&self, cx: &mut Context<'_>) -> bool {
        (2..=5).any(|level| {
            let folder = format!("/etc/rc{level}.d");
            let links = cx.target.read_dir(folder.as_ref()).unwrap_or_default();
            links.iter().any(|l| {
                let link = l.name.to_string_lossy();
                link.starts_with('S') && link.get(3..) == Some(self.name.as_str())
            })
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

    fn switch(&self, cx: &mut Context<'_>, on: bool, runlevel: &str) -> Result<(), Failure> {
        let ran = self.enable(cx, on, runlevel)?;
        if ran.ok() {
            return Ok(());
        }
        let action = match (&self.manager, on) {
            (Manager::OpenRc, true) => "add",
            (Manager::OpenRc, false) => "delete",
            (_, true) => "enable",
            (_, false) => "disable",
        };
        let (what, text) = match ran.err().is_empty() {
            false => ("Error when trying to", ran.err()),
            true => ("Failure for", ran.out()),
        };
        Err(Failure::new(format!("{what} {action} {}: rc={} {text}", self.name, ran.rc)))
    }

    /// Starts, stops or reloads it. Not every script knows how to restart: that is done by stopping and starting.
    fn control(
        &self,
        cx: &mut Context<'_>,
        action: &str,
        sleep: Option<i64>,
    ) -> Result<(), Failure> {
        let hard_way = action == "restart" && !matches!(self.manager, Manager::OpenRc);
        let mut before = None;
        if hard_way {
            before = Some(self.ask(cx, "stop")?);
            let seconds = sleep.unwrap_or(0).unsigned_abs();
            cx.target.sleep(std::time::Duration::from_secs(seconds));
        }
        let ran = self.ask(cx, if hard_way { "start" } else { action })?;
        // One that was not there to be stopped does not matter where starting succeeds.
        if ran.ok() {
            return Ok(());
        }
        let both =
            |part: fn(&Ran) -> String| before.as_ref().map(part).unwrap_or_default() + &part(&ran);
        let err = both(|ran| ran.err().into_owned());
        match err.as_str() {
            // Upstart's word for a start that is under way.
            said if said.contains("Job is already running") => Ok(()),
            "" => Err(Failure::new(both(|ran| ran.out().into_owned()))),
            _ => Err(Failure::new(err)),
        }
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.req("name").to_owned();
    let arguments = args.req("arguments").split_whitespace().map(str::to_owned).collect();
    let service = Service { manager: manager(cx, &name), name, arguments };
    if !is_known(cx, &service) {
        let message = format!("Could not find the requested service {}: host", service.name);
        return Err(Failure::new(message));
    }
    let runlevel = args.req("runlevel").to_owned();
    let mut outcome = Outcome::silent().with("name", service.name.as_str());
    let mut changed = false;
    if let Some(wanted) = args.opt_bool("enabled") {
        if service.enabled(cx, &runlevel)? != wanted {
            changed = true;
            if cx.check {
                // ansible looks no further, not even at the state.
                return Ok(Outcome::new(true));
            }
            service.switch(cx, wanted, &runlevel)?;
        }
        outcome = outcome.with("enabled", wanted);
    }
    let Some(wanted) = args.str("state").map(str::to_owned) else {
        return Ok(outcome.with("changed", changed));
    };
    let Some(running) = service.running(cx, args.str("pattern"))? else {
        return Err(Failure::new(
            "failed determining service state, possible typo of service name?",
        ));
    };
    let action = match (wanted.as_str(), running) {
        ("started" | "reloaded", false) => Some("start"),
        ("stopped", true) => Some("stop"),
        ("reloaded", true) => Some("reload"),
        ("restarted", _) => Some("restart"),
        _ => None,
    };
    if let Some(action) = action {
        changed = true;
        if cx.check {
            return Ok(Outcome::new(true).msg("service state changed"));
        }
        service.control(cx, action, args.int("sleep"))?;
    }
    let state = if wanted == "stopped" { "stopped" } else { "started" };
    Ok(outcome.with("state", state).with("changed", changed))
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
                .program("update-rc.d")
                .file("/etc/init.d/x", "")
                .on("service x status", Ran::of(rc, out, ""))
                .on("service", Ran::of(0, "", ""))
        };
        let call = Call::new("service", json!({"name": "x", "state": "started"}));
        let mut fake = host(3, "x is stopped");
        assert_eq!(call.run_on(&mut fake)["changed"], true);
        assert!(fake.runs.iter().any(|r| r == "service x start"), "{:?}", fake.runs);
        assert_eq!(call.run_on(&mut host(0, "x is running"))["changed"], false);
        let mut without = Fake::new().program("service").program("update-rc.d");
        let told = call.run_on(&mut without);
        assert_eq!(told["msg"], "Could not find the requested service x: host");
    }
}
