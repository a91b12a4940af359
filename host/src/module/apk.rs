//! `apk`: packages of Alpine.

use std::path::Path;

use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python::Subject;
use crate::regex::{self, Flags, Pattern};
use crate::target::Ran;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.apk"],
    description: "Installs, upgrades and removes packages of Alpine Linux.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[
                Lit::Str("present"),
                Lit::Str("installed"),
                Lit::Str("absent"),
                Lit::Str("removed"),
                Lit::Str("latest"),
            ])
            .doc("Whether the packages are to be there; `latest` upgrades them too."),
        Opt::list("name", Kind::Str).doc("The packages."),
        Opt::bool("no_cache").or(false).since("1.0.0").doc("Use no index that lies on the disk."),
        Opt::list("repository", Kind::Str).doc("Repositories to look in, instead of the system's."),
        Opt::bool("update_cache").or(false).doc("Fetch the indexes first."),
        Opt::bool("upgrade").or(false).doc("Upgrade all packages."),
        Opt::bool("available")
            .or(false)
            .doc("With `upgrade`: also go back to what the repositories have."),
        Opt::str("world")
            .or_str("/etc/apk/world")
            .since("5.4.0")
            .doc("The file of the packages that were asked for."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["name", "update_cache", "upgrade"]),
        Rule::MutuallyExclusive(&["name", "upgrade"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("packages", "list", "when packages changed", "The packages."),
        Returned::new("stdout", "str", "when apk ran", "What it said."),
        Returned::new("stderr", "str", "when apk ran", "What it said of troubles."),
    ],
    examples: "- name: The web server\n  community.general.apk:\n    name: nginx\n    update_cache: true\n",
    ..Module::builtin("apk", "Manages packages of Alpine", run)
};

/// apk as it is called here: the words in front of each command.
struct Apk {
    line: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut line = cx.program("apk")?.to_string_lossy().into_owned();
    if args.bool("no_cache") {
        line += " --no-cache";
    }
    for repository in args.strings("repository") {
        line += &format!(" --repository {repository} --repositories-file /dev/null");
    }
    let apk = Apk { line };
    match args.req("state") {
        "installed" => args.set("state", "present"),
        "removed" => args.set("state", "absent"),
        _ => {}
    }
    let names = args.strings("name");
    if args.bool("update_cache") {
        let ran = apk.run(cx, "update")?;
        if !ran.ok() {
            return Err(failed("could not update package db", &ran));
        }
        if names.is_empty() && !args.bool("upgrade") {
            return Ok(said(Outcome::new(true).msg("updated repository indexes"), &ran));
        }
    }
    if args.bool("upgrade") {
        return apk.upgrade(cx, args.bool("available"));
    }
    if !args.is_given("name") {
        return Err(Failure::crash("TypeError", "'NoneType' object is not iterable"));
    }
    match args.req("state") {
        "absent" => apk.remove(cx, &names),
        state => apk.install(cx, &names, state == "latest", Path::new(args.req("world"))),
    }
}

fn said(outcome: Outcome, ran: &Ran) -> Outcome {
    outcome.with("stdout", ran.out()).with("stderr", ran.err())
}

fn failed(msg: &str, ran: &Ran) -> Failure {
    Failure::new(msg).with("stdout", ran.out()).with("stderr", ran.err())
}

/// The packages that apk tells of: `(1/3) Installing NAME (…)`.
fn packages(ran: &Ran) -> Vec<String> {
    let name = |line: &str| {
        let (count, rest) = line.strip_prefix('(')?.split_once(')')?;
        let (at, of) = count.split_once('/')?;
        let numbers = [at, of].iter().all(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let mut words = rest.split_whitespace();
        words.next().filter(|_| numbers && rest.starts_with(char::is_whitespace))?;
        words.next().map(str::to_owned)
    };
    ran.out().split('\n').filter_map(name).collect()
}

impl Apk {
    fn run(&self, cx: &mut Context<'_>, command: &str) -> Result<Ran, Failure> {
        let run = cx.words(&format!("{} {command}", self.line))?;
        cx.run(&run.c_locale())
    }

    fn upgrade(&self, cx: &mut Context<'_>, available: bool) -> Result<Outcome, Failure> {
        let simulate = if cx.check { " --simulate" } else { "" };
        let available = if available { " --available" } else { "" };
        let ran = self.run(cx, &format!("upgrade{simulate}{available}"))?;
        let packages = packages(&ran);
        if !ran.ok() {
            return Err(failed("failed to upgrade packages", &ran).with("packages", packages));
        }
        let done = ran.out().starts_with("OK");
        let msg = if done { "packages already upgraded" } else { "upgraded packages" };
        Ok(said(Outcome::new(!done).msg(msg), &ran).with("packages", packages))
    }

    fn install(
        &self,
        cx: &mut Context<'_>,
        names: &[String],
        latest: bool,
        world: &Path,
    ) -> Result<Outcome, Failure> {
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for name in names {
            if self.is_virtual(cx, name)? {
                for dependency in self.dependencies(cx, name)? {
                    if latest && !self.is_latest(cx, &dependency)? {
                        old.push(dependency);
                    }
                }
            } else if !is_asked_for(cx, name, world)? {
                new.push(name.clone());
            } else if latest && !self.is_latest(cx, name)? {
                old.push(name.clone());
            }
        }
        if new.is_empty() && old.is_empty() {
            return Ok(Outcome::new(false).msg("package(s) already installed"));
        }
        let upgrade = if old.is_empty() { "" } else { "--upgrade " };
        let simulate = if cx.check { "--simulate " } else { "" };
        let all = [new, old].concat().join(" ");
        let ran = self.run(cx, &format!("add {upgrade}{simulate}{all}"))?;
        let packages = packages(&ran);
        if !ran.ok() {
            let msg = format!("failed to install {all}");
            return Err(failed(&msg, &ran).with("packages", packages));
        }
        let outcome = Outcome::new(true).msg(format!("installed {all} package(s)"));
        Ok(said(outcome, &ran).with("packages", packages))
    }

    fn remove(&self, cx: &mut Context<'_>, names: &[String]) -> Result<Outcome, Failure> {
        let mut there = Vec::new();
        for name in names {
            if self.is_installed(cx, name)? {
                there.push(name.clone());
            }
        }
        if there.is_empty() {
            return Ok(Outcome::new(false).msg("package(s) already removed"));
        }
        let all = there.join(" ");
        let simulate = if cx.check { " --simulate" } else { "" };
        let ran = self.run(cx, &format!("del --purge{simulate} {all}"))?;
        let packages = packages(&ran);
        // What others depend on stays.
        let mut stays = !ran.ok();
        for name in &there {
            stays = stays || self.is_installed(cx, name)?;
        }
        if stays {
            let msg = format!("failed to remove {all} package(s)");
            return Err(failed(&msg, &ran).with("packages", packages));
        }
        let outcome = Outcome::new(true).msg(format!("removed {all} package(s)"));
        Ok(said(outcome, &ran).with("packages", packages))
    }

    fn is_installed(&self, cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
        Ok(self.run(cx, &format!("-v info --installed {name}"))?.ok())
    }

    /// Whether no newer one is known.
    fn is_latest(&self, cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
        let ran = self.run(cx, &format!("version {name}"))?;
        let form =
            format!(r"({})-[\d\.\w]+-[\d\w]+\s+(.)\s+[\d\.\w]+-[\d\w]+\s+", regex::escape(name));
        let out = ran.out();
        let found = Pattern::new(&form, Flags::default())?.search(&out)?;
        Ok(found.and_then(|found| found.group(&out, 2)) != Some("<"))
    }

    fn is_virtual(&self, cx: &mut Context<'_>, name: &str) -> Result<bool, Failure> {
        let ran = self.run(cx, &format!("-v info --description {name}"))?;
        Ok(ran.out().starts_with(&format!("{name}: virtual meta package")))
    }

    fn dependencies(&self, cx: &mut Context<'_>, name: &str) -> Result<Vec<String>, Failure> {
        let ran = self.run(cx, &format!("-v info --depends {name}"))?;
        Ok(ran.out().split_whitespace().skip(1).map(str::to_owned).collect())
    }
}

/// Whether somebody asked for the package; there may stand a version or a repository behind its name.
fn is_asked_for(cx: &mut Context<'_>, name: &str, world: &Path) -> Result<bool, Failure> {
    let text =
        cx.target.read_text(world).map_err(|error| Failure::os(&error, Subject::Text(world)))?;
    Ok(text.split_whitespace().any(|word| {
        word.strip_prefix(name).is_some_and(|rest| {
            rest.is_empty() || rest.len() > 1 && rest.starts_with(['@', '=', '<', '>', '~'])
        })
    }))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("apk")
            .file("/etc/apk/world", "nginx=1.2\nbash\n")
            .on("/usr/bin/apk version bash", Ran::of(0, "bash-1.0-r0 < 1.1-r0 \n", ""))
            .on("/usr/bin/apk add", Ran::of(0, "(1/1) Installing curl (1-r0)\nOK: 1 MiB\n", ""))
            .on("/usr/bin/apk", Ran::of(0, "", ""));
        let result = Call::new("apk", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn packages_come() {
        let (result, _) = call(json!({"name": "nginx,bash"}));
        assert_eq!(result["msg"], "package(s) already installed", "{result}");
        let (result, runs) = call(json!({"name": ["curl", "bash"], "state": "latest"}));
        assert_eq!(result["packages"], json!(["curl"]));
        assert_eq!(runs.last().map(String::as_str), Some("/usr/bin/apk add --upgrade curl bash"));
        assert_eq!(call(json!({"name": "bash", "state": "removed"})).0["failed"], true);
    }
}
