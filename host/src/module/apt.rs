//! `apt`: packages of Debian and its descendants.

pub(super) mod cache;
mod run;
mod status;

use std::time::Duration;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::target::Run;
use run::Apt;
use status::Spec;

pub static MODULE: Module = Module {
    description: "Installs, upgrades and removes packages with apt-get and dpkg. Nothing but these programs is needed on the host.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("build-dep"),
                Lit::Str("fixed"),
                Lit::Str("latest"),
                Lit::Str("present"),
            ])
            .doc("What the packages are to be."),
        Opt::bool("update_cache")
            .aliases(&["update-cache"])
            .doc("Fetch the lists of packages first."),
        Opt::int("update_cache_retries").or_int(5).doc("How often to try that."),
        Opt::int("update_cache_retry_max_delay").or_int(12).doc("Seconds between tries at most."),
        Opt::int("cache_valid_time")
            .or_int(0)
            .doc("Seconds for which fetched lists are good enough."),
        Opt::bool("purge").or(false).doc("Remove configuration files with packages."),
        Opt::list("package", Kind::Str)
            .aliases(&["pkg", "name"])
            .doc("Names of packages, with `=version` or `>=version` behind them where it matters."),
        Opt::path("deb").doc("A package's file on the host, or its address."),
        Opt::str("default_release")
            .aliases(&["default-release"])
            .doc("The release to take packages from."),
        Opt::bool("install_recommends")
            .aliases(&["install-recommends"])
            .doc("Whether recommended packages come with others."),
        Opt::bool("force").or(false).doc("Ignore what apt warns of."),
        Opt::str("upgrade")
            .or_str("no")
            .choices(&[
                Lit::Str("dist"),
                Lit::Str("full"),
                Lit::Str("no"),
                Lit::Str("safe"),
                Lit::Str("yes"),
            ])
            .doc("Upgrade every package."),
        Opt::str("dpkg_options")
            .or_str("force-confdef,force-confold")
            .doc("Options for dpkg, separated by commas."),
        Opt::bool("autoremove").or(false).doc("Remove packages that nothing needs any more."),
        Opt::bool("autoclean")
            .or(false)
            .doc("Remove fetched packages that can't be fetched any more."),
        Opt::bool("fail_on_autoremove").or(false).doc("Fail rather than remove a package."),
        Opt::int("policy_rc_d").doc("What policy-rc.d answers while packages are installed."),
        Opt::bool("only_upgrade").or(false).doc("Install nothing that is not installed."),
        Opt::bool("force_apt_get").or(false).doc("Use apt-get where aptitude is there."),
        Opt::bool("clean").or(false).doc("Remove all fetched packages."),
        Opt::bool("allow_unauthenticated")
            .or(false)
            .aliases(&["allow-unauthenticated"])
            .doc("Take packages without signatures."),
        Opt::bool("allow_downgrade")
            .or(false)
            .aliases(&["allow-downgrade", "allow_downgrades", "allow-downgrades"])
            .doc("Take older versions than those installed."),
        Opt::bool("allow_change_held_packages").or(false).doc("Change packages that are held."),
        Opt::int("lock_timeout").or_int(60).doc("Seconds to wait for other users of dpkg."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["deb", "package", "upgrade"]),
        Rule::RequiredOneOf(&["autoremove", "deb", "package", "update_cache", "upgrade"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("cache_updated", "bool", "success", "Whether the lists were fetched."),
        Returned::new(
            "cache_update_time",
            "int",
            "success",
            "When the lists were last fetched, in seconds since 1970.",
        ),
        Returned::new("stdout", "str", "something was to do", "What apt-get wrote."),
        Returned::new(
            "stderr",
            "str",
            "something was to do",
            "What apt-get wrote to standard error.",
        ),
    ],
    examples: "- name: Install containerd\n  ansible.builtin.apt:\n    name: containerd\n    update_cache: true\n    cache_valid_time: 3600\n",
    ..Module::builtin("apt", "Manages packages of Debian", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let apt = Apt::new(cx, args)?;
    if args.bool("clean") {
        // ansible-core goes on to the packages, though there be none.
        apt.clean(cx)?;
    }
    if args.req("upgrade") == "no" {
        args.set("upgrade", Data::Null);
    }
    let updated = cache::update(cx, args)?;
    if updated.asked && !has_work(args) {
        return Ok(Outcome::new(updated.changed)
            .with("cache_updated", updated.changed)
            .with("cache_update_time", updated.time));
    }
    if let Some(mode) = args.str("upgrade").map(str::to_owned) {
        return apt.upgrade(cx, args, &mode);
    }
    if let Some(deb) = args.str("deb").map(str::to_owned) {
        if args.req("state") != "present" {
            return Err(Failure::new("deb only supports state=present"));
        }
        return install_files(cx, args, &apt, &deb);
    }
    packages(cx, args, &apt, &updated)
}

fn has_work(args: &Args) -> bool {
    let packages = !args.strings("package").is_empty();
    let upgrade = args.str("upgrade").is_some_and(|u| u != "no");
    packages || upgrade || args.is_given("deb")
}

fn packages(
    cx: &mut Context<'_>,
    args: &mut Args,
    apt: &Apt,
    updated: &cache::Updated,
) -> Result<Outcome, Failure> {
    let given = args.strings("package");
    let everything = given.iter().any(|p| p == "*");
    let names: Vec<String> =
        given.iter().filter(|p| *p != "*").map(|p| p.trim().to_owned()).collect();
    let state = args.req("state").to_owned();
    if state == "latest" && everything {
        if !names.is_empty() {
            return Err(Failure::new(
                "unable to install additional packages when upgrading all installed packages",
            ));
        }
        return apt.upgrade(cx, args, "yes");
    }
    if let Some(bad) = names.iter().find(|n| n.matches('=').count() > 1) {
        return Err(Failure::new(format!("invalid package spec: {bad}")));
    }
    if names.is_empty() {
        for (option, operation) in [("autoclean", "autoclean"), ("autoremove", "autoremove")] {
            if args.bool(option) {
                return apt.cleanup(cx, args, operation);
            }
        }
    }
    if state == "absent" {
        return apt.remove(cx, args, &names);
    }
    let result = install(cx, args, apt, &names);
    let key = |name: &str| name.to_owned();
    let cache = Map::from_iter([
        (key("cache_updated"), updated.changed.into()),
        (key("cache_update_time"), updated.time.into()),
    ]);
    result.map(|outcome| outcome.with_all(cache.clone())).map_err(|failure| {
        match failure.msg.starts_with("No package") {
            true => failure,
            false => failure.with_all(cache),
        }
    })
}

/// Installs what is not as wanted.
fn install(
    cx: &mut Context<'_>,
    args: &mut Args,
    apt: &Apt,
    names: &[String],
) -> Result<Outcome, Failure> {
    let state = args.req("state").to_owned();
    let build_dep = state == "build-dep";
    let (mut wanted, mut plain): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    if build_dep {
        wanted.extend(names.iter().cloned());
    } else {
        let names = status::expand(cx, names)?;
        let release = args.str("default_release").map(str::to_owned);
        let table = status::Table::read(cx, &names, release.as_deref())?;
        for name in &names {
            let spec = Spec::parse(name);
            plain.push(spec.name.clone());
            wanted.extend(to_install(cx, args, &table, &spec, name, state == "latest")?);
        }
    }
    let mut outcome = if wanted.is_empty() {
        Outcome::new(false)
    } else {
        apt.install(cx, args, &wanted, &state)?
    };
    if !build_dep && !cx.check && !plain.is_empty() {
        apt.mark_manual(cx, &plain)?;
    }
    if wanted.is_empty() {
        outcome = Outcome::new(false);
    }
    Ok(outcome)
}

/// What to ask apt-get for, for one package; nothing if it is as wanted.
fn to_install(
    cx: &mut Context<'_>,
    args: &Args,
    table: &status::Table,
    spec: &Spec,
    written: &str,
    upgrade: bool,
) -> Result<Option<String>, Failure> {
    let only_upgrade = args.bool("only_upgrade");
    let status = table.status(cx, spec)?;
    if !status.installed && only_upgrade {
        return Ok(None);
    }
    let available = status.available.is_some() || status.is_virtual;
    if !status.as_wanted && !available {
        return Err(Failure::new(format!("no available installation candidate for {written}")));
    }
    if available && (!status.installed || upgrade || !status.as_wanted) {
        return Ok(Some(match (&status.available, &spec.version) {
            (Some(version), _) => format!("{}={version}", spec.name),
            (None, Some((_, version))) => format!("{}={version}", spec.name),
            (None, None) => spec.name.clone(),
        }));
    }
    // ansible-core 2.14: a pattern that both the installed and a newer version match asks again.
    if status.as_wanted
        && available
        && let Some(("=", version)) = spec.version.as_ref().map(|(op, v)| (op.as_str(), v))
    {
        return Ok(Some(format!("{}={version}", spec.name)));
    }
    Ok(None)
}

/// Installs packages' files with dpkg, what they need with apt-get.
fn install_files(
    cx: &mut Context<'_>,
    args: &mut Args,
    apt: &Apt,
    files: &str,
) -> Result<Outcome, Failure> {
    let mut missing: Vec<String> = Vec::new();
    let mut wanted: Vec<String> = Vec::new();
    for file in files.split(',') {
        let file = match file.contains("://") {
            true => cx.fetch_file(file, true)?.to_string_lossy().into_owned(),
            false => file.to_owned(),
        };
        if !cx.target.exists(file.as_ref()) {
            return Err(Failure::new(format!(
                "Unable to install package: E:Could not open file {file} - open (2: No such file or directory)"
            )));
        }
        let package = field_of(cx, &file, "Package")?;
        let version = field_of(cx, &file, "Version")?;
        if let Some(installed) = status::installed_version(cx, &package)? {
            if status::compares(cx, &version, "eq", &installed)? {
                continue;
            }
            let forced = args.bool("force") || args.bool("allow_downgrade");
            if !forced && status::compares(cx, &version, "lt", &installed)? {
                return Err(Failure::new("A later version is already installed"));
            }
        }
        match apt.missing_for(cx, &file, &package)? {
            Ok(needed) => missing.extend(needed),
            Err(_) if args.bool("force") => {}
            Err(why) => return Err(Failure::new(why)),
        }
        wanted.push(file);
    }
    let before = match missing.is_empty() {
        true => None,
        false => Some(install(cx, args, apt, &missing)?),
    };
    if wanted.is_empty() {
        return Ok(Outcome::new(false).with("stdout", "").with("stderr", "").with("diff", ""));
    }
    apt.install_files(cx, args, &wanted, before.as_ref())
}

/// What the control file in a package's file says.
fn field_of(cx: &mut Context<'_>, file: &str, name: &str) -> Result<String, Failure> {
    let dpkg = cx.program("dpkg")?;
    let line = format!("{} --field {file} {name}", dpkg.display());
    let ran = cx.run(&Run::argv([dpkg.into_os_string()]).args(["--field", file, name]))?;
    if ran.ok() {
        return Ok(ran.out().trim_matches('\n').to_owned());
    }
    Err(Failure::new(format!("{line} failed")).with("stdout", ran.out()).with("stderr", ran.err()))
}

/// The lines of apt's plan, as diffs show them.
fn plan(out: &str) -> Diff {
    let lines: Vec<&str> = out.lines().collect();
    let find = |marker: &str| lines.iter().position(|l| *l == marker);
    let start = find("Resolving dependencies...")
        .or_else(|| find("Reading state information..."))
        .map_or(0, |at| at + 1);
    let end = lines.iter().position(|l| {
        let rest = l.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < l.len()
            && (rest.starts_with(" upgraded") || rest.starts_with(" packages upgraded"))
    });
    let end = end.map_or(lines.len(), |at| at + 1);
    let text = lines.get(start..end.max(start)).unwrap_or_default().join("\n");
    Diff { prepared: Some(text), ..Diff::default() }
}

/// How long other users of dpkg are waited for.
fn lock_timeout(args: &Args) -> Duration {
    Duration::from_secs(args.int("lock_timeout").unwrap_or(60).unsigned_abs())
}

/// Facts of a run of apt-get for results.
fn result_of(ran: &crate::target::Ran) -> Map {
    let mut map = Map::new();
    map.insert("stdout".into(), ran.out().into_owned().into());
    map.insert("stderr".into(), ran.err().into_owned().into());
    map
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    const POLICY: &str = "curl:\n  Installed: 7.88.1-10\n  Candidate: 7.88.1-12\n  Version table:\n     7.88.1-12 500\n        500 http://x bookworm/main amd64 Packages\n *** 7.88.1-10 100\n        100 /var/lib/dpkg/status\njq:\n  Installed: (none)\n  Candidate: 1.6-2\n  Version table:\n     1.6-2 500\n        500 http://x bookworm/main amd64 Packages\n";

    fn host() -> Fake {
        Fake::new()
            .dir("/var/lib/apt/lists")
            .program("apt-get")
            .program("apt-cache")
            .program("apt-mark")
            .on("/usr/bin/apt-cache policy", Ran::of(0, POLICY, ""))
            .on("/usr/bin/apt-cache showpkg", Ran::of(0, "Package: nope\nReverse Provides: \n", ""))
            .on("/usr/bin/apt-mark", Ran::of(0, "", ""))
            .on("/usr/bin/apt-get", Ran::of(0, "Reading state information...\nThe following NEW packages\n1 upgraded, 1 newly installed\n", ""))
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let mut fake = host();
        let result = Call::new("apt", json!({"name": "curl"})).run_on(&mut fake);
        assert_eq!(result["changed"], false, "{result:?}");
        assert!(!fake.runs.iter().any(|r| r.contains(" install ")), "{:?}", fake.runs);
    }

    #[test]
    fn what_is_missing_is_installed() {
        let mut fake = host();
        let result = Call::new("apt", json!({"name": ["curl", "jq"]})).diff().run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        let run = fake.runs.iter().find(|r| r.contains(" install ")).unwrap();
        assert!(run.contains("jq=1.6-2") && !run.contains("curl"), "{run}");
        assert!(result["diff"]["prepared"].as_str().unwrap().contains("NEW"));
    }

    #[test]
    fn latest_takes_the_candidate() {
        let mut fake = host();
        let result = Call::new("apt", json!({"name": "curl", "state": "latest"})).run_on(&mut fake);
        assert_eq!(result["changed"], true);
        assert!(fake.runs.iter().any(|r| r.contains("curl=7.88.1-12")), "{:?}", fake.runs);
    }

    #[test]
    fn an_unknown_package_is_named() {
        let result = Call::new("apt", json!({"name": "nope"})).run_on(&mut host());
        assert_eq!(result["msg"], "No package matching 'nope' is available");
    }
}
