//! `ansible-config`: shows settings, where they come from, and what there is to set.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Actions, Session, Spec, flags::Base, page};
use crate::{
    callback::Colour,
    config::{self, Machine, Origin, Setting, Settings, System, Type, expand_path, options},
    diagnostic::{Error, Kind, Result, ansible::os_error},
    value::{
        Dict, Value,
        json::{self, Layout},
    },
    yaml,
};

/// Flags of every action.
#[derive(Args, Clone, Debug, Default)]
struct Common {
    #[command(flatten)]
    base: Base,
    /// the configuration file (default: the first that is found)
    #[arg(short = 'c', long = "config", value_name = "CONFIG_FILE")]
    config_file: Option<String>,
    /// only options of plugins of this type
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// plugins, of the type that -t names
    #[arg(value_name = "args", num_args = 0..)]
    args: Vec<String>,
}

#[derive(Args, Clone, Debug, Default)]
struct List {
    #[command(flatten)]
    common: Common,
    /// json or yaml
    #[arg(short = 'f', long = "format", value_name = "FORMAT")]
    format: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
struct Dump {
    #[command(flatten)]
    common: Common,
    /// only what is not the default
    #[arg(long = "only-changed", visible_alias = "changed-only")]
    only_changed: bool,
    /// json, yaml or display
    #[arg(short = 'f', long = "format", value_name = "FORMAT")]
    format: Option<String>,
}

#[derive(Args, Clone, Debug, Default)]
struct View {
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Clone, Debug, Default)]
struct Init {
    #[command(flatten)]
    common: Common,
    /// ini, env or vars
    #[arg(short = 'f', long = "format", value_name = "FORMAT")]
    format: Option<String>,
    /// write every entry as a comment
    #[arg(long = "disabled")]
    disabled: bool,
}

static ACTIONS: Actions = Actions {
    about: "View ansible configuration.",
    epilog: false,
    all: &[
        ("list", "Print all config options"),
        ("dump", "Dump configuration"),
        ("view", "View configuration file"),
        ("init", "Create initial configuration"),
    ],
};

/// Types of plugins that have options.
const KINDS: [&str; 11] = [
    "become",
    "cache",
    "callback",
    "cliconf",
    "connection",
    "httpapi",
    "inventory",
    "lookup",
    "netconf",
    "shell",
    "vars",
];

/// Callbacks that come from collections: they are shown only if they are named.
const OF_COLLECTIONS: [&str; 3] = ["json", "log_plays", "profile_tasks"];

/// Runs `ansible-config`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    let (action, name, rest) = match ACTIONS.choose(program, args, settings) {
        Ok(chosen) => chosen,
        Err(status) => return status,
    };
    macro_rules! action {
        ($flags:ty, $run:path, $formats:expr) => {
            super::run::<$flags>(
                &name,
                &rest,
                settings,
                &Spec {
                    about: "",
                    epilog: None,
                    exclusive: &[],
                    look: |f| (f.common.base.verbosity, false),
                    run: $run,
                    check: $formats,
                },
            )
        };
    }
    match action {
        "list" => action!(List, list, |f| check(&f.common, f.format.as_deref(), &["json", "yaml"])),
        "dump" => action!(Dump, dump, |f| {
            check(&f.common, f.format.as_deref(), &["json", "yaml", "display"])
        }),
        "view" => action!(View, view, |f| check(&f.common, None, &[])),
        _ => action!(Init, init, |f| {
            check(&f.common, f.format.as_deref(), &["ini", "env", "vars"])
        }),
    }
}

fn check(common: &Common, format: Option<&str>, formats: &[&str]) -> Result<(), String> {
    let one_of = |flag: &str, given: Option<&str>, choices: &[&str]| match given {
        Some(given) if !choices.contains(&given) => {
            let all: Vec<String> = choices.iter().map(|c| format!("'{c}'")).collect();
            let all = all.join(", ");
            Err(format!("argument {flag}: invalid choice: '{given}' (choose from {all})"))
        }
        _ => Ok(()),
    };
    let kinds: Vec<&str> = ["all", "base"].into_iter().chain(KINDS).collect();
    one_of("-t/--type", common.kind.as_deref(), &kinds)?;
    one_of("--format/-f", format, formats)
}

/// The machine with another configuration file.
struct Chosen(PathBuf);

impl Machine for Chosen {
    fn env(&self, name: &str) -> Option<String> {
        if name == "ANSIBLE_CONFIG" {
            return Some(self.0.display().to_string());
        }
        System.env(name)
    }
    fn cwd(&self) -> std::io::Result<PathBuf> {
        System.cwd()
    }
    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        System.home(user)
    }
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        System.read(path)
    }
    fn mode(&self, path: &Path) -> std::io::Result<u32> {
        System.mode(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        System.is_dir(path)
    }
}

/// The settings to show: those of `-c`, else those in use.
fn chosen(session: &Session, common: &Common) -> Result<Arc<Settings>> {
    let Some(file) = common.config_file.as_deref().filter(|f| !f.is_empty()) else {
        return Ok(Arc::clone(&session.settings));
    };
    let path = expand_path(file, None, &System);
    if std::fs::metadata(&path).is_err() {
        let shown = path.display();
        return Err(Error::new(
            Kind::Options,
            format!("The provided configuration file is missing or not accessible: {shown}"),
        ));
    }
    Settings::load(&Chosen(path)).map(Arc::new)
}

fn view(session: &Session, flags: View) -> Result<u8> {
    let settings = chosen(session, &flags.common)?;
    let Some(file) = settings.file() else {
        return Err(Error::new(Kind::User, "Invalid or no config file was supplied"));
    };
    let bytes = std::fs::read(file).map_err(|e| {
        let why = os_error(&e, Some(file));
        Error::new(Kind::User, format!("Failed to open config file: {why}"))
    })?;
    page(&String::from_utf8_lossy(&bytes), &session.display)?;
    Ok(0)
}

// --- dump --------------------------------------------------------------------------------------

/// An option as `dump` shows it.
struct Shown {
    name: String,
    setting: Setting,
    /// The origin's text.
    origin: String,
}

impl Shown {
    fn new(name: &str, setting: &Setting) -> Self {
        let origin = setting.origin.to_string();
        Self { name: name.to_owned(), setting: setting.clone(), origin }
    }

    fn is_changed(&self) -> bool {
        self.origin != "default"
    }

    fn line(&self, session: &Session) -> String {
        let text = format!("{}({}) = {}", self.name, self.origin, self.setting.value.to_text());
        let colour = if self.is_changed() { Colour::Changed } else { Colour::Ok };
        session.display.paint(&text, colour)
    }

    fn data(&self) -> Value {
        let entry: Dict = [
            ("name", Value::from(self.name.as_str())),
            ("value", self.setting.value.clone()),
            ("origin", Value::from(self.origin.as_str())),
            ("type", Value::None),
        ]
        .into_iter()
        .collect();
        Value::Dict(entry)
    }
}

fn base_options(settings: &Settings) -> Vec<Shown> {
    let known = options::base().filter_map(|o| Some(Shown::new(o.name, settings.setting(o).ok()?)));
    let mut all: Vec<Shown> = known.collect();
    let file = settings.file().map_or(Value::None, |f| Value::from(f.display().to_string()));
    let setting = Setting { value: file, origin: Origin::Default };
    all.retain(|o| o.name != "CONFIG_FILE");
    // ansible-core 2.14: the file itself has an empty origin, and so counts as changed.
    all.push(Shown { name: "CONFIG_FILE".to_owned(), setting, origin: String::new() });
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Options by plugin, both in the order of their names.
fn plugins(
    session: &Session,
    kind: &str,
    named: &[String],
) -> Vec<(&'static str, Vec<&'static config::Spec>)> {
    let mut found: Vec<(&'static str, Vec<&'static config::Spec>)> = Vec::new();
    for spec in options::of_plugins() {
        let Some((_, plugin)) = spec.plugin.filter(|(k, _)| *k == kind) else { continue };
        let wanted = match named {
            [] => !OF_COLLECTIONS.contains(&plugin),
            named => named.iter().any(|n| n.rsplit('.').next() == Some(plugin)),
        };
        match found.iter_mut().find(|(name, _)| *name == plugin) {
            Some((_, specs)) => specs.push(spec),
            None if wanted => found.push((plugin, vec![spec])),
            None => {}
        }
    }
    for name in named {
        if !found.iter().any(|(plugin, _)| name.rsplit('.').next() == Some(plugin)) {
            let text = format!("Skipping {name} as we could not find matching plugin");
            session.display.warning(&text);
        }
    }
    found.sort_by_key(|(name, _)| *name);
    for (_, specs) in &mut found {
        specs.sort_by_key(|s| s.name);
    }
    found
}

/// What `dump` shows: lines, or data.
struct Output {
    lines: Vec<String>,
    data: Vec<Value>,
}

fn dump(session: &Session, flags: Dump) -> Result<u8> {
    let settings = chosen(session, &flags.common)?;
    let kind = flags.common.kind.as_deref().unwrap_or("base");
    let mut output = Output { lines: Vec::new(), data: Vec::new() };
    let wanted = |o: &Shown| !flags.only_changed || o.is_changed();
    if matches!(kind, "base" | "all") {
        for option in base_options(&settings).iter().filter(|o| wanted(o)) {
            output.lines.push(option.line(session));
            output.data.push(option.data());
        }
    }
    let kinds: Vec<&str> = KINDS.into_iter().filter(|k| kind == "all" || *k == kind).collect();
    for each in kinds {
        let mut of_kind = Output { lines: Vec::new(), data: Vec::new() };
        for (plugin, specs) in plugins(session, each, &flags.common.args) {
            let shown: Vec<Shown> = specs
                .iter()
                .filter_map(|s| Some(Shown::new(s.name, settings.setting(s).ok()?)))
                .filter(|o| wanted(o))
                .collect();
            if shown.is_empty() {
                continue;
            }
            let plugin = &full_name(plugin, each, &flags.common.args);
            of_kind.lines.push(heading(plugin, '_'));
            of_kind.lines.extend(shown.iter().map(|o| o.line(session)));
            let data: Value = shown.iter().map(Shown::data).collect();
            of_kind.data.push(Value::Dict([(plugin.as_str(), data)].into_iter().collect()));
        }
        if kind != "all" {
            output = of_kind;
        } else {
            if !flags.only_changed || !of_kind.lines.is_empty() {
                output.lines.push(heading(&each.to_uppercase(), '='));
                output.lines.extend(of_kind.lines);
            }
            let name = format!("{}_PLUGINS", each.to_uppercase());
            let data: Value = of_kind.data.into_iter().collect();
            output.data.push(Value::Dict([(name.as_str(), data)].into_iter().collect()));
        }
    }
    let text = match flags.format.as_deref() {
        Some(format @ ("json" | "yaml")) => written(&output.data.into_iter().collect(), format)?,
        _ => output.lines.join("\n"),
    };
    page(&text, &session.display)?;
    Ok(0)
}

/// A plugin's name in `dump`.
fn full_name(plugin: &str, kind: &str, named: &[String]) -> String {
    // ansible-core 2.14: one that is named with its collection is called as Python imports it.
    let collection = named.iter().filter_map(|n| n.rsplit_once('.')).find(|(_, n)| *n == plugin);
    match collection {
        Some((collection, _)) => {
            format!("ansible_collections.{collection}.plugins.{kind}.{plugin}")
        }
        None => plugin.to_owned(),
    }
}

fn heading(name: &str, under: char) -> String {
    format!("\n{name}:\n{}", under.to_string().repeat(name.len()))
}

fn written(data: &Value, format: &str) -> Result<String> {
    if format == "yaml" {
        return yaml::dump(data, &yaml::DumpOptions::default());
    }
    let layout = Layout {
        indent: Some("    ".to_owned()),
        item_separator: ",".to_owned(),
        sort_keys: true,
        ..Layout::default()
    };
    json::dumps_ansible(data, &layout).map_err(|e| Error::new(Kind::Internal, e.to_string()))
}

// --- list and init -----------------------------------------------------------------------------

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::Any | Type::Text => "string",
        Type::Flag => "boolean",
        Type::Int => "integer",
        Type::Float => "float",
        Type::List => "list",
        Type::Path => "path",
        Type::TmpPath => "tmppath",
        Type::PathList => "pathlist",
        Type::PathSpec => "pathspec",
        Type::Dict => "dictionary",
    }
}

/// The option as `list` describes it.
fn described(spec: &config::Spec) -> Value {
    let named = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|n| Value::Dict([("name", Value::from(*n))].into_iter().collect()))
            .collect()
    };
    let entry = Dict::new();
    entry.insert("type", type_name(spec.kind));
    entry.insert("default", spec.written_default());
    if !spec.env.is_empty() {
        entry.insert("env", named(spec.env));
    }
    if !spec.vars.is_empty() {
        entry.insert("vars", named(spec.vars));
    }
    if !spec.choices.is_empty() {
        entry.insert("choices", spec.choices.iter().map(|c| Value::from(*c)).collect::<Value>());
    }
    if !spec.ini.is_empty() {
        let places = spec.ini.iter().filter_map(|place| place.split_once('.'));
        let places = places.map(|(section, key)| {
            let place: Dict = [("section", Value::from(section)), ("key", Value::from(key))]
                .into_iter()
                .collect();
            Value::Dict(place)
        });
        entry.insert("ini", places.collect::<Value>());
    }
    Value::Dict(entry)
}

fn list(session: &Session, flags: List) -> Result<u8> {
    let kind = flags.common.kind.as_deref().unwrap_or("base");
    let all = Dict::new();
    if matches!(kind, "base" | "all") {
        for spec in options::base() {
            all.insert(spec.name, described(spec));
        }
    }
    if kind != "base" {
        let by_kind = Dict::new();
        for each in KINDS.into_iter().filter(|k| kind == "all" || *k == kind) {
            let by_plugin = Dict::new();
            for (plugin, specs) in plugins(session, each, &flags.common.args) {
                let of_plugin: Dict = specs.iter().map(|s| (s.name, described(s))).collect();
                by_plugin.insert(plugin, of_plugin);
            }
            let name = if kind == "all" { each.to_uppercase() } else { each.to_owned() };
            by_kind.insert(name.as_str(), by_plugin);
        }
        all.insert("PLUGINS", by_kind);
    }
    let text = written(&Value::Dict(all), flags.format.as_deref().unwrap_or("yaml"))?;
    page(&text, &session.display)?;
    Ok(0)
}

/// The default as a file or a variable of the environment has it.
fn default_text(spec: &config::Spec) -> String {
    match spec.written_default() {
        Value::None => String::new(),
        Value::List(items) => {
            let items: Vec<String> = items.snapshot().iter().map(Value::to_text).collect();
            items.join(", ")
        }
        other => other.to_text(),
    }
}

fn init(session: &Session, flags: Init) -> Result<u8> {
    let kind = flags.common.kind.as_deref().unwrap_or("base");
    let mut specs: Vec<&config::Spec> = Vec::new();
    if matches!(kind, "base" | "all") {
        specs.extend(options::base());
        specs.sort_by_key(|s| s.name);
    }
    for each in KINDS.into_iter().filter(|k| kind == "all" || *k == kind) {
        let found = plugins(session, each, &flags.common.args);
        specs.extend(found.into_iter().flat_map(|(_, specs)| specs));
    }
    let text = match flags.format.as_deref() {
        Some("env") => init_lines(&specs, flags.disabled, |spec| {
            let name = spec.env.last().filter(|n| !n.starts_with("_ANSIBLE_"))?;
            let default = match spec.written_default() {
                Value::Bool(b) => u8::from(b).to_string(),
                _ => quoted(&default_text(spec)),
            };
            Some(format!("{name}={default}"))
        }),
        Some("vars") => init_lines(&specs, flags.disabled, |spec| {
            let name = spec.vars.last().filter(|n| !n.starts_with("_ansible_"))?;
            let default = spec.written_default();
            let text = json::dumps(&default, &Layout::default()).unwrap_or_default();
            Some(format!("{name}: {text}"))
        }),
        _ => init_sections(&specs, flags.disabled),
    };
    page(&text, &session.display)?;
    Ok(0)
}

fn init_lines(
    specs: &[&config::Spec],
    disabled: bool,
    line: impl Fn(&config::Spec) -> Option<String>,
) -> String {
    let mark = if disabled { "#" } else { "" };
    let mut lines = Vec::new();
    for spec in specs {
        if let Some(text) = line(spec) {
            lines.push(format!("# {}({})", spec.name, type_name(spec.kind)));
            lines.push(format!("{mark}{text}"));
            lines.push(String::new());
        }
    }
    lines.join("\n")
}

fn init_sections(specs: &[&config::Spec], disabled: bool) -> String {
    let mark = if disabled { ";" } else { "" };
    let mut sections: indexmap::IndexMap<&str, Vec<String>> = indexmap::IndexMap::new();
    for spec in specs {
        let Some((section, key)) = spec.ini.last().and_then(|place| place.split_once('.')) else {
            continue;
        };
        let default = default_text(spec);
        sections.entry(section).or_default().push(format!(
            "# ({}) {}\n{mark}{key}={default}\n",
            type_name(spec.kind),
            spec.name
        ));
    }
    let texts = sections.iter().map(|(name, keys)| format!("[{name}]\n{}\n", keys.join("\n")));
    texts.collect::<Vec<_>>().join("\n")
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}
