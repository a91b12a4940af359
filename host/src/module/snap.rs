//! `snap`: packages of snapd.

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned};
use crate::python;
use crate::regex::{Flags, Pattern};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.snap"],
    description: "Installs, removes, enables and disables snaps, and sets their options.",
    options: &[
        Opt::list("name", Kind::Str).required().doc("The snaps."),
        Opt::str("state")
            .or_str("present")
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("present"),
                Lit::Str("enabled"),
                Lit::Str("disabled"),
            ])
            .doc("What they are to be."),
        Opt::bool("classic").or(false).doc("Install without confinement."),
        Opt::str("channel").or_str("stable").doc("The channel to install from."),
        Opt::list("options", Kind::Str)
            .since("4.4.0")
            .doc("Options as `key=value`, or `snap:key=value` for one of the snaps."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("cmd", "str", "on change", "What was run."),
        Returned::new("snaps_installed", "list", "when some were", "The snaps."),
        Returned::new("snaps_removed", "list", "when some were", "The snaps."),
        Returned::new("options_changed", "list", "when some were", "As `snap:key=value`."),
    ],
    examples: "- name: Certbot\n  community.general.snap:\n    name: certbot\n    classic: true\n",
    ..Module::builtin("snap", "Manages snaps", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut snaps = Snaps { cx, args, output: Map::new(), changed: false };
    let diff = snaps.cx.diff;
    match args.req("state") {
        "present" => snaps.present()?,
        "absent" => {
            snaps.other("remove", "snaps_removed", |snaps, name| snaps.is_installed(name))?
        }
        "enabled" => snaps.other("enable", "snaps_enabled", |snaps, name| {
            Ok(snaps.is_enabled(name)? != Some(true))
        })?,
        _ => snaps.other("disable", "snaps_disabled", |snaps, name| {
            Ok(snaps.is_enabled(name)? == Some(true))
        })?,
    }
    let outcome = Outcome::new(snaps.changed).with_all(snaps.output).with("failed", false);
    Ok(if diff { outcome.with("diff", Map::new()) } else { outcome })
}

struct Snaps<'a, 'b> {
    cx: &'a mut Context<'b>,
    args: &'a Args,
    output: Map,
    changed: bool,
}

impl Snaps<'_, '_> {
    fn fail<T>(&self, msg: &str) -> Result<T, Failure> {
        Err(Failure::with_output(msg, &self.output, self.cx.diff))
    }

    /// The last call is told in the result.
    fn snap(&mut self, words: &[&str]) -> Result<Ran, Failure> {
        let program = self.cx.program("snap")?.to_string_lossy().into_owned();
        let argv: Vec<&str> = [&[program.as_str()], words].concat();
        let run = Run::argv(&argv).env("LANGUAGE", "C").env("LC_ALL", "C");
        self.output.insert("force_lang".into(), "C".into());
        let ran = self.cx.run(&run)?;
        self.output.insert("rc".into(), ran.rc.into());
        self.output.insert("stdout".into(), ran.out().into());
        self.output.insert("stderr".into(), ran.err().into());
        self.output.insert("cmd_args".into(), argv.into());
        Ok(ran)
    }

    fn is_installed(&mut self, name: &str) -> Result<bool, Failure> {
        Ok(self.snap(&["list", name])?.ok())
    }

    /// None if it is not there.
    fn is_enabled(&mut self, name: &str) -> Result<Option<bool>, Failure> {
        let ran = self.snap(&["list", name])?;
        if !ran.ok() {
            return Ok(None);
        }
        let out = ran.out();
        // The line below the heads of the columns; the sixth is notes.
        let Some(line) = out.lines().nth(1) else {
            return self.fail("Module failed with exception: list index out of range");
        };
        match line.split_whitespace().nth(5) {
            Some(notes) => Ok(Some(notes.split(',').all(|note| note != "disabled"))),
            None => self.fail(&format!("Unable to parse 'snap list {name}' output:\n{out}")),
        }
    }

    fn those(
        &mut self,
        wanted: fn(&mut Self, &str) -> Result<bool, Failure>,
    ) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        for name in self.args.strings("name") {
            if wanted(self, &name)? {
                found.push(name);
            }
        }
        Ok(found)
    }

    fn options(&self) -> (Vec<&str>, bool) {
        let mut words = Vec::new();
        if self.args.bool("classic") {
            words.push("--classic");
        }
        let channel = self.args.req("channel");
        if channel != "stable" {
            words.extend(["--channel", channel]);
        }
        let any = !words.is_empty();
        (words, any)
    }

    /// Runs it; `cmd` tells it as community.general does, by its own names of the parts.
    fn call_all(
        &mut self,
        calls: &[Vec<String>],
        heads: &[&str],
        names: &[Vec<String>],
    ) -> Result<(bool, String), Failure> {
        let (mut good, mut errors, mut told) = (true, Vec::new(), Vec::new());
        for (words, names) in calls.iter().zip(names) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let ran = self.snap(&words)?;
            good &= ran.ok();
            errors.push(ran.err().into_owned());
            let mut parts: Vec<Data> = heads.iter().map(|head| Data::from(*head)).collect();
            let mut last = Map::new();
            last.insert("actionable_snaps".into(), names.clone().into());
            parts.push(last.into());
            told.push(python::repr(&parts.into()));
        }
        self.output.insert("cmd".into(), told.join("; ").into());
        Ok((good, errors.join("\n")))
    }

    fn present(&mut self) -> Result<(), Failure> {
        for key in ["classic", "channel"] {
            let value = self.args.get(key).cloned().unwrap_or(Data::Null);
            self.output.insert(key.into(), value);
        }
        let missing = self.those(|snaps, name| Ok(!snaps.is_installed(name)?))?;
        if !missing.is_empty() {
            self.install(missing)?;
        }
        self.set_options()
    }

    fn install(&mut self, missing: Vec<String>) -> Result<(), Failure> {
        self.changed = true;
        self.output.insert("snaps_installed".into(), missing.clone().into());
        if self.cx.check {
            return Ok(());
        }
        let (options, single) = self.options();
        let groups: Vec<Vec<String>> = match single && missing.len() > 1 {
            true => missing.into_iter().map(|name| vec![name]).collect(),
            false => vec![missing],
        };
        let begin: Vec<String> =
            ["install"].into_iter().chain(options).map(str::to_owned).collect();
        let calls: Vec<Vec<String>> =
            groups.iter().map(|names| [begin.clone(), names.clone()].concat()).collect();
        let (good, errors) = self.call_all(&calls, &["state", "classic", "channel"], &groups)?;
        if good {
            return Ok(());
        }
        let classic = Pattern::new(
            r#"^error: This revision of snap "(?P<package_name>\w+)" was published using classic confinement"#,
            Flags::default(),
        )?;
        if let Some(found) = classic.match_start(&errors)? {
            let name = found.group(&errors, 1).unwrap_or_default();
            return self
                .fail(&format!("Couldn't install {name} because it requires classic confinement"));
        }
        self.oops("installation")
    }

    fn oops(&self, what: &str) -> Result<(), Failure> {
        let cmd = self.output.get("cmd").and_then(Data::as_str).unwrap_or_default();
        self.fail(&format!(
            "Ooops! Snap {what} failed while executing '{cmd}', please examine logs and error output for more details."
        ))
    }

    fn other(
        &mut self,
        verb: &str,
        key: &str,
        wanted: fn(&mut Self, &str) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let names = self.those(wanted)?;
        if names.is_empty() {
            return Ok(());
        }
        self.changed = true;
        self.output.insert(key.into(), names.clone().into());
        if self.cx.check {
            return Ok(());
        }
        let mut words: Vec<String> = self.options().0.into_iter().map(str::to_owned).collect();
        words.push(verb.to_owned());
        words.extend(names.clone());
        match self.call_all(&[words], &["classic", "channel", "state"], &[names])?.0 {
            true => Ok(()),
            false => self.oops("operation"),
        }
    }

    fn set_options(&mut self) -> Result<(), Failure> {
        if !self.args.is_given("options") {
            return Ok(());
        }
        let line = r"(?P<snap_prefix>\S+:)?(?P<key>\S+)\s*=\s*(?P<value>.+)";
        let line = Pattern::new(line, Flags::default())?;
        let names = self.args.strings("name");
        let mut told: Vec<String> = Vec::new();
        for name in self.those(|snaps, name| snaps.is_installed(name))? {
            let known = self.known_options(&name)?;
            let mut set: Vec<String> = Vec::new();
            for option in self.args.strings("options") {
                let Some(found) = line.match_start(&option)? else {
                    return self.fail(&format!("Cannot parse set option '{option}'"));
                };
                let part = |group| found.group(&option, group);
                let prefix = part(1).and_then(|prefix| prefix.strip_suffix(':'));
                if prefix.is_some_and(|prefix| !names.iter().any(|name| name == prefix)) {
                    return self.fail(&format!(
                        "Snap option '{option}' refers to snap which is not in the list of snap names"
                    ));
                }
                if prefix.is_some_and(|prefix| prefix != name) {
                    continue;
                }
                let (key, value) =
                    (part(2).unwrap_or_default(), part(3).unwrap_or_default().trim());
                if known.get(key).and_then(Data::as_str) != Some(value) {
                    set.push(format!("{key}={value}"));
                    told.push(match prefix {
                        Some(_) => option.clone(),
                        None => format!("{name}:{option}"),
                    });
                }
            }
            self.set(&name, &set)?;
        }
        if !told.is_empty() {
            self.output.insert("options_changed".into(), told.into());
        }
        Ok(())
    }

    fn set(&mut self, name: &str, options: &[String]) -> Result<(), Failure> {
        if options.is_empty() {
            return Ok(());
        }
        self.changed = true;
        if self.cx.check {
            return Ok(());
        }
        let words: Vec<&str> =
            ["set", name].into_iter().chain(options.iter().map(String::as_str)).collect();
        let ran = self.snap(&words)?;
        let error = ran.err();
        if ran.ok() {
            Ok(())
        } else if error.contains(r#"has no "configure" hook"#) {
            self.fail(&format!("Snap '{name}' does not have any configurable options"))
        } else {
            let options = options.join(" ");
            self.fail(&format!("Cannot set options '{options}' for snap '{name}': error={error}"))
        }
    }

    fn known_options(&mut self, name: &str) -> Result<Map, Failure> {
        let ran = self.snap(&["get", name, "-d"])?;
        if !ran.ok() {
            return Ok(Map::new());
        }
        let out = ran.out().into_owned();
        let Some(first) = out.lines().next() else {
            return self.fail("Module failed with exception: list index out of range");
        };
        if first.contains("has no configuration") {
            return Ok(Map::new());
        }
        let mut flat = Map::new();
        let why = match serde_json::from_str::<Data>(&out) {
            Ok(Data::Object(map)) if flatten("", &map, &mut flat) => return Ok(flat),
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        self.fail(&format!(
            "Parsing option map returned by 'snap get {name}' triggers exception '{why}', output:\n'{out}'"
        ))
    }
}

/// Options of options get dotted names; false where something is neither text, number nor dictionary.
fn flatten(prefix: &str, map: &Map, into: &mut Map) -> bool {
    map.iter().all(|(key, value)| {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Data::Object(inner) => flatten(&key, inner, into),
            Data::Array(_) | Data::Null => false,
            value => {
                into.insert(key, python::text(value).into());
                true
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let list = "Name Version Rev Tracking Publisher Notes\nlxd 5.0 1 x y disabled,classic\n";
        let mut fake = Fake::new()
            .program("snap")
            .on("/usr/bin/snap list lxd", Ran::of(0, list, ""))
            .on("/usr/bin/snap list", Ran::of(1, "", "error: no matching snaps installed"))
            .on("/usr/bin/snap get", Ran::of(0, r#"{"a": {"b": true}, "c": 1}"#, ""))
            .on("/usr/bin/snap set", Ran::of(0, "", ""))
            .on(
                "/usr/bin/snap install code",
                Ran::of(1, "", "error: This revision of snap \"code\" was published using classic confinement and"),
            )
            .on("/usr/bin/snap", Ran::of(0, "", ""));
        let result = Call::new("snap", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn snaps_come_and_go() {
        let (result, runs) = call(json!({"name": ["lxd", "foo", "bar"], "channel": "edge"}));
        assert_eq!(result["snaps_installed"], json!(["foo", "bar"]), "{result}");
        assert_eq!(runs[3], "/usr/bin/snap install --channel edge foo");
        assert_eq!(
            result["cmd"],
            "['state', 'classic', 'channel', {'actionable_snaps': ['foo']}]; ['state', 'classic', 'channel', {'actionable_snaps': ['bar']}]"
        );
        let (_, runs) = call(json!({"name": "lxd", "state": "absent"}));
        assert_eq!(runs[1], "/usr/bin/snap remove lxd");
        assert_eq!(call(json!({"name": "lxd", "state": "disabled"})).0["changed"], false);
        let (_, runs) = call(json!({"name": "lxd", "state": "enabled"}));
        assert_eq!(runs[1], "/usr/bin/snap enable lxd");
        let (result, _) = call(json!({"name": "code"}));
        assert_eq!(result["msg"], "Couldn't install code because it requires classic confinement");
    }

    #[test]
    fn options_are_set() {
        let options = json!(["a.b=True", "lxd:c=2", "d = x y"]);
        let (result, runs) = call(json!({"name": "lxd", "options": options}));
        assert_eq!(result["options_changed"], json!(["lxd:c=2", "lxd:d = x y"]), "{result}");
        assert_eq!(runs.last().map(String::as_str), Some("/usr/bin/snap set lxd c=2 'd=x y'"));
        let (result, _) = call(json!({"name": "lxd", "options": ["foo:c=2"]}));
        assert_eq!(
            result["msg"],
            "Snap option 'foo:c=2' refers to snap which is not in the list of snap names"
        );
    }
}
