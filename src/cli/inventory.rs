//! `ansible-inventory`: shows hosts, groups and their variables.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Hosts, Modules, Variables, Vault},
    session::{Ground, Wishes},
};
use crate::{
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result},
    value::{
        Dict, Key, Value,
        json::{self, Layout},
    },
    vars::{Listing, RunOptions},
    yaml,
};

const ACTIONS: &str = "Actions: One of following must be used on invocation, ONLY ONE!";

/// Flags of `ansible-inventory`.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the same name")]
struct Flags {
    #[command(flatten)]
    base: Base,
    /// inventory: a path, or hosts with commas between. --inventory-file is deprecated
    #[arg(
        short = 'i',
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "INVENTORY"
    )]
    inventory: Vec<String>,
    #[command(flatten)]
    vault: Vault,
    /// the folder that stands for a playbook's: roles/, group_vars/ and the like are looked for there
    #[arg(long = "playbook-dir", value_name = "BASEDIR")]
    basedir: Option<String>,
    #[command(flatten)]
    variables: Variables,
    /// all hosts and groups, as an inventory script tells them
    #[arg(long = "list", help_heading = ACTIONS)]
    list: bool,
    /// the variables of one host, as an inventory script tells them
    #[arg(long = "host", value_name = "HOST", help_heading = ACTIONS)]
    host: Option<String>,
    /// the groups as a tree, from the named one down
    #[arg(long = "graph", help_heading = ACTIONS)]
    graph: bool,
    /// YAML instead of JSON; nothing for --graph
    #[arg(short = 'y', long = "yaml")]
    yaml: bool,
    /// TOML instead of JSON; nothing for --graph
    #[arg(long = "toml")]
    toml: bool,
    /// variables in the graph
    #[arg(long = "vars")]
    vars: bool,
    /// list variables where they are set, not as hosts see them
    #[arg(long = "export")]
    export: bool,
    /// write the list to a file
    #[arg(long = "output", value_name = "OUTPUT_FILE")]
    output_file: Option<String>,
    /// group for --graph
    #[arg(value_name = "host|group")]
    pattern: Option<String>,
}

/// Runs `ansible-inventory`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "Show Ansible inventory information, by default it uses the inventory script \
                    JSON format",
            epilog: None,
            exclusive: super::flags::EXCLUSIVE,
            look: |f| (f.base.verbosity, false),
            run,
            check: |_| Ok(()),
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    check_action(&flags)?;
    let settings = &session.settings;
    let playbook_dir = flags
        .basedir
        .as_deref()
        .map(|dir| expand_path(dir, None, &System))
        .or_else(|| settings.get(&options::PLAYBOOK_DIR));
    let hosts = Hosts { inventory: flags.inventory.clone(), ..Hosts::default() };
    let ground = Ground::lay(
        session,
        Wishes {
            vault: &flags.vault,
            hosts: &hosts,
            variables: &flags.variables,
            modules: &Modules::default(),
            listing: false,
            run: RunOptions::default(),
        },
    )?;
    let here = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let listing = Listing {
        world: &ground.world,
        basedir: playbook_dir.clone().unwrap_or_else(here),
        playbook_dir,
        export: flags.export || settings.get(&options::INVENTORY_EXPORT),
    };
    let text = show(session, &ground, &listing, &flags)?;
    if text.is_empty() {
        return Ok(1);
    }
    let Some(file) = &flags.output_file else {
        session.display.line(&text, None, false);
        return Ok(0);
    };
    std::fs::write(file, text).map_err(|e| {
        let why = crate::diagnostic::ansible::os_error(&e, None);
        let text = format!("Unable to write to destination file ({file}): {why}: b'{file}'");
        Error::new(Kind::User, text)
    })?;
    Ok(0)
}

/// Exactly one of `--list`, `--host` and `--graph`.
fn check_action(flags: &Flags) -> Result<()> {
    let host = flags.host.as_ref().is_some_and(|h| !h.is_empty());
    match [flags.list, host, flags.graph].iter().filter(|given| **given).count() {
        1 => Ok(()),
        0 => Err(Error::new(
            Kind::Options,
            "No action selected, at least one of --host, --graph or --list needs to be specified.",
        )),
        _ => Err(Error::new(
            Kind::Options,
            "Conflicting options used, only one of --host, --graph or --list can be used at the \
             same time.",
        )),
    }
}

/// The text that the action asks for.
fn show(
    session: &Session,
    ground: &Ground,
    listing: &Listing<'_>,
    flags: &Flags,
) -> Result<String> {
    if let Some(pattern) = flags.host.as_deref().filter(|h| !h.is_empty()) {
        let hosts = ground.inventory.select(&[pattern.to_owned()])?;
        let [host] = &hosts[..] else {
            let text = "You must pass a single valid host to --host parameter";
            return Err(Error::new(Kind::Options, text));
        };
        return dump(session, flags, &listing.host(host)?);
    }
    if flags.graph {
        return listing.graph(flags.pattern.as_deref().unwrap_or("all"), flags.vars);
    }
    let listed = match (flags.yaml, flags.toml) {
        (true, _) => listing.tree()?,
        (false, _) => listing.list()?,
    };
    dump(session, flags, &listed)
}

fn dump(session: &Session, flags: &Flags, data: &Dict) -> Result<String> {
    if flags.yaml {
        let layout = yaml::DumpOptions { allow_unicode: true, ..yaml::DumpOptions::default() };
        return yaml::dump(&Value::Dict(data.clone()), &layout);
    }
    if flags.toml {
        return Err(Error::new(Kind::User, "--toml is not supported yet"));
    }
    let value = marked(&Value::Dict(data.clone()));
    let layout = Layout {
        indent: Some("    ".to_owned()),
        item_separator: ",".to_owned(),
        sort_keys: true,
        ensure_ascii: false,
        vault_to_text: false,
        ..Layout::default()
    };
    json::dumps_ansible(&value, &layout)
        .or_else(|why| {
            session.display.warning(&format!(
                "Could not sort JSON output due to issues while sorting keys: {why}"
            ));
            json::dumps_ansible(&value, &Layout { sort_keys: false, ..layout })
        })
        .map_err(|e| Error::new(Kind::Internal, e.to_string()))
}

/// Text that is not to be rendered, as inventory scripts mark it.
fn marked(value: &Value) -> Value {
    match value {
        Value::Str(s) if s.is_unsafe() => {
            let mark: Dict =
                [("__ansible_unsafe", Value::str(Arc::clone(s.shared())))].into_iter().collect();
            Value::Dict(mark)
        }
        Value::List(l) => l.snapshot().iter().map(marked).collect(),
        Value::Tuple(t) => t.iter().map(marked).collect(),
        Value::Dict(d) => {
            let entries: Vec<(Key, Value)> =
                d.snapshot().into_iter().map(|(k, v)| (k, marked(&v))).collect();
            Value::Dict(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}
