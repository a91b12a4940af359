//! `gem`: packages for Ruby.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.gem"],
    description: "Installs and removes packages for Ruby by `gem`.",
    options: &[
        Opt::path("executable").doc("The program, if it is not to be looked for."),
        Opt::path("gem_source").doc("A file to install from."),
        Opt::bool("include_dependencies").or(true).doc("Whether what it needs comes with it."),
        Opt::str("name").required().doc("The package."),
        Opt::str("repository").aliases(&["source"]).doc("Where to take it from."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent"), Lit::Str("latest")])
            .doc("What is to be."),
        Opt::bool("user_install").or(true).doc("Install for the user, not for everybody."),
        Opt::path("install_dir").doc("The folder to install into."),
        Opt::path("bindir").since("3.3.0").doc("The folder for programs."),
        Opt::bool("norc").or(true).since("3.3.0").doc("Read no configuration of gem's."),
        Opt::bool("pre_release").or(false).doc("Take versions that are not released."),
        Opt::bool("include_doc").or(false).doc("Install documentation."),
        Opt::bool("env_shebang").or(false).doc("Programs look for Ruby by `env`."),
        Opt::str("version").doc("The version."),
        Opt::str("build_flags").doc("Flags for building."),
        Opt::bool("force").or(false).doc("Install or remove in spite of everything."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["gem_source", "repository"]),
        Rule::MutuallyExclusive(&["gem_source", "version"]),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Vagrant\n  community.general.gem:\n    name: vagrant\n    version: '1.0'\n",
    ..Module::builtin("gem", "Manages packages for Ruby", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let given = |args: &Args, name: &str| args.str(name).is_some_and(|text| !text.is_empty());
    let state = args.string("state");
    let refusal = if given(args, "version") && state == "latest" {
        Some("Cannot specify version when state=latest")
    } else if given(args, "gem_source") && state == "latest" {
        Some("Cannot maintain state=latest when installing from local source")
    } else if args.bool("user_install") && given(args, "install_dir") {
        Some("install_dir requires user_install=false")
    } else {
        None
    };
    if let Some(refusal) = refusal {
        return Err(Failure::new(refusal));
    }
    let gem = Gem::find(cx, args)?;
    if state == "latest"
        && let Some(newest) = gem.versions(cx, args, true)?.into_iter().next()
    {
        args.set("version", newest);
    }
    let versions = gem.versions(cx, args, false)?;
    let there = match args.str("version").filter(|version| !version.is_empty()) {
        Some(version) => versions.iter().any(|known| known == version),
        None => !versions.is_empty(),
    };
    let changed = there == (state == "absent");
    if changed && !cx.check {
        match state.as_str() {
            "absent" => gem.uninstall(cx, args)?,
            _ => gem.install(cx, args)?,
        }
    }
    let outcome =
        Outcome::new(changed).with("name", args.req("name")).with("state", state.as_str());
    Ok(match args.str("version").filter(|version| !version.is_empty()) {
        Some(version) => outcome.with("version", version),
        None => outcome,
    })
}

struct Gem {
    program: Vec<String>,
    version: Option<(u32, u32, u32)>,
}

impl Gem {
    fn find(cx: &mut Context<'_>, args: &Args) -> Result<Gem, Failure> {
        let program: Vec<String> = match args.str("executable").filter(|named| !named.is_empty()) {
            Some(named) => named.split(' ').map(str::to_owned).collect(),
            None => vec![cx.program("gem")?.to_string_lossy().into_owned()],
        };
        let ran = cx.run_ok(&Run::argv(&program).arg("--version"))?;
        let out = ran.out();
        let mut parts = out.trim().splitn(3, '.').map(|part| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse::<u32>().ok()
        });
        let mut next = || parts.next().flatten();
        let version = match (next(), next(), next()) {
            (Some(major), Some(minor), Some(patch)) => Some((major, minor, patch)),
            _ => None,
        };
        Ok(Gem { program, version })
    }

    fn is_older_than(&self, version: (u32, u32, u32)) -> bool {
        self.version.is_some_and(|own| own < version)
    }

    fn call(&self, args: &Args, verb: &str) -> Run {
        let run = Run::argv(&self.program).arg(verb);
        match args.bool("norc") && self.version.is_some() && !self.is_older_than((2, 5, 2)) {
            true => run.arg("--norc"),
            false => run,
        }
    }

    fn in_folder(args: &Args, run: Run) -> Run {
        match args.str("install_dir").filter(|folder| !folder.is_empty()) {
            Some(folder) => run.env("GEM_HOME", folder),
            None => run,
        }
    }

    fn versions(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        remote: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut run = self.call(args, "query");
        if remote {
            run = run.arg("--remote");
            if let Some(repository) = args.str("repository").filter(|text| !text.is_empty()) {
                run = run.args(["--source", repository]);
            }
        }
        let run = run.args(["-n".to_owned(), format!("^{}$", args.req("name"))]);
        let ran: Ran = cx.run_ok(&Gem::in_folder(args, run))?;
        let mut all = Vec::new();
        for line in ran.out().lines() {
            // `name (default: 1.2.0, 1.1.0 ruby)`
            let Some((name, rest)) = line.split_once(char::is_whitespace) else { continue };
            let Some(versions) = rest.trim_start().strip_prefix('(') else { continue };
            let Some((versions, _)) = versions.rsplit_once(')') else { continue };
            if name.is_empty() {
                continue;
            }
            let versions = versions.strip_prefix("default: ").unwrap_or(versions);
            let first = |part: &str| part.split_whitespace().next().map(str::to_owned);
            all.extend(versions.split(", ").filter_map(first));
        }
        Ok(all)
    }

    fn install(&self, cx: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
        let mut words: Vec<String> = Vec::new();
        let valued = |name: &str| args.str(name).filter(|text| !text.is_empty());
        for (name, word) in [("version", "--version"), ("repository", "--source")] {
            if let Some(value) = valued(name) {
                words.extend([word.to_owned(), value.to_owned()]);
            }
        }
        let old = self.is_older_than((2, 0, 0));
        if !args.bool("include_dependencies") {
            words.push("--ignore-dependencies".into());
        } else if old {
            words.push("--include-dependencies".into());
        }
        let user = if args.bool("user_install") { "--user-install" } else { "--no-user-install" };
        words.push(user.into());
        for (name, word) in [("install_dir", "--install-dir"), ("bindir", "--bindir")] {
            if let Some(value) = valued(name) {
                words.extend([word.to_owned(), value.to_owned()]);
            }
        }
        if args.bool("pre_release") {
            words.push("--pre".into());
        }
        if !args.bool("include_doc") {
            match old {
                true => words.extend(["--no-rdoc".to_owned(), "--no-ri".to_owned()]),
                false => words.push("--no-document".into()),
            }
        }
        if args.bool("env_shebang") {
            words.push("--env-shebang".into());
        }
        words.push(valued("gem_source").unwrap_or(args.req("name")).to_owned());
        if let Some(flags) = valued("build_flags") {
            words.extend(["--".to_owned(), flags.to_owned()]);
        }
        if args.bool("force") {
            words.push("--force".into());
        }
        cx.run_ok(&self.call(args, "install").args(words)).map(drop)
    }

    fn uninstall(&self, cx: &mut Context<'_>, args: &Args) -> Result<(), Failure> {
        let mut run = self.call(args, "uninstall");
        for (name, word) in [("install_dir", "--install-dir"), ("bindir", "--bindir")] {
            if let Some(value) = args.str(name).filter(|text| !text.is_empty()) {
                run = run.args([word, value]);
            }
        }
        run = match args.str("version").filter(|version| !version.is_empty()) {
            Some(version) => run.args(["--version", version]),
            None => run.arg("--all"),
        };
        run = run.arg("--executable");
        if args.bool("force") {
            run = run.arg("--force");
        }
        cx.run_ok(&Gem::in_folder(args, run.arg(args.req("name")))).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Fake) {
        let mut fake = Fake::new()
            .program("gem")
            .on("/usr/bin/gem --version", Ran::of(0, "3.3.15\n", ""))
            .on(
                "/usr/bin/gem query --norc -n '^rake$'",
                Ran::of(0, "rake (default: 13.0.6, 12.1)\n", ""),
            )
            .on("/usr/bin/gem query --norc --remote", Ran::of(0, "rake (13.1.0 ruby)\n", ""))
            .on("/usr/bin/gem", Ran::of(0, "", ""));
        let result = Call::new("gem", args).run_on(&mut fake).into();
        (result, fake)
    }

    #[test]
    fn packages() {
        assert_eq!(call(json!({"name": "rake"})).0["changed"], false);
        assert_eq!(call(json!({"name": "rake", "version": "12.1"})).0["changed"], false);
        let (result, fake) = call(json!({"name": "rake", "state": "latest"}));
        assert_eq!(result["version"], "13.1.0", "{result}");
        assert_eq!(
            fake.runs.last().map(String::as_str),
            Some("/usr/bin/gem install --norc --version 13.1.0 --user-install --no-document rake")
        );
        let (_, fake) = call(json!({"name": "rake", "state": "absent"}));
        assert_eq!(
            fake.runs.last().map(String::as_str),
            Some("/usr/bin/gem uninstall --norc --all --executable rake")
        );
        let (result, _) = call(json!({"name": "rake", "state": "latest", "version": "1"}));
        assert_eq!(result["msg"], "Cannot specify version when state=latest");
    }
}
