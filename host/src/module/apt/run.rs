//! apt-get, aptitude and dpkg at work.

use std::path::PathBuf;

use super::{lock_timeout, plan, result_of, status};
use crate::data::{Data, Map};
use crate::module::{Args, Context, Failure, Outcome};
use crate::target::{Ran, Run};

/// The programs, and the options that all of their runs get.
pub struct Apt {
    apt_get: PathBuf,
    aptitude: Option<PathBuf>,
    dpkg_options: Vec<String>,
    force: bool,
    lock: String,
    policy: Option<i64>,
}

/// What apt only does when told that it may.
const ALLOWED: [(&str, &str); 3] = [
    ("allow_unauthenticated", "--allow-unauthenticated"),
    ("allow_downgrade", "--allow-downgrades"),
    ("allow_change_held_packages", "--allow-change-held-packages"),
];

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl Apt {
    pub fn new(cx: &mut Context<'_>, args: &Args) -> Result<Apt, Failure> {
        let aptitude =
            if args.bool("force_apt_get") { None } else { cx.target.find_program("aptitude", &[]) };
        let dpkg_options = args
            .req("dpkg_options")
            .split(',')
            .flat_map(|o| ["-o".to_owned(), format!("Dpkg::Options::=--{o}")])
            .collect();
        Ok(Apt {
            apt_get: cx.program("apt-get")?,
            aptitude,
            dpkg_options,
            force: args.bool("force"),
            lock: format!("DPkg::Lock::Timeout={}", lock_timeout(args).as_secs()),
            policy: args.int("policy_rc_d"),
        })
    }

    fn apt_get(&self) -> Vec<String> {
        let mut argv = vec![self.apt_get.to_string_lossy().into_owned(), "-y".to_owned()];
        argv.extend(["-o".to_owned(), self.lock.clone()]);
        argv.extend(self.dpkg_options.iter().cloned());
        argv
    }

    fn execute(&self, cx: &mut Context<'_>, argv: &[String]) -> Result<Ran, Failure> {
        let run = Run::argv(argv.to_vec())
            .c_locale()
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("DEBIAN_PRIORITY", "critical");
        let Some(code) = self.policy else { return cx.run(&run) };
        let held = self.hold_policy(cx, code)?;
        let ran = cx.run(&run);
        release_policy(cx, held)?;
        ran
    }

    /// Lets `policy-rc.d` answer with a code; gives what was there before.
    fn hold_policy(&self, cx: &mut Context<'_>, code: i64) -> Result<Option<Held>, Failure> {
        let wrong = |_| Failure::new("Failed to create or chmod /usr/sbin/policy-rc.d");
        let held = match cx.target.read(POLICY.as_ref()) {
            Ok(content) => {
                let mode = cx.target.stat(POLICY.as_ref()).map_or(0o755, |s| s.mode & 0o7777);
                Some(Held { content, mode })
            }
            Err(_) => None,
        };
        cx.target
            .overwrite(POLICY.as_ref(), format!("#!/bin/sh\nexit {code}\n").as_bytes())
            .and_then(|()| cx.target.chmod(POLICY.as_ref(), 0o755))
            .map_err(wrong)?;
        Ok(held)
    }

    pub fn install(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        wanted: &[String],
        state: &str,
    ) -> Result<Outcome, Failure> {
        let mut argv = self.apt_get();
        let mut flag = |on: bool, word: &str| {
            if on {
                argv.push(word.to_owned());
            }
        };
        let build_dep = state == "build-dep";
        flag(args.bool("only_upgrade"), "--only-upgrade");
        flag(state == "fixed", "--fix-broken");
        flag(self.force, "--force-yes");
        flag(args.bool("autoremove") && !build_dep, "--auto-remove");
        flag(args.bool("fail_on_autoremove"), "--no-remove");
        flag(cx.check, "--simulate");
        argv.push(if build_dep { "build-dep" } else { "install" }.to_owned());
        argv.extend(wanted.iter().cloned());
        if let Some(release) = args.str("default_release") {
            argv.extend(["-t".to_owned(), release.to_owned()]);
        }
        if let Some(on) = args.opt_bool("install_recommends") {
            let word = if on { "yes" } else { "no" };
            argv.extend(["-o".to_owned(), format!("APT::Install-Recommends={word}")]);
        }
        for (option, word) in ALLOWED {
            if args.bool(option) {
                argv.push(word.to_owned());
            }
        }
        let ran = self.execute(cx, &argv)?;
        if !ran.ok() {
            let line = self.install_line(cx.check, args, wanted, state);
            return Err(Failure::new(format!("'{line}' failed: {}", ran.err()))
                .with_all(result_of(&ran))
                .with("rc", ran.rc));
        }
        let changed = !build_dep || !nothing_done(&ran);
        Ok(self.done(cx, changed, &ran))
    }

    /// The command as ansible-core writes it in messages: a blank for every option that is not there.
    fn install_line(&self, check: bool, args: &Args, wanted: &[String], state: &str) -> String {
        let word = |on: bool, word: &'static str| if on { word } else { "" };
        let only_upgrade = word(args.bool("only_upgrade"), "--only-upgrade");
        let fixed = word(state == "fixed", "--fix-broken");
        let force = word(self.force, "--force-yes");
        let autoremove = word(args.bool("autoremove"), "--auto-remove");
        let no_remove = word(args.bool("fail_on_autoremove"), "--no-remove");
        let simulate = word(check, "--simulate");
        let options: Vec<String> = args
            .req("dpkg_options")
            .split(',')
            .map(|option| format!("-o \"Dpkg::Options::=--{option}\""))
            .collect();
        let middle = match state {
            "build-dep" => {
                format!("{only_upgrade} {fixed} {force} {no_remove} {simulate} build-dep")
            }
            _ => format!(
                "{only_upgrade} {fixed} {force} {autoremove} {no_remove} {simulate} install"
            ),
        };
        let wanted: Vec<String> = wanted.iter().map(|name| format!("'{name}'")).collect();
        let mut line = format!(
            "{} -y {} {middle} {}",
            self.apt_get.display(),
            options.join(" "),
            wanted.join(" ")
        );
        if let Some(release) = args.str("default_release").filter(|release| !release.is_empty()) {
            line.push_str(&format!(" -t '{release}'"));
        }
        match args.opt_bool("install_recommends") {
            Some(true) => line.push_str(" -o APT::Install-Recommends=yes"),
            Some(false) => line.push_str(" -o APT::Install-Recommends=no"),
            None => {}
        }
        for (option, word) in ALLOWED {
            if args.bool(option) {
                line.push_str(&format!(" {word}"));
            }
        }
        line
    }

    fn done(&self, cx: &Context<'_>, changed: bool, ran: &Ran) -> Outcome {
        let outcome = Outcome::new(changed).with_all(result_of(ran));
        if cx.diff {
            outcome.with("diff", Data::from(plan(&ran.out())))
        } else {
            outcome.with("diff", Map::new())
        }
    }

    /// What else a package's file needs installed, or why it can't be.
    pub fn missing_for(
        &self,
        cx: &mut Context<'_>,
        file: &str,
        package: &str,
    ) -> Result<Result<Vec<String>, String>, Failure> {
        let path = if file.starts_with('/') { file.to_owned() } else { format!("./{file}") };
        let mut argv = self.apt_get();
        argv.extend(["--simulate", "--allow-downgrades", "install"].map(str::to_owned));
        argv.push(path);
        let ran = self.execute(cx, &argv)?;
        let out = ran.out();
        if !ran.ok() {
            let unmet = out.lines().find_map(|line| {
                let (_, needs) = line.split_once(" : Depends: ")?;
                Some(needs.split(" but ").next().unwrap_or(needs).trim().to_owned())
            });
            return Ok(Err(match unmet {
                Some(needs) => format!("Dependency is not satisfiable: {needs}\n"),
                None => format!("Unable to install package: {}", ran.err().trim()),
            }));
        }
        let installed =
            out.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        Ok(Ok(installed.filter(|name| *name != package).map(str::to_owned).collect()))
    }

    /// Has dpkg install packages' files.
    pub fn install_files(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        files: &[String],
        before: Option<&Outcome>,
    ) -> Result<Outcome, Failure> {
        let mut argv = vec!["dpkg".to_owned()];
        argv.extend(args.req("dpkg_options").split(',').map(|option| format!("--{option}")));
        if cx.check {
            argv.push("--simulate".to_owned());
        }
        if self.force {
            argv.push("--force-all".to_owned());
        }
        argv.push("-i".to_owned());
        argv.extend(files.iter().cloned());
        let ran = self.execute(cx, &argv)?;
        let earlier = |key: &str| {
            let text = before.and_then(|outcome| outcome.data.get(key)?.as_str());
            text.unwrap_or_default().to_owned()
        };
        let (out, err) = (ran.out().into_owned(), ran.err().into_owned());
        let (stdout, stderr) = (earlier("stdout") + &out, earlier("stderr") + &err);
        if !ran.ok() {
            return Err(Failure::new(format!("{} failed", argv.join(" ")))
                .with("stdout", stdout)
                .with("stderr", stderr));
        }
        let mut diff = before
            .and_then(|outcome| outcome.data.get("diff").cloned())
            .unwrap_or_else(|| plan(&out).into());
        if before.is_some()
            && let Some(Data::String(text)) = diff.get_mut("prepared")
        {
            text.push_str(&format!("\n\n{out}"));
        }
        Ok(Outcome::new(true).with("stdout", stdout).with("stderr", stderr).with("diff", diff))
    }

    pub fn remove(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        names: &[String],
    ) -> Result<Outcome, Failure> {
        let purge = args.bool("purge");
        let mut wanted = Vec::new();
        for name in status::expand_installed(cx, names)? {
            let spec = status::Spec::parse(&name);
            let state = status::dpkg_status(cx, &spec.name)?.map(|(state, _)| state);
            match state.as_deref() {
                Some("config-files") if purge => wanted.push(name),
                None | Some("config-files" | "not-installed") => {}
                Some(_) => wanted.push(name),
            }
        }
        if wanted.is_empty() {
            return Ok(Outcome::new(false));
        }
        let mut argv = self.apt_get();
        argv.insert(1, "-q".to_owned());
        for (on, word) in [
            (purge, "--purge"),
            (self.force, "--force-yes"),
            (args.bool("autoremove"), "--auto-remove"),
            (args.bool("allow_change_held_packages"), "--allow-change-held-packages"),
            (cx.check, "--simulate"),
        ] {
            if on {
                argv.push(word.to_owned());
            }
        }
        argv.push("remove".to_owned());
        argv.extend(wanted.iter().cloned());
        let ran = self.execute(cx, &argv)?;
        if !ran.ok() {
            let names: Vec<String> = wanted.iter().map(|w| format!("'{w}'")).collect();
            return Err(Failure::new(format!(
                "'apt-get remove {}' failed: {}",
                names.join(" "),
                ran.err()
            ))
            .with_all(result_of(&ran))
            .with("rc", ran.rc));
        }
        Ok(self.done(cx, true, &ran))
    }

    pub fn cleanup(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        operation: &str,
    ) -> Result<Outcome, Failure> {
        let mut argv = self.apt_get();
        for (on, word) in
            [(args.bool("purge"), "--purge"), (self.force, "--force-yes"), (cx.check, "--simulate")]
        {
            if on {
                argv.push(word.to_owned());
            }
        }
        argv.push(operation.to_owned());
        let ran = self.execute(cx, &argv)?;
        if !ran.ok() {
            return Err(Failure::new(format!("'apt-get {operation}' failed: {}", ran.err()))
                .with_all(result_of(&ran))
                .with("rc", ran.rc));
        }
        let mark = match operation {
            "autoremove" => "The following packages will be REMOVED",
            _ => "Del ",
        };
        Ok(self.done(cx, ran.out().contains(mark), &ran))
    }

    pub fn clean(&self, cx: &mut Context<'_>) -> Result<Ran, Failure> {
        if cx.check {
            return Ok(Ran::of(0, "", ""));
        }
        let argv = [self.apt_get.to_string_lossy().into_owned(), "clean".to_owned()];
        let ran = self.execute(cx, &argv)?;
        if !ran.ok() || !ran.err().is_empty() {
            let why = ran.err().into_owned();
            let text = if ran.ok() {
                format!("apt-get clean failed: {why}")
            } else {
                "apt-get clean failed".to_owned()
            };
            return Err(Failure::new(text).with("stdout", &*ran.out()).with("rc", ran.rc));
        }
        Ok(ran)
    }

    pub fn upgrade(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        mode: &str,
    ) -> Result<Outcome, Failure> {
        let autoremove = args.bool("autoremove");
        let (program, command): (&str, Vec<&str>) = match (mode, &self.aptitude) {
            ("dist", _) | ("full", None) => ("apt-get", vec!["dist-upgrade"]),
            ("full", Some(_)) => ("aptitude", vec!["full-upgrade"]),
            (_, None) => ("apt-get", vec!["upgrade", "--with-new-pkgs"]),
            (_, Some(_)) => ("aptitude", vec!["safe-upgrade"]),
        };
        let mut argv = match (&self.aptitude, program) {
            (Some(path), "aptitude") => {
                let mut argv = vec![path.to_string_lossy().into_owned(), "-y".to_owned()];
                argv.extend(self.dpkg_options.iter().cloned());
                argv
            }
            _ => self.apt_get(),
        };
        for (on, word) in [
            (self.force, if program == "apt-get" { "--force-yes" } else { "--allow-untrusted" }),
            (args.bool("fail_on_autoremove"), "--no-remove"),
            (args.bool("allow_unauthenticated"), "--allow-unauthenticated"),
            (args.bool("allow_downgrade"), "--allow-downgrades"),
            (cx.check, "--simulate"),
        ] {
            if on {
                argv.push(word.to_owned());
            }
        }
        argv.extend(command.iter().map(|w| (*w).to_owned()));
        if autoremove && program == "apt-get" {
            argv.push("--auto-remove".to_owned());
        }
        if let Some(release) = args.str("default_release") {
            argv.extend(["-t".to_owned(), release.to_owned()]);
        }
        let ran = self.execute(cx, &argv)?;
        if !ran.ok() {
            let shown = match (program, autoremove) {
                // ansible-core leaves a place for an option behind the command.
                ("apt-get", false) => format!("{} {} ", argv[0], command.join(" ")),
                ("apt-get", true) => format!("{} {} --auto-remove", argv[0], command.join(" ")),
                _ => format!("{} {}", argv[0], command.join(" ")),
            };
            return Err(Failure::new(format!("'{shown}' failed: {}", ran.err()))
                .with("stdout", &*ran.out())
                .with("rc", ran.rc));
        }
        let out = ran.out().into_owned();
        let head = |changed: bool| Outcome::new(changed).with("msg", out);
        Ok(match nothing_done(&ran) {
            true => head(false).with_all(result_of(&ran)),
            false => head(true).with_all(self.done(cx, true, &ran).data),
        })
    }

    pub fn mark_manual(&self, cx: &mut Context<'_>, names: &[String]) -> Result<(), Failure> {
        let Some(program) = cx.target.find_program("apt-mark", &[]) else {
            cx.warn(
                "Could not find apt-mark binary, not marking package(s) as manually installed.",
            );
            return Ok(());
        };
        let run = Run::argv([program.into_os_string()]).arg("manual").args(names).c_locale();
        let ran = cx.run(&run)?;
        if ran.ok() {
            return Ok(());
        }
        Err(Failure::new(format!("'apt-mark manual {}' failed: {}", names.join(" "), ran.err()))
            .with_all(result_of(&ran))
            .with("rc", ran.rc))
    }
}

/// What `policy-rc.d` was before.
struct Held {
    content: Vec<u8>,
    mode: u32,
}

fn release_policy(cx: &mut Context<'_>, held: Option<Held>) -> Result<(), Failure> {
    let wrong = |_| {
        Failure::new("Fail to remove or restore /usr/sbin/policy-rc.d (after package manipulation)")
    };
    match held {
        None => cx.target.unlink(POLICY.as_ref()).map_err(wrong),
        Some(held) => cx
            .target
            .overwrite(POLICY.as_ref(), &held.content)
            .and_then(|()| cx.target.chmod(POLICY.as_ref(), held.mode))
            .map_err(wrong),
    }
}

fn nothing_done(ran: &Ran) -> bool {
    let out = ran.out();
    out.contains("\n0 upgraded, 0 newly installed")
        || out.contains("\n0 packages upgraded, 0 newly installed")
}
