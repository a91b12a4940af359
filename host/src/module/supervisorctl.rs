//! `supervisorctl`: programs that supervisord runs.

use std::path::{Path, PathBuf};

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::target::{Access, Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.supervisorctl"],
    description: "Starts, stops and signals programs and groups of programs that supervisord runs, and adds and removes them.",
    options: &[
        Opt::str("name").required().doc("The program; a group with `:` behind its name; `all`."),
        Opt::path("config").doc("supervisor's configuration."),
        Opt::str("server_url").doc("Where supervisord listens."),
        Opt::str("username").doc("Who asks."),
        Opt::str("password").no_log().doc("The password of who asks."),
        Opt::path("supervisorctl_path").doc("The program supervisorctl, if it is not in PATH."),
        Opt::str("state")
            .required()
            .choices(&[
                Lit::Str("present"),
                Lit::Str("started"),
                Lit::Str("restarted"),
                Lit::Str("stopped"),
                Lit::Str("absent"),
                Lit::Str("signalled"),
            ])
            .doc("`present` and `absent` are about its configuration, the others about its processes."),
        Opt::str("signal").doc("The signal that `signalled` sends."),
    ],
    rules: &[Rule::RequiredIf {
        option: "state",
        is: Lit::Str("signalled"),
        needs: &["signal"],
        any: false,
    }],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("name", "str", "on success", "The program or group."),
        Returned::new("state", "str", "on success", "The state asked for."),
        Returned::new("affected", "list", "when something was done", "The processes."),
    ],
    examples: "- name: The new version takes over\n  community.general.supervisorctl:\n    name: my_app\n    state: restarted\n",
    ..Module::builtin("supervisorctl", "Manages programs of supervisord", run)
};

/// How supervisorctl is called.
struct Control {
    words: Vec<String>,
    name: String,
    is_group: bool,
    state: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let control = Control::of(cx, args)?;
    let state = control.state.as_str();
    if state == "restarted" {
        control.must(cx, "update", None)?;
    }
    let processes = control.processes(cx)?;
    if matches!(state, "present" | "absent") {
        return control.configure(cx, processes.is_empty());
    }
    if processes.is_empty() {
        let failure = Failure::new("ERROR (no such process)");
        return Err(failure.with("name", control.name));
    }
    let runs = |status: &str| matches!(status, "RUNNING" | "STARTING");
    let signal = format!("signal {}", args.str("signal").unwrap_or("None"));
    let (action, done) = match state {
        "restarted" => ("restart", "started"),
        "started" => ("start", "started"),
        "stopped" => ("stop", "stopped"),
        _ => (signal.as_str(), "signalled"),
    };
    let is_concerned = |status: &str| match state {
        "restarted" => true,
        "started" => !runs(status),
        "stopped" => runs(status),
        _ => status == "RUNNING",
    };
    let concerned: Vec<String> = processes
        .into_iter()
        .filter(|(_, status)| is_concerned(status))
        .map(|(process, _)| process)
        .collect();
    if concerned.is_empty() {
        return Ok(control.told(false));
    }
    if cx.check {
        return Ok(Outcome::new(true));
    }
    for process in &concerned {
        let ran = control.must(cx, action, Some(process))?;
        if !ran.out().contains(&format!("{process}: {done}")) {
            return Err(Failure::new(ran.out()));
        }
    }
    Ok(control.told(true).with("affected", concerned))
}

impl Control {
    fn of(cx: &mut Context<'_>, args: &Args) -> Result<Control, Failure> {
        let text = |name: &str| args.str(name).filter(|text| !text.is_empty());
        let program = match text("supervisorctl_path") {
            Some(path) if cx.target.access(Path::new(path), Access::Execute) => path.to_owned(),
            Some(path) => {
                return Err(Failure::new(format!(
                    "Provided path to supervisorctl does not exist or isn't executable: {path}"
                )));
            }
            None => cx.program("supervisorctl")?.to_string_lossy().into_owned(),
        };
        let mut words = vec![program];
        if let Some(password) = text("password") {
            let config = secret_config(cx, args, password)?;
            words.extend(["-c".into(), config.to_string_lossy().into_owned()]);
        } else {
            for (option, name) in [("-c", "config"), ("-s", "server_url"), ("-u", "username")] {
                words.extend(text(name).into_iter().flat_map(|text| [option.into(), text.into()]));
            }
        }
        let name = args.req("name");
        Ok(Control {
            words,
            is_group: name.ends_with(':'),
            name: name.trim_end_matches(':').to_owned(),
            state: args.string("state"),
        })
    }

    fn run(&self, cx: &mut Context<'_>, command: &str, name: Option<&str>) -> Result<Ran, Failure> {
        cx.run(&self.call(command, name))
    }

    fn must(
        &self,
        cx: &mut Context<'_>,
        command: &str,
        name: Option<&str>,
    ) -> Result<Ran, Failure> {
        cx.run_ok(&self.call(command, name))
    }

    fn call(&self, command: &str, name: Option<&str>) -> Run {
        let name = name.filter(|name| !name.is_empty());
        Run::argv(&self.words).arg(command).args(name).c_locale()
    }

    fn told(&self, changed: bool) -> Outcome {
        Outcome::new(changed).with("name", self.name.as_str()).with("state", self.state.as_str())
    }

    /// The processes that the task is about, and their states.
    fn processes(&self, cx: &mut Context<'_>) -> Result<Vec<(String, String)>, Failure> {
        let ran = self.run(cx, "status", None)?;
        let mut all = Vec::new();
        for line in ran.out().lines() {
            let mut fields = line.split(' ').filter(|field| !field.is_empty());
            let (Some(process), Some(status)) = (fields.next(), fields.next()) else {
                return Err(Failure::crash("IndexError", "list index out of range"));
            };
            let matches = match self.is_group {
                true => process.split_once(':').is_some_and(|(group, _)| group == self.name),
                false => process == self.name || self.name == "all",
            };
            if matches {
                all.push((process.to_owned(), status.to_owned()));
            }
        }
        Ok(all)
    }

    /// Add the program, or remove it.
    fn configure(&self, cx: &mut Context<'_>, is_absent: bool) -> Result<Outcome, Failure> {
        if is_absent == (self.state == "absent") {
            return Ok(self.told(false));
        }
        if cx.check {
            return Ok(Outcome::new(true));
        }
        let (command, done) = match is_absent {
            true => ("add", "added"),
            false => ("remove", "removed"),
        };
        self.must(cx, "reread", None)?;
        let ran = self.run(cx, command, Some(&self.name))?;
        if ran.out().contains(&format!("{}: {done} process group", self.name)) {
            return Ok(self.told(true));
        }
        let failure = Failure::new(ran.out());
        Err(failure.with("name", self.name.as_str()).with("state", self.state.as_str()))
    }
}

/// A configuration of this call that has the password, which would stand in the list of processes otherwise. All that
/// supervisorctl needs besides is where supervisord listens.
fn secret_config(cx: &mut Context<'_>, args: &Args, password: &str) -> Result<PathBuf, Failure> {
    let usual = [
        "supervisord.conf",
        "etc/supervisord.conf",
        "/etc/supervisord.conf",
        "/etc/supervisor/supervisord.conf",
    ];
    let config = args.str("config").filter(|path| !path.is_empty());
    let text = match config {
        Some(config) => cx.target.read_text(Path::new(config)).ok(),
        None => usual.iter().find_map(|path| cx.target.read_text(Path::new(path)).ok()),
    };
    let known = text.as_deref().and_then(listening);
    let url = args.str("server_url").map(str::to_owned).or(known);
    let url = url.unwrap_or_else(|| "http://localhost:9001".to_owned());
    let user = args.str("username").unwrap_or_default();
    // `%` begins an expansion there.
    let content =
        format!("[supervisorctl]\nserverurl={url}\nusername={user}\npassword={password}\n");
    let content = content.replace('%', "%%");
    let path = cx.tmpdir()?.join("supervisorctl.conf");
    cx.target.create(&path, content.as_bytes(), 0o600).map_err(|error| {
        Failure::new(crate::python::os_error(&error, crate::python::Subject::Text(&path)))
    })?;
    Ok(path)
}

/// `serverurl` of the section `supervisorctl`.
fn listening(text: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| line.trim() != "[supervisorctl]").skip(1);
    let value = lines.by_ref().take_while(|line| !line.starts_with('[')).find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "serverurl").then_some(value)
    })?;
    Some(value.split(" ;").next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::listening;
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let status = "app RUNNING pid 1, uptime 0:00:01\nweb:one STOPPED Not started\n";
        let mut fake = Fake::new()
            .program("supervisorctl")
            .on("/usr/bin/supervisorctl status", Ran::of(0, status, ""))
            .on("/usr/bin/supervisorctl start web:one", Ran::of(0, "web:one: started\n", ""))
            .on("/usr/bin/supervisorctl stop", Ran::of(0, "app: ERROR\n", ""))
            .on("/usr/bin/supervisorctl", Ran::of(0, status, ""));
        let result = Call::new("supervisorctl", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn programs_and_groups() {
        assert_eq!(call(json!({"name": "app", "state": "started"})).0["changed"], false);
        let (result, _) = call(json!({"name": "web:", "state": "started"}));
        assert_eq!((&result["affected"], &result["name"]), (&json!(["web:one"]), &json!("web")));
        assert_eq!(call(json!({"name": "app", "state": "stopped"})).0["msg"], "app: ERROR\n");
        let (result, _) = call(json!({"name": "none", "state": "stopped"}));
        assert_eq!(result["msg"], "ERROR (no such process)");
        let (_, runs) = call(json!({"name": "app", "state": "started", "password": "s3cret"}));
        assert!(!runs.concat().contains("s3cret"), "{runs:?}");
        let text = "[a]\nserverurl=x\n[supervisorctl]\nserverurl = unix:///run/s.sock ; here\n";
        assert_eq!(listening(text).as_deref(), Some("unix:///run/s.sock"));
    }
}
