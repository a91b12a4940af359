//! Every host on its own schedule: `free` starts whatever a host is due for; `host_pinned` keeps a
//! fork on a host until the host is done.

use std::{collections::HashSet, sync::Arc};

use super::linear::meta_action;
use crate::{
    diagnostic::{Error, Kind, Result},
    event::Event,
    run::{
        Message,
        play::{PlayRun, Verdict},
        workers::Workers,
    },
};

/// Runs the play to its end.
pub async fn run(play: &mut PlayRun, pinned: bool) -> Result<Verdict> {
    if play.play.max_fail_percentage.is_some() {
        play.send(Event::Warning(
            "Using max_fail_percentage with the free strategy is not supported, as tasks are \
             executed independently on each host"
                .to_owned(),
        ));
    }
    let mut workers = play.play.workers();
    let mut busy: HashSet<Arc<str>> = HashSet::new();
    let mut pinned_hosts: Vec<Arc<str>> = Vec::new();
    loop {
        if play.play.run.stopping() {
            return Err(Error::new(Kind::Interrupted, "User interrupted execution"));
        }
        let hosts = play.hosts_left();
        if hosts.is_empty() {
            play.send(Event::NoHostsRemaining);
            return Ok(Verdict { unreachable: true, ..Verdict::default() });
        }
        for host in &hosts {
            if busy.contains(host) || (pinned && !pin(play, &mut pinned_hosts, host)) {
                continue;
            }
            if start_next(play, &mut workers, host).await? {
                busy.insert(Arc::clone(host));
            } else {
                pinned_hosts.retain(|h| h != host);
            }
        }
        if busy.is_empty() {
            return Ok(play.verdict(Verdict::default()));
        }
        match workers.next().await? {
            Message::Event(_, event) => play.send(event),
            Message::Done(mut done) => {
                let before = play.before_debugger(&done);
                play.process(&mut done)?;
                if let Some(before) = before
                    && let Some(again) = play.debug(&done, before)?
                {
                    workers.start(&again.host, &again.task, again.info, again.stack)?;
                    continue;
                }
                busy.remove(&done.host);
                play.carry_out_includes(&mut [*done], &hosts)?;
            }
        }
    }
}

/// Whether a host holds one of the forks, or may take one.
fn pin(play: &PlayRun, pinned: &mut Vec<Arc<str>>, host: &Arc<str>) -> bool {
    if pinned.contains(host) {
        return true;
    }
    let free = pinned.len() < play.play.run.options.forks;
    if free {
        pinned.push(Arc::clone(host));
    }
    free
}

/// Starts the next task of a host; meta tasks are carried out on the way. False if nothing is left.
async fn start_next(play: &mut PlayRun, workers: &mut Workers, host: &Arc<str>) -> Result<bool> {
    while let Some((cursor, Some(task))) = play.peek(host) {
        play.cursors.insert(Arc::clone(host), cursor);
        if play.role_is_complete(host, &task) {
            continue;
        }
        if let Some(what) = meta_action(&task) {
            play.execute_meta(&what, &task, host).await?;
            continue;
        }
        if play.step && !play.ask_step(&task)? {
            continue;
        }
        let stack = play.play.stack(Some(host), Some(&task))?;
        if play.play.bypasses_host_loop(&task) {
            return Err(Error::new(
                Kind::User,
                format!(
                    "The '{}' module bypasses the host loop, which is currently not supported in \
                     the free strategy and would instead execute for every host in the inventory \
                     list.",
                    task.action.written
                ),
            )
            .at(task.level.span.clone()));
        }
        if play.play.runs_once(&task, &stack)? {
            play.send(Event::Warning(
                "Using run_once with the free strategy is not currently supported. This task will \
                 still be executed for every host in the inventory list."
                    .to_owned(),
            ));
        }
        if play.play.any_errors_fatal(&task) {
            play.send(Event::Warning(
                "Using any_errors_fatal with the free strategy is not supported, as tasks are \
                 executed independently on each host"
                    .to_owned(),
            ));
        }
        let info = play.info(&task, host);
        play.send(Event::TaskStart(Arc::clone(&info)));
        workers.start(host, &task, info, stack)?;
        return Ok(true);
    }
    Ok(false)
}
