//! `pacman`: packages of Arch Linux.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python;
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.pacman"],
    description: "Installs, upgrades and removes packages and groups of packages of Arch Linux and its kin.",
    options: &[
        Opt::list("name", Kind::Str)
            .aliases(&["package", "pkg"])
            .doc("Packages, groups, files or URLs of packages."),
        Opt::str("state")
            .or_str("present")
            .choices(&[
                Lit::Str("present"),
                Lit::Str("installed"),
                Lit::Str("latest"),
                Lit::Str("absent"),
                Lit::Str("removed"),
            ])
            .doc("Whether they are to be there; `latest` upgrades them too."),
        Opt::bool("force")
            .or(false)
            .doc("Remove what others need; fetch databases that are not old."),
        Opt::bool("remove_nosave").or(false).since("4.6.0").doc("Keep no old configuration."),
        Opt::str("executable").or_str("pacman").since("3.1.0").doc("The program, such as `yay`."),
        Opt::str("extra_args").or_str("").doc("More arguments of the program."),
        Opt::bool("upgrade").doc("Upgrade all packages."),
        Opt::str("upgrade_extra_args").or_str("").doc("More arguments of that."),
        Opt::bool("update_cache").doc("Fetch the databases first."),
        Opt::str("update_cache_extra_args").or_str("").doc("More arguments of that."),
        Opt::str("reason")
            .choices(&[Lit::Str("explicit"), Lit::Str("dependency")])
            .since("5.4.0")
            .doc("Why they are there."),
        Opt::str("reason_for")
            .or_str("new")
            .choices(&[Lit::Str("new"), Lit::Str("all")])
            .since("5.4.0")
            .doc("For which packages that is said."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["name", "update_cache", "upgrade"]),
        Rule::MutuallyExclusive(&["name", "upgrade"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("packages", "list", "on success", "The packages that changed."),
        Returned::new(
            "cache_updated",
            "bool",
            "with `update_cache`",
            "Whether the databases changed.",
        ),
        Returned::new("stdout", "str", "when pacman did something", "What it said."),
        Returned::new("stderr", "str", "when pacman did something", "What it said of troubles."),
    ],
    examples: "- name: The web server\n  community.general.pacman:\n    name: nginx\n    update_cache: true\n",
    ..Module::builtin("pacman", "Manages packages of Arch Linux", run)
};

/// What is known of packages.
#[derive(Default)]
struct Inventory {
    installed: BTreeMap<String, String>,
    available: BTreeSet<String>,
    groups: BTreeMap<String, Vec<String>>,
    /// In pacman's order: name, version that is there, newer one.
    upgradable: Vec<(String, String, String)>,
    reasons: BTreeMap<String, &'static str>,
}

/// A package that the task names.
struct Package {
    name: String,
    source: String,
    is_url: bool,
}

/// The work, and what it will tell.
struct Pacman<'c, 'a> {
    cx: &'c mut Context<'a>,
    args: &'c Args,
    program: String,
    extra: [Vec<String>; 3],
    inventory: Inventory,
    /// What the databases have, if that was asked for since they changed.
    database: Option<String>,
    messages: Vec<String>,
    outs: Vec<String>,
    errs: Vec<String>,
    changed: bool,
    told: Map,
    diff: Option<Diff>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut extra = ["extra_args", "upgrade_extra_args", "update_cache_extra_args"]
        .map(|name| (name, Vec::new()));
    for (name, words) in &mut extra {
        *words = python::shell_split(args.req(name))
            .map_err(|error| Failure::crash("ValueError", error))?;
        args.set(name, words.clone());
    }
    let program = cx.program(args.req("executable"))?.to_string_lossy().into_owned();
    let mut pacman = Pacman {
        cx,
        args,
        program,
        extra: extra.map(|(_, words)| words),
        inventory: Inventory::default(),
        database: None,
        messages: Vec::new(),
        outs: Vec::new(),
        errs: Vec::new(),
        changed: false,
        told: Map::new(),
        diff: None,
    };
    let names = args.strings("name");
    if args.bool("update_cache") {
        pacman.update()?;
        if names.is_empty() && !args.bool("upgrade") {
            return Ok(pacman.done());
        }
    }
    pacman.take_stock()?;
    if args.bool("upgrade") {
        pacman.upgrade()?;
    } else if names.is_empty() {
        return Err(pacman.failed("This is a bug", None));
    } else {
        let packages = pacman.packages(&names)?;
        match args.req("state") {
            "absent" | "removed" => pacman.remove(&packages)?,
            _ => pacman.install(&packages)?,
        }
    }
    Ok(pacman.done())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl Pacman<'_, '_> {
    fn call(&mut self, words: &[String]) -> Result<Ran, Failure> {
        self.cx.run(&Run::argv([&self.program]).args(words).env("LC_ALL", "C"))
    }

    /// The output of a command that must not fail.
    fn list(&mut self, words: &[&str]) -> Result<String, Failure> {
        let run = Run::argv([&self.program]).args(words).env("LC_ALL", "C");
        Ok(self.cx.run_ok(&run)?.out().into_owned())
    }

    fn database(&mut self) -> Result<String, Failure> {
        if self.database.is_none() {
            self.database = Some(self.list(&["--sync", "--list"])?);
        }
        Ok(self.database.clone().unwrap_or_default())
    }

    fn say(&mut self, msg: impl Into<String>, ran: Option<&Ran>) {
        let msg = msg.into();
        self.messages.extend((!msg.is_empty()).then_some(msg));
        let Some(ran) = ran else { return };
        for (all, text) in [(&mut self.outs, ran.out()), (&mut self.errs, ran.err())] {
            all.extend((!text.is_empty()).then(|| text.into_owned()));
        }
    }

    fn all_told(&mut self) -> (String, Map) {
        let mut told = std::mem::take(&mut self.told);
        for (key, texts) in [("stdout", &self.outs), ("stderr", &self.errs)] {
            if !texts.is_empty() {
                told.insert(key.into(), texts.join("\n").into());
            }
        }
        (self.messages.join("\n"), told)
    }

    fn done(mut self) -> Outcome {
        let (msg, told) = self.all_told();
        let outcome = Outcome::new(self.changed).with_all(told).msg(msg);
        match self.diff {
            Some(diff) => outcome.diff(diff),
            None => outcome,
        }
    }

    fn failed(&mut self, msg: &str, ran: Option<(&[String], &Ran)>) -> Failure {
        self.say(msg, ran.map(|(_, ran)| ran));
        let (msg, told) = self.all_told();
        let mut failure = Failure::new(msg).with_all(told);
        if let Some((words, _)) = ran {
            let line: Vec<String> = [&self.program].into_iter().chain(words).cloned().collect();
            failure = failure.with("cmd", line);
        }
        match self.diff.take() {
            Some(diff) => failure.diff(diff),
            None => failure,
        }
    }

    fn update(&mut self) -> Result<(), Failure> {
        if self.cx.check {
            self.say("Would have updated the package db", None);
            self.changed = true;
            self.told.insert("cache_updated".into(), true.into());
            return Ok(());
        }
        let force = self.args.bool("force");
        let sorted = |text: String| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut line = words(&["--sync", "--refresh"]);
        line.extend(self.extra[2].iter().cloned());
        let mut before = Vec::new();
        match force {
            true => line.push("--refresh".into()),
            false => before = sorted(self.database()?),
        }
        let ran = self.call(&line)?;
        self.database = None;
        let updated = force || sorted(self.database()?) != before;
        self.told.insert("cache_updated".into(), updated.into());
        self.changed |= updated;
        if !ran.ok() {
            return Err(self.failed("could not update package db", Some((&line, &ran))));
        }
        self.say("Updated package db", Some(&ran));
        Ok(())
    }

    fn take_stock(&mut self) -> Result<(), Failure> {
        let odd =
            || Failure::crash("ValueError", "not enough values to unpack (expected 2, got 1)");
        let pairs = |text: &str| {
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| {
                    let mut words = line.split_whitespace();
                    let pair = (words.next()?.to_owned(), words.next()?.to_owned());
                    words.next().is_none().then_some(pair)
                })
                .collect::<Option<Vec<_>>>()
                .ok_or_else(odd)
        };
        let installed = self.list(&["--query"])?;
        self.inventory.installed = pairs(&installed)?.into_iter().collect();
        pairs(&self.list(&["--query", "--groups"])?)?;
        let available = self.database()?;
        let names = available.lines().filter_map(|line| line.split_whitespace().nth(1));
        self.inventory.available = names.map(str::to_owned).collect();
        for (group, name) in pairs(&self.list(&["--sync", "--groups", "--groups"])?)? {
            let members = self.inventory.groups.entry(group).or_default();
            if !members.contains(&name) {
                members.push(name);
            }
        }
        self.take_stock_of_upgrades()?;
        for (option, reason) in [("--explicit", "explicit"), ("--deps", "dependency")] {
            let text = self.list(&["--query", option])?;
            let names = text.lines().filter_map(|line| line.split_whitespace().next());
            self.inventory.reasons.extend(names.map(|name| (name.to_owned(), reason)));
        }
        Ok(())
    }

    fn take_stock_of_upgrades(&mut self) -> Result<(), Failure> {
        let ran = self.call(&words(&["--query", "--upgrades"]))?;
        // 1 and nothing said: there are none.
        if ran.rc == 1 && ran.stdout.is_empty() {
            return Ok(());
        }
        if !ran.ok() {
            self.say("Couldn't get list of packages available for upgrade", Some(&ran));
            return Err(self.failed("", None).with("rc", ran.rc));
        }
        for line in ran.out().lines().map(str::trim) {
            if line.is_empty() || line.contains("[ignored]") {
                continue;
            }
            let [name, current, _, latest] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                return Err(self.failed(&format!("Invalid line: {line}"), None));
            };
            self.inventory.upgradable.push((name.into(), current.into(), latest.into()));
        }
        Ok(())
    }

    fn upgrade(&mut self) -> Result<(), Failure> {
        let all = std::mem::take(&mut self.inventory.upgradable);
        if all.is_empty() {
            self.say("Nothing to upgrade", None);
            return Ok(());
        }
        self.changed = true;
        let side = |which: fn(&(String, String, String)) -> &String| {
            all.iter().map(|one| format!("{}-{}\n", one.0, which(one))).collect::<String>()
        };
        self.diff = Some(Diff::of(side(|one| &one.1), side(|one| &one.2)));
        let names: Vec<&str> = all.iter().map(|one| one.0.as_str()).collect();
        self.told.insert("packages".into(), names.into());
        if self.cx.check {
            self.say(format!("{} packages would have been upgraded", all.len()), None);
            return Ok(());
        }
        let mut line = words(&["--sync", "--sysupgrade", "--quiet", "--noconfirm"]);
        line.extend(self.extra[1].iter().cloned());
        let ran = self.call(&line)?;
        if !ran.ok() {
            return Err(self.failed("Could not upgrade", Some((&line, &ran))));
        }
        self.say("System upgraded", Some(&ran));
        Ok(())
    }

    /// What the names of the task stand for.
    fn packages(&mut self, names: &[String]) -> Result<Vec<Package>, Failure> {
        let mut all = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            let known =
                |name: &str| Package { name: name.into(), source: name.into(), is_url: false };
            if let Some(members) = self.inventory.groups.get(name) {
                all.extend(members.iter().map(|member| known(member)));
            } else if self.inventory.available.contains(name)
                || self.inventory.installed.contains_key(name)
            {
                all.push(known(name));
            } else {
                all.extend(self.resolve(name)?);
            }
        }
        Ok(all)
    }

    /// A package of a named repository, of a file, of a URL.
    fn resolve(&mut self, source: &str) -> Result<Option<Package>, Failure> {
        let ran = self.call(&words(&["--sync", "--print-format", "%n", source]))?;
        if ran.ok() {
            let name = ran.out().trim().to_owned();
            return Ok(Some(Package { name, source: source.into(), is_url: false }));
        }
        let line = words(&["--upgrade", "--print-format", "%n", source]);
        let ran = self.call(&line)?;
        if !ran.ok() && matches!(self.args.req("state"), "absent" | "removed") {
            return Ok(None);
        }
        if !ran.ok() {
            let msg = format!("Failed to list package {source}");
            return Err(self.failed(&msg, Some((&line, &ran))).with("rc", ran.rc));
        }
        let name = ran.out().lines().last().unwrap_or_default().trim().to_owned();
        Ok(Some(Package { name, source: source.into(), is_url: true }))
    }

    fn install(&mut self, packages: &[Package]) -> Result<(), Failure> {
        let latest = self.args.req("state") == "latest";
        let reason = self.args.str("reason").map(str::to_owned);
        let stock = &self.inventory;
        let needed = |package: &&Package| {
            let newer = || stock.upgradable.iter().any(|one| one.0 == package.name);
            !stock.installed.contains_key(&package.name) || latest && newer()
        };
        let of_files: Vec<_> = packages.iter().filter(|package| package.is_url).collect();
        let of_repositories: Vec<_> =
            packages.iter().filter(|package| !package.is_url).filter(needed).collect();
        let all = self.args.req("reason_for") == "all";
        let reasoned: Vec<String> = packages
            .iter()
            .filter(|package| match (&reason, stock.reasons.get(&package.name)) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(wanted), Some(known)) => all && known != wanted,
            })
            .map(|package| package.name.clone())
            .collect();
        if of_files.is_empty() && of_repositories.is_empty() && reasoned.is_empty() {
            return self.nothing("package(s) already installed");
        }
        let (mut names, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for (verb, some) in [("--sync", &of_repositories), ("--upgrade", &of_files)] {
            if !some.is_empty() {
                let line = self.install_line(verb, &["--print-format", "%n %v"], some);
                let ran = self.call(&line)?;
                if !ran.ok() {
                    let msg = "Failed to list package(s) to install";
                    return Err(self.failed(msg, Some((&line, &ran))));
                }
                self.compare(&ran.out(), &reasoned, &mut names, &mut before, &mut after)?;
            }
        }
        if names.is_empty() && reasoned.is_empty() {
            return self.nothing("package(s) already installed");
        }
        self.changed = true;
        self.diff = Some(Diff::of(sorted_lines(before), sorted_lines(after)));
        let changed: Vec<String> =
            reasoned.iter().filter(|name| !names.contains(name)).cloned().collect();
        let mut told = [names, changed].concat();
        told.sort();
        let count = told.len();
        if self.cx.check {
            self.say(format!("Would have installed {count} packages"), None);
            self.told.insert("packages".into(), told.into());
            return Ok(());
        }
        let mut lines: Vec<Vec<String>> = [("--sync", &of_repositories), ("--upgrade", &of_files)]
            .iter()
            .filter(|(_, some)| !some.is_empty())
            .map(|(verb, some)| self.install_line(verb, &[], some))
            .collect();
        if !reasoned.is_empty() {
            let dependency = reason.as_deref() == Some("dependency");
            let why = if dependency { "--asdeps" } else { "--asexplicit" };
            lines.push([words(&["--noconfirm", "--database", why]), reasoned].concat());
        }
        for line in lines {
            let ran = self.call(&line)?;
            if !ran.ok() {
                return Err(self.failed("Failed to install package(s)", Some((&line, &ran))));
            }
            self.say("", Some(&ran));
        }
        self.told.insert("packages".into(), told.into());
        self.say(format!("Installed {count} package(s)"), None);
        Ok(())
    }

    fn nothing(&mut self, msg: &str) -> Result<(), Failure> {
        self.told.insert("packages".into(), Data::Array(Vec::new()));
        self.say(msg, None);
        Ok(())
    }

    fn install_line(&self, verb: &str, more: &[&str], packages: &[&Package]) -> Vec<String> {
        let mut line = words(&["--noconfirm", "--noprogressbar", "--needed"]);
        line.extend(self.extra[0].iter().cloned());
        line.push(verb.to_owned());
        line.extend(words(more));
        line.extend(packages.iter().map(|package| package.source.clone()));
        line
    }

    /// What pacman would install, beside what is there.
    fn compare(
        &self,
        out: &str,
        reasoned: &[String],
        names: &mut Vec<String>,
        before: &mut Vec<String>,
        after: &mut Vec<String>,
    ) -> Result<(), Failure> {
        for line in out.lines().map(str::trim) {
            if line.contains("loading packages") || line.contains("there is nothing to do") {
                continue;
            }
            let [name, version] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                let why = "not enough values to unpack (expected 2, got 1)";
                return Err(Failure::crash("ValueError", why));
            };
            let reason = self.inventory.reasons.get(name).copied();
            if let Some(old) = self.inventory.installed.get(name) {
                before.push(format!("{name}-{old}-{}", reason.unwrap_or_default()));
            }
            let reason = match reasoned.iter().any(|reasoned| reasoned == name) {
                true => self.args.str("reason"),
                false => reason,
            };
            let reason = reason.map(|reason| format!("-{reason}")).unwrap_or_default();
            after.push(format!("{name}-{version}{reason}"));
            names.push(name.to_owned());
        }
        Ok(())
    }

    fn remove(&mut self, packages: &[Package]) -> Result<(), Failure> {
        let there = packages.iter().map(|package| package.name.clone());
        let there: Vec<String> =
            there.filter(|name| self.inventory.installed.contains_key(name)).collect();
        if there.is_empty() {
            return self.nothing("package(s) already absent");
        }
        self.changed = true;
        let mut base = words(&["--remove", "--noconfirm", "--noprogressbar"]);
        base.extend(self.extra[0].iter().cloned());
        if self.args.bool("force") {
            base.extend(words(&["--nodeps", "--nodeps"]));
        }
        let line = [base.clone(), words(&["--print-format", "%n-%v"]), there.clone()].concat();
        let ran = self.call(&line)?;
        if !ran.ok() {
            return Err(self.failed("failed to list package(s) to remove", Some((&line, &ran))));
        }
        let removed: Vec<String> = ran.out().split_whitespace().map(str::to_owned).collect();
        self.diff = Some(Diff::of(format!("{}\n", removed.join("\n")), ""));
        let count = removed.len();
        self.told.insert("packages".into(), removed.into());
        if self.cx.check {
            self.say(format!("Would have removed {count} packages"), None);
            return Ok(());
        }
        if self.args.bool("remove_nosave") {
            base.push("--nosave".into());
        }
        let line = [base, there].concat();
        let ran = self.call(&line)?;
        if !ran.ok() {
            return Err(self.failed("failed to remove package(s)", Some((&line, &ran))));
        }
        self.say(format!("Removed {count} package(s)"), Some(&ran));
        Ok(())
    }
}

fn sorted_lines(mut lines: Vec<String>) -> String {
    lines.sort();
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let p = "/usr/bin/pacman";
        let install = "--noconfirm --noprogressbar --needed --sync";
        let mut fake = Fake::new()
            .program("pacman")
            .on(&format!("{p} --query --upgrades"), Ran::of(0, "vim 1-1 -> 2-1\n", ""))
            .on(&format!("{p} --query --groups"), Ran::of(0, "", ""))
            .on(&format!("{p} --query --explicit"), Ran::of(0, "vim 1-1\n", ""))
            .on(&format!("{p} --query --deps"), Ran::of(0, "", ""))
            .on(&format!("{p} --query"), Ran::of(0, "vim 1-1\n", ""))
            .on(&format!("{p} --sync --list"), Ran::of(0, "core vim 2-1\ncore git 3-1\n", ""))
            .on(&format!("{p} --sync --groups"), Ran::of(0, "dev git\ndev vim\n", ""))
            .on(&format!("{p} {install} --print-format '%n %v' git"), Ran::of(0, "git 3-1\n", ""))
            .on(&format!("{p} {install} git"), Ran::of(0, "done", ""))
            .on(p, Ran::of(1, "", "error: target not found\n"));
        let result = Call::new("pacman", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn groups_and_upgrades() {
        let (result, _) = call(json!({"name": "dev"}));
        assert_eq!(result["packages"], json!(["git"]), "{result}");
        assert_eq!(result["diff"], json!({"before": "", "after": "git-3-1\n"}));
        assert_eq!(
            (&result["msg"], &result["stdout"]),
            (&json!("Installed 1 package(s)"), &json!("done"))
        );
        let (result, _) = call(json!({"name": "vim"}));
        assert_eq!(result["msg"], "package(s) already installed");
        let (result, _) = call(json!({"upgrade": true}));
        assert_eq!(
            (&result["msg"], &result["packages"]),
            (&json!("Could not upgrade"), &json!(["vim"]))
        );
        let (result, _) = call(json!({"name": "nano", "state": "absent"}));
        assert_eq!(result["msg"], "package(s) already absent");
        assert_eq!(call(json!({"name": "nano"})).0["rc"], 1);
    }
}
