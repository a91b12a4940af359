//! `hostname`: the name of the machine.

use std::path::Path;

use serde_json::json;

use crate::data::Map;
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Write};
use crate::target::{Ran, Run};

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

/// Where the name is kept, and how it is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Systemd,
    /// A file with the name alone.
    File,
    /// The same, and `hostname` reads it.
    Alpine,
    Sles,
    /// A line of /etc/sysconfig/network.
    RedHat,
    /// A line of /etc/conf.d/hostname.
    OpenRc,
}

impl Strategy {
    fn of(cx: &mut Context<'_>, used: Option<&str>) -> Result<Strategy, Failure> {
        match used {
            Some("systemd" | "debian") => return Ok(Strategy::Systemd),
            Some("alpine") => return Ok(Strategy::Alpine),
            Some("redhat") => return Ok(Strategy::RedHat),
            Some("sles") => return Ok(Strategy::Sles),
            Some("openrc") => return Ok(Strategy::OpenRc),
            Some(other) => {
                return Err(Failure::new(format!("`use: {other}` is not supported yet")));
            }
            None => {}
        }
        let booted = ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"];
        if cx.target.find_program("systemctl", &[]).is_some()
            && booted.iter().any(|path| cx.target.exists(path.as_ref()))
        {
            return Ok(Strategy::Systemd);
        }
        let release = cx.target.read_text("/etc/os-release".as_ref()).unwrap_or_default();
        let id = release
            .lines()
            .find_map(|line| line.strip_prefix("ID="))
            .map(|id| id.trim_matches(['"', '\'']).to_lowercase())
            .unwrap_or_default();
        Strategy::of_distribution(&id).ok_or_else(|| {
            let mut name = id.clone();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let shown = if name.is_empty() { "OtherLinux" } else { name.as_str() };
            Failure::new(format!("hostname module cannot be used on platform Linux ({shown})"))
        })
    }

    fn of_distribution(id: &str) -> Option<Strategy> {
        Some(match id {
            "debian" | "kylin" | "cumulus-linux" | "kali" | "parrot" | "ubuntu" | "linuxmint"
            | "linaro" | "devuan" | "raspbian" | "uos" | "deepin" | "neon" | "void" | "pop" => {
                Strategy::File
            }
            "rhel" | "redhat" | "centos" | "anolis" | "cloudlinuxserver" | "cloudlinux"
            | "alinux" | "scientific" | "oracle" | "ol" | "virtuozzo" | "amazon" | "amzn"
            | "altlinux" | "eurolinux" => Strategy::RedHat,
            "sles" => Strategy::Sles,
            "alpine" => Strategy::Alpine,
            "gentoo" => Strategy::OpenRc,
            _ => return None,
        })
    }

    fn file(self) -> &'static str {
        match self {
            Strategy::Sles => "/etc/HOSTNAME",
            Strategy::RedHat => "/etc/sysconfig/network",
            Strategy::OpenRc => "/etc/conf.d/hostname",
            Strategy::Systemd | Strategy::File | Strategy::Alpine => "/etc/hostname",
        }
    }

    /// The name that counts at the next start.
    fn permanent(self, cx: &mut Context<'_>) -> Result<String, Failure> {
        if self == Strategy::Systemd {
            return ask(cx, "--static");
        }
        let text = cx.target.read_text(self.file().as_ref()).unwrap_or_default();
        Ok(match self {
            Strategy::RedHat => {
                let line = text.lines().map(str::trim).find(|line| line.starts_with("HOSTNAME"));
                let name = line.and_then(|line| line.split_once('=')).map(|(_, name)| name.trim());
                name.map(str::to_owned).ok_or_else(|| {
                    Failure::new(format!("Unable to locate HOSTNAME entry in {}", self.file()))
                })?
            }
            Strategy::OpenRc => text
                .lines()
                .find_map(|line| line.trim().strip_prefix("hostname="))
                .map(|name| name.trim_matches('"').to_owned())
                .unwrap_or_default(),
            _ => text.trim().to_owned(),
        })
    }

    /// The name that counts now; but for systemd, ansible-core looks at the permanent one only.
    fn current(self, cx: &mut Context<'_>) -> Result<String, Failure> {
        match self {
            Strategy::Systemd => ask(cx, "--transient"),
            _ => self.permanent(cx),
        }
    }

    fn set_permanent(self, cx: &mut Context<'_>, name: &str) -> Result<(), Failure> {
        let path = Path::new(self.file());
        let text = cx.target.read_text(path).unwrap_or_default();
        let new = match self {
            Strategy::Systemd => return tell(cx, &["--pretty", "--static"], name),
            Strategy::RedHat => {
                let (new, found) = with_line(&text, "HOSTNAME", &format!("HOSTNAME={name}"));
                if found { new } else { format!("{new}HOSTNAME={name}\n") }
            }
            Strategy::OpenRc => with_line(&text, "hostname=", &format!("hostname=\"{name}\"")).0,
            _ => format!("{name}\n"),
        };
        cx.write_if_changed(Write::bytes(path, new.as_bytes()))
            .map(drop)
            .map_err(|failure| Failure::new(format!("failed to update hostname: {}", failure.msg)))
    }

    fn set_current(self, cx: &mut Context<'_>, name: &str) -> Result<(), Failure> {
        match self {
            Strategy::Systemd => tell(cx, &["--transient"], name),
            Strategy::Alpine => {
                let program = cx.program("hostname")?;
                did(cx, &Run::argv([program.into_os_string()]).args(["-F", self.file()])).map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// The lines with every one that begins so replaced, and whether there was one.
fn with_line(text: &str, begin: &str, line: &str) -> (String, bool) {
    let mut found = false;
    let mut new = String::new();
    for old in text.lines() {
        let meant = old.trim().starts_with(begin);
        found |= meant;
        new.push_str(if meant { line } else { old });
        new.push('\n');
    }
    (new, found)
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.string("name");
    let strategy = Strategy::of(cx, args.str("use"))?;
    let current = strategy.current(cx)?;
    let permanent = strategy.permanent(cx)?;
    let changed = current != name || permanent != name;
    if !cx.check {
        // The permanent one first: NetworkManager minds otherwise, and Alpine's program reads it.
        if permanent != name {
            strategy.set_permanent(cx, &name)?;
        }
        if current != name {
            strategy.set_current(cx, &name)?;
        }
    }
    let outcome = Outcome::new(changed).with("name", name.as_str()).facts(facts(cx, &name));
    Ok(if changed {
        let before = if current == name { &permanent } else { &current };
        outcome.diff(Diff::of(format!("hostname = {before}\n"), format!("hostname = {name}\n")))
    } else {
        outcome
    })
}

fn did(cx: &mut Context<'_>, run: &Run) -> Result<Ran, Failure> {
    let ran = cx.run(run)?;
    if ran.ok() {
        return Ok(ran);
    }
    Err(Failure::new(format!("Command failed rc={}, out={}, err={}", ran.rc, ran.out(), ran.err())))
}

fn ask(cx: &mut Context<'_>, which: &str) -> Result<String, Failure> {
    let program = cx.program("hostnamectl")?;
    let ran = did(cx, &Run::argv([program.into_os_string()]).args([which, "status"]))?;
    Ok(ran.out().trim().to_owned())
}

fn tell(cx: &mut Context<'_>, flags: &[&str], name: &str) -> Result<(), Failure> {
    if name.chars().count() > 64 {
        return Err(Failure::new(
            "name cannot be longer than 64 characters on systemd servers, try a shorter name",
        ));
    }
    let program = cx.program("hostnamectl")?;
    let run = Run::argv([program.into_os_string()]).args(flags).args(["set-hostname", name]);
    did(cx, &run).map(drop)
}

fn facts(cx: &mut Context<'_>, name: &str) -> Map {
    let nodename = cx.target.uname().unwrap_or_default().nodename;
    let fqdn = crate::facts::platform::fqdn(cx, &nodename);
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain).to_owned();
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
                .program("systemctl")
                .on("/usr/bin/hostnamectl --transient status", Ran::of(0, "a\n", ""))
                .on("/usr/bin/hostnamectl --static status", Ran::of(0, "b\n", ""))
                .on("/usr/bin/hostnamectl", Ran::of(0, "", ""))
        };
        let mut fake = host();
        let result = Call::new("hostname", json!({"name": "a"})).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert!(fake.runs.iter().any(|r| r.ends_with("--pretty --static set-hostname a")));
        assert!(!fake.runs.iter().any(|r| r.ends_with("--transient set-hostname a")));
        assert_eq!(result["ansible_facts"]["ansible_nodename"], "a");
    }

    #[test]
    fn files_keep_names() {
        let set = |id: &str, path: &str, before: &str| {
            let mut fake =
                Fake::new().file("/etc/os-release", format!("ID={id}\n")).file(path, before);
            let result = Call::new("hostname", json!({"name": "new"})).run_on(&mut fake);
            assert_eq!(result["changed"], true, "{result:?}");
            fake.text(path)
        };
        assert_eq!(set("debian", "/etc/hostname", "old\n"), "new\n");
        assert_eq!(
            set("rhel", "/etc/sysconfig/network", "A=1\nHOSTNAME=old\n"),
            "A=1\nHOSTNAME=new\n"
        );
        assert_eq!(
            set("gentoo", "/etc/conf.d/hostname", "# x\nhostname=\"old\"\n"),
            "# x\nhostname=\"new\"\n"
        );
        let mut fake = Fake::new().file("/etc/os-release", "ID=nonesuch\n");
        let result = Call::new("hostname", json!({"name": "new"})).run_on(&mut fake);
        assert_eq!(result["msg"], "hostname module cannot be used on platform Linux (Nonesuch)");
    }
}
