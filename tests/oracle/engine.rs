//! Runs a case's commands in a fresh folder of its own, with ours or the real ansible on the path.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::answer::{Answer, Done, Entry};
use crate::case::{Case, Command, Input, InputKind};
use crate::http::Server;
use crate::normalise::{Normaliser, Place};
use crate::terminal;

/// Longest run of one command.
const LIMIT_SECONDS: &str = "150";
const NAMES: [&str; 9] = [
    "ansible",
    "ansible-config",
    "ansible-console",
    "ansible-doc",
    "ansible-galaxy",
    "ansible-inventory",
    "ansible-playbook",
    "ansible-pull",
    "ansible-vault",
];

pub struct Engine {
    base: PathBuf,
    /// What the commands of `NAMES` are links to, in each run's `bin`.
    programs: Vec<(String, PathBuf)>,
    version: String,
    normaliser: Normaliser,
}

/// Numbers the folders of all engines, so that every path is equally long.
static RUNS: AtomicUsize = AtomicUsize::new(0);

impl Engine {
    pub fn ours(base: &Path) -> Result<Engine, String> {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_vmstation-play"));
        let programs = NAMES.iter().map(|n| ((*n).to_string(), program.clone())).collect();
        let version = "ours".to_string();
        Ok(Engine { base: base.into(), programs, version, normaliser: Normaliser::new()? })
    }

    /// The real ones: `ORACLE_BIN`, else the folder that `venv.sh` makes.
    pub fn real(base: &Path) -> Result<Engine, String> {
        let bin = match std::env::var_os("ORACLE_BIN") {
            Some(bin) => PathBuf::from(bin),
            None => venv()?,
        };
        let mut programs = vec![("python3".to_string(), bin.join("python3"))];
        programs.extend(NAMES.iter().map(|n| ((*n).to_string(), bin.join(n))));
        let output = Process::new(bin.join("ansible-playbook"))
            .arg("--version")
            .output()
            .map_err(|e| format!("{}: {e}", bin.display()))?;
        let version = versions(&String::from_utf8_lossy(&output.stdout));
        if !version.contains("core 2.14.18") {
            return Err(format!("{} is `{version}`, not ansible-core 2.14.18", bin.display()));
        }
        Ok(Engine { base: base.into(), programs, version, normaliser: Normaliser::new()? })
    }

    pub fn run(&self, case: &Case) -> Result<Answer, String> {
        if case.collections && self.version != "ours" && !has_collections() {
            return Err("needs an ORACLE_BIN with the collections of ansible 7.7.0".to_string());
        }
        let number = RUNS.fetch_add(1, Ordering::SeqCst);
        let run = self.base.join(format!("{number:06}"));
        let (cwd, home, bin) = (run.join("case"), run.join("home"), run.join("bin"));
        for dir in [&cwd, &home, &bin] {
            std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        }
        for (name, target) in &self.programs {
            symlink(target, bin.join(name)).map_err(|e| e.to_string())?;
        }
        write_inputs(&cwd, &case.inputs)?;
        let server = if case.serve { Some(Server::start(&cwd)?) } else { None };
        let place = Place {
            run: run.to_string_lossy().into_owned(),
            http: server.as_ref().map(|s| s.address.clone()),
            extra: &case.normalise,
        };
        let mut commands = Vec::new();
        for command in &case.commands {
            let mut done = self.execute(case, command, &run, place.http.as_deref())?;
            done.stdout = self.normaliser.text(&place, &done.stdout);
            done.stderr = self.normaliser.text(&place, &done.stderr);
            commands.push(done);
        }
        let mut files = BTreeMap::new();
        if case.compare.files {
            let found = tree(&cwd)?;
            for (path, raw) in changes(&case.inputs, found) {
                files.insert(self.normaliser.text(&place, &path), self.entry(&place, &path, raw));
            }
        }
        let engine = self.version.clone();
        Ok(Answer { engine, case_hash: case.hash.clone(), commands, files })
    }

    /// Applies the filters to a stored answer.
    pub fn renormalise(&self, case: &Case, answer: &mut Answer) {
        for done in &mut answer.commands {
            done.stdout = self.normaliser.again(&case.normalise, &done.stdout);
            done.stderr = self.normaliser.again(&case.normalise, &done.stderr);
        }
        for entry in answer.files.values_mut() {
            if let Entry::File { content, .. } = entry {
                *content = self.normaliser.again(&case.normalise, content);
            }
        }
    }

    fn execute(
        &self,
        case: &Case,
        command: &Command,
        run: &Path,
        http: Option<&str>,
    ) -> Result<Done, String> {
        // A session of its own: no prompt may reach the terminal of whoever runs the tests.
        let line = match &command.terminal {
            Some(_) => format!("exec script -qec {} /dev/null", quoted(&command.line)),
            None => command.line.clone(),
        };
        let mut process = Process::new("setsid");
        process
            .args(["--wait", "timeout", "--kill-after=5", LIMIT_SECONDS, "sh", "-c"])
            .arg(format!("umask 022; {line}"))
            .current_dir(run.join("case"))
            .env_clear()
            .envs(environment(run))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(address) = http {
            process.env("ORACLE_HTTP", address);
        }
        for (name, value) in &case.env {
            match name.strip_prefix('!') {
                Some(name) => process.env_remove(name),
                None => process.env(name, value),
            };
        }
        let mut child = process.spawn().map_err(|e| format!("setsid, timeout: {e}"))?;
        let (stdin, stdout, stderr) =
            match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
                (Some(i), Some(o), Some(e)) => (i, o, e),
                _ => return Err("the child has no pipes".to_string()),
            };
        let errors = std::thread::spawn(move || read_all(stderr));
        let output = match &command.terminal {
            Some(steps) => terminal::converse(steps, stdin, stdout)?,
            None => {
                let text = command.stdin.clone();
                let mut stdin = stdin;
                // A command that doesn't read its input closes the pipe: not a failure.
                let feeder = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
                let output = read_all(stdout);
                let _ = feeder.join();
                output
            }
        };
        let stderr = errors.join().map_err(|_| "the reader of stderr died".to_string())?;
        let status = child.wait().map_err(|e| e.to_string())?;
        Ok(Done {
            line: command.line.clone(),
            exit: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    fn entry(&self, place: &Place, path: &str, raw: Raw) -> Entry {
        match raw {
            Raw::File(mode, content) => {
                Entry::File { mode, content: self.normaliser.file(place, path, &content) }
            }
            Raw::Dir(mode) => Entry::Dir { mode },
            Raw::Link(target) => Entry::Link { target: self.normaliser.text(place, &target) },
            Raw::Special => Entry::Special,
            Raw::Gone => Entry::Gone,
        }
    }
}

/// Equal for both engines and on every machine.
fn environment(run: &Path) -> Vec<(&'static str, String)> {
    let bin = run.join("bin");
    let mut all = vec![
        ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", bin.display())),
        ("HOME", run.join("home").display().to_string()),
        ("LC_ALL", "C.UTF-8".to_string()),
        ("LANG", "C.UTF-8".to_string()),
        ("TZ", "UTC".to_string()),
        ("TERM", "xterm".to_string()),
        ("COLUMNS", "80".to_string()),
        // `~` would be the user's home, whatever HOME says.
        ("ANSIBLE_REMOTE_TMP", run.join("home/.ansible/tmp").display().to_string()),
        ("ANSIBLE_NOCOLOR", "1".to_string()),
        // Otherwise hosts' results come in the order of completion.
        ("ANSIBLE_FORKS", "1".to_string()),
    ];
    let python = bin.join("python3");
    if python.exists() {
        // Otherwise each first result carries what the discovery of Python found. Ours has no such folder.
        all.push(("ANSIBLE_PYTHON_INTERPRETER", python.display().to_string()));
    }
    all
}

fn venv() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/venv.sh");
    let output = Process::new("sh")
        .arg(&script)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", script.display()))?;
    if !output.status.success() {
        return Err(format!("{} failed", script.display()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// `[core 2.14.18] python 3.11.7 jinja 3.1.6` of what `--version` prints.
/// Whether `ORACLE_BIN` is of an installation that has more than ansible-core.
pub fn has_collections() -> bool {
    std::env::var_os("ORACLE_BIN")
        .is_some_and(|bin| Path::new(&bin).join("ansible-community").exists())
}

fn versions(text: &str) -> String {
    let after = |key: &str| {
        text.lines()
            .find_map(|l| l.trim().strip_prefix(key))
            .and_then(|v| v.split_whitespace().next())
    };
    let core = text.lines().next().unwrap_or_default();
    format!(
        "{core} python {} jinja {}",
        after("python version = ").unwrap_or("?"),
        after("jinja version = ").unwrap_or("?")
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn read_all(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is what there is to compare.
    let _ = pipe.read_to_end(&mut bytes);
    bytes
}

/// A folder whose name is always equally long.
pub fn fresh_base() -> Result<PathBuf, String> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut seed = clock.map_or(0, |d| d.subsec_nanos()) ^ std::process::id().rotate_left(16);
    for _ in 0..100 {
        let base = std::env::temp_dir().join(format!("vo-{:06x}", seed & 0xff_ffff));
        match std::fs::create_dir(&base) {
            Ok(()) => return Ok(base),
            Err(_) => seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223),
        }
    }
    Err(format!("no fresh folder in {}", std::env::temp_dir().display()))
}

/// Also what a case made unreadable for its owner.
pub fn remove_tree(base: &Path) -> Result<(), String> {
    if std::fs::remove_dir_all(base).is_ok() {
        return Ok(());
    }
    let _ = Process::new("chmod").args(["-R", "u+rwx"]).arg(base).status();
    std::fs::remove_dir_all(base).map_err(|e| format!("{}: {e}", base.display()))
}

fn write_inputs(cwd: &Path, inputs: &[Input]) -> Result<(), String> {
    for input in inputs {
        let path = cwd.join(&input.path);
        let place = |e: std::io::Error| format!("{}: {e}", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(place)?;
        }
        match &input.kind {
            InputKind::File { content, .. } => std::fs::write(&path, content).map_err(place)?,
            InputKind::Dir { .. } => std::fs::create_dir_all(&path).map_err(place)?,
            InputKind::Link { target } => symlink(target, &path).map_err(place)?,
        }
    }
    // Afterwards: a folder may be one that nothing can be written into.
    for input in inputs {
        if let InputKind::File { mode, .. } | InputKind::Dir { mode } = input.kind {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(cwd.join(&input.path), mode).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

enum Raw {
    File(u32, Vec<u8>),
    Dir(u32),
    Link(String),
    Special,
    Gone,
}

fn tree(root: &Path) -> Result<BTreeMap<String, Raw>, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            let place = |e: std::io::Error| format!("{}: {e}", path.display());
            let meta = std::fs::symlink_metadata(&path).map_err(place)?;
            let mode = meta.permissions().mode() & 0o7777;
            let raw = if meta.is_symlink() {
                Raw::Link(std::fs::read_link(&path).map_err(place)?.to_string_lossy().into_owned())
            } else if meta.is_dir() {
                waiting.push(path.clone());
                Raw::Dir(mode)
            } else if meta.is_file() {
                Raw::File(mode, std::fs::read(&path).map_err(place)?)
            } else {
                Raw::Special
            };
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.insert(name, raw);
        }
    }
    Ok(found)
}

/// What is not as the inputs were, and what of them is gone.
fn changes(inputs: &[Input], mut found: BTreeMap<String, Raw>) -> BTreeMap<String, Raw> {
    for input in inputs {
        let same = match (found.get(&input.path), &input.kind) {
            (None, _) => {
                found.insert(input.path.clone(), Raw::Gone);
                continue;
            }
            (Some(Raw::File(m, c)), InputKind::File { mode, content }) => m == mode && c == content,
            (Some(Raw::Dir(m)), InputKind::Dir { mode }) => m == mode,
            (Some(Raw::Link(t)), InputKind::Link { target }) => t == target,
            _ => false,
        };
        if same {
            found.remove(&input.path);
        }
        let parents = Path::new(&input.path).ancestors().skip(1);
        for parent in parents.map(|p| p.to_string_lossy()) {
            // The folders around an input are made by the harness with this mode.
            if matches!(found.get(parent.as_ref()), Some(Raw::Dir(0o755))) {
                found.remove(parent.as_ref());
            }
        }
    }
    found
}
