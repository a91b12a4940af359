//! `systemd`: units of the system's or a user's service manager.

use crate::data::{Data, Map};
use crate::facts::chroot::is_chroot;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    aliases: &["systemd_service"],
    description: "Starts, stops, restarts, enables, disables and masks systemd units, and has systemd read its unit files anew.",
    options: &[
        Opt::str("name").aliases(&["service", "unit"]).doc(
            "The unit, such as `kubelet` or `kubelet.service`. Only what concerns all units can do without it.",
        ),
        Opt::str("state")
            .choices(&[
                Lit::Str("reloaded"),
                Lit::Str("restarted"),
                Lit::Str("started"),
                Lit::Str("stopped"),
            ])
            .doc("What the unit is to be. `restarted` always restarts, `reloaded` always reloads; both start a unit that does not run."),
        Opt::bool("enabled").doc("Whether the unit starts with the system."),
        Opt::bool("force").doc("Whether existing links of other units may be replaced."),
        Opt::bool("masked").doc("Whether the unit is made impossible to start."),
        Opt::bool("daemon_reload")
            .or(false)
            .aliases(&["daemon-reload"])
            .doc("Have systemd read its unit files first."),
        Opt::bool("daemon_reexec")
            .or(false)
            .aliases(&["daemon-reexec"])
            .doc("Have systemd start itself anew first."),
        Opt::str("scope")
            .or_str("system")
            .choices(&[Lit::Str("system"), Lit::Str("user"), Lit::Str("global")])
            .doc("Whose service manager to speak to."),
        Opt::bool("no_block").or(false).doc("Don't wait until what was asked for is done."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["state", "enabled", "masked", "daemon_reload", "daemon_reexec"]),
        Rule::RequiredBy { option: "state", needs: &["name"] },
        Rule::RequiredBy { option: "enabled", needs: &["name"] },
        Rule::RequiredBy { option: "masked", needs: &["name"] },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("status", "dict", "always", "The unit's properties as `systemctl show` gives them."),
        Returned::new("enabled", "bool", "`enabled` is given", "Whether the unit starts with the system."),
        Returned::new("state", "str", "`state` is given", "What the unit is now."),
    ],
    examples: "- name: Run the kubelet, now and after a restart\n  ansible.builtin.systemd:\n    name: kubelet\n    state: started\n    enabled: true\n    daemon_reload: true\n",
    version_added: "2.2",
    ..Module::builtin("systemd", "Controls systemd units", run)
};

/// What `systemctl is-enabled` says of units that exist.
const KNOWN_STATES: &[&str] = &[
    "enabled",
    "enabled-runtime",
    "linked",
    "linked-runtime",
    "masked",
    "masked-runtime",
    "static",
    "indirect",
    "disabled",
    "generated",
    "transient",
];

/// `systemctl` with the switches that every command of this call gets.
struct Systemctl {
    argv: Vec<String>,
    runtime_dir: Option<String>,
    check: bool,
}

impl Systemctl {
    fn find(cx: &mut Context<'_>, args: &Args) -> Result<Systemctl, Failure> {
        let mut argv = vec![cx.program("systemctl")?.to_string_lossy().into_owned()];
        if args.req("scope") != "system" {
            argv.push(format!("--{}", args.req("scope")));
        }
        if args.bool("no_block") {
            argv.push("--no-block".into());
        }
        if args.bool("force") {
            argv.push("--force".into());
        }
        // `--user` finds its manager by this.
        let runtime_dir = match cx.target.env("XDG_RUNTIME_DIR") {
            Some(_) => None,
            None => Some(format!("/run/user/{}", cx.target.euid())),
        };
        Ok(Systemctl { argv, runtime_dir, check: cx.check })
    }

    fn with(&self, words: &[&str]) -> Run {
        let run = Run::argv(self.argv.clone()).args(words.iter().copied());
        match &self.runtime_dir {
            Some(dir) => run.env("XDG_RUNTIME_DIR", dir),
            None => run,
        }
    }

    fn ask(&self, cx: &mut Context<'_>, words: &[&str]) -> Result<Ran, Failure> {
        cx.run(&self.with(words))
    }

    /// Changes something; nothing happens in check mode.
    fn change(&self, cx: &mut Context<'_>, words: &[&str]) -> Result<Option<Ran>, Failure> {
        if self.check { Ok(None) } else { self.ask(cx, words).map(Some) }
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let unit = args.str("name").map(str::to_owned);
    if let Some(unit) = &unit {
        for glob in ["*", "?", "["] {
            if unit.contains(glob) {
                return Err(Failure::new(format!(
                    "This module does not currently support using glob patterns, found '{glob}' in service name: {unit}"
                )));
            }
        }
    }
    let systemctl = Systemctl::find(cx, args)?;
    for (option, command) in
        [("daemon_reload", "daemon-reload"), ("daemon_reexec", "daemon-reexec")]
    {
        if !args.bool(option) {
            continue;
        }
        if let Some(ran) = systemctl.change(cx, &[command])?.filter(|ran| !ran.ok()) {
            return Err(Failure::new(format!(
                "failure {} during {command}: {}",
                ran.rc,
                ran.err()
            )));
        }
    }
    let Some(unit) = unit else {
        return Ok(Outcome::silent()
            .with("name", Data::Null)
            .with("changed", false)
            .with("status", Map::new()));
    };
    let (status, is_systemd) = inspect(cx, &systemctl, &unit)?;
    let script = if unit.starts_with('/') { unit.clone() } else { format!("/etc/init.d/{unit}") };
    let is_initd = cx.target.exists(script.as_ref());
    if is_initd && !is_systemd {
        cx.warn(format!(
            "The service ({unit}) is actually an init script but the system is managed by systemd"
        ));
    }
    let mut unit = Unit {
        systemctl,
        name: unit,
        status,
        found: is_systemd || is_initd,
        is_initd,
        changed: false,
    };
    let mut more = Map::new();
    unit.mask(cx, args)?;
    unit.enable(cx, args, &mut more)?;
    unit.set_state(cx, args, &mut more)?;
    Ok(Outcome::silent()
        .with("name", unit.name.as_str())
        .with("changed", unit.changed)
        .with("status", unit.status)
        .with_all(more))
}

struct Unit {
    systemctl: Systemctl,
    name: String,
    status: Map,
    found: bool,
    is_initd: bool,
    changed: bool,
}

impl Unit {
    fn must_exist(&self) -> Result<(), Failure> {
        if self.found {
            return Ok(());
        }
        Err(Failure::new(format!("Could not find the requested service {}: host", self.name)))
    }

    fn mask(&mut self, cx: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
        let Some(wanted) = args.opt_bool("masked") else { return Ok(()) };
        let ran = self.systemctl.ask(cx, &["is-enabled", &self.name])?;
        if (ran.out().trim() == "masked") == wanted {
            return Ok(());
        }
        self.changed = true;
        let action = if wanted { "mask" } else { "unmask" };
        let ran = self.systemctl.change(cx, &[action, &self.name])?;
        // Some versions can mask what is not there.
        if ran.is_some_and(|ran| !ran.ok()) { self.must_exist() } else { Ok(()) }
    }

    fn enable(
        &mut self,
        cx: &mut Context<'_>,
        args: &Args,
        result: &mut Map,
    ) -> Result<(), Failure> {
        let Some(wanted) = args.opt_bool("enabled") else { return Ok(()) };
        self.must_exist()?;
        let ran = self.systemctl.ask(cx, &["is-enabled", &self.name, "-l"])?;
        let out = ran.out();
        let enabled = match ran.rc {
            0 => !matches!(out.lines().collect::<Vec<_>>()[..], ["indirect"] | ["alias"]),
            1 => {
                args.req("scope") == "system"
                    && self.is_initd
                    && !out.trim().ends_with("disabled")
                    && starts_by_link(cx, &self.name)
            }
            _ => false,
        };
        result.insert("enabled".into(), enabled.into());
        if enabled == wanted {
            return Ok(());
        }
        self.changed = true;
        let action = if wanted { "enable" } else { "disable" };
        if let Some(ran) = self.systemctl.change(cx, &[action, &self.name])?.filter(|ran| !ran.ok())
        {
            return Err(Failure::new(format!(
                "Unable to {action} service {}: {}{}",
                self.name,
                ran.out(),
                ran.err()
            )));
        }
        result.insert("enabled".into(), (!enabled).into());
        Ok(())
    }

    fn set_state(
        &mut self,
        cx: &mut Context<'_>,
        args: &Args,
        result: &mut Map,
    ) -> Result<(), Failure> {
        let Some(wanted) = args.str("state") else { return Ok(()) };
        self.must_exist()?;
        result.insert("state".into(), wanted.into());
        let Some(active) = self.status.get("ActiveState").and_then(Data::as_str) else {
            if cx.target.env("SYSTEMD_OFFLINE").as_deref() == Some("1") || is_chroot(cx) {
                cx.warn("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.");
                return Ok(());
            }
            return Err(
                Failure::new("Service is in unknown state").with("status", self.status.clone())
            );
        };
        let running = matches!(active, "active" | "activating");
        let action = match wanted {
            "started" => (!running).then_some("start"),
            "stopped" => (running || active == "deactivating").then_some("stop"),
            _ => {
                result.insert("state".into(), "started".into());
                Some(match wanted {
                    _ if !running => "start",
                    "restarted" => "restart",
                    _ => "reload",
                })
            }
        };
        let Some(action) = action else { return Ok(()) };
        self.changed = true;
        if let Some(ran) = self.systemctl.change(cx, &[action, &self.name])?.filter(|ran| !ran.ok())
        {
            return Err(Failure::new(format!(
                "Unable to {action} service {}: {}",
                self.name,
                ran.err()
            )));
        }
        Ok(())
    }
}

/// The unit's properties, and whether systemd knows it.
fn inspect(
    cx: &mut Context<'_>,
    systemctl: &Systemctl,
    unit: &str,
) -> Result<(Map, bool), Failure> {
    let shown = systemctl.ask(cx, &["show", unit])?;
    let (out, err) = (shown.out().into_owned(), shown.err().into_owned());
    if shown.ok() && !ignored(&out) && !ignored(&err) {
        if out.is_empty() {
            return Ok((Map::new(), false));
        }
        let status = properties(&out);
        let load = status.get("LoadState").and_then(Data::as_str).map(str::to_owned);
        let known = load.as_deref().is_some_and(|load| load != "not-found");
        if let Some(error) = status.get("LoadError").and_then(Data::as_str)
            && known
            && load.as_deref() != Some("masked")
        {
            return Err(Failure::new(format!("Error loading unit file '{unit}': {error}")));
        }
        return Ok((status, known));
    }
    if shown.rc == 1 && err.contains("Failed to parse bus message") {
        return inspect_without_bus(cx, systemctl, unit, properties(&out));
    }
    let ran = systemctl.ask(cx, &["is-enabled", unit])?;
    if KNOWN_STATES.contains(&ran.out().trim()) {
        return Ok((Map::new(), true));
    }
    // `show` does not work in a chroot, this does.
    if systemctl.ask(cx, &["list-unit-files", unit])?.ok() {
        return Ok((Map::new(), true));
    }
    cx.run_ok(&systemctl.with(&[]))?;
    Ok((Map::new(), false))
}

/// Units whose properties this systemctl can't read from that systemd.
fn inspect_without_bus(
    cx: &mut Context<'_>,
    systemctl: &Systemctl,
    unit: &str,
    mut status: Map,
) -> Result<(Map, bool), Failure> {
    let search = unit.split_inclusive('@').next().unwrap_or(unit);
    let listed = systemctl.ask(cx, &["list-unit-files", &format!("{search}*")])?;
    let known = listed.out().contains(search);
    let active = systemctl.ask(cx, &["is-active", unit])?;
    status.insert("ActiveState".into(), active.out().trim_end_matches('\n').into());
    Ok((status, known))
}

fn ignored(text: &str) -> bool {
    !text.contains('=') && (text.contains("ignoring request") || text.contains("ignoring command"))
}

/// Whether a link of System V's start levels starts a script.
fn starts_by_link(cx: &mut Context<'_>, name: &str) -> bool {
    let root = if cx.target.is_dir("/etc/rc0.d".as_ref()) { "/etc" } else { "/etc/init.d" };
    let folders = cx.target.read_dir(root.as_ref()).unwrap_or_default();
    folders.into_iter().any(|folder| {
        let level = folder.name.to_string_lossy().into_owned();
        if level.len() != 5 || !level.starts_with("rc") || !level.ends_with(".d") {
            return false;
        }
        let links = cx.target.read_dir(format!("{root}/{level}").as_ref()).unwrap_or_default();
        links.iter().any(|link| {
            let link = link.name.to_string_lossy();
            link.starts_with('S') && link.get(3..) == Some(name)
        })
    })
}

/// `systemctl show`'s lines; values of `Exec…` in braces go over several.
fn properties(text: &str) -> Map {
    let mut all = Map::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in text.split('\n') {
        if let Some((key, mut lines)) = open.take() {
            lines.push(line.to_owned());
            if line.trim_end().ends_with('}') {
                all.insert(key, lines.join("\n").trim().into());
            } else {
                open = Some((key, lines));
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let braces = key.starts_with("Exec") && value.trim_start().starts_with('{');
        if braces && !value.trim_end().ends_with('}') {
            open = Some((key.to_owned(), vec![value.to_owned()]));
        } else {
            all.insert(key.to_owned(), value.trim().into());
        }
    }
    all
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host(show: &str, enabled: Ran) -> Fake {
        Fake::new()
            .program("systemctl")
            .on("/usr/bin/systemctl show", Ran::of(0, show, ""))
            .on("/usr/bin/systemctl is-enabled", enabled)
            .on("/usr/bin/systemctl", Ran::of(0, "", ""))
    }

    #[test]
    fn starts_and_enables_what_is_down() {
        let mut fake =
            host("LoadState=loaded\nActiveState=inactive\n", Ran::of(1, "disabled\n", ""));
        let args = json!({"name": "kubelet", "state": "started", "enabled": true});
        let result = Call::new("systemd", args).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert_eq!(result["enabled"], true);
        assert_eq!(result["state"], "started");
        let ran: Vec<&String> = fake.runs.iter().filter(|r| !r.contains("show")).collect();
        assert!(ran.iter().any(|r| r.ends_with("enable kubelet")), "{ran:?}");
        assert!(ran.iter().any(|r| r.ends_with("start kubelet")), "{ran:?}");
    }

    #[test]
    fn leaves_alone_what_is_as_wanted() {
        let mut fake = host("LoadState=loaded\nActiveState=active\n", Ran::of(0, "enabled\n", ""));
        let args = json!({"name": "kubelet", "state": "started", "enabled": true});
        let result = Call::new("systemd", args).run_on(&mut fake);
        assert_eq!(result["changed"], false);
        assert_eq!(result["status"]["ActiveState"], "active");
    }

    #[test]
    fn check_mode_only_tells() {
        let mut fake = host("LoadState=loaded\nActiveState=active\n", Ran::of(0, "enabled\n", ""));
        let args = json!({"name": "x", "state": "restarted"});
        let result = Call::new("systemd", args).check().run_on(&mut fake);
        assert_eq!((&result["changed"], &result["state"]), (&json!(true), &json!("started")));
        assert!(!fake.runs.iter().any(|r| r.contains("restart")), "{:?}", fake.runs);
    }

    #[test]
    fn names_what_is_missing() {
        let mut fake = host("LoadState=not-found\nActiveState=inactive\n", Ran::of(1, "", ""));
        let result =
            Call::new("systemd", json!({"name": "no", "state": "started"})).run_on(&mut fake);
        assert_eq!(result["msg"], "Could not find the requested service no: host");
    }

    #[test]
    fn values_in_braces_go_over_lines() {
        let status = properties("A=1\nExecStart={ path=/x ;\n more }\nDescription={ odd\nB=2\n");
        assert_eq!(status["ExecStart"], "{ path=/x ;\n more }");
        assert_eq!(status["Description"], "{ odd");
        assert_eq!(status["B"], "2");
        assert_eq!(status.len(), 4);
        assert!(Some(&status).is_some());
        let _: Option<&Data> = Some(status.get("A").unwrap());
    }
}
