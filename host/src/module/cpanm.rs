//! `cpanm`: Perl's modules.

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.cpanm"],
    description: "Installs modules of Perl by cpanminus.",
    options: &[
        Opt::str("name").aliases(&["pkg"]).doc("The module, or what else `cpanm` takes."),
        Opt::str("version")
            .doc("The version that there is to be at least; with `mode=new` as `cpanm` takes it."),
        Opt::path("from_path").doc("A folder or an archive on the host to install from."),
        Opt::bool("notest").or(false).doc("Skip its tests."),
        Opt::path("locallib").doc("Where to install."),
        Opt::str("mirror").doc("The mirror of CPAN."),
        Opt::bool("mirror_only").or(false).doc("Use the mirror's index alone."),
        Opt::bool("installdeps").or(false).doc("Install only what it needs."),
        Opt::path("executable").doc("The program to use."),
        Opt::str("mode")
            .or_str("compatibility")
            .choices(&[Lit::Str("compatibility"), Lit::Str("new")])
            .since("3.0.0")
            .doc(
                "`new` hands name and version to `cpanm`, and looks only for `name_check` before.",
            ),
        Opt::str("name_check")
            .since("3.0.0")
            .doc("With `mode=new`, the module that tells whether it is installed."),
    ],
    rules: &[Rule::RequiredOneOf(&["name", "from_path"])],
    check_mode: CheckMode::None,
    examples: "- name: Plack\n  community.general.cpanm:\n    name: Plack\n    notest: true\n",
    ..Module::builtin("cpanm", "Manages modules of Perl", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty());
    let new = args.req("mode") == "new";
    let diff = cx.diff;
    let or_null = |name: &str| args.get(name).cloned().unwrap_or(Data::Null);
    let mut output = Map::new();
    output.insert("name".into(), or_null("name"));
    output.insert("version".into(), or_null("version"));
    if !new && given("name_check").is_some() {
        let msg = "Parameter name_check can only be used with mode=new";
        return Err(Failure::with_output(msg, &output, diff));
    }
    if new && given("name").is_some() && given("from_path").is_some() {
        let msg = "Parameters 'name' and 'from_path' are mutually exclusive when 'mode=new'";
        return Err(Failure::with_output(msg, &output, diff));
    }
    let program = cx.program(given("executable").unwrap_or("cpanm"))?;
    let program = program.to_string_lossy().into_owned();
    output.insert("binary".into(), program.as_str().into());
    let outcome = |changed| {
        let outcome = Outcome::new(changed).with_all(output.clone()).with("failed", false);
        if diff { outcome.with("diff", Map::new()) } else { outcome }
    };
    let looked_for = if new { given("name_check") } else { args.str("name") };
    if let Some(name) = looked_for
        && is_installed(cx, name, args)?
    {
        return Ok(outcome(false));
    }
    let spec = given("from_path").or(args.str("name")).unwrap_or_default();
    let spec = match new {
        true => with_version(cx, spec, args.str("version"))
            .map_err(|msg| Failure::with_output(&msg, &output, diff))?,
        false => spec.to_owned(),
    };
    let mut words = vec![program.clone()];
    let mut flag = |name: &str, word: &str| {
        if args.bool(name) {
            words.push(word.to_owned());
        }
    };
    flag("notest", "--notest");
    for (name, word) in [("locallib", "--local-lib"), ("mirror", "--mirror")] {
        if let Some(value) = args.str(name) {
            words.extend([word.to_owned(), value.to_owned()]);
        }
    }
    let mut flag = |name: &str, word: &str| {
        if args.bool(name) {
            words.push(word.to_owned());
        }
    };
    flag("mirror_only", "--mirror-only");
    flag("installdeps", "--installdeps");
    words.push(spec);
    let ran = cx.run_ok(&Run::argv(words).env("LANGUAGE", "C").env("LC_ALL", "C"))?;
    let known = "is up to date";
    Ok(outcome(!ran.err().contains(known) && !ran.out().contains(known)))
}

/// Whether Perl finds it, at the version that is asked for.
fn is_installed(cx: &mut Context<'_>, name: &str, args: &Args) -> Result<bool, Failure> {
    if name.ends_with(".tar.gz") {
        return Ok(false);
    }
    let version = args.str("version").map(|version| format!(" {version}")).unwrap_or_default();
    let perl = cx.program("perl")?;
    let mut run =
        Run::argv([perl.into_os_string()]).args(["-le", &format!("use {name}{version};")]);
    if let Some(folder) = args.str("locallib").filter(|folder| !folder.is_empty()) {
        run = run.env("PERL5LIB", &format!("{folder}/lib/perl5"));
    }
    Ok(cx.run(&run.env("LANGUAGE", "C").env("LC_ALL", "C"))?.ok())
}

/// What `cpanm` takes for a version of something.
fn with_version(cx: &mut Context<'_>, spec: &str, version: Option<&str>) -> Result<String, String> {
    let Some(version) = version else { return Ok(spec.to_owned()) };
    let refused = |what: &str| {
        Err(format!("parameter 'version' must not be used when installing from a {what}"))
    };
    if spec.ends_with(".tar.gz") {
        return refused("file");
    }
    if cx.target.is_dir(Path::new(spec)) {
        return refused("directory");
    }
    if spec.ends_with(".git") {
        return match version.chars().next() {
            Some('~') => Err(
                "operator '~' not allowed in version parameter when installing from git repository"
                    .into(),
            ),
            Some('@') => Ok(format!("{spec}{version}")),
            _ => Ok(format!("{spec}@{version}")),
        };
    }
    match version.chars().next() {
        None => Err("Module failed with exception: string index out of range".into()),
        Some('@' | '~') => Ok(format!("{spec}{version}")),
        Some(_) => Ok(format!("{spec}~{version}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("cpanm")
            .program("perl")
            .dir("/src")
            .on("/usr/bin/perl -le 'use Plack;'", Ran::of(0, "", ""))
            .on("/usr/bin/perl", Ran::of(2, "", ""))
            .on("/usr/bin/cpanm", Ran::of(0, "", "Successfully installed\n"));
        let result = Call::new("cpanm", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn modules_come() {
        let (result, runs) = call(json!({"name": "Plack"}));
        assert_eq!((&result["changed"], runs.len()), (&json!(false), 1), "{result}");
        let (result, runs) = call(
            json!({"name": "Plack", "version": "2", "notest": true, "locallib": "/l", "mirror": "m", "installdeps": true}),
        );
        assert_eq!(result["changed"], true);
        assert_eq!(
            runs[1],
            "/usr/bin/cpanm --notest --local-lib /l --mirror m --installdeps Plack"
        );
        let (_, runs) = call(json!({"name": "Dancer", "version": "1.0", "mode": "new"}));
        assert_eq!(runs, ["/usr/bin/cpanm 'Dancer~1.0'"]);
    }

    #[test]
    fn what_is_refused() {
        let msg = |args: Value| call(args).0["msg"].clone();
        assert_eq!(
            msg(json!({"from_path": "/src", "version": "1", "mode": "new"})),
            "parameter 'version' must not be used when installing from a directory"
        );
        assert_eq!(
            msg(json!({"name": "a", "name_check": "b"})),
            "Parameter name_check can only be used with mode=new"
        );
    }
}
