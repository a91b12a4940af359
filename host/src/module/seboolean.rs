//! `seboolean`: switches of SELinux's policy.

use std::path::{Path, PathBuf};

use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.seboolean"],
    description: "Switches booleans of SELinux's policy, now or for good.\n\
                  The host needs `setsebool`, and `semanage` for `persistent`.",
    options: &[
        Opt::bool("ignore_selinux_state")
            .or(false)
            .doc("Go on where SELinux does not run, as in a changed root."),
        Opt::str("name").required().doc("The boolean."),
        Opt::bool("persistent").or(false).doc("Whether it stays so after a restart."),
        Opt::bool("state").required().doc("What it is to be."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The web server opens connections\n  ansible.posix.seboolean:\n    name: httpd_can_network_connect\n    state: true\n    persistent: true\n",
    version_added: "1.0.0",
    ..Module::builtin("seboolean", "Switches booleans of SELinux", run)
};

const BOOLEANS: &str = "/sys/fs/selinux/booleans";

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    if !args.bool("ignore_selinux_state") && !cx.selinux_enabled() {
        return Err(Failure::new("SELinux is disabled on this host."));
    }
    let asked = args.string("name");
    let (state, persistent) = (args.bool("state"), args.bool("persistent"));
    let name = renamed(cx, &asked);
    let file = PathBuf::from(BOOLEANS).join(&name);
    if !cx.target.exists(&file) {
        return Err(Failure::new(format!("SELinux boolean {name} does not exist.")));
    }
    let now = match persistent {
        true => kept(cx, &name)?,
        false => {
            let text = cx.target.read_text(&file).map_err(|_| {
                Failure::new(format!("Failed to determine current state for boolean {name}"))
            })?;
            text.trim_start().starts_with('1')
        }
    };
    let changed = now != state;
    if changed && !cx.check {
        let program = cx.program("setsebool")?;
        let mut run = Run::argv([program]);
        if persistent {
            run = run.arg("-P");
        }
        let value = if state { "1" } else { "0" };
        let ran = cx.run(&run.args([name.as_str(), value]))?;
        if !ran.ok() {
            let msg = match persistent {
                true => {
                    format!("Failed to manage policy for boolean {name}: {}", ran.err().trim())
                }
                false => format!("Failed to set boolean {name} to {value}"),
            };
            return Err(Failure::new(msg));
        }
    }
    Ok(Outcome::new(changed)
        .with("name", asked)
        .with("persistent", persistent)
        .with("state", state))
}

/// The policy's own name of a boolean that was renamed.
fn renamed(cx: &mut Context<'_>, name: &str) -> String {
    let config = cx.target.read_text(Path::new("/etc/selinux/config")).unwrap_or_default();
    let policy = config.lines().find_map(|line| line.strip_prefix("SELINUXTYPE="));
    let Some(policy) = policy else { return name.to_owned() };
    let file = Path::new("/etc/selinux").join(policy.trim()).join("booleans.subs_dist");
    let subs = cx.target.read_text(&file).unwrap_or_default();
    let new = subs.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(name)).then(|| words.next()).flatten()
    });
    new.unwrap_or(name).to_owned()
}

/// What the boolean is after a restart.
fn kept(cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
    let program = cx.program("semanage")?;
    let ran = cx.run(&Run::argv([program]).args(["boolean", "-l", "-n"]).c_locale())?;
    let out = ran.out();
    // `name   (on   ,   off)  what it is for`: now, and after a restart.
    let found = out.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?.trim_start().strip_prefix('(')?;
        let (_, rest) = rest.split_once(',')?;
        Some(rest.split(')').next()?.trim() == "on")
    });
    match found {
        Some(on) => Ok(on),
        None if ran.ok() => {
            Err(Failure::new(format!("SELinux boolean {name} is not defined in persistent policy")))
        }
        None => Err(Failure::new(format!(
            "Failed to manage policy for boolean {name}: {}",
            ran.err().trim()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        let list = "httpd_x                        (on   ,   off)  Allow x\n";
        Fake::new()
            .file("/sys/fs/selinux/enforce", "1")
            .file("/sys/fs/selinux/booleans/httpd_x", "1 1")
            .program("setsebool")
            .program("semanage")
            .on("/usr/bin/semanage", Ran::of(0, list, ""))
            .on("/usr/bin/setsebool", Ran::of(0, "", ""))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("seboolean", args).run_on(fake).into()
    }

    #[test]
    fn now_and_for_good() {
        let mut fake = host();
        let result = call(&mut fake, json!({"name": "httpd_x", "state": true}));
        assert_eq!(result["changed"], false, "{result}");
        let result = call(&mut fake, json!({"name": "httpd_x", "state": true, "persistent": true}));
        assert_eq!(result["changed"], true);
        assert_eq!(fake.runs.last().map(String::as_str), Some("/usr/bin/setsebool -P httpd_x 1"));
        call(&mut fake, json!({"name": "httpd_x", "state": false}));
        assert_eq!(fake.runs.last().map(String::as_str), Some("/usr/bin/setsebool httpd_x 0"));
        let result = call(&mut fake, json!({"name": "nosuch", "state": false}));
        assert_eq!(result["msg"], "SELinux boolean nosuch does not exist.");
        let result = call(&mut Fake::new(), json!({"name": "httpd_x", "state": false}));
        assert_eq!(result["msg"], "SELinux is disabled on this host.");
    }
}
