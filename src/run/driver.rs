//! Walks playbooks, plays and batches, and tells what it came to.

use std::{path::PathBuf, sync::Arc};

use super::{
    PlayContext, Run,
    cursor::Cursor,
    play::{Losses, PlayRun, Verdict},
    prompt,
    strategy::{free, linear},
};
use crate::{
    diagnostic::{Error, Kind, Result},
    event::{Event, PlayInfo, Stats},
    inventory::order_hosts,
    playbook::{Play, Playbook, keywords, keywords::is_reserved, play},
    template::{RenderOptions, Scope, Templar},
    value::{
        Dict, Value,
        regex::{Flags, Pattern},
    },
    vars::PlayView,
};

/// How a run ended, as ansible-playbook's exit codes have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went well.
    Ok,
    /// At least one host failed.
    Failed,
    /// At least one host could not be reached.
    Unreachable,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 2,
            Self::Unreachable => 4,
        }
    }
}

/// Runs playbooks in order; a playbook that does not end well is the last.
///
/// # Errors
/// What ends the whole run: playbooks that can't be loaded, templates of plays that fail, Ctrl-C.
pub async fn execute(run: &Arc<Run>, playbooks: &[PathBuf]) -> Result<Exit> {
    let mut exit = Exit::Ok;
    let mut state = State::new(run);
    for path in playbooks {
        let playbook = run.loader.load_playbook(path)?;
        exit = state.execute(&playbook).await?;
        if exit != Exit::Ok {
            break;
        }
    }
    if !state.started
        && let Some(task) = &run.options.start_at_task
    {
        run.events.send(Event::Problem(format!(
            "No matching task \"{task}\" found. Note: --start-at-task can only follow static \
             includes."
        )));
    }
    Ok(exit)
}

/// Runs one playbook that is loaded already.
///
/// # Errors
/// As [`execute`].
pub async fn execute_loaded(run: &Arc<Run>, playbook: &Playbook) -> Result<Exit> {
    State::new(run).execute(playbook).await
}

/// What outlives a playbook: counts and lost hosts are those of the whole run.
struct State {
    run: Arc<Run>,
    losses: Losses,
    known_unreachable: indexmap::IndexSet<Arc<str>>,
    stats: Stats,
    started: bool,
}

impl State {
    fn new(run: &Arc<Run>) -> Self {
        Self {
            run: Arc::clone(run),
            losses: Losses::default(),
            known_unreachable: indexmap::IndexSet::new(),
            stats: Stats::default(),
            started: run.options.start_at_task.is_none(),
        }
    }

    async fn execute(&mut self, playbook: &Playbook) -> Result<Exit> {
        let run = Arc::clone(&self.run);
        run.events.send(Event::PlaybookStart {
            path: playbook.path.display().to_string(),
            plays: playbook.plays.len(),
        });
        if !playbook.is_adhoc() {
            let text = format!("{} plays in {}", playbook.plays.len(), playbook.path.display());
            run.events.send(Event::Verbose(2, text, None));
        }
        let outcome = self.playbook(&playbook.plays).await;
        if let Some(place) = &run.options.retry_files {
            self.write_retry_file(&playbook.path, place.as_deref());
        }
        let verdict = outcome?;
        run.events.send(Event::Stats(Arc::new(self.stats.clone())));
        Ok(match verdict {
            v if v.unreachable => Exit::Unreachable,
            v if v.failed || v.break_play => Exit::Failed,
            _ => Exit::Ok,
        })
    }

    async fn playbook(&mut self, plays: &[Arc<Play>]) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        for (number, play) in plays.iter().enumerate() {
            let (next, stop) = self.play(play, number as u64).await?;
            if let Some(next) = next {
                verdict = next;
            }
            if stop {
                break;
            }
        }
        Ok(verdict)
    }

    /// Runs one play; whether the playbook ends here.
    async fn play(&mut self, play: &Arc<Play>, number: u64) -> Result<(Option<Verdict>, bool)> {
        let run = Arc::clone(&self.run);
        run.loader.enter_play(play);
        let bare = self.context(play, number, Dict::new(), &play::Fields::default(), Vec::new());
        let templar = bare.templar(None, None)?;
        let prompted = prompt::vars_prompt(&run, play, &templar)?;
        let bare =
            self.context(play, number, prompted.clone(), &play::Fields::default(), Vec::new());
        let scope: Arc<dyn Scope> = Arc::new(bare.stack(None, None)?);
        let templar = Templar::new(Arc::clone(&run.templates), scope);
        let render = |value: &Value| templar.render(value, &RenderOptions::default());
        let fields = play::Fields::resolve(play, &render, &run.play_defaults)?;
        let hosts = run.world.inventory().select(&fields.hosts)?;
        let hosts = order_hosts(hosts, fields.order.as_deref())?;
        self.losses.unreachable.extend(self.known_unreachable.iter().cloned());
        let mut before = self.losses.count();
        let serial: Vec<Value> =
            fields.serial.iter().filter(|portion| !run.is_omit(portion)).cloned().collect();
        let batches = batches(&hosts, &serial)?;
        if batches.is_empty() {
            let context = self.context(play, number, prompted, &fields, Vec::new());
            run.events.send(Event::PlayStart(Arc::clone(&context.info)));
            run.events.send(Event::NoHostsMatched);
            return Ok((None, false));
        }
        let mut verdict = Verdict::default();
        let mut last = false;
        for batch in batches {
            let size = batch.len();
            let context = Arc::new(self.context(play, number, prompted.clone(), &fields, batch));
            let (next, ended) = self.batch(context, &fields).await?;
            verdict = next;
            if ended {
                break;
            }
            if verdict.break_play {
                // The rest of the playbook does not run, but this play's next batches do.
                verdict = Verdict { failed: true, ..Verdict::default() };
                last = true;
            }
            let now = self.losses.count();
            // A batch can lose fewer hosts than none: `clear_host_errors` takes them back.
            if now.checked_sub(before) == Some(size) {
                last = true;
                break;
            }
            before = now;
            self.known_unreachable.extend(self.losses.unreachable.iter().cloned());
        }
        Ok((Some(verdict), last))
    }

    /// Runs a play for one batch; whether `meta: end_play` ended it.
    async fn batch(
        &mut self,
        context: Arc<PlayContext>,
        fields: &play::Fields,
    ) -> Result<(Verdict, bool)> {
        // What is wrong with the play's variables ends the run before the play is announced.
        warn_of_reserved_names(&context)?;
        context.run.events.send(Event::PlayStart(Arc::clone(&context.info)));
        let losses = std::mem::take(&mut self.losses);
        let mut play = PlayRun::new(context, losses, std::mem::take(&mut self.stats))?;
        if let Some(pattern) = self.run.options.start_at_task.clone().filter(|_| !self.started) {
            let context = Arc::clone(&play.play);
            let matches = start_at(&context, &pattern);
            self.started = play.start_at(&matches);
        }
        for host in std::mem::take(&mut play.losses.failed) {
            // Hosts that failed in an earlier play count here too, even if they take no part.
            play.cursors.entry(Arc::clone(&host)).or_insert_with(|| Cursor::new(Vec::new()));
            play.mark_failed(&host);
        }
        for host in play.losses.unreachable.clone() {
            play.play.remove_host(&host);
        }
        let outcome = match fields.strategy.as_str() {
            "free" | "ansible.builtin.free" => free::run(&mut play, false).await,
            "host_pinned" | "ansible.builtin.host_pinned" => free::run(&mut play, true).await,
            "linear" | "ansible.builtin.linear" => linear::run(&mut play).await,
            "debug" | "ansible.builtin.debug" => {
                play.debugging = true;
                linear::run(&mut play).await
            }
            other => {
                Err(Error::new(Kind::User, format!("Invalid play strategy specified: {other}"))
                    .at(play.play.play.level.span.clone()))
            }
        };
        let failed: Vec<Arc<str>> = play
            .cursors
            .iter()
            .filter(|(_, c)| c.is_failed())
            .map(|(h, _)| Arc::clone(h))
            .collect();
        self.losses = play.losses;
        self.losses.failed.extend(failed);
        self.stats = play.stats;
        Ok((outcome?, play.end_play))
    }

    fn context(
        &self,
        play: &Arc<Play>,
        number: u64,
        prompted: Dict,
        fields: &play::Fields,
        batch: Vec<Arc<str>>,
    ) -> PlayContext {
        let hosts_all = self.run.world.inventory().select(&fields.hosts).unwrap_or_default();
        let view = PlayView::of(play, fields, hosts_all);
        view.set_batch(batch.clone());
        let info = PlayInfo {
            name: fields.name.clone(),
            hosts: fields.hosts.clone(),
            free: fields.strategy.ends_with("free") || fields.strategy.ends_with("host_pinned"),
            check_mode: fields.check_mode,
            id: number,
            path: Some(super::context::shown_place(&play.level.span)),
        };
        PlayContext {
            run: Arc::clone(&self.run),
            play: Arc::clone(play),
            info: Arc::new(info),
            prompted,
            vars_files: fields.vars_files.clone(),
            batch,
            order: fields.order.clone(),
            force_handlers: fields.force_handlers,
            max_fail_percentage: fields.max_fail_percentage,
            gather_facts: fields.gather_facts,
            gather_args: fields.gather_args.clone(),
            view: Arc::new(view),
            handler_names: parking_lot::Mutex::default(),
        }
    }

    fn write_retry_file(&self, playbook: &std::path::Path, place: Option<&str>) {
        let mut hosts: Vec<&Arc<str>> =
            self.losses.failed.iter().chain(&self.losses.unreachable).collect();
        hosts.sort_unstable();
        hosts.dedup();
        if hosts.is_empty() {
            return;
        }
        let stem = playbook.file_stem().unwrap_or_default().to_string_lossy();
        let beside = || {
            let playbook = std::path::absolute(playbook).unwrap_or_else(|_| playbook.to_owned());
            playbook.parent().map(std::path::Path::to_path_buf).unwrap_or_default()
        };
        let dir = place.map_or_else(beside, PathBuf::from);
        let file = dir.join(format!("{stem}.retry"));
        let text: String = hosts.iter().map(|h| format!("{h}\n")).collect();
        let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&file, text));
        match written {
            Ok(()) => self
                .run
                .events
                .send(Event::Line(format!("\tto retry, use: --limit @{}\n", file.display()))),
            Err(e) => self.run.events.send(Event::Warning(format!(
                "Could not create retry file '{}'.\n\t{e}",
                file.display()
            ))),
        }
    }
}

/// Warns of the play's variables that have names of keywords, or of functions in templates.
fn warn_of_reserved_names(context: &PlayContext) -> Result<()> {
    const FUNCTIONS: &[&str] = &[
        "cycler",
        "dict",
        "joiner",
        "lipsum",
        "lookup",
        "namespace",
        "now",
        "q",
        "query",
        "range",
        "undef",
    ];
    for name in context.stack(None, None)?.names() {
        if is_reserved(&name) || FUNCTIONS.contains(&&*name) {
            context
                .run
                .events
                .send(Event::Warning(format!("Found variable using reserved name: {name}")));
        }
    }
    Ok(())
}

/// What `--start-at-task` matches: the task's name, alone or with its role, or a glob of either.
fn start_at<'a>(
    context: &'a Arc<PlayContext>,
    pattern: &'a str,
) -> impl Fn(&crate::playbook::Task) -> bool + 'a {
    let context = Arc::clone(context);
    move |task| {
        let name = task.level.name.clone().unwrap_or_default();
        let full = context.banner_name(task, &name);
        [name, full].iter().any(|n| !n.is_empty() && (n == pattern || glob(pattern, n)))
    }
}

/// The hosts of a play in portions of `serial`: numbers or percentages, the last one repeated.
fn batches(hosts: &[Arc<str>], serial: &[Value]) -> Result<Vec<Vec<Arc<str>>>> {
    let mut rest = hosts;
    let mut batches = Vec::new();
    let mut turn = 0;
    while !rest.is_empty() {
        let size = match serial.get(turn.min(serial.len().saturating_sub(1))) {
            None => 0,
            Some(wish) => portion(wish, hosts.len())?,
        };
        let size = if size == 0 { rest.len() } else { size.min(rest.len()) };
        let (batch, more) = rest.split_at(size);
        batches.push(batch.to_vec());
        rest = more;
        turn += 1;
    }
    Ok(batches)
}

fn portion(wish: &Value, all: usize) -> Result<usize> {
    // ansible-core 2.14 converts it without expecting that to fail.
    let int = |value: &Value| match keywords::to_int(value) {
        Ok(n) => Ok(usize::try_from(n).unwrap_or(0)),
        Err(e) => Err(Error::new(Kind::Internal, e.message())),
    };
    let Some(percent) = wish.as_str().and_then(|s| s.strip_suffix('%')) else {
        return int(wish);
    };
    let whole = Value::str(percent);
    if keywords::to_int(&whole).is_err() {
        return int(&whole);
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of hosts"
    )]
    let n = (int(&whole)? as f64 / 100.0 * all as f64) as usize;
    Ok(n.max(1))
}

/// Whether a shell pattern matches a whole text.
fn glob(pattern: &str, text: &str) -> bool {
    Pattern::new(&crate::inventory::glob_to_regex(pattern), Flags::default())
        .and_then(|glob| glob.match_start(text))
        .is_ok_and(|found| found.is_some())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn serial_takes_portions_and_repeats_the_last() {
        let hosts: Vec<Arc<str>> = (0..7).map(|i| Arc::from(format!("h{i}"))).collect();
        let sizes = |serial: &[Value]| -> Vec<usize> {
            batches(&hosts, serial).unwrap().iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&[]), [7]);
        assert_eq!(sizes(&[1.into(), 2.into()]), [1, 2, 2, 2]);
        assert_eq!(sizes(&["30%".into()]), [2, 2, 2, 1]);
        assert_eq!(sizes(&[0.into()]), [7]);
    }
}
