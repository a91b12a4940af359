//! Plays one scenario: lays its folder, runs its steps inside the lab's network, checks them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::compare::{self, Outcome};
use crate::expect;
use crate::hosts::{Done, Lab, done};
use crate::options::Options;
use crate::scenario::{Scenario, Step, StepKind};

pub enum Verdict {
    Passed,
    NotForThisEngine(String),
    Failed(String),
}

/// The programs that play: folders with `ansible-playbook` and its kin.
pub struct Engines {
    base: PathBuf,
    ours: PathBuf,
    real: Option<PathBuf>,
    /// ansible-core takes our place.
    validate: bool,
    keep: bool,
}

/// No single step takes longer, in seconds.
const STEP_LIMIT: &str = "240";

impl Engines {
    pub fn new(lab: &Lab, options: &Options) -> Result<Self, String> {
        let base = std::env::temp_dir().join(format!("vmstation-lab-{}", lab.name));
        let ours = base.join("bin");
        fs::create_dir_all(&ours).map_err(|e| format!("{}: {e}", ours.display()))?;
        let program = env!("CARGO_BIN_EXE_vmstation-play");
        for name in
            ["vmstation-play", "ansible-playbook", "ansible", "ansible-inventory", "ansible-vault"]
        {
            symlink(program, ours.join(name)).map_err(|e| format!("{name}: {e}"))?;
        }
        let real = match &options.real_bin {
            Some(folder) => Some(folder.clone()),
            None if options.validate => Some(make_real()?),
            None => None,
        };
        Ok(Self { base, ours, real, validate: options.validate, keep: options.keep })
    }

    pub fn play(&self, lab: &Lab, scenario: &Scenario) -> Verdict {
        if let (true, Some(why)) = (self.validate, &scenario.ours_only) {
            return Verdict::NotForThisEngine(why.clone());
        }
        let played = if scenario.twin.is_empty() {
            self.play_once(lab, scenario)
        } else {
            self.play_twice(lab, scenario)
        };
        match played {
            Ok(()) => Verdict::Passed,
            Err(report) => Verdict::Failed(format!("{}\n{report}", scenario.why)),
        }
    }

    fn play_once(&self, lab: &Lab, scenario: &Scenario) -> Result<(), String> {
        lab.reset(&scenario.fresh)?;
        let bin = match &self.real {
            Some(real) if self.validate => real,
            _ => &self.ours,
        };
        let stage = Stage::lay(&self.base.join("work"), lab, scenario, bin)?;
        let _served = stage.serve(scenario)?;
        for step in &scenario.steps {
            stage.step(step)?;
        }
        Ok(())
    }

    /// First ansible-core, then we (or ansible-core again, to test the scenario).
    fn play_twice(&self, lab: &Lab, scenario: &Scenario) -> Result<(), String> {
        let real = match &self.real {
            Some(real) => real.clone(),
            None => make_real()?,
        };
        let second = if self.validate { &real } else { &self.ours };
        let expected =
            self.outcome(lab, scenario, &real).map_err(|e| format!("ansible-core: {e}"))?;
        let found = self.outcome(lab, scenario, second)?;
        let differences = compare::differences(&expected, &found);
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    fn outcome(&self, lab: &Lab, scenario: &Scenario, bin: &Path) -> Result<Outcome, String> {
        lab.reset(&scenario.twin)?;
        let stage = Stage::lay(&self.base.join("work"), lab, scenario, bin)?;
        let _served = stage.serve(scenario)?;
        let mut outcome = Outcome { runs: Vec::new(), trees: std::collections::BTreeMap::new() };
        for step in &scenario.steps {
            if let Some(done) = stage.step(step)? {
                outcome.runs.push((done.status, done.stdout));
            }
        }
        for host in &scenario.twin {
            outcome.trees.append(&mut compare::tree(lab, host, &scenario.trees)?);
        }
        Ok(outcome)
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        if self.keep {
            crate::say(&format!("kept: {}\n", self.base.display()));
        } else if let Err(error) = fs::remove_dir_all(&self.base) {
            crate::say(&format!("lab: {}: {error}\n", self.base.display()));
        }
    }
}

/// What `ansible.cfg` says unless the scenario has its own. Twins are slow by ansible-core's connections: pipelining saves
/// it half of them, and shows in no output.
fn configuration(scenario: &Scenario) -> String {
    let twin = match scenario.twin.is_empty() {
        true => "",
        false => "[ssh_connection]\npipelining = true\n",
    };
    format!("[defaults]\ninventory = inventory.yml\n{twin}")
}

fn make_real() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/venv.sh");
    // sysctl, mount and others come from collections.
    let output = Command::new(&script)
        .arg("collections")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", script.display()))?;
    if !output.status.success() {
        return Err("the environment with ansible-core could not be made".to_string());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// One scenario's folder and the network that its steps run in.
struct Stage<'a> {
    lab: &'a Lab,
    work: PathBuf,
    bin: PathBuf,
}

impl<'a> Stage<'a> {
    fn lay(base: &Path, lab: &'a Lab, scenario: &Scenario, bin: &Path) -> Result<Self, String> {
        let io = |path: &Path, e: std::io::Error| format!("{}: {e}", path.display());
        if base.exists() {
            fs::remove_dir_all(base).map_err(|e| io(base, e))?;
        }
        let keys = base.join("home/.ssh");
        fs::create_dir_all(&keys).map_err(|e| io(&keys, e))?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).map_err(|e| io(&keys, e))?;
        let from = lab.dir.join("home/.ssh");
        for entry in fs::read_dir(&from).map_err(|e| io(&from, e))? {
            let path = entry.map_err(|e| io(&from, e))?.path();
            let name = path.file_name().unwrap_or_default();
            fs::copy(&path, keys.join(name)).map_err(|e| io(&path, e))?;
        }
        let inventory = lab.dir.join("inventory.yml");
        fs::copy(&inventory, base.join("inventory.yml")).map_err(|e| io(&inventory, e))?;
        write(base, "ansible.cfg", 0o644, &configuration(scenario))?;
        for file in &scenario.files {
            write(base, &file.path, file.mode, &file.content)?;
            guard_file(&file.path, &file.content)?;
        }
        Ok(Self { lab, work: base.to_path_buf(), bin: bin.to_path_buf() })
    }

    /// Plays a step; what a run did is handed back.
    fn step(&self, step: &Step) -> Result<Option<Done>, String> {
        let at = |text: String| format!("line {}: {text}", step.line);
        match &step.kind {
            StepKind::Run { script, expectations } => {
                let started = Instant::now();
                let done = self.run(script)?;
                let seconds = started.elapsed().as_secs_f32();
                let unmet = expect::unmet(expectations, &done, seconds);
                if unmet.is_empty() {
                    return Ok(Some(done));
                }
                Err(at(format!("{}\n{}", unmet.join("\n"), shown(&done))))
            }
            StepKind::Here { script } => {
                let done = self.run(&format!("set -eu -o pipefail\n{script}"))?;
                if done.status == 0 {
                    Ok(None)
                } else {
                    Err(at(format!("here:\n{}", shown(&done))))
                }
            }
            StepKind::On { host, script } => {
                let done = self.lab.on_host(host, &format!("set -eux -o pipefail\n{script}"))?;
                if done.status == 0 {
                    Ok(None)
                } else {
                    Err(at(format!("on {host}, status {}:\n{}", done.status, shown(&done))))
                }
            }
        }
    }

    /// The streams go to files: a background process of ssh may hold them open after the end.
    fn run(&self, script: &str) -> Result<Done, String> {
        guard_file("a run", script)?;
        let (out, err) = (self.work.join("home/stdout"), self.work.join("home/stderr"));
        let file =
            |path: &Path| fs::File::create(path).map_err(|e| format!("{}: {e}", path.display()));
        let full = format!("{}{script}", self.prelude());
        let home = self.work.join("home");
        let mut command = self.lab.command(&["in", "--home", &home.to_string_lossy()]);
        command.args(["timeout", "--foreground", "-k", "5", STEP_LIMIT, "bash", "-c", &full]);
        command.current_dir(&self.work).stdout(file(&out)?).stderr(file(&err)?);
        let status = done(command)?.status;
        let read = |path: &Path| {
            fs::read(path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|e| format!("{}: {e}", path.display()))
        };
        Ok(Done { status, stdout: read(&out)?, stderr: read(&err)? })
    }

    /// What every script may use: the engine's programs first in PATH, and `lab`.
    fn prelude(&self) -> String {
        let mut text = String::new();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab.sh");
        let _ = writeln!(text, "unset ${{!ANSIBLE_*}} SSH_AUTH_SOCK");
        let _ = writeln!(text, "export LANG=C.UTF-8 LC_ALL=C.UTF-8 TERM=dumb");
        let _ = writeln!(
            text,
            "export PATH={}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            self.bin.display()
        );
        if let Some(cache) = std::env::var_os("VMSTATION_LAB_CACHE") {
            let _ = writeln!(text, "export VMSTATION_LAB_CACHE='{}'", cache.to_string_lossy());
        }
        let _ =
            writeln!(text, "lab() {{ '{}' --name {} \"$@\"; }}", script.display(), self.lab.name);
        text
    }

    /// Offers a folder of the scenario over HTTP until the answer is dropped.
    fn serve(&self, scenario: &Scenario) -> Result<Option<Served>, String> {
        let Some(folder) = &scenario.serve else { return Ok(None) };
        let folder = self.work.join(folder);
        let mut server = self.lab.command(&["in", "python3", "-m", "http.server", "-d"]);
        server.arg(&folder).arg("8000").stdout(Stdio::null()).stderr(Stdio::null());
        let served = Served(server.spawn().map_err(|e| format!("python3: {e}"))?);
        let wait = "for i in $(seq 100); do exec 3<>/dev/tcp/controller/8000 && exit 0; sleep 0.1; done 2>/dev/null; exit 1";
        let done = self.run(wait)?;
        if done.status == 0 {
            Ok(Some(served))
        } else {
            Err("the web server does not start".into())
        }
    }
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself; `lab.sh down` ends what is left in the network.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn write(base: &Path, path: &str, mode: u32, content: &str) -> Result<(), String> {
    let full = base.join(path);
    let made = full.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        fs::write(&full, content)?;
        fs::set_permissions(&full, fs::Permissions::from_mode(mode))
    });
    made.map_err(|e| format!("{}: {e}", full.display()))
}

fn shown(done: &Done) -> String {
    format!("--- stdout\n{}--- stderr\n{}", tail(&done.stdout), tail(&done.stderr))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(60);
    lines[first..].iter().map(|line| format!("{line}\n")).collect()
}

/// The lab's network has no way to the homelab's; this refuses even to try.
fn guard_file(name: &str, text: &str) -> Result<(), String> {
    if text.contains("192.168.4.") {
        return Err(format!("{name}: names an address of the homelab's own network"));
    }
    if name.contains("inventory") || name.starts_with("hosts") || name == "a run" {
        guard(text, "10.231.77").map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// Refuses every IPv4 address that is neither the lab's nor the loopback's.
pub fn guard(text: &str, net: &str) -> Result<(), String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    for word in words.map(|w| w.trim_matches('.')) {
        if word.parse::<std::net::Ipv4Addr>().is_ok()
            && !word.starts_with("127.")
            && word.strip_prefix(net).is_none_or(|rest| !rest.starts_with('.'))
        {
            return Err(format!("{word} is no address of the lab"));
        }
    }
    Ok(())
}
