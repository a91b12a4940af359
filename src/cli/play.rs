//! `ansible-playbook`: runs playbooks, or lists what is in them.

use std::sync::Arc;

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Become, Check, Connection, EXCLUSIVE, Forks, Hosts, Modules, Variables, Vault},
};
use crate::{config::Settings, diagnostic::Result};

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
    /// check that playbooks can be loaded, and run nothing
    #[arg(long = "syntax-check")]
    pub syntax_check: bool,
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
        self.syntax_check || self.list_tasks || self.list_tags || self.hosts.list_hosts
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
            check: |f| match f.forks.forks {
                Some(n) if n < 1 => {
                    Err("The number of processes (--forks) must be >= 1".to_owned())
                }
                _ => Ok(()),
            },
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let _ = (session, flags);
    Ok(0)
}
