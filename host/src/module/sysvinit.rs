//! `sysvinit`: services with scripts in /etc/init.d.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::target::{self, Ran, Run};

pub static MODULE: Module = Module {
    description: "Starts, stops and enables services that have a script in /etc/init.d.",
    options: &[
        Opt::str("name").required().aliases(&["service"]).doc("The service."),
        Opt::str("state")
            .choices(&[
                Lit::Str("started"),
                Lit::Str("stopped"),
                Lit::Str("restarted"),
                Lit::Str("reloaded"),
            ])
            .doc("What it is to be. `restarted` stops and starts it."),
        Opt::bool("enabled").doc("Whether it is to start with the system."),
        Opt::int("sleep").or_int(1).doc("Seconds after each of stop and start of `restarted`."),
        Opt::str("pattern").doc("If a line of `ps` contains this, the service runs."),
        Opt::list("runlevels", Kind::Str).doc("The runlevels that `enabled` is about."),
        Opt::str("arguments").aliases(&["args"]).doc("Further words for the script."),
        Opt::bool("daemonize").or(false).doc("Run the script detached from this call."),
    ],
    rules: &[Rule::RequiredOneOf(&["state", "enabled"])],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("name", "str", "always", "The service."),
        Returned::new(
            "status",
            "dict",
            "always",
            "What was done to its start with the system, and to it.",
        ),
    ],
    examples: "- name: The web server runs, also after a restart\n  ansible.builtin.sysvinit:\n    name: apache2\n    state: started\n    enabled: true\n",
    version_added: "2.6",
    ..Module::builtin("sysvinit", "Manages services with init scripts", run)
};

const FOLDERS: &[&str] = &["/sbin", "/usr/sbin", "/bin", "/usr/bin"];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.string("name");
    let script = match name.starts_with('/') {
        true => name.clone(),
        false => format!("/etc/init.d/{name}"),
    };
    if !cx.target.exists(Path::new(&script)) {
        return Err(Failure::new(format!("Could not find the requested service {name}: ")));
    }
    let levels: Option<Vec<String>> = args.list("runlevels").map(|_| args.strings("runlevels"));
    let levels = levels.filter(|levels| !levels.is_empty());
    let wanted = args.opt_bool("enabled");
    let differs = match &levels {
        Some(levels) => levels.iter().any(|level| Some(is_enabled(cx, &name, level)) != wanted),
        None => wanted.is_some_and(|wanted| is_enabled(cx, &name, "?") != wanted),
    };
    let running = is_running(cx, args, &name, &script)?;
    let mut enabled = told(differs, None);
    if let Some(levels) = &levels {
        enabled.insert("runlevels".into(), levels.clone().into());
    }
    let mut result = Map::new();
    result.insert("name".into(), name.as_str().into());
    if differs && !cx.check {
        let ran = enable(cx, &name, wanted == Some(true), levels.as_deref())?.unwrap_or_default();
        let refused = ran.err().contains("illegal runlevel specified");
        enabled.extend(told(true, Some(&ran)));
        if refused {
            let msg = format!("Illegal runlevel specified for enable operation on service {name}");
            let status: Map = [("enabled".to_owned(), enabled.into())].into_iter().collect();
            result.insert("changed".into(), true.into());
            result.insert("status".into(), status.into());
            return Err(Failure::new(msg).with_all(result));
        }
    }
    let mut status: Map = [("enabled".to_owned(), enabled.into())].into_iter().collect();
    let mut changed = differs;
    let state = args.str("state").map(str::to_owned);
    let mut done = told(false, None);
    if let Some(state) = &state
        && let Some(verbs) = verbs(state, running)
    {
        changed = true;
        done = told(true, None);
        if !cx.check {
            let ran = control(cx, args, &script, &verbs)?;
            done = told(true, Some(&ran));
        }
    }
    // Without a state this stands under the name `null`, as JSON writes Python's None.
    status.insert(state.unwrap_or_else(|| "null".into()), done.into());
    Ok(Outcome::new(changed).with_all(result).with("status", status))
}

/// What a part of the result says.
fn told(changed: bool, ran: Option<&Ran>) -> Map {
    let or_null = |value: Option<Data>| value.unwrap_or(Data::Null);
    [
        ("changed", changed.into()),
        ("rc", or_null(ran.map(|ran| ran.rc.into()))),
        ("stdout", or_null(ran.map(|ran| ran.out().into_owned().into()))),
        ("stderr", or_null(ran.map(|ran| ran.err().into_owned().into()))),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn is_enabled(cx: &mut Context<'_>, name: &str, level: &str) -> bool {
    let base = if cx.target.is_dir(Path::new("/etc/rc0.d/")) { "/etc" } else { "/etc/init.d" };
    let links = format!("{base}/rc{level}.d/S??{name}");
    !target::glob(cx.target, Path::new("/"), &links).is_empty()
}

fn program(cx: &mut Context<'_>, name: &str) -> Option<PathBuf> {
    cx.target.find_program(name, FOLDERS)
}

/// Whether `ps` shows the text.
fn in_ps(cx: &mut Context<'_>, text: &str) -> Result<bool, Failure> {
    let ps = cx.program("ps")?.into_os_string();
    let ran = cx.run(&Run::argv([ps]).arg("auxww"))?;
    Ok(ran.ok() && ran.out().lines().any(|line| line.contains(text)))
}

fn is_running(
    cx: &mut Context<'_>,
    args: &Args,
    name: &str,
    script: &str,
) -> Result<bool, Failure> {
    if let Some(pattern) = args.str("pattern").filter(|pattern| !pattern.is_empty())
        && in_ps(cx, pattern)?
    {
        return Ok(true);
    }
    let mut rc = 0;
    if args.str("pattern").is_none_or(str::is_empty) {
        let line = match program(cx, "service") {
            Some(service) => format!("{} {name} status", service.display()),
            None => format!("{script} status"),
        };
        let ran = cx.run_line(&line)?;
        rc = ran.rc;
        if let Some(running) = said(name, &ran) {
            return Ok(running);
        }
        // The codes that scripts use for what does not run.
        if matches!(rc, 1..=4 | 69) {
            return Ok(false);
        }
    }
    if rc == 0 {
        return Ok(true);
    }
    if in_ps(cx, name)? {
        cx.warn(
            "Used ps output to match service name and determine it is up, this is very unreliable",
        );
        return Ok(true);
    }
    cx.warn("Unable to determine if service is up, assuming it is down");
    Ok(false)
}

/// What the words of a `status` mean, if they mean anything.
fn said(name: &str, ran: &Ran) -> Option<bool> {
    let out = ran.out();
    if name == "iptables" && out.contains("ACCEPT") {
        return Some(true);
    }
    if out.matches('\n').count() > 1 {
        return None;
    }
    let words = out.to_lowercase().replace(&name.to_lowercase(), "");
    let has = |known: &[&str]| known.iter().any(|word| words.contains(word));
    if has(&["stop", "is dead ", "dead but ", "could not access pid file", "inactive"]) {
        return Some(false);
    }
    (has(&["run", "start", "active"]) && !words.contains("not ")).then_some(true)
}

/// Hand it to the distribution's own program; `None` where there is none.
fn enable(
    cx: &mut Context<'_>,
    name: &str,
    on: bool,
    levels: Option<&[String]>,
) -> Result<Option<Ran>, Failure> {
    let line = if let Some(program) = program(cx, "update-rc.d") {
        let verb = if on { "enable" } else { "disable" };
        match levels {
            Some(levels) => format!("{} {name} {verb} {}", program.display(), levels.join(" ")),
            None if on => format!("{} {name} defaults", program.display()),
            None => format!("{} {name} disable", program.display()),
        }
    } else if let Some(program) = program(cx, "chkconfig") {
        let verb = if on { "on" } else { "off" };
        match levels {
            Some(levels) => {
                format!("{} --level {} {name} {verb}", program.display(), levels.concat())
            }
            None => format!("{} {name} {verb}", program.display()),
        }
    } else {
        return Ok(None);
    };
    cx.run_line(&line).map(Some)
}

/// What the script must be told to bring the service to a state; nothing if it is there.
fn verbs(state: &str, running: bool) -> Option<Vec<&'static str>> {
    match (state, running) {
        ("restarted", _) => Some(vec!["stop", "start"]),
        ("started", false) => Some(vec!["start"]),
        ("stopped", true) => Some(vec!["stop"]),
        // As in ansible-core, also one that does not run.
        ("reloaded", _) => Some(vec!["reload"]),
        _ => None,
    }
}

fn control(
    cx: &mut Context<'_>,
    args: &Args,
    script: &str,
    verbs: &[&str],
) -> Result<Ran, Failure> {
    let mut ran = Ran::default();
    for verb in verbs {
        let line = format!("{script} {verb} {}", args.str("arguments").unwrap_or_default());
        let mut run = cx.words(&line)?;
        if args.bool("daemonize") {
            let program = cx.program("setsid")?.into_os_string();
            run.argv.splice(0..0, [program, "--wait".into()]);
            run.cwd = Some("/".into());
        }
        ran = cx.run(&run)?;
        if !ran.ok() {
            let state = args.req("state");
            let action = state.strip_suffix("ped").or_else(|| state.strip_suffix("ed"));
            let name = args.req("name");
            let msg = format!("Failed to {} service: {name}", action.unwrap_or(state));
            return Err(Failure::new(msg)
                .with("rc", ran.rc)
                .with("stdout", ran.out())
                .with("stderr", ran.err()));
        }
        if verbs.len() > 1 {
            let pause = args.int("sleep").unwrap_or(0);
            cx.target.sleep(Duration::from_secs(u64::try_from(pause).unwrap_or(0)));
        }
    }
    Ok(ran)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host(status: &str, rc: i32) -> Fake {
        Fake::new()
            .file("/etc/init.d/web", "")
            .file("/etc/rc0.d/K01web", "")
            .file("/etc/rc2.d/S01web", "")
            .dir("/etc/rc3.d")
            .program("update-rc.d")
            .program("ps")
            .on("/usr/bin/ps", Ran::of(0, "root 1 init\n", ""))
            .on("/usr/bin/update-rc.d", Ran::of(0, "done\n", ""))
            .on("/etc/init.d/web status", Ran::of(rc, status, ""))
            .on("/etc/init.d/web", Ran::of(0, "ok\n", ""))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("sysvinit", args).run_on(fake).into()
    }

    #[test]
    fn states() {
        let mut fake = host("web is running\n", 0);
        let result = call(&mut fake, json!({"name": "web", "state": "started"}));
        assert_eq!(result["changed"], false, "{result}");
        assert_eq!(result["status"]["started"]["rc"], Value::Null);
        let result = call(&mut fake, json!({"name": "web", "state": "restarted", "sleep": 0}));
        assert_eq!(result["status"]["restarted"]["stdout"], "ok\n");
        assert!(fake.runs.iter().any(|line| line == "/etc/init.d/web stop"), "{:?}", fake.runs);
        let mut fake = host("nothing known\n", 3);
        let result = call(&mut fake, json!({"name": "web", "state": "started", "args": "-v"}));
        assert_eq!(result["changed"], true);
        assert_eq!(fake.runs.last().map(String::as_str), Some("/etc/init.d/web start -v"));
        let gone = call(&mut fake, json!({"name": "gone", "state": "started"}));
        assert_eq!(gone["msg"], "Could not find the requested service gone: ");
    }

    #[test]
    fn runlevels() {
        let mut fake = host("web is running\n", 0);
        let same = call(&mut fake, json!({"name": "web", "enabled": true}));
        assert_eq!(same["changed"], false, "{same}");
        assert_eq!(same["status"]["null"]["changed"], false);
        let more = json!({"name": "web", "enabled": true, "runlevels": ["2", "3"]});
        let result = call(&mut fake, more);
        assert_eq!(result["status"]["enabled"]["stdout"], "done\n", "{result}");
        assert_eq!(
            fake.runs.last().map(String::as_str),
            Some("/usr/bin/update-rc.d web enable 2 3")
        );
        call(&mut fake, json!({"name": "web", "enabled": false}));
        assert_eq!(fake.runs.last().map(String::as_str), Some("/usr/bin/update-rc.d web disable"));
    }

    #[test]
    fn words_of_scripts() {
        let said = |text: &str| super::said("web", &Ran::of(0, text, ""));
        assert_eq!(said("web (pid 7) is running...\n"), Some(true));
        assert_eq!(said("web is not running\n"), None);
        assert_eq!(said("web stopped\n"), Some(false));
        assert_eq!(said("a\nrunning\nc\n"), None);
    }
}
