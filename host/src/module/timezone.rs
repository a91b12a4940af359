//! `timezone`: the zone of the system's clock, and whether the hardware's clock tells local time.

use std::path::Path;

use crate::data::Map;
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Lit, Module, Opt, Outcome, Rule, Write,
};
use crate::python;
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.timezone"],
    description: "Sets the time zone by `timedatectl`, or where that does not work by the distribution's own files.\n\
                  Programs such as cron see another zone only when they are started again.",
    options: &[
        Opt::str("name").doc("The zone, such as `Europe/Berlin`."),
        Opt::str("hwclock")
            .aliases(&["rtc"])
            .choices(&[Lit::Str("local"), Lit::Str("UTC")])
            .doc("What the hardware's clock tells."),
    ],
    rules: &[Rule::RequiredOneOf(&["hwclock", "name"])],
    check_mode: CheckMode::Full,
    examples: "- name: Logs tell the time of Berlin\n  community.general.timezone:\n    name: Europe/Berlin\n",
    ..Module::builtin("timezone", "Sets the time zone", run)
};

/// How the host keeps its zone.
enum Keeper {
    Timedatectl(String),
    /// The files of the distribution, and the commands after them.
    Files {
        zone: &'static str,
        clock: &'static str,
        key: Option<&'static str>,
        commands: Vec<Run>,
    },
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let keeper = keeper(cx, args)?;
    if let Some(name) = args.str("name")
        && !cx.target.stat(&zone_file(name)).is_ok_and(|stat| !stat.is_dir())
    {
        return Err(aborted(&[], &format!("given timezone \"{name}\" is not available")));
    }
    let wanted: Vec<(&str, String)> = ["hwclock", "name"]
        .into_iter()
        .filter_map(|key| Some((key, args.str(key)?.to_owned())))
        .collect();
    let before = keeper.values(cx, &wanted)?;
    let planned: Map =
        wanted.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect();
    let mut done = Vec::new();
    let after = if cx.check {
        planned
    } else {
        for (key, value) in &wanted {
            if before.get(*key).and_then(|old| old.as_str()) != Some(value) {
                keeper.set(cx, key, value, &mut done)?;
            }
        }
        let after = keeper.values(cx, &wanted)?;
        if after != planned {
            let text = format!(
                "still not desired state, though changes have made - planned: {}, after: {}",
                python::repr(&planned.into()),
                python::repr(&after.into())
            );
            return Err(aborted(&done, &text));
        }
        after
    };
    let outcome = Outcome::new(before != after).diff(Diff::of(before, after));
    Ok(if done.is_empty() { outcome } else { outcome.msg(done.join("\n")) })
}

fn zone_file(name: &str) -> std::path::PathBuf {
    Path::new("/usr/share/zoneinfo").join(name)
}

fn aborted(done: &[String], why: &str) -> Failure {
    let mut lines = vec!["Error message:".to_owned(), why.to_owned()];
    if !done.is_empty() {
        lines.push("Other message(s):".to_owned());
        lines.extend_from_slice(done);
    }
    Failure::new(lines.join("\n"))
}

fn keeper(cx: &mut Context<'_>, args: &Args) -> Result<Keeper, Failure> {
    if let Some(program) = cx.target.find_program("timedatectl", &[])
        && cx.run(&Run::argv([&program]))?.ok()
    {
        return Ok(Keeper::Timedatectl(program.to_string_lossy().into_owned()));
    }
    cx.program("hwclock")?;
    let name = args.str("name").unwrap_or_default();
    let file = zone_file(name);
    let command = |cx: &mut Context<'_>, program: &str, words: &[&str]| {
        Ok::<_, Failure>(
            Run::argv([cx.program(program)?.into_os_string()]).args(words.iter().copied()),
        )
    };
    let path = file.to_string_lossy().into_owned();
    if cx.target.find_program("dpkg-reconfigure", &[]).is_some() {
        let commands = vec![
            command(cx, "ln", &["-sf", &path, "/etc/localtime"])?,
            command(cx, "dpkg-reconfigure", &["--frontend", "noninteractive", "tzdata"])?,
        ];
        return Ok(Keeper::Files {
            zone: "/etc/timezone",
            clock: "/etc/default/rcS",
            key: None,
            commands,
        });
    }
    if cx.target.exists(Path::new("/etc/alpine-release")) {
        let commands = vec![command(cx, "setup-timezone", &["-z", name])?];
        let clock = "/etc/conf.d/hwclock";
        return Ok(Keeper::Files { zone: "/etc/timezone", clock, key: None, commands });
    }
    let commands = match cx.target.find_program("tzdata-update", &[]) {
        Some(update) if !cx.target.is_link(Path::new("/etc/localtime")) => {
            vec![Run::argv([update])]
        }
        _ => vec![command(cx, "cp", &["--remove-destination", &path, "/etc/localtime"])?],
    };
    let conf = "/etc/sysconfig/clock";
    let text = cx.target.read_text(Path::new(conf)).unwrap_or_default();
    let is_suse = text.lines().any(|line| {
        line.trim_start_matches("TIMEZONE").trim_start().starts_with('=')
            && line.starts_with("TIMEZONE")
    });
    let key = if is_suse { "TIMEZONE" } else { "ZONE" };
    Ok(Keeper::Files { zone: conf, clock: conf, key: Some(key), commands })
}

impl Keeper {
    /// What is now, of what is asked for.
    fn values(&self, cx: &mut Context<'_>, wanted: &[(&str, String)]) -> Result<Map, Failure> {
        let mut values = Map::new();
        match self {
            Keeper::Timedatectl(program) => {
                let ran = cx.run_ok(&Run::argv([program.as_str(), "status"]))?;
                let out = ran.out();
                for (key, _) in wanted {
                    values.insert((*key).to_owned(), status(&out, key).into());
                }
            }
            Keeper::Files { zone, clock, key, .. } => {
                for (name, value) in wanted {
                    let found = match *name {
                        "name" => zone_of_files(cx, zone, *key, value),
                        _ => clock_of_files(cx, clock, value),
                    };
                    values.insert((*name).to_owned(), found.into());
                }
            }
        }
        Ok(values)
    }

    fn set(
        &self,
        cx: &mut Context<'_>,
        name: &str,
        value: &str,
        done: &mut Vec<String>,
    ) -> Result<(), Failure> {
        match self {
            Keeper::Timedatectl(program) => {
                let (verb, value) = match name {
                    "name" => ("set-timezone", value),
                    _ => ("set-local-rtc", if value == "local" { "yes" } else { "no" }),
                };
                let run = Run::argv([program.as_str(), verb, value]);
                cx.run_ok(&run)?;
                done.push(format!("executed `{}`", run.line()));
            }
            Keeper::Files { zone, key, commands, .. } if name == "name" => {
                let line = match key {
                    Some(key) => format!("{key}=\"{value}\"\n"),
                    None => format!("{value}\n"),
                };
                let begins = |line: &str| match key {
                    Some(key) => setting(line, key).is_some(),
                    None => !line.is_empty() && !line.starts_with(char::is_whitespace),
                };
                edit(cx, zone, &line, &begins, done)?;
                for run in commands {
                    cx.run_ok(run)?;
                }
            }
            Keeper::Files { clock, .. } => {
                let (option, utc) =
                    if value == "local" { ("--localtime", "no") } else { ("--utc", "yes") };
                edit(
                    cx,
                    clock,
                    &format!("UTC={utc}\n"),
                    &|line| setting(line, "UTC").is_some(),
                    done,
                )?;
                let program = cx.program("hwclock")?;
                let run = Run::argv([program.into_os_string()]).args(["--systohc", option]);
                cx.run_ok(&run)?;
                done.push(format!("executed `{}`", run.line()));
            }
        }
        Ok(())
    }
}

/// A value of `timedatectl status`.
fn status(out: &str, key: &str) -> String {
    let value = |names: &[&str]| {
        let line = out.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            names.contains(&name.trim()).then_some(value)
        });
        line.and_then(|value| value.split_whitespace().next()).unwrap_or_default()
    };
    match key {
        "name" => value(&["Time zone", "Timezone"]).to_owned(),
        _ if value(&["RTC in local TZ"]) == "yes" => "local".to_owned(),
        _ => "UTC".to_owned(),
    }
}

/// The value of a `KEY=value` or `KEY="value"` line.
fn setting<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start();
    let value = value.strip_prefix('"').unwrap_or(value);
    let end = value.find(|c: char| c == '"' || c.is_whitespace()).unwrap_or(value.len());
    (end > 0).then(|| &value[..end])
}

const UNKNOWN: &str = "n/a";

fn zone_of_files(cx: &mut Context<'_>, file: &str, key: Option<&str>, wanted: &str) -> String {
    let text = cx.target.read_text(Path::new(file)).unwrap_or_default();
    let found = text.lines().find_map(|line| match key {
        Some(key) => setting(line, key),
        None => line.split_whitespace().next().filter(|word| line.starts_with(word)),
    });
    let Some(found) = found.map(str::to_owned) else { return UNKNOWN.to_owned() };
    if found != wanted {
        return found;
    }
    // The file says so; but what counts is /etc/localtime.
    let localtime = Path::new("/etc/localtime");
    if cx.target.is_link(localtime) {
        if !cx.target.exists(localtime) {
            return UNKNOWN.to_owned();
        }
        let link = cx.target.read_link(localtime).unwrap_or_default();
        let link = link.to_string_lossy().into_owned();
        let zone = ["/usr/share/zoneinfo/", "/etc/zoneinfo/"]
            .iter()
            .find_map(|folder| link.find(folder).map(|at| link[at + folder.len()..].to_owned()));
        return zone.unwrap_or_else(|| UNKNOWN.to_owned());
    }
    let same = match (cx.target.read(localtime), cx.target.read(&zone_file(wanted))) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    if same { found } else { UNKNOWN.to_owned() }
}

fn clock_of_files(cx: &mut Context<'_>, file: &str, wanted: &str) -> String {
    let text = cx.target.read_text(Path::new(file)).unwrap_or_default();
    let found = match text.lines().find_map(|line| setting(line, "UTC")) {
        None => return UNKNOWN.to_owned(),
        Some(yes)
            if matches!(yes.to_lowercase().as_str(), "yes" | "y" | "true" | "1" | "on" | "t") =>
        {
            "UTC"
        }
        Some(_) => "local",
    };
    if found != wanted {
        return found.to_owned();
    }
    let adjtime = cx.target.read_text(Path::new("/etc/adjtime")).unwrap_or_default();
    match adjtime.lines().find(|line| matches!(*line, "UTC" | "LOCAL")) {
        Some("LOCAL") => "local".to_owned(),
        _ => "UTC".to_owned(),
    }
}

/// Put a line in the place of the first that is meant, and drop the others.
fn edit(
    cx: &mut Context<'_>,
    file: &str,
    line: &str,
    meant: &dyn Fn(&str) -> bool,
    done: &mut Vec<String>,
) -> Result<(), Failure> {
    let path = Path::new(file);
    let old = cx.target.read_text(path).unwrap_or_default();
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let is_meant = |line: &&str| meant(line.trim_end_matches('\n'));
    let at = lines.iter().position(&is_meant).unwrap_or(0);
    let mut new: Vec<&str> = lines.iter().copied().filter(|line| !is_meant(line)).collect();
    new.insert(at.min(new.len()), line);
    let real = cx.target.realpath(path);
    cx.write(Write::bytes(&real, new.concat().as_bytes()))?;
    done.push(format!(
        "Added 1 line and deleted {} line(s) on {file}",
        lines.len() + 1 - new.len()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const STATUS: &str = "               Local time: Tue 2024-01-02 12:00:00 UTC\n                \
                          Time zone: Etc/UTC (UTC, +0000)\n          RTC in local TZ: no\n";

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("timezone", args).run_on(fake).into()
    }

    #[test]
    fn timedatectl_is_asked_and_told() {
        let host = || {
            Fake::new()
                .program("timedatectl")
                .file("/usr/share/zoneinfo/Etc/UTC", "u")
                .file("/usr/share/zoneinfo/Europe/Berlin", "b")
                .on("/usr/bin/timedatectl", Ran::of(0, STATUS, ""))
        };
        let result = call(&mut host(), json!({"name": "Etc/UTC", "hwclock": "UTC"}));
        assert_eq!(result["changed"], false, "{result}");
        let mut fake = host();
        let result = call(&mut fake, json!({"name": "Europe/Berlin"}));
        // The fake keeps its zone, which is noticed.
        assert!(
            result["msg"].as_str().is_some_and(|msg| msg.starts_with("Error message:\nstill not"))
        );
        assert!(
            fake.runs.iter().any(|run| run == "/usr/bin/timedatectl set-timezone Europe/Berlin")
        );
        let result = call(&mut host(), json!({"name": "Europe/Nowhere"}));
        assert_eq!(
            result["msg"],
            "Error message:\ngiven timezone \"Europe/Nowhere\" is not available"
        );
        let checked = Call::new("timezone", json!({"name": "Europe/Berlin"})).check();
        let result: Value = checked.run_on(&mut host()).into();
        assert_eq!(result["diff"]["after"], json!({"name": "Europe/Berlin"}));
    }

    #[test]
    fn files_of_debian() {
        let mut fake = Fake::new()
            .file("/usr/share/zoneinfo/Europe/Berlin", "b")
            .file("/etc/timezone", "Etc/UTC\n")
            .link("/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin")
            .program("hwclock")
            .program("ln")
            .program("dpkg-reconfigure")
            .on("/usr/bin/", Ran::of(0, "", ""));
        let result = call(&mut fake, json!({"name": "Europe/Berlin"}));
        assert_eq!(result["changed"], true, "{result}");
        assert_eq!(fake.text("/etc/timezone"), "Europe/Berlin\n");
        assert_eq!(call(&mut fake, json!({"name": "Europe/Berlin"}))["changed"], false);
    }
}
