//! `selinux`: the mode and the policy of SELinux.

use std::path::Path;

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Write,
};
use crate::python::{self, Subject};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.selinux"],
    description: "Sets SELinux's mode and policy, now as far as that is possible, and for the next start.\n\
                  It does not restart the host, but says if that is needed.",
    options: &[
        Opt::str("policy").doc("The policy; needed unless `state` is `disabled`."),
        Opt::str("state")
            .required()
            .choices(&[Lit::Str("enforcing"), Lit::Str("permissive"), Lit::Str("disabled")])
            .doc("The mode."),
        Opt::str("configfile")
            .or_str("/etc/selinux/config")
            .aliases(&["conf", "file"])
            .doc("SELinux's configuration."),
        Opt::bool("update_kernel_param")
            .or(false)
            .since("1.4.0")
            .doc("Whether the kernel's command line is changed too, by `grubby`."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("msg", "str", "always", "What was changed."),
        Returned::new("configfile", "str", "always", "The configuration."),
        Returned::new("policy", "str", "always", "The policy."),
        Returned::new("state", "str", "always", "The mode."),
        Returned::new("reboot_required", "bool", "always", "Whether the host must be restarted."),
    ],
    examples: "- name: SELinux only warns\n  ansible.posix.selinux:\n    policy: targeted\n    state: permissive\n",
    version_added: "1.0.0",
    ..Module::builtin("selinux", "Sets mode and policy of SELinux", run)
};

const ENFORCE: &str = "/sys/fs/selinux/enforce";

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (state, file) = (args.string("state"), args.string("configfile"));
    let running = cx.selinux_enabled();
    let now = match running.then(|| cx.target.read_text(Path::new(ENFORCE))) {
        Some(Ok(text)) if text.trim() == "1" => "enforcing",
        Some(_) => "permissive",
        None => "disabled",
    };
    if !cx.target.stat(Path::new(&file)).is_ok_and(|stat| !stat.is_dir()) {
        return Err(Failure::new(format!("Unable to find file {file}")).with(
            "details",
            "Please install SELinux-policy package, if this package is not installed previously.",
        ));
    }
    let in_file = Config::read(cx, &file)?;
    let kernel = match args.bool("update_kernel_param") {
        true => Some(Kernel::ask(cx)?),
        false => None,
    };
    let policy = match args.str("policy").filter(|policy| !policy.is_empty()) {
        Some(policy) => Some(policy.to_owned()),
        None if state == "disabled" => in_file.policy.clone(),
        None => return Err(Failure::new("Policy is required if state is not 'disabled'")),
    };
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "None".into());
    // The policy that runs is the one that the system's own configuration names.
    let loaded = match file == "/etc/selinux/config" {
        true => in_file.policy.clone(),
        false => Config::read(cx, "/etc/selinux/config")?.policy,
    };
    let (mut messages, mut changed, mut reboot) = (Vec::new(), false, false);
    if policy != loaded || policy != in_file.policy {
        if cx.check {
            return Ok(Outcome::new(true));
        }
        changed = true;
    }
    if policy != loaded {
        messages.push(format!(
            "Running SELinux policy changed from '{}' to '{}'",
            shown(&loaded),
            shown(&policy)
        ));
    }
    if policy != in_file.policy {
        let name = shown(&policy);
        if !cx.target.exists(&Path::new("/etc/selinux").join(&name).join("policy")) {
            return Err(Failure::new(format!("Policy {name} does not exist in /etc/selinux/")));
        }
        Config::write(cx, &file, "SELINUXTYPE", &name)?;
        messages.push(format!(
            "SELinux policy configuration in '{file}' changed from '{}' to '{name}'",
            shown(&in_file.policy)
        ));
    }
    if state != now {
        match (running, state.as_str()) {
            (false, _) => {
                cx.warn(format!("Reboot is required to set SELinux state to '{state}'"));
                reboot = true;
            }
            (true, "disabled") => {
                if now == "permissive" {
                    cx.warn("SELinux state change will take effect next reboot");
                } else {
                    enforce(cx, "0")?;
                    cx.warn(format!("SELinux state temporarily changed from '{now}' to 'permissive'. State change will take effect next reboot."));
                    changed = true;
                }
                reboot = true;
            }
            (true, wanted) => {
                enforce(cx, if wanted == "enforcing" { "1" } else { "0" })?;
                messages.push(format!("SELinux state changed from '{now}' to '{state}'"));
                changed = true;
            }
        }
    }
    if in_file.state.as_deref() != Some(state.as_str()) {
        if !cx.check {
            Config::write(cx, &file, "SELINUX", &state)?;
        }
        let old = shown(&in_file.state);
        messages.push(format!("Config SELinux state changed from '{old}' to '{state}'"));
        changed = true;
    }
    if let Some(kernel) = kernel
        && kernel.enabled != Some(state != "disabled")
    {
        messages.push(kernel.set(cx, state != "disabled")?);
        changed = true;
    }
    Ok(Outcome::new(changed)
        .msg(messages.join(", "))
        .with("configfile", file)
        .with("policy", policy.map_or(Data::Null, Data::from))
        .with("state", state)
        .with("reboot_required", reboot))
}

/// Change the mode of the running kernel.
fn enforce(cx: &mut Context<'_>, value: &str) -> Result<(), Failure> {
    if cx.check {
        return Ok(());
    }
    let path = Path::new(ENFORCE);
    // The kernel's own file: there is nothing to replace.
    let written = cx.target.overwrite(path, value.as_bytes());
    written.map_err(|error| Failure::os(&error, Subject::Text(path)))
}

struct Config {
    state: Option<String>,
    policy: Option<String>,
}

impl Config {
    fn read(cx: &mut Context<'_>, file: &str) -> Result<Config, Failure> {
        let text = cx.target.read_text(Path::new(file)).unwrap_or_default();
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.map(|rest| rest.split('=').next().unwrap_or_default().trim().to_owned())
        };
        Ok(Config { state: value("SELINUX"), policy: value("SELINUXTYPE") })
    }

    fn write(cx: &mut Context<'_>, file: &str, key: &str, value: &str) -> Result<(), Failure> {
        let path = Path::new(file);
        let text = cx
            .target
            .read_text(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
        let line = format!("{key}={value}");
        let is_it = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with('='));
        let found = text.lines().any(|line| is_it(&line));
        let mut new: Vec<&str> =
            text.lines().map(|old| if is_it(&old) { line.as_str() } else { old }).collect();
        if !found {
            new.push(&line);
        }
        let new: String = new.iter().map(|line| format!("{line}\n")).collect();
        let real = cx.target.realpath(path);
        cx.write_if_changed(Write::bytes(&real, new.as_bytes())).map(drop)
    }
}

/// Whether the kernels that can be started have SELinux; none if some do and some don't.
struct Kernel {
    grubby: String,
    enabled: Option<bool>,
}

impl Kernel {
    fn ask(cx: &mut Context<'_>) -> Result<Kernel, Failure> {
        let Some(grubby) = cx.target.find_program("grubby", &[]) else {
            return Err(Failure::new("'grubby' command not found on host").with(
                "details",
                "In order to update the kernel command lineenabled/disabled setting, the grubby packageneeds to be present on the system.",
            ));
        };
        let grubby = grubby.to_string_lossy().into_owned();
        let ran = cx.run(&Run::argv([grubby.as_str(), "--info=ALL"]))?;
        if !ran.ok() {
            return Err(Failure::new("unable to run grubby"));
        }
        let out = ran.out();
        let lines = out.lines().filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
        let off: Vec<bool> =
            lines.map(|args| args.split(' ').any(|word| word == "selinux=0")).collect();
        let (all, none) = (!off.contains(&true), !off.contains(&false));
        Ok(Kernel { grubby, enabled: (all != none).then_some(all) })
    }

    fn set(&self, cx: &mut Context<'_>, on: bool) -> Result<String, Failure> {
        if !cx.check {
            let option = if on { "--remove-args" } else { "--args" };
            let words = [self.grubby.as_str(), "--update-kernel=ALL", option, "selinux=0"];
            if !cx.run(&Run::argv(words))?.ok() {
                let what = if on { "remove selinux=0 from" } else { "add selinux=0 to" };
                return Err(Failure::new(format!("unable to {what} kernel config")));
            }
        }
        let word = |on: bool| if on { "enabled" } else { "disabled" };
        let before = self.enabled.map_or("<inconsistent>", word);
        Ok(format!("Kernel SELinux state changed from '{before}' to '{}'", word(on)))
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .file("/sys/fs/selinux/enforce", "1")
            .file("/etc/selinux/config", "# x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
            .dir("/etc/selinux/targeted/policy")
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("selinux", args).run_on(fake).into()
    }

    #[test]
    fn modes() {
        let mut fake = host();
        let same = call(&mut fake, json!({"policy": "targeted", "state": "enforcing"}));
        assert_eq!((&same["changed"], &same["msg"]), (&json!(false), &json!("")), "{same}");
        let result = call(&mut fake, json!({"policy": "targeted", "state": "permissive"}));
        assert_eq!(
            result["msg"],
            "SELinux state changed from 'enforcing' to 'permissive', Config SELinux state changed from 'enforcing' to 'permissive'"
        );
        assert_eq!(fake.text("/sys/fs/selinux/enforce"), "0");
        assert!(fake.text("/etc/selinux/config").contains("\nSELINUX=permissive\n"));
        let result = call(&mut fake, json!({"state": "disabled"}));
        assert_eq!(result["reboot_required"], true);
        assert_eq!(
            result["warnings"],
            json!(["SELinux state change will take effect next reboot"])
        );
    }

    #[test]
    fn refusals() {
        let result = call(&mut host(), json!({"state": "enforcing"}));
        assert_eq!(result["msg"], "Policy is required if state is not 'disabled'");
        let result = call(&mut host(), json!({"state": "enforcing", "policy": "mls"}));
        assert_eq!(result["msg"], "Policy mls does not exist in /etc/selinux/");
        let result = call(&mut Fake::new(), json!({"state": "disabled"}));
        assert_eq!(result["msg"], "Unable to find file /etc/selinux/config");
    }

    #[test]
    fn the_kernel() {
        let info = "index=0\nargs=\"ro selinux=0\"\nindex=1\nargs=\"ro quiet\"\n";
        let mut fake = host()
            .program("grubby")
            .on("/usr/bin/grubby '--info=ALL'", Ran::of(0, info, ""))
            .on("/usr/bin/grubby", Ran::of(0, "", ""));
        let args = json!({"policy": "targeted", "state": "enforcing", "update_kernel_param": true});
        let result = call(&mut fake, args);
        assert_eq!(
            result["msg"],
            "Kernel SELinux state changed from '<inconsistent>' to 'enabled'"
        );
    }
}
