//! `ansible`: one module on the hosts of a pattern.

use std::sync::Arc;

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Become, Check, Connection, EXCLUSIVE, Forks, Hosts, Modules, Variables, Vault},
    passwords,
    play::play_defaults,
    runner::{self, Start},
    session::{Ground, Wishes, selection},
};
use crate::{
    callback,
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result},
    playbook::{load::takes_command, resolve::is_builtin, splitter::parse_kv},
    value::{Dict, Value, json},
    vars::RunOptions,
};

/// Flags of `ansible`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    #[command(flatten)]
    r#become: Become,
    #[command(flatten)]
    hosts: Hosts,
    /// ask so often how an asynchronous task stands, in seconds (default=15)
    #[arg(short = 'P', long = "poll", value_name = "POLL_INTERVAL")]
    poll: Option<i64>,
    /// run asynchronously, and fail after so many seconds
    #[arg(short = 'B', long = "background", value_name = "SECONDS")]
    seconds: Option<i64>,
    /// a line a host
    #[arg(short = 'o', long = "one-line")]
    one_line: bool,
    /// write results to files in this folder
    #[arg(short = 't', long = "tree", value_name = "TREE")]
    tree: Option<String>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    check: Check,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    vault: Vault,
    #[command(flatten)]
    forks: Forks,
    #[command(flatten)]
    modules: Modules,
    /// the folder that stands for a playbook's: roles/, group_vars/ and the like are looked for there
    #[arg(long = "playbook-dir", value_name = "BASEDIR")]
    basedir: Option<String>,
    /// give the task so many seconds
    #[arg(long = "task-timeout", value_name = "TASK_TIMEOUT")]
    task_timeout: Option<i64>,
    /// the action's options: key=value with spaces between, or JSON
    #[arg(short = 'a', long = "args", value_name = "MODULE_ARGS", allow_hyphen_values = true)]
    module_args: Option<String>,
    /// the action (default=command)
    #[arg(short = 'm', long = "module-name", value_name = "MODULE_NAME")]
    module_name: Option<String>,
    /// host pattern
    #[arg(value_name = "pattern", required = true)]
    pattern: String,
}

/// Runs `ansible`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "Define and run a single task 'playbook' against a set of hosts",
            epilog: Some("Some actions do not make sense in Ad-Hoc (include, meta, etc)"),
            exclusive: EXCLUSIVE,
            look: |f| (f.base.verbosity, f.check.check),
            run,
            check: |f| super::play::check_forks(&f.forks),
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let settings = &session.settings;
    let passwords = passwords::ask(session, &flags.connection, &flags.r#become)?;
    let check = flags.check.check;
    let diff = flags.check.diff || settings.get(&options::DIFF_ALWAYS);
    let forks = flags.forks.forks.unwrap_or_else(|| settings.get(&options::DEFAULT_FORKS));
    let ground = Ground::lay(
        session,
        Wishes {
            vault: &flags.vault,
            hosts: &flags.hosts,
            variables: &flags.variables,
            modules: &flags.modules,
            listing: false,
            run: RunOptions {
                check,
                diff,
                forks: usize::try_from(forks).ok(),
                ..RunOptions::default()
            },
        },
    )?;
    let limit = flags.hosts.limit.as_deref();
    let hosts = match ground.inventory.target(limit, &flags.pattern) {
        Err(error) if limit.is_some() || error.kind() != Kind::User => return Err(error),
        Err(_) => {
            session.display.warning("No hosts matched, nothing to do");
            Vec::new()
        }
        Ok(hosts) => hosts,
    };
    if flags.hosts.list_hosts {
        session.display.line(&format!("  hosts ({}):", hosts.len()), None, false);
        for host in hosts {
            session.display.line(&format!("    {host}"), None, false);
        }
        return Ok(0);
    }
    let play = play(settings, &flags)?;
    let folder = flags
        .basedir
        .as_deref()
        .map(|dir| expand_path(dir, None, &System))
        .or_else(|| settings.get(&options::PLAYBOOK_DIR))
        .unwrap_or_else(|| expand_path(".", None, &System));
    let playbook = ground.loader.load_adhoc(&play, &folder)?;
    let configured = settings.get(&options::DEFAULT_STDOUT_CALLBACK);
    let enabled = settings.get(&options::DEFAULT_LOAD_CALLBACK_PLUGINS);
    let stdout = if flags.one_line {
        "oneline".to_owned()
    } else if enabled && configured != "default" {
        configured
    } else {
        "minimal".to_owned()
    };
    let start = Start {
        connection: &flags.connection,
        r#become: &flags.r#become,
        passwords,
        forks: usize::try_from(forks).unwrap_or(1),
        check,
        diff,
        step: false,
        start_at_task: None,
        selection: selection(settings, &[], &[]),
        play_defaults: play_defaults(settings, check, false),
        callbacks: callback::Wanted {
            stdout,
            enabled,
            tree: flags.tree.as_deref().map(|t| expand_path(t, None, &System)),
        },
        retry_files: false,
    };
    runner::execute_loaded(&runner::run(session, ground, start)?, &playbook)
}

/// The play that the flags make.
fn play(settings: &Settings, flags: &Flags) -> Result<Dict> {
    let module = flags.module_name.clone();
    let module = module.unwrap_or_else(|| settings.get(&options::DEFAULT_MODULE_NAME));
    let args = flags.module_args.clone();
    let args = args.or_else(|| settings.get(&options::DEFAULT_MODULE_ARGS)).unwrap_or_default();
    if takes_command(&module) && args.is_empty() {
        let mut text = format!("No argument passed to {module} module");
        if flags.pattern.ends_with(".yml") {
            text += " (did you mean to run ansible-playbook?)";
        }
        return Err(Error::new(Kind::Options, text));
    }
    if is_builtin(&module, "import_playbook") {
        return Err(Error::new(
            Kind::Options,
            format!("'{module}' is not a valid action for ad-hoc commands"),
        ));
    }
    let timeout = flags.task_timeout.unwrap_or_else(|| settings.get(&options::TASK_TIMEOUT));
    let action: Dict = [
        ("module", Value::from(module.as_str())),
        ("args", Value::Dict(arguments(&args, takes_command(&module))?)),
    ]
    .into_iter()
    .collect();
    let task: Dict =
        [("action", Value::Dict(action)), ("timeout", Value::Int(timeout))].into_iter().collect();
    let poll = flags.poll.unwrap_or_else(|| settings.get(&options::DEFAULT_POLL_INTERVAL));
    let seconds = flags.seconds.unwrap_or(0);
    let include = ["include_role", "include_tasks"].iter().any(|i| is_builtin(&module, i));
    if !include && (seconds != 0 || poll != 0) {
        task.insert("async_val", Value::Int(seconds));
        task.insert("poll", Value::Int(poll));
    }
    Ok([
        ("name", Value::from("Ansible Ad-Hoc")),
        ("hosts", Value::from(flags.pattern.as_str())),
        ("gather_facts", Value::from("no")),
        ("tasks", Value::list(vec![Value::Dict(task)])),
    ]
    .into_iter()
    .collect())
}

/// A module's arguments: JSON in braces, else `key=value`.
fn arguments(text: &str, raw: bool) -> Result<Dict> {
    if text.starts_with('{')
        && text.ends_with('}')
        && let Ok(Value::Dict(args)) = json::loads(text)
        && !args.is_empty()
    {
        return Ok(args);
    }
    parse_kv(text, raw).map_err(|e| Error::new(Kind::Parser, e.message()))
}
