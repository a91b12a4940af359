//! Every option with its value and where that came from.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{
    Machine,
    ini::{self, Ini},
    machine::expand_path,
    option::{Old, Opt, Reads, Spec, Type, plain_text},
    options,
};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::Value,
};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// An environment variable.
    Env(String),
    /// A configuration file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Env(name) => write!(f, "env: {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The value, of the option's type.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// All options as environment and `ansible.cfg` set them.
#[derive(Debug)]
pub struct Settings {
    file: Option<PathBuf>,
    /// By kind and name of the plugin, and name of the option.
    values: HashMap<Name, Setting>,
    warnings: Vec<String>,
    deprecations: Vec<String>,
    /// Errors of plugins' options: they matter only to who uses the plugin.
    broken: HashMap<Name, Error>,
}

type Name = (Option<(&'static str, &'static str)>, &'static str);

fn name(spec: &Spec) -> Name {
    (spec.plugin, spec.name)
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(Kind::Options, message)
}

impl Settings {
    /// Reads the environment and the configuration file that ansible would read.
    pub fn load(machine: &dyn Machine) -> Result<Self> {
        let mut warnings = Vec::new();
        let file = find_file(machine, &mut warnings);
        let ini = file.as_deref().map(|f| read_file(f, machine)).transpose()?.unwrap_or_default();
        let mut settings = Self {
            file,
            values: HashMap::new(),
            warnings,
            deprecations: Vec::new(),
            broken: HashMap::new(),
        };
        let home = settings.resolve(options::ANSIBLE_HOME.spec(), &ini, "", machine)?;
        let home = plain_text(&home.value);
        for spec in options::base() {
            let setting = settings.resolve(spec, &ini, &home, machine)?;
            settings.values.insert(name(spec), setting);
        }
        for spec in options::of_plugins() {
            match settings.resolve(spec, &ini, &home, machine) {
                Ok(setting) => {
                    settings.values.insert(name(spec), setting);
                }
                Err(error) => {
                    let value = spec.typed(spec.default.value(&home), None, machine);
                    let value = value.map_err(|why| Error::new(Kind::Internal, why))?;
                    settings.values.insert(name(spec), Setting { value, origin: Origin::Default });
                    settings.broken.insert(name(spec), error);
                }
            }
        }
        Ok(settings)
    }

    /// The configuration file in use.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What to warn of.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What is used here and will go away: the texts after `[DEPRECATION WARNING]: `.
    pub fn deprecations(&self) -> &[String] {
        &self.deprecations
    }

    /// An option's value. Fails only for options of plugins, where what is set is no such value.
    pub fn try_get<T: Reads>(&self, option: &Opt<T>) -> Result<T> {
        let setting = self.setting(option.spec())?;
        T::read(&setting.value).ok_or_else(|| {
            let shown = plain_text(&setting.value);
            let entry = option.spec().entry();
            wrong(format!("Invalid value \"{shown}\" for configuration option \"{entry}\""))
        })
    }

    /// An option's value. Base options were checked when the settings were loaded; a plugin's
    /// option that is set to nonsense gives its default here, and an error by
    /// [`Settings::try_get`].
    pub fn get<T: Reads + Default>(&self, option: &Opt<T>) -> T {
        let value = self.values.get(&name(option.spec())).map(|s| &s.value);
        value.and_then(T::read).unwrap_or_default()
    }

    /// An option's value with its origin.
    pub fn setting(&self, spec: &Spec) -> Result<&Setting> {
        let key = name(spec);
        if let Some(error) = self.broken.get(&key) {
            return Err(error.clone());
        }
        self.values.get(&key).ok_or_else(|| {
            let entry = spec.entry();
            wrong(format!("Requested entry ({entry}) was not defined in configuration."))
        })
    }

    /// The value of an option that variables may override: the last of its variables that is set,
    /// else what `fallback` (keywords, flags) gives, else the configured value.
    pub fn resolve_with(
        &self,
        spec: &Spec,
        variable: impl Fn(&str) -> Option<Value>,
        fallback: impl FnOnce(&Spec) -> Option<Value>,
        machine: &dyn Machine,
    ) -> Result<Value> {
        let from_vars = spec.vars.iter().rev().find_map(|v| variable(v).map(|value| (value, v)));
        let (value, origin) = match from_vars {
            Some((value, name)) => (value, format!(" (from var: {name})")),
            None => match fallback(spec) {
                Some(value) => (value, String::new()),
                None => return Ok(self.setting(spec)?.value.clone()),
            },
        };
        spec.typed(value, None, machine).map_err(|why| {
            let entry = spec.entry();
            let entry = entry.trim_end();
            wrong(format!("Invalid type for configuration option {entry}{origin}: {why}"))
        })
    }

    fn resolve(
        &mut self,
        spec: &'static Spec,
        ini: &Ini,
        home: &str,
        machine: &dyn Machine,
    ) -> Result<Setting> {
        let mut found: Option<(Value, Origin)> = None;
        for env in spec.env {
            if let Some(text) = machine.env(env) {
                found = Some((Value::str(text), Origin::Env((*env).to_owned())));
                self.deprecate(spec, env);
            }
        }
        if found.is_none() {
            for entry in spec.ini {
                let Some((section, key)) = entry.split_once('.') else { continue };
                if let (Some(text), Some(file)) = (ini.get(section, key), self.file.clone()) {
                    found = Some((Value::str(text), Origin::File(file)));
                    self.deprecate(spec, &format!("[{section}]{key}"));
                }
            }
        }
        let base = found.as_ref().and_then(|(_, o)| match o {
            Origin::File(path) => Some(path.clone()),
            _ => None,
        });
        let (value, mut origin) =
            found.unwrap_or_else(|| (spec.default.value(home), Origin::Default));
        let empty = value.as_str() == Some("") && matches!(origin, Origin::Env(_));
        let value = match spec.typed(value, base.as_deref(), machine) {
            Ok(value) => value,
            Err(_) if empty => {
                origin = Origin::Default;
                let typed = spec.typed(spec.default.value(home), None, machine);
                typed.map_err(|why| Error::new(Kind::Internal, why))?
            }
            Err(why) => {
                let entry = spec.entry();
                let entry = entry.trim_end();
                return Err(wrong(format!(
                    "Invalid type for configuration option {entry} (from {origin}): {why}"
                )));
            }
        };
        check_choices(spec, &value)?;
        if origin != Origin::Default {
            self.deprecate(spec, spec.name);
        }
        Ok(Setting { value, origin })
    }

    fn deprecate(&mut self, spec: &Spec, source: &str) {
        for old in spec.old.iter().filter(|o| o.source == source) {
            let text = deprecation(old);
            if !self.deprecations.contains(&text) {
                self.deprecations.push(text);
            }
        }
    }
}

fn deprecation(old: &Old) -> String {
    let instead = old.instead.map(|i| format!(", use {i} instead")).unwrap_or_default();
    let text = format!("{} option, {}{instead}", old.source, old.why);
    let stop = if text.ends_with(['!', '?', '.']) { "" } else { "." };
    format!(
        "{text}{stop} This feature will be removed from ansible-core in version {}. Deprecation \
         warnings can be disabled by setting deprecation_warnings=False in ansible.cfg.",
        old.version
    )
}

fn check_choices(spec: &Spec, value: &Value) -> Result<()> {
    if spec.choices.is_empty() || value.is_none() {
        return Ok(());
    }
    let allowed = |v: &Value| v.as_str().is_some_and(|t| spec.choices.contains(&t));
    let valid = match (spec.kind, value) {
        (Type::List, Value::List(items)) => items.snapshot().iter().all(allowed),
        (_, value) => allowed(value),
    };
    if valid {
        return Ok(());
    }
    Err(wrong(format!(
        "Invalid value \"{}\" for configuration option \"{}\", valid values are: {}",
        plain_text(value),
        spec.entry(),
        spec.choices.join(", ")
    )))
}

/// The first configuration file that there is: `ANSIBLE_CONFIG`, the working folder's unless
/// everybody may write there, the user's, the system's.
fn find_file(machine: &dyn Machine, warnings: &mut Vec<String>) -> Option<PathBuf> {
    let readable = |p: &Path| machine.mode(p).is_ok() && machine.read(p).is_ok();
    let from_env = machine.env("ANSIBLE_CONFIG").map(|text| {
        let path = expand_path(&text, None, machine);
        if machine.is_dir(&path) { path.join("ansible.cfg") } else { path }
    });
    let mut candidates: Vec<PathBuf> = from_env.clone().into_iter().collect();
    let mut ignored = None;
    if let Ok(cwd) = machine.cwd()
        && let Ok(mode) = machine.mode(&cwd)
    {
        let here = cwd.join("ansible.cfg");
        if mode & 0o002 == 0 {
            candidates.push(here);
        } else if machine.mode(&here).is_ok() {
            ignored = Some(cwd);
        }
    }
    candidates.push(expand_path("~/.ansible.cfg", None, machine));
    candidates.push(PathBuf::from("/etc/ansible/ansible.cfg"));
    let found = candidates.into_iter().find(|p| readable(p));
    if let Some(cwd) = ignored.filter(|_| from_env.is_none() || from_env != found) {
        warnings.push(format!(
            "Ansible is being run in a world writable directory ({}), ignoring it as an \
             ansible.cfg source. For more information see \
             https://docs.ansible.com/ansible/devel/reference_appendices/config.html\
             #cfg-in-world-writable-dir",
            cwd.display()
        ));
    }
    found
}

fn read_file(path: &Path, machine: &dyn Machine) -> Result<Ini> {
    let shown = path.display();
    let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
    match extension.as_deref() {
        Some(".ini" | ".cfg") => {}
        Some(".yaml" | ".yml") => {
            return Err(wrong("Unsupported configuration file type: yaml"));
        }
        other => {
            let extension = other.unwrap_or_default();
            return Err(wrong(format!(
                "Unsupported configuration file extension for {shown}: {extension}"
            )));
        }
    }
    let bytes = machine
        .read(path)
        .map_err(|e| wrong(format!("Error reading config file ({shown}): {e}")))?;
    let text = String::from_utf8_lossy(&bytes);
    ini::parse(&text).map_err(|why| wrong(format!("Error reading config file ({shown}): {why}")))
}

#[cfg(test)]
mod tests {
    use super::{super::machine::Fake, *};

    fn load(machine: &Fake) -> Settings {
        Settings::load(machine).expect("good settings")
    }

    #[test]
    fn every_option_has_a_default_of_its_type() {
        let settings = load(&Fake::new("/work"));
        for spec in options::base().chain(options::of_plugins()) {
            let setting = settings.setting(spec).expect("resolved");
            assert_eq!(setting.origin, Origin::Default, "{}", spec.name);
        }
        assert_eq!(settings.get(&options::DEFAULT_FORKS), 5);
        assert_eq!(
            settings.get(&options::DEFAULT_HOST_LIST),
            [PathBuf::from("/etc/ansible/hosts")]
        );
        assert_eq!(
            settings.get(&options::DEFAULT_ROLES_PATH)[0],
            PathBuf::from("/home/me/.ansible/roles")
        );
        assert_eq!(settings.get(&options::ssh::TIMEOUT), 10);
        assert!(settings.get(&options::ssh::USE_TTY));
    }

    #[test]
    fn names_are_unique_and_keys_have_sections() {
        let mut seen = std::collections::HashSet::new();
        for spec in options::base().chain(options::of_plugins()) {
            assert!(seen.insert(name(spec)), "{} twice", spec.name);
            assert!(spec.ini.iter().all(|e| e.contains('.')), "{}", spec.name);
            assert!(!spec.name.is_empty());
        }
    }

    #[test]
    fn environment_beats_file_and_paths_follow_the_file() {
        let machine = Fake::new("/work")
            .with_env("ANSIBLE_CONFIG", "/etc/x/a.cfg")
            .with_env("ANSIBLE_FORKS", "7")
            .with_env("ANSIBLE_LIBRARY", "lib:$HOME_OF/l")
            .with_env("HOME_OF", "/h")
            .with_env("ANSIBLE_TIMEOUT", "")
            .with_file(
                "/etc/x/a.cfg",
                "[defaults]\nforks = 3\nroles_path = roles:/r\ninventory = hosts, ../b\n\
                 host_key_checking = no\nremote_user = 'ada'\n",
            );
        let settings = load(&machine);
        assert_eq!(settings.file(), Some(Path::new("/etc/x/a.cfg")));
        assert_eq!(settings.get(&options::DEFAULT_FORKS), 7);
        let paths = |l: &[&str]| l.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(settings.get(&options::DEFAULT_ROLES_PATH), paths(&["/etc/x/roles", "/r"]));
        assert_eq!(settings.get(&options::DEFAULT_HOST_LIST), paths(&["/etc/x/hosts", "/etc/b"]));
        assert_eq!(settings.get(&options::DEFAULT_MODULE_PATH), paths(&["/work/lib", "/h/l"]));
        assert!(!settings.get(&options::HOST_KEY_CHECKING));
        assert_eq!(settings.get(&options::DEFAULT_REMOTE_USER).as_deref(), Some("ada"));
        assert_eq!(settings.get(&options::DEFAULT_TIMEOUT), 10);
        let origin = |o: &Spec| settings.setting(o).expect("known").origin.to_string();
        assert_eq!(origin(options::DEFAULT_FORKS.spec()), "env: ANSIBLE_FORKS");
        assert_eq!(origin(options::DEFAULT_ROLES_PATH.spec()), "/etc/x/a.cfg");
        assert_eq!(origin(options::DEFAULT_TIMEOUT.spec()), "default");
    }

    #[test]
    fn a_folder_that_all_may_write_is_no_source() {
        let mut machine =
            Fake::new("/work").with_file("/work/ansible.cfg", "[defaults]\nforks=9\n");
        assert_eq!(load(&machine).get(&options::DEFAULT_FORKS), 9);
        machine.dirs.insert("/work".into(), 0o777);
        let settings = load(&machine);
        assert_eq!(settings.get(&options::DEFAULT_FORKS), 5);
        assert!(settings.warnings()[0].starts_with("Ansible is being run in a world writable"));
        let machine = machine.with_env("ANSIBLE_CONFIG", "./ansible.cfg");
        let settings = load(&machine);
        assert_eq!(settings.get(&options::DEFAULT_FORKS), 9);
        assert!(settings.warnings().is_empty());
    }

    #[test]
    fn bad_values_are_errors() {
        let error = |name: &str, value: &str| {
            let machine = Fake::new("/work").with_env(name, value);
            Settings::load(&machine).map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(
            error("ANSIBLE_FORKS", "many"),
            Err("Invalid type for configuration option setting: DEFAULT_FORKS (from env: \
                 ANSIBLE_FORKS): invalid literal for int() with base 10: 'many'"
                .to_owned())
        );
        assert_eq!(
            error("ANSIBLE_GATHERING", "never"),
            Err("Invalid value \"never\" for configuration option \"setting: DEFAULT_GATHERING \", \
                 valid values are: implicit, explicit, smart"
                .to_owned())
        );
        // A plugin's option matters only to who uses it.
        let machine = Fake::new("/work").with_env("ANSIBLE_SSH_RETRIES", "x");
        let settings = load(&machine);
        assert!(settings.try_get(&options::ssh::RECONNECTION_RETRIES).is_err());
        assert_eq!(settings.get(&options::ssh::RECONNECTION_RETRIES), 0);
    }

    #[test]
    fn old_names_are_told_of() {
        let machine = Fake::new("/work").with_env("ANSIBLE_CALLBACK_WHITELIST", "timer");
        let settings = load(&machine);
        assert_eq!(settings.get(&options::CALLBACKS_ENABLED), ["timer"]);
        assert_eq!(
            settings.deprecations(),
            ["ANSIBLE_CALLBACK_WHITELIST option, normalizing names to new standard, use \
              ANSIBLE_CALLBACKS_ENABLED instead. This feature will be removed from ansible-core \
              in version 2.15. Deprecation warnings can be disabled by setting \
              deprecation_warnings=False in ansible.cfg."]
        );
    }

    #[test]
    fn variables_override() {
        let machine = Fake::new("/work").with_env("ANSIBLE_REMOTE_PORT", "23");
        let settings = load(&machine);
        let port = options::ssh::PORT.spec();
        let none = |_: &Spec| None;
        let resolve = |vars: &[(&str, Value)]| {
            let get = |n: &str| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| v.clone());
            settings.resolve_with(port, get, none, &machine).map(|v| plain_text(&v))
        };
        assert_eq!(resolve(&[]).ok().as_deref(), Some("23"));
        let both = [("ansible_port", Value::str("1")), ("ansible_ssh_port", Value::Int(2))];
        assert_eq!(resolve(&both).ok().as_deref(), Some("2"));
        assert!(resolve(&[("ansible_port", Value::str("x"))]).is_err());
    }
}
