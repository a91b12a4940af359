//! `modprobe`: modules of the kernel.

use std::path::{Path, PathBuf};

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Write};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.modprobe"],
    description: "Loads and unloads modules of the kernel, now and at every start.",
    options: &[
        Opt::str("name").required().doc("The module."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be loaded."),
        Opt::str("params").or_str("").doc("Its parameters."),
        Opt::str("persistent")
            .or_str("disabled")
            .choices(&[Lit::Str("disabled"), Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether it is to be loaded at every start; `disabled` leaves that as it is."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Bridged traffic passes the firewall\n  community.general.modprobe:\n    name: br_netfilter\n    persistent: present\n",
    ..Module::builtin("modprobe", "Loads and unloads kernel modules", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (name, state) = (args.req("name").to_owned(), args.req("state").to_owned());
    let params = args.req("params").to_owned();
    let loaded = is_loaded(cx, &name)?;
    let wanted = state == "present";
    let mut changed = false;
    if loaded != wanted {
        if !cx.check {
            let program = cx.program("modprobe")?;
            let mut run = Run::argv([program.into_os_string()]);
            run = if wanted { run.arg(&name) } else { run.args(["-r", name.as_str()]) };
            if wanted {
                run = run.args(params.split_whitespace());
            }
            let ran = cx.run(&run)?;
            if !ran.ok() {
                return Err(Failure::new(ran.err().into_owned())
                    .with("rc", ran.rc)
                    .with("stdout", &*ran.out())
                    .with("stderr", &*ran.err())
                    .with("name", name)
                    .with("params", params)
                    .with("state", state));
            }
        }
        changed = true;
    }
    changed |= match args.req("persistent") {
        "present" => persist(cx, &name, &params)?,
        "absent" => forget(cx, &name)?,
        _ => false,
    };
    Ok(Outcome::new(changed).with("name", name).with("params", params).with("state", state))
}

fn spelled(name: &str) -> String {
    name.replace('-', "_")
}

fn is_loaded(cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
    let wanted = spelled(name);
    let text =
        cx.target.read_text("/proc/modules".as_ref()).map_err(|e| Failure::new(e.to_string()))?;
    if text.lines().any(|l| l.split(' ').next() == Some(wanted.as_str())) {
        return Ok(true);
    }
    // What is built into the kernel needs no loading.
    let release = cx.target.uname().unwrap_or_default().release;
    let builtin = cx
        .target
        .read_text(format!("/lib/modules/{release}/modules.builtin").as_ref())
        .unwrap_or_default();
    Ok(builtin.lines().any(|line| {
        let file = Path::new(line).file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.split(".ko").next().is_some_and(|stem| spelled(stem) == wanted)
    }))
}

fn files(cx: &mut Context<'_>, folder: &str) -> Vec<PathBuf> {
    let mut names: Vec<String> = cx
        .target
        .read_dir(folder.as_ref())
        .unwrap_or_default()
        .into_iter()
        .map(|e| e.name.to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".conf"))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|n| Path::new(folder).join(n)).collect()
}

/// Whether a line, its comment left out, loads the module.
fn loads(line: &str, name: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    spelled(line.trim()) == spelled(name)
}

/// The parameters that a line of modprobe.d gives the module.
fn options<'a>(line: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let mut words = line.split('#').next()?.split_whitespace();
    if words.next()? != "options" || spelled(words.next()?) != spelled(name) {
        return None;
    }
    Some(words.collect())
}

fn persist(cx: &mut Context<'_>, name: &str, params: &str) -> Result<bool, Failure> {
    let mut changed = false;
    let mut known = false;
    for file in files(cx, "/etc/modules-load.d") {
        let text = cx.target.read_text(&file).unwrap_or_default();
        known |= text.lines().any(|l| loads(l, name));
    }
    if !known {
        write(cx, &format!("/etc/modules-load.d/{name}.conf"), &format!("{name}\n"))?;
        changed = true;
    }
    let wanted: Vec<&str> = params.split_whitespace().collect();
    let mut found: Vec<String> = Vec::new();
    for file in files(cx, "/etc/modprobe.d") {
        let text = cx.target.read_text(&file).unwrap_or_default();
        for line in text.lines() {
            found.extend(options(line, name).into_iter().flatten().map(str::to_owned));
        }
    }
    let same = found.len() == wanted.len() && wanted.iter().all(|w| found.iter().any(|f| f == w));
    if !same {
        comment_out(cx, "/etc/modprobe.d", &|line| options(line, name).is_some())?;
        let lines: String = wanted.iter().map(|p| format!("options {name} {p}\n")).collect();
        write(cx, &format!("/etc/modprobe.d/{name}.conf"), &lines)?;
        changed = true;
    }
    Ok(changed)
}

fn forget(cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
    let loading = comment_out(cx, "/etc/modules-load.d", &|line| loads(line, name))?;
    let options = comment_out(cx, "/etc/modprobe.d", &|line| options(line, name).is_some())?;
    Ok(loading | options)
}

fn write(cx: &mut Context<'_>, path: &str, text: &str) -> Result<(), Failure> {
    cx.write_if_changed(Write::bytes(path.as_ref(), text.as_bytes())).map(drop)
}

/// Puts a `#` before the lines that are meant, in every file of a folder.
fn comment_out(
    cx: &mut Context<'_>,
    folder: &str,
    meant: &dyn Fn(&str) -> bool,
) -> Result<bool, Failure> {
    let mut changed = false;
    for file in files(cx, folder) {
        let text = cx.target.read_text(&file).unwrap_or_default();
        if !text.lines().any(meant) {
            continue;
        }
        let new: String = text
            .lines()
            .map(|l| if meant(l) { format!("#{l}\n") } else { format!("{l}\n") })
            .collect();
        cx.write_if_changed(Write::bytes(&file, new.as_bytes()))?;
        changed = true;
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host() -> Fake {
        Fake::new()
            .file("/proc/modules", "overlay 1 0 - Live 0x0\n")
            .dir("/etc/modules-load.d")
            .dir("/etc/modprobe.d")
            .program("modprobe")
            .on("/usr/bin/modprobe", Ran::of(0, "", ""))
            .on("/usr/sbin/modprobe", Ran::of(0, "", ""))
    }

    #[test]
    fn loaded_is_left_alone() {
        let result = Call::new("modprobe", json!({"name": "overlay"})).run_on(&mut host());
        assert_eq!(result["changed"], false);
    }

    #[test]
    fn missing_is_loaded_and_kept() {
        let mut fake = host();
        let args = json!({"name": "br_netfilter", "persistent": "present", "params": "a=1"});
        let result = Call::new("modprobe", args.clone()).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert!(fake.runs.iter().any(|r| r.ends_with("br_netfilter a=1")), "{:?}", fake.runs);
        assert_eq!(fake.text("/etc/modules-load.d/br_netfilter.conf"), "br_netfilter\n");
        assert_eq!(fake.text("/etc/modprobe.d/br_netfilter.conf"), "options br_netfilter a=1\n");
        let mut fake = fake.file("/proc/modules", "br_netfilter 1 0\n");
        assert_eq!(Call::new("modprobe", args).run_on(&mut fake)["changed"], false);
    }
}
