//! `pip`: Python libraries.

mod installed;
mod program;
mod requirement;
mod virtualenv;

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::python;
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    description: "Installs, upgrades and removes Python libraries with pip.\n\
                  The host needs a Python with pip and setuptools; a virtual environment is made if there is none yet.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[
                Lit::Str("present"),
                Lit::Str("absent"),
                Lit::Str("latest"),
                Lit::Str("forcereinstall"),
            ])
            .doc("Whether the libraries are to be there, and how new."),
        Opt::list("name", Kind::Str)
            .doc("The libraries, with versions if need be; or addresses of repositories."),
        Opt::str("version").doc("The version of the one library."),
        Opt::str("requirements").doc("A file on the host that lists libraries."),
        Opt::path("virtualenv").doc("The folder of a virtual environment to install in."),
        Opt::bool("virtualenv_site_packages")
            .or(false)
            .doc("Whether a new environment sees the system's libraries."),
        Opt::path("virtualenv_command")
            .or_str("virtualenv")
            .doc("What makes an environment, such as `python3 -m venv`."),
        Opt::str("virtualenv_python").doc("The Python of a new environment."),
        Opt::str("extra_args").doc("More options of pip."),
        Opt::bool("editable").or(false).doc("Install from the folder itself (`-e`)."),
        Opt::path("chdir").doc("The folder to run in."),
        Opt::path("executable")
            .doc("The program, by name or path, if it is not that of the host's Python."),
        Opt::str("umask").doc("The umask that files are made with, octal."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["name", "requirements"]),
        Rule::MutuallyExclusive(&["name", "requirements"]),
        Rule::MutuallyExclusive(&["executable", "virtualenv"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("cmd", "list", "success", "What was run."),
        Returned::new("name", "list", "success", "The libraries asked for."),
        Returned::new("requirements", "str", "success", "The file asked for."),
        Returned::new("version", "str", "success", "The version asked for."),
        Returned::new("virtualenv", "str", "success", "The environment."),
    ],
    examples: "- name: Libraries of the application\n  ansible.builtin.pip:\n    requirements: /srv/app/requirements.txt\n    virtualenv: /srv/app/venv\n    virtualenv_command: python3 -m venv\n",
    ..Module::builtin("pip", "Manages Python libraries", run)
};

/// How programs are run, and what they wrote so far.
struct Work {
    /// What the host's Python tells.
    python: program::Python,
    chdir: String,
    umask: Option<u32>,
    /// The folder of the virtual environment.
    environment: Option<String>,
    out: String,
    err: String,
}

impl Work {
    /// A call in the folder of the task; `~` and variables in its words are replaced.
    fn run_of(&self, cx: &mut Context<'_>, words: &[String]) -> Run {
        let words: Vec<String> = words.iter().map(|word| cx.target.expand(word)).collect();
        let mut run = Run::argv(words);
        if cx.target.is_dir(self.chdir.as_ref()) {
            run.cwd = Some(self.chdir.clone().into());
        }
        run.umask = self.umask;
        run
    }

    fn add(&mut self, ran: &Ran) {
        self.out.push_str(&ran.out());
        self.err.push_str(&ran.err());
    }

    /// What all the programs wrote, as the failure of one of them.
    fn failure(&self, cmd: &[String]) -> Failure {
        failure(cmd, &self.out, &self.err)
    }
}

/// A program failed.
fn failure(cmd: &[String], out: &str, err: &str) -> Failure {
    let mut msg = String::new();
    if !out.is_empty() {
        msg.push_str(&format!("stdout: {out}"));
    }
    if !err.is_empty() {
        msg.push_str(&format!("\n:stderr: {err}"));
    }
    Failure::new(msg).with("cmd", cmd)
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let names = args.strings("name");
    let asked = requirement::asked(args, &names);
    let (python, packages) = program::ask(cx, &asked)?;
    let state = args.string("state");
    let version = args.str("version").map(String::from);
    let umask = umask(args)?;
    if state == "latest" && version.is_some() {
        return Err(Failure::new("version is incompatible with state=latest"));
    }
    let chdir = args.str("chdir").map(String::from);
    let environment = args.str("virtualenv").filter(|env| !env.is_empty());
    let environment = environment.map(|env| python::join(chdir.as_deref().unwrap_or(""), env));
    // The usual folder may be one that the task's user can't enter.
    let chdir = chdir.unwrap_or_else(|| cx.system_tmp().to_string_lossy().into_owned());
    let mut work =
        Work { python, chdir, umask, environment, out: String::new(), err: String::new() };
    let mut created = false;
    if let Some(environment) = work.environment.clone()
        && !cx.target.exists(python::join(&environment, "bin/activate").as_ref())
    {
        if cx.check {
            return Ok(Outcome::new(true));
        }
        virtualenv::make(cx, args, &mut work, &environment)?;
        created = true;
    }
    let pip = program::find(cx, &work, args.str("executable"))?;
    if let Some(refusal) = requirement::refusal(&packages, version.as_deref()) {
        return Err(Failure::new(refusal));
    }
    let requirements = args.str("requirements").filter(|file| !file.is_empty());
    let extra_args = extra_args(args);
    let mut cmd = pip.clone();
    let how: &[&str] = match state.as_str() {
        "absent" => &["uninstall", "-y"],
        "latest" => &["install", "-U"],
        "forcereinstall" => &["install", "-U", "--force-reinstall"],
        _ => &["install"],
    };
    cmd.extend(how.iter().map(|word| (*word).to_owned()));
    if let Some(extra) = &extra_args {
        cmd.extend(python::shell_split(extra).map_err(|e| Failure::crash("ValueError", e))?);
    }
    if !names.is_empty() {
        cmd.extend(packages.iter().map(|package| package.text.clone()));
    } else if let Some(file) = requirements {
        cmd.extend(["-r".to_owned(), file.to_owned()]);
    } else {
        cx.warn("No valid name or requirements file found.");
        return Ok(Outcome::new(false));
    }
    if cx.check {
        if extra_args.is_some() || requirements.is_some() || state == "latest" || names.is_empty() {
            return Ok(Outcome::new(true));
        }
        return installed::look(cx, &mut work, &pip, &names, &packages, &state);
    }
    let by_list = requirements.is_some() || names.iter().any(|name| requirement::is_vcs_url(name));
    let before = if by_list { Some(installed::list(cx, &work, &pip)?.out) } else { None };
    let mut call = work.run_of(cx, &cmd);
    if let Some(environment) = &work.environment {
        // Programs of the environment may be needed to build what is installed.
        let path = cx.target.env("PATH").unwrap_or_default();
        call = call.env("PATH", &format!("{}:{path}", python::join(environment, "bin")));
    }
    let ran = cx.run(&call)?;
    work.add(&ran);
    let missing = [ran.out(), ran.err()].iter().any(|text| text.contains("not installed"));
    let was_absent = ran.rc == 1 && state == "absent" && missing;
    if !ran.ok() && !was_absent {
        return Err(work.failure(&cmd));
    }
    let changed = match before {
        _ if state == "absent" => ran.out().contains("Successfully uninstalled"),
        None => ran.out().contains("Successfully installed"),
        Some(before) => before != installed::list(cx, &work, &pip)?.out,
    };
    let given = |name: &str| args.get(name).cloned().unwrap_or(Data::Null);
    Ok(Outcome::new(changed || created)
        .with("cmd", cmd)
        .with("name", given("name"))
        .with("version", given("version"))
        .with("state", state)
        .with("requirements", given("requirements"))
        .with("virtualenv", work.environment.map_or(Data::Null, Data::from))
        .with("stdout", work.out)
        .with("stderr", work.err))
}

fn umask(args: &Args) -> Result<Option<u32>, Failure> {
    let Some(text) = args.str("umask").filter(|umask| !umask.is_empty()) else { return Ok(None) };
    match python::parse_int(text, 8) {
        Some(umask) => Ok(Some(umask as u32 & 0o777)),
        None => Err(Failure::new("umask must be an octal integer").with(
            "details",
            format!("invalid literal for int() with base 8: {}", python::repr_str(text)),
        )),
    }
}

/// The task's options of pip, with `-e` if it wants that.
fn extra_args(args: &Args) -> Option<String> {
    let given = args.str("extra_args").filter(|extra| !extra.is_empty());
    let editable = args.bool("editable")
        && !given.is_some_and(|extra| extra.split(' ').any(|word| word == "-e"));
    match (given, editable) {
        (Some(given), true) => Some(format!("{given} -e")),
        (None, true) => Some("-e".to_owned()),
        (given, false) => given.map(String::from),
    }
}
