//! `vmstation-play template`: renders texts, one from the command line or many as JSON lines.

use std::{
    io::{BufReader, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Hosts, Modules, Variables, Vault},
    session::{Ground, Wishes},
};
use crate::{
    config::Settings,
    diagnostic::{Error, Kind, Result},
    template::{Mode, Scope, Service},
    value::{
        Value,
        json::{self, Layout},
    },
    vars::{PlayView, RunOptions},
};

/// Flags of `template`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    /// inventory: a path, or hosts with commas between
    #[arg(short = 'i', long = "inventory", value_name = "INVENTORY")]
    inventory: Vec<String>,
    /// render with the variables of this host
    #[arg(long = "host", value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    vault: Vault,
    /// look for included files here (several times: in this order; default: here)
    #[arg(long = "search-path", value_name = "DIR")]
    search_path: Vec<PathBuf>,
    /// as what to render: playbook (a task's argument), file, native, condition
    #[arg(long = "mode", value_name = "MODE", default_value = "playbook")]
    mode: String,
    /// what to render; without it, JSON lines are read: {"template": …, "vars": {…}, "mode": …}
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
}

/// Runs `template`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "Render a template, or answer templates in JSON lines",
            epilog: None,
            exclusive: super::flags::EXCLUSIVE,
            look: |f| (f.base.verbosity, false),
            run,
            check: |f| match Mode::named(&f.mode) {
                Some(_) => Ok(()),
                None => Err(format!(
                    "argument --mode: invalid choice: '{}' (choose from {})",
                    f.mode,
                    Mode::NAMES.join(", ")
                )),
            },
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let mut hosts = Hosts { inventory: flags.inventory.clone(), ..Hosts::default() };
    if hosts.inventory.is_empty() && flags.host.is_none() {
        // Nothing is asked of the configured inventory.
        hosts.inventory.push("localhost,".to_owned());
    }
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
    let here = crate::paths::working_folder();
    let view = Arc::new(PlayView::new("", &here, Vec::new()));
    let scope: Arc<dyn Scope> = match &flags.host {
        None => Arc::new(ground.world.play_stack(&view)),
        Some(host) => {
            let Some(host) = ground.inventory.find(host) else {
                let text = format!("the inventory has no host `{host}`");
                return Err(Error::new(Kind::User, text).hinted("hosts come from -i"));
            };
            let mut stack = ground.world.stack(&host, &view)?;
            stack.push_itself();
            Arc::new(stack)
        }
    };
    let mut search_path = flags.search_path.clone();
    if search_path.is_empty() {
        search_path.push(here);
    }
    let service = Service::new(ground.templates, scope, search_path);
    let mut out = std::io::stdout().lock();
    match &flags.text {
        None => service.serve_json_lines(BufReader::new(std::io::stdin().lock()), out)?,
        Some(text) => {
            let mode = Mode::named(&flags.mode).unwrap_or(Mode::Playbook);
            let value = service.render(&Value::str(text.as_str()), mode)?;
            let layout = Layout {
                indent: Some("    ".to_owned()),
                item_separator: ",".to_owned(),
                ensure_ascii: false,
                ..Layout::default()
            };
            let shown = match &value {
                Value::Str(s) => s.to_string(),
                other => json::dumps_ansible(other, &layout)
                    .map_err(|e| Error::new(Kind::Template, e.message))?,
            };
            writeln!(out, "{}", shown.strip_suffix('\n').unwrap_or(&shown))
                .map_err(|e| Error::new(Kind::User, e.to_string()))?;
        }
    }
    Ok(0)
}
