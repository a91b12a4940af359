//! `ansible-playbook`: runs playbooks, or lists what is in them.

use std::{os::unix::fs::FileTypeExt, path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Become, Check, Connection, EXCLUSIVE, Forks, Hosts, Modules, Variables, Vault},
    listing::{Lister, Wanted},
    passwords::{self, Passwords},
    runner::{self, Start},
    session::{self, Ground, Wishes},
    syntax::{self, Depth},
};
use crate::{
    callback,
    config::{Settings, options},
    diagnostic::{Error, Kind, Result},
    playbook::play::Defaults,
    vars::RunOptions,
};

/// Flags of `ansible-playbook`.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    #[command(flatten)]
    pub base: Base,
    #[command(flatten)]
    pub connection: Connection,
    /// run handlers even where a task has failed
    #[arg(long = "force-handlers")]
    pub force_handlers: bool,
    /// forget cached facts of every host
    #[arg(long = "flush-cache")]
    pub flush_cache: bool,
    #[command(flatten)]
    pub r#become: Become,
    /// only plays and tasks with one of these tags
    #[arg(short = 't', long = "tags", value_name = "TAGS")]
    pub tags: Vec<String>,
    /// only plays and tasks with none of these tags
    #[arg(long = "skip-tags", value_name = "SKIP_TAGS")]
    pub skip_tags: Vec<String>,
    #[command(flatten)]
    pub check: Check,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub variables: Variables,
    #[command(flatten)]
    pub vault: Vault,
    #[command(flatten)]
    pub forks: Forks,
    #[command(flatten)]
    pub modules: Modules,
    /// check that playbooks can be loaded, and run nothing: `all` tells everything that is wrong with them at once, and
    /// what will fail when they run; `strict` takes that for errors too; `ansible` tells what ansible does
    #[arg(long = "syntax-check", value_name = "DEPTH", num_args = 0..=1, require_equals = true)]
    pub syntax_check: Option<Option<Depth>>,
    /// list the tasks that would run
    #[arg(long = "list-tasks")]
    pub list_tasks: bool,
    /// list the tags there are
    #[arg(long = "list-tags")]
    pub list_tags: bool,
    /// ask before each task
    #[arg(long = "step")]
    pub step: bool,
    /// begin at the task of this name
    #[arg(long = "start-at-task", value_name = "START_AT_TASK")]
    pub start_at_task: Option<String>,
    /// Playbook(s)
    #[arg(value_name = "playbook", required = true, num_args = 1..)]
    pub playbooks: Vec<String>,
}

impl Flags {
    /// Whether something is only to be listed or checked.
    pub fn only_looks(&self) -> bool {
        self.syntax_check.is_some() || self.list_tasks || self.list_tags || self.hosts.list_hosts
    }
}

/// Runs `ansible-playbook`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "Runs Ansible playbooks, executing the defined tasks on the targeted hosts.",
            epilog: None,
            exclusive: EXCLUSIVE,
            look: |f| (f.base.verbosity, f.check.check),
            run,
            check: |f| check_forks(&f.forks),
        },
    )
}

/// Whether `--forks` makes sense.
pub fn check_forks(flags: &Forks) -> Result<(), String> {
    match flags.forks {
        Some(n) if n < 1 => Err("The number of processes (--forks) must be >= 1".to_owned()),
        _ => Ok(()),
    }
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let playbooks = find(&flags.playbooks)?;
    let passwords = if flags.only_looks() {
        Passwords::default()
    } else {
        passwords::ask(session, &flags.connection, &flags.r#become)?
    };
    let settings = &session.settings;
    let selection = session::selection(settings, &flags.tags, &flags.skip_tags);
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
            listing: flags.only_looks(),
            run: RunOptions {
                check,
                diff,
                forks: usize::try_from(forks).ok(),
                tags: Some(selection.only.clone()),
                skip_tags: Some(selection.skip.clone()),
                ..RunOptions::default()
            },
        },
    )?;
    ground.inventory.target(flags.hosts.limit.as_deref(), "all")?;
    if flags.flush_cache {
        ground.inventory.hosts().iter().for_each(|host| ground.world.clear_facts(host));
    }
    let defaults = play_defaults(settings, check, flags.force_handlers);
    if flags.only_looks() {
        let lister = Lister {
            loader: &ground.loader,
            inventory: &ground.inventory,
            extra_vars: ground.world.extra_vars(),
            selection: &selection,
            defaults: &defaults,
            display: &session.display,
            wanted: Wanted {
                hosts: flags.hosts.list_hosts,
                tasks: flags.list_tasks,
                tags: flags.list_tags,
                syntax: flags.syntax_check.is_some(),
            },
        };
        let depth = flags.syntax_check.map(|d| d.unwrap_or_else(|| Depth::of(&session.program)));
        if let Some(depth) = depth.filter(|d| *d != Depth::Ansible) {
            return Ok(syntax::check(session, &ground, &lister, &playbooks, depth));
        }
        lister.list(&playbooks)?;
        // As in the list itself.
        std::mem::forget(ground);
        return Ok(0);
    }
    let run = runner::run(
        session,
        ground,
        Start {
            connection: &flags.connection,
            r#become: &flags.r#become,
            passwords,
            forks: usize::try_from(forks).unwrap_or(1),
            check,
            diff,
            step: flags.step,
            start_at_task: flags.start_at_task.clone(),
            selection,
            play_defaults: defaults,
            callbacks: callback::Wanted {
                stdout: settings.get(&options::DEFAULT_STDOUT_CALLBACK),
                enabled: true,
                tree: None,
            },
            retry_files: true,
        },
    )?;
    runner::execute(&run, &playbooks)
}

/// The playbooks named, if all of them are there.
fn find(names: &[String]) -> Result<Vec<PathBuf>> {
    for name in names {
        let wrong =
            |what: &str| Err(Error::new(Kind::User, format!("the playbook: {name} {what}")));
        match std::fs::metadata(name) {
            Err(_) => return wrong("could not be found"),
            Ok(about) if about.is_file() || about.file_type().is_fifo() => {}
            Ok(_) => return wrong("does not appear to be a file"),
        }
    }
    Ok(names.iter().map(PathBuf::from).collect())
}

/// What stands in for keywords that plays do not have.
pub fn play_defaults(settings: &Settings, check: bool, force_handlers: bool) -> Defaults {
    Defaults {
        force_handlers: force_handlers || settings.get(&options::DEFAULT_FORCE_HANDLERS),
        check,
        strategy: settings.get(&options::DEFAULT_STRATEGY),
        gather_subset: settings.get(&options::DEFAULT_GATHER_SUBSET).unwrap_or_default(),
        gather_timeout: settings.get(&options::DEFAULT_GATHER_TIMEOUT),
        fact_path: settings.get(&options::DEFAULT_FACT_PATH),
    }
}
