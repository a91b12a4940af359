//! The lab as `lab.sh` makes it: up, down, and what can be done to a host from outside.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::options::Options;

pub struct Lab {
    pub name: String,
    script: PathBuf,
    /// Folder with `inventory.yml` and `home/`.
    pub dir: PathBuf,
    pub hosts: Vec<String>,
    keep: bool,
}

pub enum Possible {
    Yes,
    No(String),
}

/// What a command did, both streams as text.
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Whether this machine can run such hosts at all.
pub fn possible(here: &Path) -> Possible {
    match Command::new(here.join("lab.sh")).arg("possible").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Possible::Yes,
        Ok(output) => Possible::No(String::from_utf8_lossy(&output.stderr).trim().to_string()),
        Err(error) => Possible::No(format!("lab.sh does not start: {error}")),
    }
}

impl Lab {
    pub fn up(here: &Path, options: &Options) -> Result<Self, String> {
        let owner = std::process::id();
        let name = format!("t{owner}");
        let script = here.join("lab.sh");
        let set = if options.validate { "python" } else { "homelab" };
        let mut up = Command::new(&script);
        up.args(["--name", &name, "--hosts", set]);
        if !options.keep {
            up.args(["--owner", &owner.to_string()]);
        }
        let status = up.arg("up").stdin(Stdio::null()).status().map_err(|e| e.to_string())?;
        if !status.success() {
            return Err("the lab did not come up".to_string());
        }
        let mut lab =
            Self { name, script, dir: PathBuf::new(), hosts: Vec::new(), keep: options.keep };
        for line in lab.need(&["env"])?.lines() {
            if let Some(dir) = line.strip_prefix("LAB_DIR=") {
                lab.dir = PathBuf::from(dir);
            }
        }
        lab.hosts = lab
            .need(&["status"])?
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next().map(str::to_string))
            .collect();
        Ok(lab)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.script);
        command.args(["--name", &self.name]).args(args).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Result<Done, String> {
        done(self.command(args))
    }

    fn need(&self, args: &[&str]) -> Result<String, String> {
        let done = self.run(args)?;
        if done.status == 0 {
            Ok(done.stdout)
        } else {
            Err(format!("lab.sh {}: {}", args.join(" "), done.stderr))
        }
    }

    /// Throws away what the hosts became and boots them, all at once.
    pub fn reset(&self, hosts: &[String]) -> Result<(), String> {
        let children: Vec<_> = hosts
            .iter()
            .map(|host| self.command(&["reset", host]).stderr(Stdio::piped()).spawn())
            .collect();
        for (child, host) in children.into_iter().zip(hosts) {
            let output = child
                .and_then(std::process::Child::wait_with_output)
                .map_err(|e| format!("reset {host}: {e}"))?;
            if !output.status.success() {
                return Err(format!("reset {host}: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(())
    }

    pub fn reset_all(&self) -> Result<(), String> {
        self.reset(&self.hosts)
    }

    /// Runs a script on a host as root, without ssh and without us.
    pub fn on_host(&self, host: &str, script: &str) -> Result<Done, String> {
        self.run(&["exec", host, "bash", "-c", script])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.keep {
            crate::say(&format!("kept: the lab `{}`\n", self.name));
        } else if let Err(message) = self.need(&["down"]) {
            crate::say(&format!("lab: {message}\n"));
        }
    }
}

pub fn done(mut command: Command) -> Result<Done, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    Ok(Done {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
