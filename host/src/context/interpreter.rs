//! The host's Python, for the few modules and facts that are about it. No other module needs one.

use std::path::Path;

use crate::context::Context;
use crate::data::Data;
use crate::outcome::Failure;

/// Where Pythons are looked for, as ansible-core looks.
const NAMES: [&str; 12] = [
    "python3.11",
    "python3.10",
    "python3.9",
    "python3.8",
    "python3.7",
    "python3.6",
    "python3.5",
    "/usr/bin/python3",
    "/usr/libexec/platform-python",
    "python2.7",
    "/usr/bin/python",
    "python",
];

/// The Pythons that come with systems, by the first release that has them. A newer release takes that of the last
/// one before it.
const OF_SYSTEMS: [(&str, &[(u32, &str)]); 5] = [
    (
        "rhel",
        &[(6, "/usr/bin/python"), (8, "/usr/libexec/platform-python"), (9, "/usr/bin/python3")],
    ),
    (
        "centos",
        &[(6, "/usr/bin/python"), (8, "/usr/libexec/platform-python"), (9, "/usr/bin/python3")],
    ),
    ("debian", &[(8, "/usr/bin/python"), (10, "/usr/bin/python3")]),
    ("fedora", &[(23, "/usr/bin/python3")]),
    ("ubuntu", &[(14, "/usr/bin/python"), (16, "/usr/bin/python3")]),
];

impl Context<'_> {
    /// The host's Python: the one that the task's variables name, else the system's own, else the first that is found.
    pub fn interpreter(&mut self) -> Option<String> {
        if let Some(known) = &self.interpreter {
            return known.clone();
        }
        let found = match self.call.interpreter.clone().filter(|name| !is_discovery(name)) {
            Some(named) => Some(self.target.expand(&named)),
            None => self.discovered(),
        };
        self.interpreter = Some(found.clone());
        found
    }

    fn discovered(&mut self) -> Option<String> {
        let mut all: Vec<String> = Vec::new();
        for name in NAMES {
            let found = match name.starts_with('/') {
                true => self.target.exists(Path::new(name)).then(|| name.to_owned()),
                false => {
                    let found = self.target.find_program(name, &[]);
                    found.map(|path| path.to_string_lossy().into_owned())
                }
            };
            all.extend(found);
        }
        let own = self.of_system().filter(|own| all.iter().any(|found| found == own));
        own.map(String::from).or_else(|| all.into_iter().next())
    }

    fn of_system(&mut self) -> Option<&'static str> {
        let text = self.target.read_text(Path::new("/etc/os-release")).ok()?;
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            Some(line.trim_matches(['"', '\'']).to_owned())
        };
        let (id, version) = (value("ID")?, value("VERSION_ID")?);
        let release: u32 = version.split('.').next()?.parse().ok()?;
        let (_, pythons) = OF_SYSTEMS.iter().find(|(name, _)| *name == id)?;
        let before = pythons.iter().rev().find(|(first, _)| *first <= release);
        before.or(pythons.first()).map(|(_, path)| *path)
    }

    /// Run a script in the host's Python with `asked` as JSON at its standard input, and read the JSON it writes.
    ///
    /// # Errors
    /// No Python, or one that can't run the script.
    pub fn ask_python(
        &mut self,
        flags: &[&str],
        script: &str,
        asked: &Data,
    ) -> Result<Data, Failure> {
        let Some(interpreter) = self.interpreter() else {
            return Err(Failure::new(format!(
                "{} needs a Python on the host, and none was found: install one, or name it in ansible_python_interpreter",
                self.call.module
            )));
        };
        // An interpreter may be a whole command, such as `/usr/bin/env python3`.
        let run = self.words(&interpreter)?.args(flags.iter().copied()).arg("-c").arg(script);
        let ran = self.run(&run.stdin(asked.to_string()))?;
        let answer = serde_json::from_slice(&ran.stdout).ok().filter(|_| ran.ok());
        answer.ok_or_else(|| {
            Failure::new(format!(
                "the host's Python {interpreter} did not answer: {}",
                ran.err().trim_end()
            ))
            .with("rc", ran.rc)
            .with("module_stderr", ran.err())
        })
    }
}

/// `auto`, `auto_silent`, `auto_legacy`, `auto_legacy_silent`: look for one.
fn is_discovery(name: &str) -> bool {
    name.is_empty() || matches!(name, "auto" | "auto_silent" | "auto_legacy" | "auto_legacy_silent")
}

/// What Python 3 needs at the start of a script so that modules in the working directory can't take the place of its own.
pub const OWN_MODULES_ONLY: &str = "import sys\nsys.path = [p for p in sys.path if p]\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn found(mut fake: Fake, named: Option<&str>) -> Option<String> {
        let call = Call { interpreter: named.map(String::from), ..Call::default() };
        Context::new(&mut fake, &mut NoFiles, &call).interpreter()
    }

    fn release(id: &str, version: &str) -> Fake {
        Fake::new().file("/etc/os-release", format!("ID={id}\nVERSION_ID=\"{version}\"\n"))
    }

    #[test]
    fn pythons_are_found_as_ansible_finds_them() {
        let both = |fake: Fake| fake.program("python3.9").node("/usr/bin/python3", 0o100_755);
        assert_eq!(found(both(release("debian", "12")), None).as_deref(), Some("/usr/bin/python3"));
        assert_eq!(
            found(both(release("alpine", "3.19")), None).as_deref(),
            Some("/usr/bin/python3.9")
        );
        let old = both(release("centos", "8")).node("/usr/libexec/platform-python", 0o100_755);
        assert_eq!(found(old, Some("auto")).as_deref(), Some("/usr/libexec/platform-python"));
        assert_eq!(
            found(release("debian", "12"), Some("/opt/python")).as_deref(),
            Some("/opt/python")
        );
        assert_eq!(found(release("debian", "12"), None), None);
    }

    #[test]
    fn scripts_answer_in_json() {
        let call = Call { module: "pip".into(), ..Call::default() };
        let mut fake =
            Fake::new().program("python3.9").on("/usr/bin/python3.9", Ran::of(0, "{\"a\": 1}", ""));
        let mut files = NoFiles;
        let mut cx = Context::new(&mut fake, &mut files, &call);
        assert_eq!(cx.ask_python(&[], "x", &json!({})).ok(), Some(json!({"a": 1})));
        let mut none = Fake::new();
        let mut cx = Context::new(&mut none, &mut files, &call);
        let failure = cx.ask_python(&[], "x", &json!({})).err().map(|failure| failure.msg);
        assert!(failure.is_some_and(|msg| msg.starts_with("pip needs a Python on the host")));
    }
}
