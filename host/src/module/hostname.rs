//! `hostname`: the name of the machine.

use serde_json::json;

use crate::data::Map;
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Write};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Sets the name of the machine, now and for its next start.",
    options: &[
        Opt::str("name").required().doc("The name."),
        Opt::str("use")
            .choices(&[
                Lit::Str("alpine"),
                Lit::Str("debian"),
                Lit::Str("freebsd"),
                Lit::Str("generic"),
                Lit::Str("macos"),
                Lit::Str("macosx"),
                Lit::Str("darwin"),
                Lit::Str("openbsd"),
                Lit::Str("openrc"),
                Lit::Str("redhat"),
                Lit::Str("sles"),
                Lit::Str("solaris"),
                Lit::Str("systemd"),
            ])
            .doc("How to set it; found out by itself."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: This is the control plane\n  ansible.builtin.hostname:\n    name: masternode\n",
    ..Module::builtin("hostname", "Manages the machine's name", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.req("name").to_owned();
    let how = match args.str("use") {
        Some(how) => how.to_owned(),
        None if cx.target.find_program("hostnamectl", &[]).is_some()
            && cx.target.exists("/run/systemd/system".as_ref()) =>
        {
            "systemd".to_owned()
        }
        None => "debian".to_owned(),
    };
    let (current, permanent) = match how.as_str() {
        "systemd" => (ask(cx, "--transient")?, ask(cx, "--static")?),
        "debian" | "alpine" | "sles" | "generic" => {
            let now = cx.target.uname().unwrap_or_default().nodename;
            let file = cx.target.read_text("/etc/hostname".as_ref()).unwrap_or_default();
            (now, file.trim().to_owned())
        }
        other => {
            return Err(Failure::new(format!("`use: {other}` is not supported yet")));
        }
    };
    let changed = current != name || permanent != name;
    if changed && !cx.check {
        set(cx, &how, &name, &current, &permanent)?;
    }
    let outcome = Outcome::new(changed).with("name", name.as_str()).facts(facts(cx, &name));
    Ok(if changed {
        let before = if current == name { &permanent } else { &current };
        outcome.diff(Diff::of(format!("hostname = {before}\n"), format!("hostname = {name}\n")))
    } else {
        outcome
    })
}

fn ask(cx: &mut Context<'_>, which: &str) -> Result<String, Failure> {
    let program = cx.program("hostnamectl")?;
    let run = Run::argv([program.into_os_string()]).args([which, "status"]);
    let ran = cx.run(&run)?;
    if ran.ok() {
        return Ok(ran.out().trim().to_owned());
    }
    Err(Failure::new(format!("Command failed rc={}, out={}, err={}", ran.rc, ran.out(), ran.err())))
}

fn set(
    cx: &mut Context<'_>,
    how: &str,
    name: &str,
    current: &str,
    permanent: &str,
) -> Result<(), Failure> {
    if how == "systemd" {
        let program = cx.program("hostnamectl")?;
        for (now, flag) in [(current, "--transient"), (permanent, "--static")] {
            if now != name {
                let run = Run::argv([program.clone().into_os_string()]).args([
                    flag,
                    "set-hostname",
                    name,
                ]);
                let ran = cx.run(&run)?;
                if !ran.ok() {
                    return Err(Failure::new(format!(
                        "Command failed rc={}, out={}, err={}",
                        ran.rc,
                        ran.out(),
                        ran.err()
                    )));
                }
            }
        }
        return Ok(());
    }
    if current != name {
        let program = cx.program("hostname")?;
        cx.run_ok(&Run::argv([program.into_os_string()]).arg(name))?;
    }
    if permanent != name {
        let text = format!("{name}\n");
        cx.write_if_changed(Write::bytes("/etc/hostname".as_ref(), text.as_bytes()))?;
    }
    Ok(())
}

fn facts(cx: &mut Context<'_>, name: &str) -> Map {
    let found = cx.target.find_program("getent", &[]).and_then(|p| {
        let ran = cx.target.run(&Run::argv([p.into_os_string()]).args(["hosts", name])).ok()?;
        ran.out().split_whitespace().nth(1).map(str::to_owned)
    });
    let fqdn = found.unwrap_or_else(|| name.to_owned());
    let domain = fqdn.split_once('.').map_or("", |(_, d)| d).to_owned();
    let short = name.split('.').next().unwrap_or(name);
    let facts = json!({
        "ansible_hostname": short,
        "ansible_nodename": name,
        "ansible_fqdn": fqdn,
        "ansible_domain": domain,
    });
    facts.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_set() {
        let host = || {
            Fake::new()
                .dir("/run/systemd/system")
                .program("hostnamectl")
                .on("/usr/bin/hostnamectl --transient status", Ran::of(0, "a\n", ""))
                .on("/usr/bin/hostnamectl --static status", Ran::of(0, "b\n", ""))
                .on("/usr/bin/hostnamectl", Ran::of(0, "", ""))
        };
        let mut fake = host();
        let result = Call::new("hostname", json!({"name": "a"})).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert!(fake.runs.iter().any(|r| r.ends_with("--static set-hostname a")));
        assert!(!fake.runs.iter().any(|r| r.ends_with("--transient set-hostname a")));
        assert_eq!(result["ansible_facts"]["ansible_nodename"], "a");
    }
}
