//! `passwordstore`: passwords that the program `pass` keeps.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Call, Lookup,
    call::into_text,
    options::{Default, Opt, Type, truth},
};
use crate::{
    template::{
        filters::{expand_user, expand_vars, join_paths, normpath},
        templar::ansible,
    },
    value::{
        Dict, PyError, PyErrorKind, PyResult, Value, access,
        localtime::now_local,
        random::Random,
        repr::{repr, to_text},
        strftime::strftime,
    },
    yaml,
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "passwordstore",
    "Passwords that the program pass keeps; it can make new ones.",
    &[
        Opt::new("directory", Type::Text).elsewhere("passwordstore", "PASSWORD_STORE_DIR"),
        Opt::new("create", Type::Bool).default(Default::Bool(false)),
        Opt::new("overwrite", Type::Bool).default(Default::Bool(false)),
        Opt::new("umask", Type::Text).environment("PASSWORD_STORE_UMASK"),
        Opt::new("returnall", Type::Bool).default(Default::Bool(false)),
        Opt::new("subkey", Type::Text).default(Default::Text("password")),
        Opt::new("userpass", Type::Text),
        Opt::new("length", Type::Int).default(Default::Int(16)),
        Opt::new("backup", Type::Bool).default(Default::Bool(false)),
        Opt::new("nosymbols", Type::Bool).default(Default::Bool(false)),
        Opt::new("missing", Type::Text)
            .default(Default::Text("error"))
            .choices(&["error", "warn", "empty", "create"]),
        Opt::new("lock", Type::Text).default(Default::Text("write")).choices(&[
            "readwrite",
            "write",
            "none",
        ]),
        Opt::new("locktimeout", Type::Text).default(Default::Text("15m")),
        Opt::new("backend", Type::Text)
            .default(Default::Text("pass"))
            .choices(&["pass", "gopass"])
            .variable("passwordstore_backend"),
    ],
    run,
);

/// One at a time asks for passwords, or makes them.
static LOCK: Mutex<()> = Mutex::new(());

fn lock(wanted: bool) -> Option<MutexGuard<'static, ()>> {
    wanted.then(|| LOCK.lock().unwrap_or_else(PoisonError::into_inner))
}

const LETTERS_AND_DIGITS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const SYMBOLS: &str = ".,:-_";

/// What may stand behind the name of a password; it holds for the terms that follow too.
const PARAMETERS: [&str; 11] = [
    "subkey",
    "directory",
    "create",
    "returnall",
    "overwrite",
    "nosymbols",
    "userpass",
    "length",
    "backup",
    "missing",
    "umask",
];

/// The store, and how it is asked.
struct Store {
    program: String,
    parameters: Dict,
    /// Variables of the environment.
    environment: Vec<(&'static str, String)>,
    is_pass: Option<bool>,
}

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let timeout = options.text("locktimeout")?.unwrap_or_default();
    let (number, unit) = timeout.split_at(timeout.len().saturating_sub(1));
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if !digits || !matches!(unit, "s" | "m" | "h") {
        return Err(ansible(format!("{timeout} is not a correct value for locktimeout")));
    }
    let program = options.text("backend")?.unwrap_or_default();
    let parameters = Dict::new();
    for name in PARAMETERS {
        parameters.insert(name, options.get(name));
    }
    let usual = match program.as_str() {
        "gopass" => "~/.local/share/gopass/stores/root",
        _ => "~/.password-store",
    };
    let directory = options.text("directory")?.unwrap_or_else(|| usual.to_owned());
    let here = std::env::current_dir().unwrap_or_default();
    let directory = expand_user(&expand_vars(&directory));
    let directory = normpath(&join_paths([&*here.to_string_lossy(), directory.as_str()]));
    parameters.insert("directory", Value::from(directory));
    let locking = options.text("lock")?.unwrap_or_default();
    let mut store = Store { program, parameters, environment: Vec::new(), is_pass: None };
    let mut found = Vec::new();
    for term in call.each()? {
        let name = store.read_term(&to_text(&term)?)?;
        let _all = lock(locking == "readwrite");
        found.push(store.answer(call, &name, locking == "write")?);
    }
    Ok(found)
}

impl Store {
    fn text(&self, name: &str) -> String {
        let value = self.parameters.get(name).unwrap_or(Value::None);
        if value.is_none() { String::new() } else { value.to_text() }
    }

    fn is(&self, name: &str) -> bool {
        self.parameters.get(name).is_some_and(|value| value.is_true())
    }

    /// The name in a term like `web/admin length=20 create=true`; the rest changes the parameters.
    fn read_term(&mut self, term: &str) -> PyResult<String> {
        let mut words = term.split_whitespace();
        let Some(name) = words.next() else { return Ok(String::new()) };
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                return Err(ansible("not enough values to unpack (expected 2, got 1)"));
            };
            if !PARAMETERS.contains(&key) {
                return Err(ansible(format!("{key} not in paramvals")));
            }
            self.parameters.insert(key, Value::str(value));
        }
        for key in ["create", "returnall", "overwrite", "backup", "nosymbols"] {
            let value = self.parameters.get(key).unwrap_or(Value::None);
            self.parameters.insert(key, Value::Bool(truth(&value)?));
        }
        let missing = self.text("missing");
        if !["error", "warn", "create", "empty"].contains(&missing.as_str()) {
            return Err(ansible(format!("{missing} is not a valid option for missing")));
        }
        let length = self.text("length");
        match length.parse::<i64>() {
            Ok(number) if !length.starts_with(['+', '-']) => {
                self.parameters.insert("length", Value::Int(number));
            }
            _ => return Err(ansible(format!("{length} is not a correct value for length"))),
        }
        if self.is("create") {
            self.parameters.insert("missing", Value::str("create"));
        }
        self.set_environment()?;
        Ok(name.to_owned())
    }

    fn set_environment(&mut self) -> PyResult<()> {
        self.environment = vec![("LANGUAGE", "C".to_owned())];
        let directory = self.text("directory");
        if self.program == "gopass" {
            self.environment.push(("GOPASS_NO_REMINDER", "YES".to_owned()));
        } else if Path::new(&directory).is_dir() {
            self.environment.push(("PASSWORD_STORE_DIR", directory));
        } else if self.is_real_pass()? {
            return Err(ansible(format!("Passwordstore directory '{directory}' does not exist")));
        }
        let umask = self.text("umask");
        match umask.as_bytes() {
            [] => {}
            [first, _, _] if *first > b'3' => {
                return Err(ansible(
                    "Passwordstore umask not allowed (password not user readable).",
                ));
            }
            [_, _, _] => self.environment.push(("PASSWORD_STORE_UMASK", umask)),
            _ => return Err(ansible("Passwordstore umask must have a length of 3.")),
        }
        Ok(())
    }

    /// The program's output, or what it said where it failed.
    fn call(&self, words: &[&str], input: Option<&str>) -> PyResult<Result<String, PyError>> {
        let failed = |error: &std::io::Error| {
            let why = crate::diagnostic::ansible::os_error(error, Some(Path::new(&self.program)));
            PyError::new(PyErrorKind::OSError, why)
        };
        let mut child = Command::new(&self.program)
            .args(words)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::inherit() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error))?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // One that does not read says what it thinks by its status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| failed(&error))?;
        let (out, err) = (into_text(output.stdout), into_text(output.stderr));
        let unusable = "encryption failed: Unusable public key";
        let code = match output.status.code() {
            Some(0) if out.contains(unusable) || err.contains(unusable) => 78,
            code => code.unwrap_or(-1),
        };
        if code == 0 {
            return Ok(Ok(out));
        }
        let line = [&[self.program.as_str()], words].concat();
        let line = repr(&line.into_iter().map(Value::str).collect::<Value>())?;
        Ok(Err(ansible(format!("exit code {code} while running {line}. Error output: {out}{err}"))))
    }

    fn is_real_pass(&mut self) -> PyResult<bool> {
        if self.is_pass.is_none() {
            let version = self.call(&["--version"], None)??;
            self.is_pass = Some(version.contains("pass: the standard unix password manager"));
        }
        Ok(self.is_pass == Some(true))
    }

    fn answer(&mut self, call: &Call<'_>, name: &str, locks: bool) -> PyResult<Value> {
        if let Some(lines) = self.look_up(call, name)? {
            if self.is("overwrite") && self.text("subkey") == "password" {
                let _lock = lock(locks);
                return self.replace(name, &lines);
            }
            return self.of_entry(&lines);
        }
        if self.text("missing") != "create" {
            return Ok(Value::None);
        }
        let _lock = lock(locks);
        if locks && let Some(lines) = self.look_up(call, name)? {
            return self.of_entry(&lines);
        }
        let new = self.new_password()?;
        let text = format!("{new}\nlookup_pass: First generated by ansible on {}\n", now()?);
        self.insert(name, &text)?;
        Ok(Value::from(new))
    }

    /// The lines of an entry, if it is there.
    fn look_up(&mut self, call: &Call<'_>, name: &str) -> PyResult<Option<Vec<String>>> {
        match self.call(&["show", name], None)? {
            Ok(out) => {
                let lines: Vec<String> = out.lines().map(str::to_owned).collect();
                if lines.is_empty() {
                    return Err(PyError::new(PyErrorKind::IndexError, "list index out of range"));
                }
                let file = Path::new(&self.text("directory")).join(format!("{name}.gpg"));
                // pass lists folders too.
                if self.program == "gopass" || file.is_file() || !self.is_real_pass()? {
                    return Ok(Some(lines));
                }
            }
            Err(error) if error.message.contains("not in the password store") => {}
            Err(error) => return Err(error),
        }
        match self.text("missing").as_str() {
            "error" => {
                let why =
                    format!("passwordstore: passname {name} not found and missing=error is set");
                return Err(ansible(why));
            }
            "warn" => call.warn(format!("passwordstore: passname {name} not found")),
            _ => {}
        }
        Ok(None)
    }

    /// What is asked for of an entry.
    fn of_entry(&self, lines: &[String]) -> PyResult<Value> {
        let subkey = self.text("subkey");
        if self.is("returnall") {
            return Ok(Value::from(lines.join("\n")));
        }
        if subkey == "password" {
            return Ok(Value::from(lines[0].clone()));
        }
        if let Ok(loaded) = yaml::safe_load(&lines[1..].join("\n"))
            && let Some(keys) = access::as_dict(&loaded)
        {
            return Ok(keys.get(subkey.as_str()).unwrap_or(Value::None));
        }
        let mut pairs = lines[1..].iter().filter_map(|line| line.split_once(':'));
        let found = pairs.rfind(|(name, _)| name.trim() == subkey);
        Ok(found.map_or(Value::None, |(_, value)| Value::str(value.trim())))
    }

    fn new_password(&self) -> PyResult<String> {
        let given = self.text("userpass");
        if !given.is_empty() {
            return Ok(given);
        }
        let symbols = if self.is("nosymbols") { "" } else { SYMBOLS };
        let chars: Vec<char> = LETTERS_AND_DIGITS.chars().chain(symbols.chars()).collect();
        let Some(Value::Int(length)) = self.parameters.get("length") else {
            return Ok(String::new());
        };
        (0..length).map(|_| Ok(chars[Random::System.below(chars.len())?])).collect()
    }

    /// A new first line; the others stay.
    fn replace(&self, name: &str, lines: &[String]) -> PyResult<Value> {
        let new = self.new_password()?;
        let mut text = format!("{new}\n");
        for line in &lines[1..] {
            text += line;
            text.push('\n');
        }
        if self.is("backup") {
            let old = &lines[0];
            text += &format!("lookup_pass: old password was {old} (Updated on {})\n", now()?);
        }
        self.insert(name, &text)?;
        Ok(Value::from(new))
    }

    fn insert(&self, name: &str, text: &str) -> PyResult<()> {
        self.call(&["insert", "-f", "-m", name], Some(text))?.map(drop)
    }
}

fn now() -> PyResult<String> {
    strftime("%d/%m/%Y %H:%M:%S", &now_local(), None)
}
