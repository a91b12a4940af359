//! `dnf`: packages of Fedora, RHEL and their kin.

use std::path::PathBuf;

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Installs, upgrades and removes packages with dnf and rpm. Nothing but these programs is needed on the host.",
    options: &[Opt::bool("allowerasing")
        .or(false)
        .doc("Remove packages that are in the way of others.")],
    shared: &[OPTIONS],
    rules: RULES,
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("results", "list", "success", "What was installed and removed."),
        Returned::new("rc", "int", "always", "0 if all went well."),
    ],
    examples: "- name: Tools for storage\n  ansible.builtin.dnf:\n    name: [nfs-utils, iscsi-initiator-utils]\n",
    ..Module::builtin("dnf", "Manages packages with dnf", run)
};

/// The options that `yum` has too.
pub const OPTIONS: &[Opt] = &[
        Opt::list("name", Kind::Str).aliases(&["pkg"]).doc("Packages: names, with versions where it matters, files, addresses, `@groups`."),
        Opt::str("list").doc("List `installed`, `updates`, `available` packages or those that match, instead of changing any."),
        Opt::str("state")
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("present"),
                Lit::Str("installed"),
                Lit::Str("removed"),
                Lit::Str("latest"),
            ])
            .doc("What the packages are to be; present if nothing else is said."),
        Opt::list("enablerepo", Kind::Str).doc("Repositories to use too."),
        Opt::list("disablerepo", Kind::Str).doc("Repositories not to use."),
        Opt::str("conf_file").doc("dnf's configuration."),
        Opt::bool("disable_gpg_check").or(false).doc("Take packages without signatures."),
        Opt::str("installroot").or_str("/").doc("The root to install to."),
        Opt::str("releasever").doc("The release to take packages of."),
        Opt::bool("autoremove").or(false).doc("Remove packages that nothing needs any more."),
        Opt::list("exclude", Kind::Str).doc("Packages to leave alone."),
        Opt::bool("skip_broken").or(false).doc("Leave out what can't be installed."),
        Opt::bool("update_cache").or(false).aliases(&["expire-cache"]).doc("Fetch metadata anew."),
        Opt::bool("update_only").or(false).doc("With `latest`, install nothing that is not installed."),
        Opt::bool("security").or(false).doc("With `latest`, only updates that mend security."),
        Opt::bool("bugfix").or(false).doc("With `latest`, only updates that mend bugs."),
        Opt::list("enable_plugin", Kind::Str).doc("Plugins to use too."),
        Opt::list("disable_plugin", Kind::Str).doc("Plugins not to use."),
        Opt::str("disable_excludes").doc("Excludes of the configuration to ignore."),
        Opt::bool("validate_certs").or(true).doc("Whether certificates of servers are checked."),
        Opt::bool("sslverify").or(true).doc("Whether certificates of repositories are checked."),
        Opt::bool("allow_downgrade").or(false).doc("Take older versions than those installed."),
        Opt::bool("install_repoquery").or(true).doc("Not used."),
        Opt::bool("download_only").or(false).doc("Only fetch packages."),
        Opt::str("download_dir").doc("Where fetched packages go."),
        Opt::int("lock_timeout").or_int(30).doc("Seconds to wait for other users of dnf."),
        Opt::bool("install_weak_deps").or(true).doc("Whether recommended packages come with others."),
        Opt::bool("nobest").or(false).doc("Take older candidates if the best can't be installed."),
        Opt::bool("cacheonly").or(false).doc("Use what was fetched before, nothing else."),
];

/// The rules that `yum` has too.
pub const RULES: &[Rule] = &[
    Rule::RequiredOneOf(&["name", "list", "update_cache", "autoremove"]),
    Rule::MutuallyExclusive(&["name", "list"]),
];

struct Dnf {
    program: PathBuf,
    switches: Vec<String>,
    root: String,
}

impl Dnf {
    fn new(cx: &mut Context<'_>, args: &Args) -> Result<Dnf, Failure> {
        let mut found = None;
        for name in ["dnf", "dnf-3", "yum"] {
            found = found.or_else(|| cx.target.find_program(name, &[]));
        }
        let Some(program) = found else {
            return cx.program("dnf").map(|p| Dnf {
                program: p,
                switches: Vec::new(),
                root: "/".into(),
            });
        };
        let mut switches = vec!["-y".to_owned()];
        for (option, switch) in [
            ("enablerepo", "--enablerepo"),
            ("disablerepo", "--disablerepo"),
            ("exclude", "--exclude"),
            ("enable_plugin", "--enableplugin"),
            ("disable_plugin", "--disableplugin"),
        ] {
            switches.extend(args.strings(option).iter().map(|v| format!("{switch}={v}")));
        }
        for (option, switch) in [
            ("conf_file", "--config"),
            ("releasever", "--releasever"),
            ("disable_excludes", "--disableexcludes"),
            ("download_dir", "--downloaddir"),
        ] {
            switches.extend(args.str(option).map(|v| format!("{switch}={v}")));
        }
        for (on, switch) in [
            (args.bool("disable_gpg_check"), "--nogpgcheck"),
            (args.bool("skip_broken"), "--skip-broken"),
            (args.bool("nobest"), "--nobest"),
            (args.bool("allowerasing"), "--allowerasing"),
            (args.bool("cacheonly"), "--cacheonly"),
            (args.bool("security"), "--security"),
            (args.bool("bugfix"), "--bugfix"),
            (args.bool("download_only"), "--downloadonly"),
            (!args.bool("install_weak_deps"), "--setopt=install_weak_deps=False"),
            (!args.bool("sslverify") || !args.bool("validate_certs"), "--setopt=sslverify=False"),
            (args.bool("update_cache"), "--refresh"),
        ] {
            if on {
                switches.push(switch.to_owned());
            }
        }
        let root = args.req("installroot").to_owned();
        if root != "/" {
            switches.push(format!("--installroot={root}"));
        }
        Ok(Dnf { program, switches, root })
    }

    fn execute(&self, cx: &mut Context<'_>, words: &[String]) -> Result<Ran, Failure> {
        let run = Run::argv([self.program.clone().into_os_string()])
            .args(self.switches.clone())
            .args(words.to_vec())
            .c_locale();
        cx.run(&run)
    }

    fn rpm(&self, cx: &mut Context<'_>, words: &[&str]) -> Result<Ran, Failure> {
        let mut run = Run::argv([cx.program("rpm")?.into_os_string()]);
        if self.root != "/" {
            run = run.args(["--root", self.root.as_str()]);
        }
        cx.run(&run.args(words.iter().copied()).c_locale())
    }

    /// Every installed package with its version.
    fn installed(&self, cx: &mut Context<'_>) -> Result<Vec<String>, Failure> {
        let format = "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n";
        let ran = self.rpm(cx, &["-qa", "--qf", format])?;
        let mut all: Vec<String> = ran.out().lines().map(str::to_owned).collect();
        all.sort_unstable();
        Ok(all)
    }

    /// Whether what is asked for is installed.
    fn has(&self, cx: &mut Context<'_>, spec: &str) -> Result<bool, Failure> {
        if let Some(group) = spec.strip_prefix('@') {
            let words = ["group", "list", "--installed", "-q", group].map(str::to_owned);
            return Ok(self.execute(cx, &words)?.ok());
        }
        if is_file(spec) {
            let ran =
                self.rpm(cx, &["-qp", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", spec])?;
            if !ran.ok() {
                return Ok(false);
            }
            let name = ran.out().into_owned();
            return Ok(self.rpm(cx, &["-q", &name])?.ok());
        }
        let plain: String = spec.split_whitespace().collect::<Vec<_>>().join(" ");
        if plain.contains(['<', '>', '=']) {
            let ran = self.rpm(cx, &["-q", "--whatprovides", &plain])?;
            return Ok(ran.ok());
        }
        if spec.contains(['*', '?', '[']) {
            let all = self.rpm(cx, &["-qa", spec])?;
            return Ok(!all.out().trim().is_empty());
        }
        if self.rpm(cx, &["-q", spec])?.ok() {
            return Ok(true);
        }
        Ok(self.rpm(cx, &["-q", "--whatprovides", spec])?.ok())
    }
}

fn is_file(spec: &str) -> bool {
    spec.ends_with(".rpm") && !spec.contains("://")
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let dnf = Dnf::new(cx, args)?;
    if let Some(what) = args.str("list") {
        return list(cx, &dnf, what);
    }
    let names: Vec<String> = args
        .strings("name")
        .iter()
        .flat_map(|n| n.split(','))
        .map(|n| n.trim().to_owned())
        .filter(|n| !n.is_empty())
        .collect();
    if names.is_empty() && !args.bool("autoremove") {
        if !cx.check {
            let ran = dnf.execute(cx, &["makecache".to_owned()])?;
            failed(&ran, "Failed to download metadata")?;
        }
        return Ok(Outcome::new(false)
            .with("msg", "Cache updated")
            .with("results", Vec::<Data>::new())
            .with("rc", 0));
    }
    let state = match args.str("state") {
        Some(state) => state,
        None if args.bool("autoremove") => "absent",
        None => "present",
    };
    let words = match state {
        "present" | "installed" => install(cx, args, &dnf, &names)?,
        "latest" => upgrade(cx, args, &dnf, &names)?,
        _ => remove(cx, args, &dnf, &names)?,
    };
    transact(cx, args, &dnf, words)
}

fn install(
    cx: &mut Context<'_>,
    args: &Args,
    dnf: &Dnf,
    names: &[String],
) -> Result<Vec<Vec<String>>, Failure> {
    let mut missing = Vec::new();
    for name in names {
        if !dnf.has(cx, name)? {
            missing.push(name.clone());
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    must_exist(cx, dnf, &missing)?;
    let mut words = vec!["install".to_owned()];
    if args.bool("allow_downgrade") {
        words.push("--allowerasing".to_owned());
    }
    words.extend(missing);
    Ok(vec![words])
}

/// Names that no repository has are told one by one, as ansible does.
fn must_exist(cx: &mut Context<'_>, dnf: &Dnf, names: &[String]) -> Result<(), Failure> {
    let mut failures = Vec::new();
    for name in names {
        if name.starts_with('@') || name.contains("://") || is_file(name) {
            if is_file(name) && !cx.target.exists(name.as_ref()) {
                failures.push(format!("Could not open: {name}"));
            }
            continue;
        }
        let words = ["-q", "repoquery", "--whatprovides", name.as_str()].map(str::to_owned);
        let ran = dnf.execute(cx, &words)?;
        let by_name = || ["-q", "repoquery", name.as_str()].map(str::to_owned);
        let found = |ran: &Ran| ran.ok() && !ran.out().trim().is_empty();
        if !found(&ran) && !found(&dnf.execute(cx, &by_name())?) {
            failures.push(format!("No package {name} available."));
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new("Failed to install some of the specified packages")
        .with("failures", failures)
        .with("rc", 1)
        .with("results", Vec::<Data>::new()))
}

fn upgrade(
    cx: &mut Context<'_>,
    args: &Args,
    dnf: &Dnf,
    names: &[String],
) -> Result<Vec<Vec<String>>, Failure> {
    if names == ["*"] {
        return Ok(vec![vec!["upgrade".to_owned()]]);
    }
    let (mut there, mut missing) = (vec!["upgrade".to_owned()], Vec::new());
    for name in names {
        if dnf.has(cx, name)? {
            there.push(name.clone());
        } else {
            missing.push(name.clone());
        }
    }
    let mut all = Vec::new();
    if there.len() > 1 {
        all.push(there);
    }
    if !missing.is_empty() && !args.bool("update_only") {
        must_exist(cx, dnf, &missing)?;
        let mut words = vec!["install".to_owned()];
        words.extend(missing);
        all.push(words);
    }
    Ok(all)
}

fn remove(
    cx: &mut Context<'_>,
    args: &Args,
    dnf: &Dnf,
    names: &[String],
) -> Result<Vec<Vec<String>>, Failure> {
    let mut there = Vec::new();
    for name in names {
        if dnf.has(cx, name)? {
            there.push(name.clone());
        }
    }
    let mut all = Vec::new();
    if !there.is_empty() {
        let mut words = vec!["remove".to_owned()];
        if !args.bool("autoremove") {
            words.push("--noautoremove".to_owned());
        }
        words.extend(there);
        all.push(words);
    }
    if args.bool("autoremove") {
        all.push(vec!["autoremove".to_owned()]);
    }
    Ok(all)
}

/// Carries out the commands; what changed is what rpm tells before and after.
fn transact(
    cx: &mut Context<'_>,
    args: &Args,
    dnf: &Dnf,
    commands: Vec<Vec<String>>,
) -> Result<Outcome, Failure> {
    let nothing = || {
        Outcome::new(false)
            .with("msg", "Nothing to do")
            .with("rc", 0)
            .with("results", Vec::<Data>::new())
    };
    if commands.is_empty() {
        return Ok(nothing());
    }
    if cx.check {
        return check(cx, dnf, &commands, nothing);
    }
    let before = dnf.installed(cx)?;
    for words in &commands {
        let ran = dnf.execute(cx, words)?;
        failed(&ran, "Failed to install some of the specified packages")?;
    }
    let after = dnf.installed(cx)?;
    let mut results: Vec<String> = Vec::new();
    let new = after.iter().filter(|p| !before.contains(p)).map(|p| format!("Installed: {p}"));
    results.extend(new);
    let gone = before.iter().filter(|p| !after.contains(p)).map(|p| format!("Removed: {p}"));
    results.extend(gone);
    if results.is_empty() && !args.bool("download_only") {
        return Ok(nothing());
    }
    Ok(Outcome::new(true).with("msg", "").with("rc", 0).with("results", results))
}

/// What would be done, by a transaction that is refused at its question.
fn check(
    cx: &mut Context<'_>,
    dnf: &Dnf,
    commands: &[Vec<String>],
    nothing: impl Fn() -> Outcome,
) -> Result<Outcome, Failure> {
    let mut results = Vec::new();
    for words in commands {
        let mut words = words.clone();
        words.push("--assumeno".to_owned());
        let ran = dnf.execute(cx, &words)?;
        let out = ran.out().into_owned();
        if out.contains("Nothing to do") || out.contains("Complete!") && ran.ok() {
            continue;
        }
        // Some releases say so on standard output, others on standard error.
        if !out.contains("Operation aborted") && !ran.err().contains("Operation aborted") {
            failed(&ran, "Failed to install some of the specified packages")?;
            continue;
        }
        let verb =
            if words[0] == "remove" || words[0] == "autoremove" { "Removed" } else { "Installed" };
        results.extend(
            words[1..].iter().filter(|w| !w.starts_with("--")).map(|w| format!("{verb}: {w}")),
        );
    }
    if results.is_empty() {
        return Ok(nothing());
    }
    Ok(Outcome::new(true)
        .with("msg", "Check mode: No changes made, but would have if not in check mode")
        .with("rc", 0)
        .with("results", results))
}

fn failed(ran: &Ran, what: &str) -> Result<(), Failure> {
    if ran.ok() {
        return Ok(());
    }
    let failures: Vec<String> = ran
        .err()
        .lines()
        .map(|l| l.trim_start_matches("Error: ").trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect();
    Err(Failure::new(what)
        .with("failures", failures)
        .with("rc", ran.rc)
        .with("results", Vec::<Data>::new())
        .with("stdout", &*ran.out())
        .with("stderr", &*ran.err()))
}

fn list(cx: &mut Context<'_>, dnf: &Dnf, what: &str) -> Result<Outcome, Failure> {
    let format = "%{name}|%{epoch}|%{version}|%{release}|%{arch}|%{repoid}\n";
    let mut words =
        vec!["-q".to_owned(), "repoquery".to_owned(), "--qf".to_owned(), format.to_owned()];
    match what {
        "installed" => words.push("--installed".to_owned()),
        "updates" | "upgrades" => words.push("--upgrades".to_owned()),
        "available" => words.push("--available".to_owned()),
        "repos" | "repositories" => {
            let ran = dnf.execute(cx, &["-q".to_owned(), "repolist".to_owned()])?;
            failed(&ran, "Failed to list repositories")?;
            let rows: Vec<Data> = ran
                .out()
                .lines()
                .skip(1)
                .filter_map(|l| l.split_whitespace().next())
                .map(|id| serde_json::json!({"repoid": id, "state": "enabled"}))
                .collect();
            return Ok(Outcome::silent().with("results", rows).with("msg", ""));
        }
        pattern => words.push(pattern.to_owned()),
    }
    let ran = dnf.execute(cx, &words)?;
    failed(&ran, "Failed to list packages")?;
    let installed = dnf.installed(cx)?;
    let mut rows = Vec::new();
    for line in ran.out().lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, epoch, version, release, arch, repo] = fields[..] else { continue };
        let full = format!("{name}-{version}-{release}.{arch}");
        let state = if installed.contains(&full) { "installed" } else { "available" };
        rows.push(serde_json::json!({
            "name": name, "arch": arch, "epoch": epoch, "release": release, "version": version,
            "repo": repo, "nevra": format!("{epoch}:{full}"),
            "envra": format!("{epoch}:{full}"), "yumstate": state,
        }));
    }
    Ok(Outcome::silent().with("results", rows).with("msg", ""))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host(installed: bool) -> Fake {
        let rc = i32::from(!installed);
        Fake::new()
            .program("dnf")
            .program("rpm")
            .on("/usr/bin/rpm -qa", Ran::of(0, "a-1-1.noarch\n", ""))
            .on("/usr/bin/rpm -q", Ran::of(rc, "", ""))
            .on("/usr/bin/dnf -y -q repoquery", Ran::of(0, "b-1\n", ""))
            .on("/usr/bin/dnf", Ran::of(0, "", ""))
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let mut fake = host(true);
        let result = Call::new("dnf", json!({"name": "a"})).run_on(&mut fake);
        assert_eq!(result["changed"], false, "{result:?}");
        assert_eq!(result["msg"], "Nothing to do");
        assert!(!fake.runs.iter().any(|r| r.contains("install")), "{:?}", fake.runs);
    }

    #[test]
    fn what_is_missing_is_installed() {
        let mut fake = host(false);
        Call::new("dnf", json!({"name": ["b"]})).run_on(&mut fake);
        let run = fake.runs.iter().find(|r| r.contains(" install ")).cloned().unwrap_or_default();
        assert!(run.ends_with("-y install b"), "{run}");
    }
}
