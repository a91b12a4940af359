//! `npm`: packages for Node.js.

use std::path::Path;

use serde_json::Value;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome};
use crate::python;
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.npm"],
    description: "Installs, updates and removes packages for Node.js by `npm`.",
    options: &[
        Opt::str("name").doc("The package; without one those of package.json are meant."),
        Opt::path("path").doc("The folder to install into."),
        Opt::str("version").doc("The version."),
        Opt::bool("production").or(false).doc("Without what only developers need."),
        Opt::path("executable").doc("The program, if it is not to be looked for."),
        Opt::str("registry").doc("The registry to take packages from."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent"), Lit::Str("latest")])
            .doc("What is to be."),
        Opt::bool("ignore_scripts").or(false).doc("Run no scripts of packages."),
        Opt::bool("unsafe_perm").or(false).doc("Run scripts as root."),
        Opt::bool("ci").or(false).doc("Install what package-lock.json says, and nothing else."),
        Opt::bool("no_optional").or(false).since("2.0.0").doc("Without optional packages."),
        Opt::bool("no_bin_links").or(false).since("2.5.0").doc("Make no links to programs."),
        Opt::bool("global").or(false).doc("Install for everybody, not into a folder."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: What the shop needs\n  community.general.npm:\n    path: /srv/shop\n    production: true\n",
    ..Module::builtin("npm", "Manages packages for Node.js", run)
};

struct Npm<'a> {
    args: &'a Args,
    program: Vec<String>,
    /// With its version, if one is asked for.
    package: Option<String>,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let name = args.str("name").filter(|name| !name.is_empty());
    let state = args.req("state");
    if args.str("path").is_none_or(str::is_empty) && !args.bool("global") {
        return Err(Failure::new("path must be specified when not using global"));
    }
    if state == "absent" && name.is_none() {
        return Err(Failure::new("uninstalling a package is only available for named packages"));
    }
    let program = match args.str("executable").filter(|named| !named.is_empty()) {
        Some(named) => named.split(' ').map(str::to_owned).collect(),
        None => vec![cx.program("npm")?.to_string_lossy().into_owned()],
    };
    let version = args.str("version").filter(|version| !version.is_empty() && state != "absent");
    let package = match (name, version) {
        (Some(name), Some(version)) => Some(format!("{name}@{version}")),
        (name, _) => name.map(str::to_owned),
    };
    let npm = Npm { args, program, package };
    if args.bool("ci") {
        npm.change(cx, "ci")?;
        return Ok(Outcome::new(true));
    }
    let (installed, missing) = npm.list(cx)?;
    let mut changed = false;
    if state == "absent" {
        if name.is_some_and(|name| installed.iter().any(|known| known == name)) {
            npm.change(cx, "uninstall")?;
            changed = true;
        }
        return Ok(Outcome::new(changed));
    }
    let outdated = state == "latest" && npm.is_outdated(cx)?;
    if missing {
        npm.change(cx, "install")?;
        changed = true;
    }
    if outdated {
        npm.change(cx, "update")?;
        changed = true;
    }
    Ok(Outcome::new(changed))
}

impl Npm<'_> {
    fn command(
        &self,
        cx: &mut Context<'_>,
        words: &[&str],
        with_name: bool,
    ) -> Result<Run, Failure> {
        let mut run = Run::argv(&self.program).args(words.iter().copied());
        let mut flag = |on: bool, word: &str| {
            if on {
                run.argv.push(word.into());
            }
        };
        let is = |name: &str| self.args.bool(name);
        flag(is("global"), "--global");
        let installs = words.iter().any(|word| matches!(*word, "install" | "update" | "ci"));
        flag(is("production") && installs, "--production");
        flag(is("ignore_scripts"), "--ignore-scripts");
        flag(is("unsafe_perm"), "--unsafe-perm");
        run = run.args(self.package.clone().filter(|_| with_name));
        if let Some(registry) = self.args.str("registry").filter(|text| !text.is_empty()) {
            run = run.args(["--registry", registry]);
        }
        for (name, word) in [("no_optional", "--no-optional"), ("no_bin_links", "--no-bin-links")] {
            if is(name) {
                run = run.arg(word);
            }
        }
        let Some(path) = self.args.str("path").filter(|path| !path.is_empty()) else {
            return Ok(run);
        };
        let folder = Path::new(path);
        if !cx.target.exists(folder) {
            if cx.check {
                return Ok(run);
            }
            let made = cx.make_dirs(folder);
            made.map_err(|error| Failure::os(&error, python::Subject::Text(folder)))?;
        }
        if !cx.target.is_dir(folder) {
            return Err(Failure::new(format!("path {path} is not a directory")));
        }
        Ok(run.cwd(folder))
    }

    fn change(&self, cx: &mut Context<'_>, verb: &str) -> Result<(), Failure> {
        if cx.check {
            return Ok(());
        }
        let run = self.command(cx, &[verb], true)?;
        cx.run_ok(&run).map(drop)
    }

    /// What is installed, with and without versions, and whether something is missing.
    fn list(&self, cx: &mut Context<'_>) -> Result<(Vec<String>, bool), Failure> {
        let run = self.command(cx, &["list", "--json", "--long"], false)?;
        let ran = cx.run(&run)?;
        let out = ran.out();
        let text = if out.is_empty() { "{}" } else { &out };
        let data: Value = serde_json::from_str(text).map_err(|error| {
            Failure::new(format!("Failed to parse NPM output with error {error}"))
        })?;
        let Some(all) = data.get("dependencies").and_then(Value::as_object) else {
            return Ok((Vec::new(), true));
        };
        let (mut installed, mut missing) = (Vec::new(), false);
        let truth = |value: Option<&Value>| match value {
            Some(Value::String(text)) => !text.is_empty(),
            Some(value) => value.as_bool().unwrap_or(false),
            None => false,
        };
        for (name, about) in all {
            if truth(about.get("missing")) || truth(about.get("invalid")) {
                missing = true;
                continue;
            }
            installed.push(name.clone());
            if let Some(version) = about.get("version").and_then(Value::as_str) {
                installed.push(format!("{name}@{version}"));
            }
        }
        missing |= self.package.as_ref().is_some_and(|package| !installed.contains(package));
        Ok((installed, missing))
    }

    fn is_outdated(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let run = self.command(cx, &["outdated"], true)?;
        Ok(cx.run(&run)?.out().lines().any(|line| !line.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Fake) {
        let list =
            r#"{"dependencies": {"left-pad": {"version": "1.3.0"}, "gone": {"missing": true}}}"#;
        let mut fake = Fake::new()
            .dir("/srv/shop")
            .program("npm")
            .on(
                "/usr/bin/npm list --json --long --global",
                Ran::of(0, &list.replace("true", "false"), ""),
            )
            .on("/usr/bin/npm list", Ran::of(1, list, ""))
            .on("/usr/bin/npm", Ran::of(0, "", ""));
        let result = Call::new("npm", args).run_on(&mut fake).into();
        (result, fake)
    }

    #[test]
    fn packages() {
        let (result, fake) = call(json!({"path": "/srv/shop", "production": true}));
        assert_eq!(result["changed"], true, "{result}");
        assert_eq!(fake.runs[1], "/usr/bin/npm install --production");
        let (result, _) = call(json!({"name": "left-pad", "version": "1.3.0", "global": true}));
        assert_eq!(result["changed"], false);
        let (_, fake) = call(json!({"name": "left-pad", "version": "2.0", "global": true}));
        assert_eq!(fake.runs[1], "/usr/bin/npm install --global left-pad@2.0");
        let (_, fake) = call(json!({"name": "left-pad", "global": true, "state": "absent"}));
        assert_eq!(fake.runs[1], "/usr/bin/npm uninstall --global left-pad");
        let (result, _) = call(json!({"name": "x"}));
        assert_eq!(result["msg"], "path must be specified when not using global");
    }
}
