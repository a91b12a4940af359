//! Starts the engine and waits for it; Ctrl-C stops it.

use std::{io::IsTerminal, path::PathBuf, sync::Arc};

use super::{Session, flags, passwords::Passwords, session::Ground};
use crate::{
    agent::Pool,
    callback::{self, Callbacks},
    config::options,
    connection::Secret,
    diagnostic::{Error, Kind, Result},
    event::Events,
    playbook::{Playbook, play, tags::Selection},
    run::{self, Defaults, Options, Run, Stop},
};

/// What a run is started with, besides the ground that it stands on.
pub struct Start<'a> {
    /// How hosts are reached.
    pub connection: &'a flags::Connection,
    /// Whom to become.
    pub r#become: &'a flags::Become,
    /// Passwords that were asked for.
    pub passwords: Passwords,
    /// How many hosts at once.
    pub forks: usize,
    /// `--check`.
    pub check: bool,
    /// `--diff`.
    pub diff: bool,
    /// `--step`.
    pub step: bool,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--tags` and `--skip-tags`.
    pub selection: Selection,
    /// What stands in for keywords that plays do not have.
    pub play_defaults: play::Defaults,
    /// What shows the run.
    pub callbacks: callback::Wanted,
    /// Whether files of hosts to try again are written, where the settings want them.
    pub retry_files: bool,
}

/// Puts together what a run shares.
///
/// # Errors
/// A callback that does not exist.
pub fn run(session: &Session, ground: Ground, start: Start<'_>) -> Result<Arc<Run>> {
    let settings = &session.settings;
    let callbacks = Callbacks::load(&start.callbacks, settings, Arc::clone(&session.display))?;
    let defaults = defaults(session, &start);
    let play_defaults = start.play_defaults.clone();
    let display = Arc::clone(&session.display);
    let log = Arc::new(move |level: u8, host: &str, text: String| {
        display.verbose(level, &text, Some(host).filter(|h| !h.is_empty()));
    });
    Ok(Arc::new(Run {
        options: engine_options(session, start),
        defaults,
        play_defaults,
        settings: Arc::clone(settings),
        world: ground.world,
        templates: ground.templates,
        loader: ground.loader,
        pool: Pool::new(log),
        events: Events(callbacks),
        stop: Stop::default(),
    }))
}

fn engine_options(session: &Session, start: Start<'_>) -> Options {
    let settings = &session.settings;
    let key = start.connection.private_key_file.clone();
    let configured = || {
        let path = settings.get(&options::DEFAULT_PRIVATE_KEY_FILE);
        path.map(|p| p.display().to_string())
    };
    let timeout =
        start.connection.timeout.unwrap_or_else(|| settings.get(&options::DEFAULT_TIMEOUT));
    let wanted = start.retry_files && settings.get(&options::RETRY_FILES_ENABLED);
    let retry_files = wanted.then(|| {
        let folder = settings.get(&options::RETRY_FILES_SAVE_PATH);
        folder.map(|p| p.display().to_string())
    });
    Options {
        forks: start.forks,
        step: start.step,
        start_at_task: start.start_at_task,
        selection: start.selection,
        force_handlers: start.play_defaults.force_handlers,
        verbosity: session.verbosity,
        gathering: settings.get(&options::DEFAULT_GATHERING),
        error_on_missing_handler: settings.get(&options::ERROR_ON_MISSING_HANDLER),
        connection_password: start.passwords.connection.map(Secret::new),
        become_password: start.passwords.r#become.map(Secret::new),
        private_key: key.or_else(configured),
        ssh_common_args: start.connection.ssh_common_args.clone(),
        ssh_extra_args: start.connection.ssh_extra_args.clone(),
        timeout: u32::try_from(timeout).ok(),
        strategy: start.play_defaults.strategy,
        retry_files,
        interactive: std::io::stdin().is_terminal(),
    }
}

fn defaults(session: &Session, start: &Start<'_>) -> Defaults {
    let settings = &session.settings;
    let (connection, escalation) = (start.connection, start.r#become);
    Defaults {
        r#become: escalation.r#become || settings.get(&options::DEFAULT_BECOME),
        become_method: escalation
            .become_method
            .clone()
            .unwrap_or_else(|| settings.get(&options::DEFAULT_BECOME_METHOD)),
        become_user: escalation.become_user.clone(),
        become_exe: settings.get(&options::DEFAULT_BECOME_EXE),
        become_flags: settings.get(&options::DEFAULT_BECOME_FLAGS),
        check: start.check,
        diff: start.diff,
        connection: connection
            .connection
            .clone()
            .unwrap_or_else(|| settings.get(&options::DEFAULT_TRANSPORT)),
        remote_user: connection
            .remote_user
            .clone()
            .or_else(|| settings.get(&options::DEFAULT_REMOTE_USER)),
        no_log: settings.get(&options::DEFAULT_NO_LOG),
        any_errors_fatal: settings.get(&options::ANY_ERRORS_FATAL),
        task_timeout: settings.get(&options::TASK_TIMEOUT),
        poll: settings.get(&options::DEFAULT_POLL_INTERVAL),
    }
}

/// Runs playbooks; gives the exit status.
///
/// # Errors
/// What ends the whole run.
pub fn execute(run: &Arc<Run>, playbooks: &[PathBuf]) -> Result<u8> {
    wait(run, run::execute(run, playbooks))
}

/// Runs a playbook that was loaded already; gives the exit status.
///
/// # Errors
/// What ends the whole run.
pub fn execute_loaded(run: &Arc<Run>, playbook: &Playbook) -> Result<u8> {
    wait(run, run::execute_loaded(run, playbook))
}

/// Room for templates that call themselves; a page is only taken when it is touched.
const STACK: usize = 16 << 20;

fn wait(run: &Arc<Run>, work: impl Future<Output = Result<run::Exit>>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()
        .map_err(|e| Error::new(Kind::Internal, format!("no threads to run on: {e}")))?;
    let exit = runtime.block_on(async {
        tokio::spawn(listen(Arc::clone(run)));
        work.await
    });
    // What still runs on threads of its own was told to stop and is not waited for.
    runtime.shutdown_background();
    exit.map(run::Exit::code)
}

/// The first Ctrl-C stops what runs; the second ends the process at once.
async fn listen(run: Arc<Run>) {
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    run.stop.ask();
    if tokio::signal::ctrl_c().await.is_ok() {
        std::process::exit(99);
    }
}
