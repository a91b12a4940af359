//! `dpkg_divert`: other places for files that packages bring.

use std::path::{Path, PathBuf};

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    description: "Has dpkg lay a file of a package elsewhere, so that one's own file can take its place.",
    options: &[
        Opt::path("path").required().doc("The file as packages know it."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be diverted."),
        Opt::str("holder").doc(
            "The package whose file is not diverted; without one, or as `LOCAL`, the files of all packages are.",
        ),
        Opt::path("divert").doc("Where it is laid; without this, beside it as `.distrib`."),
        Opt::bool("rename").or(false).doc("Whether the file itself is moved too."),
        Opt::bool("force").or(false).doc(
            "Whether a file that is in the way when one is moved is removed, instead of failing.",
        ),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("commands", "list", "on success", "What was run, as lines."),
        Returned::new("messages", "list", "on success", "What was said to it."),
        Returned::new("diversion", "dict", "always", "The file, its state, its place and its holder."),
    ],
    examples: "- name: Our own screenrc\n  community.general.dpkg_divert:\n    path: /etc/screenrc\n    divert: /etc/screenrc.dist\n    rename: true\n",
    version_added: "0.2.0",
    ..Module::builtin("dpkg_divert", "Manages diversions of dpkg", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = cx.program("dpkg-divert")?.to_string_lossy().into_owned();
    let keeps = knows_no_rename(cx, &program)?;
    let path = args.path("path");
    let before = state(cx, &program, args)?;
    let (words, wanted) = asked(args, &program, keeps);
    let mut task =
        Task { cx, args, program, keeps, path, before, wanted, line: words.join(" "), words };
    task.run()
}

/// A diversion: the keys that results show.
fn diversion(args: &Args, present: bool, divert: Data, holder: Data) -> Map {
    let state = if present { "present" } else { "absent" };
    let keys: [(&str, Data); 4] = [
        ("path", args.req("path").into()),
        ("state", state.into()),
        ("divert", divert),
        ("holder", holder),
    ];
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What is diverted now.
fn state(cx: &mut Context<'_>, program: &str, args: &Args) -> Result<Map, Failure> {
    let path = args.req("path");
    let holder = cx.run_ok(&Run::argv([program, "--listpackage", path]).c_locale())?;
    if holder.stdout.is_empty() {
        return Ok(diversion(args, false, Data::Null, Data::Null));
    }
    let divert = cx.run_ok(&Run::argv([program, "--truename", path]).c_locale())?;
    let text = |ran: &Ran| Data::from(ran.out().trim_end());
    Ok(diversion(args, true, text(&divert), text(&holder)))
}

/// Whether `--no-rename` is known, which came with dpkg 1.19.1.
fn knows_no_rename(cx: &mut Context<'_>, program: &str) -> Result<bool, Failure> {
    let ran = cx.run_ok(&Run::argv([program, "--version"]).c_locale())?;
    let out = ran.out();
    let version = out.lines().next().unwrap_or_default().split_whitespace().find_map(|word| {
        let numbers: Vec<&str> = word.split('.').collect();
        let number = |at: usize| {
            let digits = numbers.get(at)?.trim_end_matches(|c: char| !c.is_ascii_digit());
            digits.parse::<u32>().ok()
        };
        Some((number(0)?, number(1)?, number(2).unwrap_or(0)))
    });
    match version {
        None => Err(Failure::new(format!("dpkg-divert says no version: {}", out.trim_end()))),
        Some(version) if version < (1, 15, 0) => {
            Err(Failure::new("Unsupported dpkg version (<1.15.0)."))
        }
        Some(version) => Ok(version >= (1, 19, 1)),
    }
}

/// The command that brings about what is asked for, and the diversion that it leaves.
fn asked(args: &Args, program: &str, keeps: bool) -> (Vec<String>, Map) {
    let path = args.req("path");
    let mut words = vec![program.to_owned()];
    if args.bool("rename") {
        words.push("--rename".into());
    } else if keeps {
        words.push("--no-rename".into());
    }
    if args.req("state") == "absent" {
        words.extend(["--remove".into(), path.into()]);
        return (words, diversion(args, false, Data::Null, Data::Null));
    }
    let named = |name: &str| args.str(name).filter(|text| !text.is_empty());
    let holder = named("holder").filter(|holder| *holder != "LOCAL");
    match holder {
        Some(holder) => words.extend(["--package".into(), holder.into()]),
        None => words.push("--local".into()),
    }
    if let Some(divert) = named("divert") {
        words.extend(["--divert".into(), divert.into()]);
    }
    words.extend(["--add".into(), path.into()]);
    let divert = named("divert").map_or_else(|| format!("{path}.distrib"), str::to_owned);
    let wanted = diversion(args, true, divert.into(), holder.unwrap_or("LOCAL").into());
    (words, wanted)
}

struct Task<'a, 'b> {
    cx: &'a mut Context<'b>,
    args: &'a Args,
    program: String,
    keeps: bool,
    path: PathBuf,
    before: Map,
    wanted: Map,
    words: Vec<String>,
    /// The command as it is told; trials do not show.
    line: String,
}

fn said(ran: &Ran) -> Data {
    ran.out().trim_end().into()
}

impl Task<'_, '_> {
    fn run(&mut self) -> Result<Outcome, Failure> {
        let mut commands = vec![Data::from(self.line.as_str())];
        let same = self.wanted == self.before;
        if self.cx.check || same {
            self.words.insert(1, "--test".into());
        }
        let mut ran = self.call(&self.words.clone())?;
        let messages = if ran.ok() {
            vec![said(&ran)]
        } else if self.wanted["state"] != self.before["state"] {
            self.clear_way(&ran)?;
            if !self.cx.check {
                ran = self.cx.run_ok(&Run::argv(&self.words).c_locale())?;
            }
            vec![said(&ran)]
        } else {
            let (told, messages) = self.change(&mut ran)?;
            commands = told;
            messages
        };
        let after = match self.cx.check {
            true => self.wanted.clone(),
            false => state(self.cx, &self.program, self.args)?,
        };
        if after != self.wanted {
            return Err(self
                .failed("Unexpected error: see stdout and stderr for details.", &ran)
                .with("changed", after != self.before)
                .with("diversion", after));
        }
        let outcome = Outcome::new(after != self.before)
            .with("diversion", after.clone())
            .with("commands", commands)
            .with("messages", messages);
        Ok(match self.cx.diff {
            true => outcome.diff(Diff::of(self.before.clone(), after)),
            false => outcome.with("diff", Map::new()),
        })
    }

    fn call(&mut self, words: &[String]) -> Result<Ran, Failure> {
        self.cx.run(&Run::argv(words).c_locale())
    }

    fn failed(&self, msg: &str, ran: &Ran) -> Failure {
        Failure::new(msg)
            .with("changed", false)
            .with("cmd", self.line.as_str())
            .with("rc", ran.rc)
            .with("stderr", ran.err())
            .with("stdout", ran.out())
            .with("diversion", self.before.clone())
    }

    /// A file is where the other one would be moved to: it goes, if that is asked for.
    fn clear_way(&mut self, ran: &Ran) -> Result<(), Failure> {
        let present = self.wanted["state"] == "present";
        let other = match present {
            true => &self.wanted["divert"],
            false => &self.before["divert"],
        };
        let other = PathBuf::from(other.as_str().unwrap_or_default());
        let both = self.cx.target.exists(&self.path) && self.cx.target.exists(&other);
        if !self.args.bool("rename") || !both {
            return Err(self.failed("Unexpected error while changing state of the diversion.", ran));
        }
        if !self.args.bool("force") {
            return Err(self.failed("Set 'force' param to True to force renaming of files.", ran));
        }
        if self.cx.check {
            return Ok(());
        }
        let goes = if present { other.as_path() } else { self.path.as_path() };
        self.cx.target.unlink(goes).map_err(|error| {
            let why = python::os_error(&error, Subject::Bytes(goes));
            self.failed(&format!("Failed to remove {}: {why}", goes.display()), ran)
        })
    }

    /// dpkg changes no diversion: the old one goes, then the new one comes.
    fn change(&mut self, ran: &mut Ran) -> Result<(Vec<Data>, Vec<Data>), Failure> {
        let mut remove = vec![self.program.clone(), "--remove".into(), self.args.string("path")];
        if self.keeps {
            remove.insert(1, "--no-rename".into());
        }
        let told = remove.join(" ");
        if self.args.bool("rename") {
            self.words.retain(|word| word != "--rename");
            if self.keeps {
                self.words.insert(1, "--no-rename".into());
            }
            self.line = self.words.join(" ");
        }
        let commands = vec![told.into(), self.line.as_str().into()];
        if self.cx.check {
            remove.insert(1, "--test".into());
        }
        let removed = self.cx.run_ok(&Run::argv(&remove).c_locale())?;
        if self.cx.check {
            return Ok((commands, vec![said(&removed), "Running in check mode".into()]));
        }
        *ran = self.cx.run_ok(&Run::argv(&self.words).c_locale())?;
        self.follow();
        Ok((commands, vec![said(&removed), said(ran)]))
    }

    /// The diverted file moves with its diversion, where it can; that it can't is no failure.
    fn follow(&mut self) {
        let place = |of: &Map| of["divert"].as_str().map(PathBuf::from);
        let (Some(old), Some(new)) = (place(&self.before), place(&self.wanted)) else { return };
        let there = |cx: &mut Context<'_>, path: &Path| cx.target.exists(path);
        if new != old && there(self.cx, &old) && !there(self.cx, &new) {
            let _ = self.cx.target.rename(&old, &new);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host(holder: &str) -> Fake {
        let version = "Debian dpkg-divert version 1.21.22 (amd64).\nThis is free software";
        Fake::new()
            .program("dpkg-divert")
            .on("/usr/bin/dpkg-divert --version", Ran::of(0, version, ""))
            .on("/usr/bin/dpkg-divert --listpackage", Ran::of(0, holder, ""))
            .on("/usr/bin/dpkg-divert --truename", Ran::of(0, "/etc/x.distrib\n", ""))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("community.general.dpkg_divert", args).run_on(fake).into()
    }

    #[test]
    fn what_is_there_is_only_tried() {
        let mut fake = host("LOCAL\n").on("/usr/bin/dpkg-divert", Ran::of(0, "Leaving\n", ""));
        let result = call(&mut fake, json!({"path": "/etc/x"}));
        assert_eq!(result["changed"], false, "{result}");
        assert_eq!(result["messages"], json!(["Leaving"]));
        assert_eq!(fake.runs[3], "/usr/bin/dpkg-divert --test --no-rename --local --add /etc/x");
    }

    #[test]
    fn a_file_in_the_way() {
        let refuses = || {
            host("")
                .on("/usr/bin/dpkg-divert", Ran::of(2, "", "rename involves overwriting"))
                .file("/etc/x", "ours")
                .file("/etc/x.distrib", "theirs")
        };
        let result = call(&mut refuses(), json!({"path": "/etc/x", "rename": true}));
        assert_eq!(result["msg"], "Set 'force' param to True to force renaming of files.");
        let result = call(&mut refuses(), json!({"path": "/etc/x"}));
        assert_eq!(result["msg"], "Unexpected error while changing state of the diversion.");
        let mut fake = refuses();
        call(&mut fake, json!({"path": "/etc/x", "rename": true, "force": true}));
        assert!(fake.tree("/etc").iter().all(|name| !name.ends_with("x.distrib")));
    }

    #[test]
    fn a_version_is_needed() {
        let mut fake = Fake::new()
            .program("dpkg-divert")
            .on("/usr/bin/dpkg-divert", Ran::of(0, "dpkg-divert 1.14.2", ""));
        let result = call(&mut fake, json!({"path": "/etc/x"}));
        assert_eq!(result["msg"], "Unsupported dpkg version (<1.15.0).");
    }
}
