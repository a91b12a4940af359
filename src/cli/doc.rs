//! `ansible-doc`: what there is, and how it is used.

use std::{collections::BTreeMap, sync::Arc};

use clap::Args;
use vmstation_host::{
    module::{self, Module, Returned},
    spec::{Lit, Opt},
};

use super::{
    Session, Spec,
    flags::{Base, Modules},
    page,
};
use crate::{
    action::{documentation::DOCUMENTS, names},
    callback,
    config::Settings,
    diagnostic::{Error, Kind, Result},
    playbook::keywords,
    template::{filters, lookups, tests},
    value::{
        Dict, Value,
        json::{self, Layout},
        textwrap::Wrap,
    },
};

/// Flags of `ansible-doc`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    #[command(flatten)]
    modules: Modules,
    /// the folder that stands for a playbook's
    #[arg(long = "playbook-dir", value_name = "BASEDIR")]
    basedir: Option<String>,
    /// the kind of plugin (default=module)
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// as JSON
    #[arg(short = 'j', long = "json")]
    json: bool,
    /// folders with roles
    #[arg(short = 'r', long = "roles-path", value_name = "ROLES_PATH")]
    roles_path: Option<String>,
    /// the entry point of roles
    #[arg(short = 'e', long = "entry-point", value_name = "ENTRY_POINT")]
    entry_point: Option<String>,
    /// a task to fill in: for module, lookup and inventory
    #[arg(short = 's', long = "snippet")]
    snippet: bool,
    /// list names and where they come from
    #[arg(short = 'F', long = "list_files")]
    list_files: bool,
    /// list names, with a line each
    #[arg(short = 'l', long = "list")]
    list: bool,
    /// names; with -l and -F collections
    #[arg(value_name = "plugin", num_args = 0..)]
    names: Vec<String>,
}

const KINDS: [&str; 16] = [
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
    "module",
    "strategy",
    "test",
    "filter",
    "role",
];

/// What is built in and has no table of its own.
const BUILT_IN: &[(&str, &str, &str)] = &[
    ("become", "ansible.builtin.su", "Become another user by su"),
    ("become", "ansible.builtin.sudo", "Become another user by sudo"),
    ("cache", "ansible.builtin.jsonfile", "Facts in files, as JSON"),
    ("cache", "ansible.builtin.memory", "Facts for the time of the run"),
    ("connection", "ansible.builtin.local", "The controller itself"),
    ("connection", "ansible.builtin.paramiko_ssh", "The same as ssh"),
    ("connection", "ansible.builtin.ssh", "Hosts that are reached by ssh"),
    (
        "inventory",
        "ansible.builtin.advanced_host_list",
        "Hosts with commas between, and ranges of them",
    ),
    ("inventory", "ansible.builtin.auto", "Files that say which plugin reads them"),
    ("inventory", "ansible.builtin.constructed", "Groups and variables made by expressions"),
    ("inventory", "ansible.builtin.generator", "Hosts and groups made of layers"),
    ("inventory", "ansible.builtin.host_list", "Hosts with commas between"),
    ("inventory", "ansible.builtin.ini", "Files in INI format"),
    ("inventory", "ansible.builtin.script", "Programs that write JSON"),
    ("inventory", "ansible.builtin.yaml", "Files in YAML"),
    ("shell", "ansible.builtin.sh", "POSIX shells"),
    ("strategy", "ansible.builtin.debug", "Tasks in lockstep, with the debugger for failures"),
    ("strategy", "ansible.builtin.free", "Each host as fast as it can"),
    ("strategy", "ansible.builtin.host_pinned", "Each host to its end before another begins"),
    ("strategy", "ansible.builtin.linear", "Tasks in lockstep"),
    ("vars", "ansible.builtin.host_group_vars", "Variables of host_vars and group_vars"),
];

/// What there is to say of something.
struct Page {
    full: String,
    summary: String,
    description: String,
    version: &'static str,
    options: Vec<&'static Opt>,
    examples: &'static str,
    returns: &'static [Returned],
    has_action: bool,
}

impl Page {
    fn plain(full: &str, summary: &str) -> Self {
        Self {
            full: full.to_owned(),
            summary: summary.trim_end_matches('.').to_owned(),
            description: String::new(),
            version: "",
            options: Vec::new(),
            examples: "",
            returns: &[],
            has_action: false,
        }
    }

    fn of_module(module: &'static Module) -> Self {
        let full = format!("{}.{}", module.collection, module.name);
        let has_action = crate::action::find(&full).is_some();
        let options = module.all_options();
        Self {
            summary: module.summary.to_owned(),
            description: module.description.to_owned(),
            version: module.version_added,
            options: options.into_iter().filter(|opt| !opt.internal).collect(),
            examples: module.examples,
            returns: module.returns,
            has_action,
            ..Self::plain(&full, "")
        }
    }

    fn is_deprecated(&self) -> bool {
        self.full == "ansible.builtin.include"
    }

    fn short(&self) -> &str {
        self.full.rsplit('.').next().unwrap_or(&self.full)
    }
}

/// Runs `ansible-doc`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "plugin documentation tool",
            epilog: Some("What is built in is told of here; plugins in Python have no place."),
            exclusive: &[&["entry_point", "snippet", "list_files", "list"]],
            look: |f| (f.base.verbosity, false),
            run,
            check: |f| match f.kind.as_deref() {
                Some(kind) if kind != "keyword" && !KINDS.contains(&kind) => {
                    let all: Vec<String> = KINDS.iter().map(|kind| format!("'{kind}'")).collect();
                    Err(format!(
                        "argument -t/--type: invalid choice: '{kind}' (choose from {}, 'keyword')",
                        all.join(", ")
                    ))
                }
                _ => Ok(()),
            },
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let kind = flags.kind.clone().unwrap_or_else(|| "module".to_owned());
    if kind == "role" {
        return Err(Error::new(Kind::User, "argument specifications of roles are not shown yet"));
    }
    let pages = pages(&kind);
    if flags.list || flags.list_files {
        let wanted = |page: &&Page| {
            flags.names.is_empty()
                || flags.names.iter().any(|name| page.full.starts_with(&format!("{name}.")))
        };
        let pages: Vec<&Page> = pages.values().filter(wanted).collect();
        return list(session, &flags, &pages).map(|()| 0);
    }
    if flags.names.is_empty() {
        return Err(Error::new(
            Kind::Options,
            "Missing name(s), incorrect options passed for detailed documentation.",
        ));
    }
    if flags.snippet && !["module", "lookup", "inventory"].contains(&kind.as_str()) {
        return Err(Error::new(
            Kind::User,
            "Snippets are only available for the following plugin types: inventory, lookup, module",
        ));
    }
    let mut found: Vec<(&str, &Page)> = Vec::new();
    for name in &flags.names {
        match named(&pages, &kind, name) {
            Some(page) => found.push((name, page)),
            None => session.display.warning(&format!("{name} was not found")),
        }
    }
    if flags.json {
        let all: Dict = found.iter().map(|(name, page)| (*name, data(page))).collect();
        let text = written(&Value::Dict(all))?;
        return page(&text, &session.display).map(|()| 0);
    }
    let columns = crate::terminal::display_columns();
    let texts: Vec<String> = found
        .iter()
        .map(|(name, page)| match flags.snippet {
            true => snippet(name, page, columns),
            false => text(page, columns),
        })
        .collect();
    if !texts.is_empty() {
        page(&texts.join("\n\n"), &session.display)?;
    }
    Ok(0)
}

/// Everything of a kind, by full name.
fn pages(kind: &str) -> BTreeMap<String, Page> {
    let mut all: Vec<Page> = Vec::new();
    match kind {
        "module" => {
            for module in module::MODULES {
                all.push(Page::of_module(module));
                // Another short name is listed as a module of its own.
                for alias in module.aliases.iter().filter(|alias| !alias.contains('.')) {
                    let called = full(module.collection, alias);
                    all.push(Page { full: called, ..Page::of_module(module) });
                }
            }
            all.extend(DOCUMENTS.iter().map(|document| Page {
                description: document.description.to_owned(),
                options: document.options.iter().collect(),
                examples: document.examples,
                has_action: true,
                ..Page::plain(&format!("ansible.builtin.{}", document.name), document.summary)
            }));
        }
        "filter" => {
            let pages = filters::all().map(|f| Page::plain(&full(origin(f.origin), f.name), f.doc));
            all.extend(pages);
        }
        "test" => {
            all.extend(tests::all().map(|t| Page::plain(&full(origin(t.origin), t.name), t.doc)));
        }
        "lookup" => {
            let pages = lookups::LOOKUPS.iter();
            all.extend(pages.map(|l| Page::plain(&full(l.collection, l.name), l.summary)));
        }
        "callback" => {
            let pages = callback::STDOUT.iter().chain(callback::ENABLED);
            all.extend(pages.map(|c| Page::plain(&full(c.collection, c.name), c.summary)));
        }
        "keyword" => {
            let pages = keywords::TABLE.iter();
            all.extend(pages.map(|k| Page::plain(k.name, &format!("Takes {}", k.takes.name()))));
        }
        kind => {
            let pages = BUILT_IN.iter().filter(|(of, ..)| *of == kind);
            all.extend(pages.map(|(_, name, summary)| Page::plain(name, summary)));
        }
    }
    all.into_iter().map(|page| (page.full.clone(), page)).collect()
}

/// The collection of a filter or test; jinja2's own are below its name.
fn origin(origin: filters::Origin) -> &'static str {
    match origin {
        filters::Origin::Jinja => "jinja2",
        filters::Origin::Ansible => "ansible.builtin",
        filters::Origin::Collection(name) | filters::Origin::Redirected(name) => name,
    }
}

fn full(collection: &str, name: &str) -> String {
    format!("{collection}.{name}")
}

/// What a name means: full, short, or by another name.
fn named<'a>(pages: &'a BTreeMap<String, Page>, kind: &str, name: &str) -> Option<&'a Page> {
    let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
    let builtin = full("ansible.builtin", name);
    if let Some(page) = pages.get(name).or_else(|| pages.get(&builtin)) {
        return Some(page);
    }
    if kind == "module" {
        let known = names::known(&builtin).or_else(|| names::known(name));
        return known.and_then(|full| pages.get(full));
    }
    if name.contains('.') {
        return None;
    }
    pages.values().find(|page| page.short() == name)
}

/// A module's summary and its options, a line each.
pub fn parameters(name: &str) -> Option<(String, Vec<(&'static str, &'static str)>)> {
    let pages = pages("module");
    let page = named(&pages, "module", name)?;
    let first = |opt: &&'static Opt| (opt.name, opt.doc.lines().next().unwrap_or_default());
    Some((page.summary.clone(), page.options.iter().map(first).collect()))
}

fn list(session: &Session, flags: &Flags, pages: &[&Page]) -> Result<()> {
    if flags.json {
        let all = Dict::new();
        for page in pages {
            let text = if flags.list_files { BUILT_IN_PLACE } else { &page.summary };
            all.insert(page.full.as_str(), Value::str(text));
        }
        return page(&written(&Value::Dict(all))?, &session.display);
    }
    let width = pages.iter().map(|page| page.full.chars().count()).max().unwrap_or(0);
    let room = crate::terminal::display_columns().saturating_sub(width + 5);
    let line = |page: &&Page| {
        if flags.list_files {
            return format!("{:width$} {BUILT_IN_PLACE}", page.full);
        }
        let mut text: String = page.summary.chars().take(room).collect();
        if page.summary.chars().count() > room {
            text.push_str("...");
        }
        format!("{:width$} {text:room$}", page.full)
    };
    // As ansible-doc does: what is deprecated comes last.
    let (old, new): (Vec<&Page>, Vec<&Page>) = pages.iter().partition(|page| page.is_deprecated());
    let mut lines: Vec<String> = new.iter().map(line).collect();
    if !old.is_empty() {
        lines.extend([String::new(), "DEPRECATED:".to_owned()]);
        lines.extend(old.iter().map(line));
    }
    page(&lines.join("\n"), &session.display)
}

/// Where everything is that is told of.
const BUILT_IN_PLACE: &str = "(built in)";

fn wrapped(text: &str, columns: usize, indent: &str) -> Vec<String> {
    // As ansible-doc: a fifth of the line stays free, but 70 characters are used.
    let width = columns.saturating_sub(columns / 5).max(70);
    let wrap = |line: &str| Wrap::to(width.saturating_sub(indent.len())).lines(line);
    text.lines().flat_map(wrap).map(|line| format!("{indent}{line}")).collect()
}

fn text(page: &Page, columns: usize) -> String {
    const INDENT: &str = "        ";
    let mut lines =
        vec![format!("> {}    ({BUILT_IN_PLACE})", page.full.to_uppercase()), String::new()];
    lines[0] = lines[0].replace("((built in))", BUILT_IN_PLACE);
    let about = match page.description.is_empty() {
        true => format!("{}.", page.summary),
        false => page.description.clone(),
    };
    lines.extend(wrapped(&about, columns, INDENT));
    lines.push(String::new());
    if !page.version.is_empty() {
        lines.extend([format!("ADDED IN: {}", page.version), String::new()]);
    }
    if page.has_action {
        lines.extend([
            "  * note: This module has a corresponding action plugin.".to_owned(),
            String::new(),
        ]);
    }
    if !page.options.is_empty() {
        lines.extend(["OPTIONS (= is mandatory):".to_owned(), String::new()]);
        let mut options = page.options.clone();
        options.sort_by_key(|opt| opt.name);
        for opt in options {
            describe(&mut lines, opt, columns, "");
        }
        lines.push(String::new());
    }
    if !page.examples.is_empty() {
        lines.extend(["EXAMPLES:".to_owned(), String::new()]);
        lines.extend(page.examples.trim_end().lines().map(str::to_owned));
        lines.push(String::new());
    }
    if !page.returns.is_empty() {
        lines.extend([String::new(), "RETURN VALUES:".to_owned()]);
        for returned in page.returns {
            give(&mut lines, returned, columns, "");
        }
    }
    lines.join("\n")
}

/// A constant as YAML writes it.
fn literal(lit: Lit) -> String {
    match lit {
        Lit::None => "null".to_owned(),
        Lit::Bool(value) => value.to_string(),
        Lit::Int(value) => value.to_string(),
        Lit::Float(value) => value.to_string(),
        Lit::Str("") => "''".to_owned(),
        Lit::Str(text) => text.to_owned(),
        Lit::List(all) => format!("[{}]", all.join(", ")),
        Lit::EmptyDict => "{}".to_owned(),
    }
}

fn describe(lines: &mut Vec<String>, opt: &Opt, columns: usize, indent: &str) {
    let inner = format!("{indent}        ");
    lines.push(format!("{indent}{} {}", if opt.required { '=' } else { '-' }, opt.name));
    lines.extend(wrapped(opt.doc, columns, &inner));
    if !opt.aliases.is_empty() {
        lines.push(format!("{inner}aliases: [{}]", opt.aliases.join(", ")));
    }
    if !opt.choices.is_empty() {
        let all: Vec<String> = opt.choices.iter().map(|choice| literal(*choice)).collect();
        lines.push(format!("{inner}choices: [{}]", all.join(", ")));
    }
    if !opt.required {
        lines.push(format!("{inner}default: {}", literal(opt.default)));
    }
    if let Some(elements) = opt.elements {
        lines.push(format!("{inner}elements: {}", elements.name()));
    }
    lines.push(format!("{inner}type: {}", opt.kind.name()));
    if let Some(version) = opt.version_added {
        lines.push(format!("{inner}added in: version {version}"));
    }
    if !opt.options.is_empty() {
        lines.extend([String::new(), format!("{inner}OPTIONS:"), String::new()]);
        for below in opt.options {
            describe(lines, below, columns, &inner);
        }
    }
    lines.push(String::new());
}

fn give(lines: &mut Vec<String>, returned: &Returned, columns: usize, indent: &str) {
    let inner = format!("{indent}        ");
    lines.push(format!("{indent}- {}", returned.name));
    lines.extend(wrapped(returned.doc, columns, &inner));
    lines.push(format!("{inner}returned: {}", returned.when));
    if !returned.sample.is_empty() {
        lines.push(format!("{inner}sample: {}", returned.sample));
    }
    lines.push(format!("{inner}type: {}", returned.kind));
    lines.push(String::new());
    for below in returned.contains {
        give(lines, below, columns, &inner);
    }
}

/// A task with all options, to fill in.
fn snippet(name: &str, page: &Page, columns: usize) -> String {
    let short = name.rsplit('.').next().unwrap_or(name);
    let mut lines = vec![format!("- name: {}", page.summary), format!("  {short}:")];
    let mut options = page.options.clone();
    options.sort_by_key(|opt| opt.name);
    for opt in options {
        let required = if opt.required { "(required) " } else { "" };
        let comment = format!("# {required}{}", opt.doc.lines().collect::<Vec<_>>().join(" "));
        let comment = Wrap::to(columns.saturating_sub(29).max(30)).lines(&comment);
        for (at, line) in comment.iter().enumerate() {
            lines.push(match at {
                0 => format!("      {:<20}   {line}", format!("{}:", opt.name)),
                _ => format!("{:29}# {line}", ""),
            });
        }
    }
    lines.join("\n")
}

/// The page as data, in the form that ansible-doc gives it.
fn data(page: &Page) -> Value {
    let paragraphs = |text: &str| text.lines().map(Value::str).collect::<Value>();
    let collection = page.full.rsplit_once('.').map_or("", |(collection, _)| collection);
    let options: Dict = page.options.iter().map(|opt| (opt.name, option_data(opt))).collect();
    let about = if page.description.is_empty() { &page.summary } else { &page.description };
    let doc: Dict = [
        ("collection", Value::str(collection)),
        ("description", paragraphs(about)),
        ("filename", Value::str(BUILT_IN_PLACE)),
        ("has_action", Value::Bool(page.has_action)),
        ("module", Value::str(page.short())),
        ("options", Value::Dict(options)),
        ("short_description", Value::str(page.summary.as_str())),
        ("version_added", Value::str(page.version)),
    ]
    .into_iter()
    .collect();
    let returns: Dict = page.returns.iter().map(|r| (r.name, returned_data(r))).collect();
    let all: Dict = [
        ("doc", Value::Dict(doc)),
        ("examples", Value::str(page.examples)),
        ("metadata", Value::None),
        ("return", Value::Dict(returns)),
    ]
    .into_iter()
    .collect();
    Value::Dict(all)
}

fn option_data(opt: &Opt) -> Value {
    let value = |lit: Lit| json::from_json(lit.data(), false);
    let data = Dict::new();
    data.insert("description", opt.doc.lines().map(Value::str).collect::<Value>());
    data.insert("type", opt.kind.name());
    if opt.required {
        data.insert("required", true);
    }
    if opt.default != Lit::None {
        data.insert("default", value(opt.default));
    }
    if !opt.aliases.is_empty() {
        data.insert(
            "aliases",
            opt.aliases.iter().map(|alias| Value::str(*alias)).collect::<Value>(),
        );
    }
    if !opt.choices.is_empty() {
        data.insert("choices", opt.choices.iter().map(|choice| value(*choice)).collect::<Value>());
    }
    if let Some(elements) = opt.elements {
        data.insert("elements", elements.name());
    }
    if let Some(version) = opt.version_added {
        data.insert("version_added", version);
    }
    if !opt.options.is_empty() {
        let below: Dict =
            opt.options.iter().map(|below| (below.name, option_data(below))).collect();
        data.insert("suboptions", Value::Dict(below));
    }
    Value::Dict(data)
}

fn returned_data(returned: &Returned) -> Value {
    let data = Dict::new();
    data.insert("description", returned.doc);
    data.insert("returned", returned.when);
    data.insert("type", returned.kind);
    if !returned.sample.is_empty() {
        data.insert("sample", returned.sample);
    }
    if !returned.contains.is_empty() {
        let below: Dict = returned.contains.iter().map(|r| (r.name, returned_data(r))).collect();
        data.insert("contains", Value::Dict(below));
    }
    Value::Dict(data)
}

fn written(data: &Value) -> Result<String> {
    let layout = Layout {
        indent: Some("    ".to_owned()),
        item_separator: ",".to_owned(),
        sort_keys: true,
        ..Layout::default()
    };
    json::dumps_ansible(data, &layout).map_err(|e| Error::new(Kind::Internal, e.to_string()))
}
