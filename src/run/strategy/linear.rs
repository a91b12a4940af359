//! All hosts in lockstep: one task at a time, on every host that is due for it.

use std::sync::Arc;

use crate::{
    diagnostic::{Error, Kind, Result},
    event::Event,
    playbook::{Keyword, Task},
    run::{
        Finished,
        cursor::{Cursor, Phase},
        play::{PlayRun, Verdict},
    },
};

/// One host's part in a step: its task, or waiting for the others.
type Step = Vec<(Arc<str>, Option<Arc<Task>>)>;

/// Runs the play to its end.
pub async fn run(play: &mut PlayRun) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    loop {
        if play.play.run.stopping() {
            return Err(Error::new(Kind::Interrupted, "User interrupted execution"));
        }
        let hosts_left = play.hosts_left();
        let step = next_step(play, &hosts_left);
        if step.is_empty() {
            return Ok(play.verdict(verdict));
        }
        let fatal = run_step(play, &step, &hosts_left).await?;
        if let Some(more) = after_step(play, &hosts_left, fatal) {
            verdict.failed |= more.failed;
            verdict.break_play |= more.break_play;
        }
        if verdict != Verdict::default() && play.losses.failed.len() >= hosts_left.len() {
            play.send(Event::NoHostsRemaining);
            return Ok(verdict);
        }
    }
}

/// Which hosts run which task next: all those that are due for the first task in the play's order.
fn next_step(play: &mut PlayRun, hosts: &[Arc<str>]) -> Step {
    let mut due: Vec<(Arc<str>, Cursor, Arc<Task>)> = Vec::new();
    for host in hosts {
        if let Some((cursor, Some(task))) = play.peek(host) {
            due.push((Arc::clone(host), cursor, task));
        }
    }
    if due.is_empty() {
        return Vec::new();
    }
    if play.in_handlers && !due.iter().any(|(_, c, _)| c.phase == Phase::Handlers) {
        play.in_handlers = false;
    }
    let lowest_handler =
        due.iter().filter(|(_, c, _)| c.phase == Phase::Handlers).map(|(_, c, _)| c.handler).min();
    let current = if play.in_handlers { None } else { next_in_order(play, &due) };
    let mut step = Step::new();
    for (host, cursor, task) in due {
        let goes = match &current {
            Some(current) => current.id == task.id,
            None => lowest_handler == Some(cursor.handler),
        };
        if goes {
            play.cursors.insert(Arc::clone(&host), cursor);
            step.push((host, Some(task)));
        } else {
            step.push((host, None));
        }
    }
    // Once hosts meet at a flush, handlers run in lockstep until no host has any left.
    if current.is_some_and(|t| is_meta(&t, "flush_handlers")) {
        play.in_handlers = true;
    }
    step
}

fn next_in_order(play: &mut PlayRun, due: &[(Arc<str>, Cursor, Arc<Task>)]) -> Option<Arc<Task>> {
    // Twice, to pick up tasks that are due again after `clear_host_errors`.
    for _ in 0..2 {
        while let Some(task) = play.all_tasks.get(play.next_task) {
            play.next_task += 1;
            if due.iter().any(|(_, _, t)| t.id == task.id) {
                return Some(Arc::clone(task));
            }
        }
        play.next_task = 0;
    }
    // A task outside the play's order (an included handler): whoever is first goes on.
    due.first().map(|(_, _, t)| Arc::clone(t))
}

/// The argument of a meta task.
pub fn meta_action(task: &Task) -> Option<String> {
    if task.action.name != "ansible.builtin.meta" {
        return None;
    }
    task.action.args.get("_raw_params").map(|v| v.to_text())
}

fn is_meta(task: &Task, what: &str) -> bool {
    meta_action(task).as_deref() == Some(what)
}

/// What a step means for hosts that did not fail themselves.
struct Fatality {
    any_errors_fatal: bool,
    failed: Vec<Arc<str>>,
    unreachable: Vec<Arc<str>>,
    results: usize,
}

async fn run_step(play: &mut PlayRun, step: &Step, hosts_left: &[Arc<str>]) -> Result<Fatality> {
    let mut announced = false;
    let mut asked = false;
    let mut fatal = Fatality {
        any_errors_fatal: false,
        failed: Vec::new(),
        unreachable: Vec::new(),
        results: 0,
    };
    let mut pending = 0_usize;
    let mut finished: Vec<Finished> = Vec::new();
    let mut metas: Vec<Arc<str>> = Vec::new();
    let mut workers = play.play.workers();
    for (host, task) in step {
        let Some(task) = task else { continue };
        if play.role_is_complete(host, task) {
            continue;
        }
        let ignore_errors = play.play.written_bool(task, Keyword::IgnoreErrors);
        if let Some(what) = meta_action(task) {
            play.execute_meta(&what, task, host).await?;
            metas.push(Arc::clone(host));
            let once = !matches!(
                what.as_str(),
                "noop" | "reset_connection" | "end_host" | "role_complete" | "flush_handlers"
            );
            if (play.play.any_errors_fatal(task) || once) && !ignore_errors {
                fatal.any_errors_fatal = true;
            }
            if once {
                break;
            }
            continue;
        }
        if play.step && !asked {
            if !play.ask_step(task)? {
                break;
            }
            asked = true;
        }
        let stack = play.play.stack(Some(host), Some(task))?;
        let once = play.play.runs_once(task, &stack)?;
        if (play.play.any_errors_fatal(task) || once) && !ignore_errors {
            fatal.any_errors_fatal = true;
        }
        let info = play.info(task, host);
        if !announced {
            play.send(Event::TaskStart(Arc::clone(&info)));
            announced = true;
        }
        workers.start(host, task, info, stack)?;
        pending += 1;
        if once {
            break;
        }
    }
    while pending > 0 {
        for message in workers.next_together(pending).await? {
            match message {
                crate::run::Message::Event(_, event) => play.send(event),
                crate::run::Message::Done(mut done) => {
                    pending -= 1;
                    let before = play.before_debugger(&done);
                    play.process(&mut done)?;
                    if let Some(before) = before
                        && let Some(again) = play.debug(&done, before)?
                    {
                        workers.start(&again.host, &again.task, again.info, again.stack)?;
                        pending += 1;
                        continue;
                    }
                    finished.push(*done);
                }
            }
        }
    }
    play.carry_out_includes(&mut finished, hosts_left)?;
    fatal.results = finished.len() + metas.len();
    for done in &finished {
        if done.result.is_failed() && play.is_failed(&done.host) {
            fatal.failed.push(Arc::clone(&done.host));
        } else if done.result.is_unreachable() {
            fatal.unreachable.push(Arc::clone(&done.host));
        }
    }
    fatal.failed.extend(metas.into_iter().filter(|h| play.is_failed(h)));
    Ok(fatal)
}

/// Applies `any_errors_fatal` and `max_fail_percentage`.
fn after_step(play: &mut PlayRun, hosts_left: &[Arc<str>], fatal: Fatality) -> Option<Verdict> {
    let mut verdict = None;
    if fatal.any_errors_fatal && !(fatal.failed.is_empty() && fatal.unreachable.is_empty()) {
        for host in hosts_left {
            let Some((cursor, _)) = play.peek(host) else { continue };
            let inner = cursor.innermost();
            let spared = match inner.phase {
                Phase::Rescue => !inner.rescue_failed(),
                Phase::Always => true,
                _ => false,
            };
            if !spared {
                play.losses.failed.insert(Arc::clone(host));
                verdict = Some(Verdict { failed: true, break_play: true, unreachable: false });
            }
        }
    }
    if let Some(limit) = play.play.max_fail_percentage.filter(|_| fatal.results > 0) {
        #[expect(clippy::cast_precision_loss, reason = "numbers of hosts")]
        let share = play.losses.failed.len() as f64 / play.play.batch.len() as f64;
        if share > limit / 100.0 {
            for host in hosts_left {
                if !fatal.failed.contains(host) {
                    play.losses.failed.insert(Arc::clone(host));
                    play.mark_failed(host);
                }
            }
            play.send(Event::NoHostsRemaining);
            verdict = Some(Verdict { failed: true, break_play: true, unreachable: false });
        }
    }
    verdict
}
