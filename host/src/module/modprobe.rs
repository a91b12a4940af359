//! `modprobe`: modules of the kernel.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::data::Map;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Write};
use crate::python::{self, Subject};
use crate::target::{Ran, Run};

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

/// What is to be loaded, and how.
struct Kernel {
    program: OsString,
    name: String,
    params: String,
    state: String,
    changed: bool,
}

impl Kernel {
    fn result(&self) -> Map {
        let text = |key: &str, value: &str| (key.to_owned(), value.into());
        [text("name", &self.name), text("params", &self.params), text("state", &self.state)]
            .into_iter()
            .collect()
    }

    fn failed(&self, ran: &Ran) -> Failure {
        Failure::new(ran.err())
            .with("rc", ran.rc)
            .with("stdout", ran.out())
            .with("stderr", ran.err())
            .with("changed", self.changed)
            .with_all(self.result())
    }

    fn words(&self) -> Result<Vec<String>, Failure> {
        let mut words = vec![self.name.clone()];
        words.extend(
            python::shell_split(&self.params).map_err(|error| Failure::new(error.to_string()))?,
        );
        Ok(words)
    }

    fn load(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let mut run = Run::argv([&self.program]);
        if cx.check {
            run = run.arg("-n");
        }
        let ran = cx.run(&run.args(self.words()?))?;
        if !ran.ok() {
            return Err(self.failed(&ran));
        }
        if cx.check || is_loaded(cx, self)? {
            self.changed = true;
            return Ok(());
        }
        let run = Run::argv([&self.program]).args(["-n", "--first-time"]).args(self.words()?);
        let ran = cx.run(&run)?;
        if !ran.ok() {
            cx.warn(ran.err());
        }
        Ok(())
    }

    fn unload(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let mut run = Run::argv([&self.program]).args(["-r", self.name.as_str()]);
        if cx.check {
            run = run.arg("-n");
        }
        let ran = cx.run(&run)?;
        if !ran.ok() {
            return Err(self.failed(&ran));
        }
        self.changed = true;
        Ok(())
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut kernel = Kernel {
        program: cx.program("modprobe")?.into_os_string(),
        name: args.string("name"),
        params: args.string("params"),
        state: args.string("state"),
        changed: false,
    };
    let wanted = kernel.state == "present";
    if is_loaded(cx, &kernel)? != wanted {
        match wanted {
            true => kernel.load(cx)?,
            false => kernel.unload(cx)?,
        }
    }
    match args.req("persistent") {
        "present" => kernel.changed |= persist(cx, &kernel)?,
        "absent" => kernel.changed |= forget(cx, &kernel.name)?,
        _ => {}
    }
    Ok(Outcome::new(kernel.changed).with_all(kernel.result()))
}

fn is_loaded(cx: &mut Context<'_>, kernel: &Kernel) -> Result<bool, Failure> {
    let begin = format!("{} ", kernel.name.replace('-', "_"));
    if read(cx, kernel, "/proc/modules")?.lines().any(|line| line.starts_with(&begin)) {
        return Ok(true);
    }
    // What is built into the kernel needs no loading.
    let release = cx.target.uname().unwrap_or_default().release;
    let end = format!("/{}.ko", kernel.name);
    let builtin = read(cx, kernel, &format!("/lib/modules/{release}/modules.builtin"))?;
    Ok(builtin.lines().any(|line| line.trim_end().ends_with(&end)))
}

fn read(cx: &mut Context<'_>, kernel: &Kernel, path: &str) -> Result<String, Failure> {
    cx.target.read_text(path.as_ref()).map_err(|error| {
        let class = match error.kind() {
            io::ErrorKind::NotFound => "FileNotFoundError",
            io::ErrorKind::PermissionDenied => "PermissionError",
            _ => "OSError",
        };
        let msg = python::os_error(&error, Subject::Text(path.as_ref()));
        let exception = format!("Traceback (most recent call last):\n{class}: {msg}\n");
        Failure::new(msg)
            .with("exception", exception)
            .with("changed", kernel.changed)
            .with_all(kernel.result())
    })
}

const LOADED: &str = "/etc/modules-load.d";
const OPTIONS: &str = "/etc/modprobe.d";

/// The files of a folder and their lines, with their ends.
fn files(cx: &mut Context<'_>, folder: &str) -> Result<Vec<(PathBuf, Vec<String>)>, Failure> {
    let failed =
        |error: &io::Error, path: &Path| Failure::new(python::os_error(error, Subject::Text(path)));
    let folder = Path::new(folder);
    let entries = cx.target.read_dir(folder).map_err(|error| failed(&error, folder))?;
    let mut files = Vec::new();
    for path in entries.into_iter().map(|entry| folder.join(entry.name)) {
        if cx.target.stat(&path).is_ok_and(|stat| !stat.is_dir()) {
            let text = cx.target.read_text(&path).map_err(|error| failed(&error, &path))?;
            files.push((path, text.split_inclusive('\n').map(str::to_owned).collect()));
        }
    }
    Ok(files)
}

/// Whether nothing but a comment is left of a line.
fn ends(rest: &str) -> bool {
    let rest = rest.strip_suffix('\n').unwrap_or(rest).trim_start_matches(' ');
    rest.is_empty() || rest.starts_with(['#', ';'])
}

/// Whether a line loads the module.
fn loads(line: &str, name: &str) -> bool {
    line.trim_start_matches(' ').strip_prefix(name).is_some_and(ends)
}

/// The parameter that a line gives the module; lines with several are not seen, as by community.general.
fn option<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix("options ")?.strip_prefix(name)?.strip_prefix(' ')?;
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (param, rest) = rest.split_at(end);
    let (key, value) = param.split_once('=')?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    (!key.is_empty() && key.chars().all(is_word) && !value.is_empty() && ends(rest))
        .then_some(param)
}

fn has_line(cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
    let files = files(cx, LOADED)?;
    Ok(files.iter().flat_map(|(_, lines)| lines).any(|line| loads(line, name)))
}

fn params(cx: &mut Context<'_>, name: &str) -> Result<BTreeSet<String>, Failure> {
    let files = files(cx, OPTIONS)?;
    let lines = files.iter().flat_map(|(_, lines)| lines);
    Ok(lines.filter_map(|line| option(line, name).map(str::to_owned)).collect())
}

fn persist(cx: &mut Context<'_>, kernel: &Kernel) -> Result<bool, Failure> {
    let (name, mut changed) = (kernel.name.as_str(), false);
    if !has_line(cx, name)? {
        write(cx, format!("{LOADED}/{name}.conf").as_ref(), &format!("{name}\n"))?;
        changed = true;
    }
    let wanted: Vec<&str> = kernel.params.split_whitespace().collect();
    let set: BTreeSet<String> = wanted.iter().map(|param| (*param).to_owned()).collect();
    if params(cx, name)? != set {
        comment_out(cx, OPTIONS, &|line| option(line, name).is_some())?;
        let lines: Vec<String> =
            wanted.iter().map(|param| format!("options {name} {param}")).collect();
        let text = format!("{}\n", lines.join("\n"));
        write(cx, format!("{OPTIONS}/{name}.conf").as_ref(), &text)?;
        changed = true;
    }
    Ok(changed)
}

fn forget(cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
    let loading = comment_out(cx, LOADED, &|line| loads(line, name))?;
    let options = comment_out(cx, OPTIONS, &|line| option(line, name).is_some())?;
    Ok(loading | options)
}

fn write(cx: &mut Context<'_>, path: &Path, text: &str) -> Result<(), Failure> {
    let path = cx.target.realpath(path);
    cx.write_if_changed(Write::bytes(&path, text.as_bytes())).map(drop)
}

/// Puts a `#` before the lines that are meant, in every file of a folder.
fn comment_out(
    cx: &mut Context<'_>,
    folder: &str,
    meant: &dyn Fn(&str) -> bool,
) -> Result<bool, Failure> {
    let mut changed = false;
    for (file, mut lines) in files(cx, folder)? {
        let mut found = false;
        for line in lines.iter_mut().filter(|line| meant(line)) {
            line.insert(0, '#');
            found = true;
        }
        if found {
            // community.general joins lines that have their ends already: an empty one comes between.
            write(cx, &file, &lines.join("\n"))?;
            changed = true;
        }
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
            .file("/lib/modules/6.1.0/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
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
    fn built_in_counts_as_loaded() {
        let result = Call::new("modprobe", json!({"name": "ext4"})).run_on(&mut host());
        assert_eq!(result["changed"], false, "{result:?}");
        let mut fake = host().file("/proc/modules", "");
        let args = json!({"name": "x", "state": "absent", "persistent": "absent"});
        assert_eq!(Call::new("modprobe", args).run_on(&mut fake)["changed"], false);
    }

    #[test]
    fn lines() {
        assert!(super::loads("  a #x\n", "a") && !super::loads("ab\n", "a"));
        assert_eq!(super::option("options a b=c ; d\n", "a"), Some("b=c"));
        assert_eq!(super::option("options a b=c d=e\n", "a"), None);
    }

    #[test]
    fn what_is_no_longer_wanted_is_commented_out() {
        let mut fake = host()
            .file("/etc/modules-load.d/a.conf", "x\noverlay\n")
            .file("/etc/modprobe.d/a.conf", "options overlay a=1\n");
        let args = json!({"name": "overlay", "persistent": "absent"});
        let result = Call::new("modprobe", args).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        assert_eq!(fake.text("/etc/modules-load.d/a.conf"), "x\n\n#overlay\n");
        assert_eq!(fake.text("/etc/modprobe.d/a.conf"), "#options overlay a=1\n");
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
