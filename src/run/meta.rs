//! `meta:` tasks: what a playbook tells the engine itself.

use std::sync::Arc;

use super::{conditions, cursor::Phase, play::PlayRun};
use crate::{
    diagnostic::{Error, Kind, Result},
    event::Event,
    playbook::{Keyword, Task},
    value::Value,
};

impl PlayRun {
    /// Carries out a meta task for a host.
    ///
    /// # Errors
    /// An action that does not exist, `flush_handlers` within a handler, a condition that fails.
    pub async fn execute_meta(
        &mut self,
        what: &str,
        task: &Arc<Task>,
        host: &Arc<str>,
    ) -> Result<()> {
        if !task.implicit {
            let info = self.info(task, host);
            self.send(Event::TaskStart(info));
        }
        if matches!(what, "noop" | "refresh_inventory" | "reset_connection")
            && task.level.own(Keyword::When).is_some()
        {
            self.send(Event::Warning(format!("{what} task does not support when conditional")));
        }
        let mut skipped = false;
        match what {
            "noop" => {}
            "role_complete" => self.role_complete(task, host),
            "refresh_inventory" => {
                let inventory = self.play.run.world.inventory();
                inventory.refresh()?;
                let hosts = inventory.select(&self.play.info.hosts).unwrap_or_default();
                self.play.view.set_all_hosts(hosts);
                self.hosts = self.play.present()?;
                self.play.view.set_batch(self.hosts.clone());
            }
            "reset_connection" => self.reset_connection(host, task).await?,
            "flush_handlers" | "clear_facts" | "clear_host_errors" | "end_batch" | "end_play"
            | "end_host" => {
                if self.holds(task, host)? {
                    self.execute_conditional_meta(what, host)?;
                } else {
                    skipped = true;
                    self.verbose_skip(what, task, host);
                }
            }
            other => {
                return Err(Error::new(
                    Kind::User,
                    format!("invalid meta action requested: {other}"),
                )
                .at(task.level.span.clone()));
            }
        }
        if !task.implicit && !skipped {
            self.send(Event::Verbose(2, format!("META: {}", done(what, host)), None));
        }
        if let Some(hosts) = self.notified.get_mut(&task.id) {
            hosts.remove(host);
        }
        Ok(())
    }

    fn verbose_skip(&mut self, what: &str, task: &Arc<Task>, host: &Arc<str>) {
        if task.implicit {
            return;
        }
        let rest = match what {
            "flush_handlers" => format!(", not running handlers for {host}"),
            "clear_facts" => format!(", not clearing facts and fact cache for {host}"),
            "clear_host_errors" => format!(", not clearing host error state for {host}"),
            "end_batch" => ", continuing current batch".to_owned(),
            "end_play" => ", continuing play".to_owned(),
            _ => format!(", continuing execution for {host}"),
        };
        let reason = format!("{what} conditional evaluated to False{rest}");
        self.send(Event::Verbose(2, format!("META: {reason}"), None));
        // ansible-core 2.14 sends the skip to callbacks without counting it.
        let info = self.info(task, host);
        let said = match what {
            "end_host" => {
                format!("end_host conditional evaluated to false, continuing execution for {host}")
            }
            other => other.to_owned(),
        };
        let result = [("msg", Value::str(said)), ("skip_reason", Value::str(reason))];
        let result = result.into_iter().collect();
        self.send(Event::Skipped(crate::event::Report {
            host: Arc::clone(host),
            task: info,
            delegated: None,
            result,
            item_label: None,
            no_log: false,
            verbose_always: false,
            verbose_never: false,
            seconds: 0.0,
        }));
    }

    fn holds(&self, task: &Arc<Task>, host: &Arc<str>) -> Result<bool> {
        if task.implicit {
            if !self.play.vars_files.is_empty() {
                // Where a play has nothing else to do, this is where missing files show.
                self.play.stack(Some(host), Some(task))?;
            }
            return Ok(true);
        }
        let templar = self.play.templar(Some(host), Some(task))?;
        for condition in conditions(&task.level, Keyword::When) {
            if !templar.condition(&condition.value).map_err(|e| e.at(task.level.span.clone()))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn execute_conditional_meta(&mut self, what: &str, host: &Arc<str>) -> Result<()> {
        match what {
            "flush_handlers" => {
                let reachable = !self.losses.unreachable.contains(host);
                let Some(cursor) = self.cursors.get_mut(host) else { return Ok(()) };
                if cursor.phase == Phase::Handlers {
                    return Err(Error::new(
                        Kind::User,
                        "flush_handlers cannot be used as a handler",
                    ));
                }
                if reachable {
                    cursor.flush_handlers();
                }
            }
            "clear_facts" => {
                for host in self.play.batch.clone() {
                    self.play.run.world.clear_facts(&host);
                }
            }
            "clear_host_errors" => {
                for host in self.play.batch.clone() {
                    self.losses.failed.shift_remove(&host);
                    self.losses.unreachable.shift_remove(&host);
                    if let Some(cursor) = self.cursors.get_mut(&host) {
                        cursor.clear_failures();
                    }
                }
            }
            "end_host" => {
                if let Some(cursor) = self.cursors.get_mut(host) {
                    cursor.finish();
                }
                self.play.remove_host(host);
            }
            _ => {
                for host in self.play.batch.clone() {
                    if self.losses.unreachable.contains(&host) {
                        continue;
                    }
                    if let Some(cursor) = self.cursors.get_mut(&host) {
                        cursor.finish();
                    }
                    self.end_play |= what == "end_play";
                }
            }
        }
        Ok(())
    }

    async fn reset_connection(&self, host: &Arc<str>, task: &Arc<Task>) -> Result<()> {
        let templar = self.play.templar(Some(host), Some(task))?;
        let resolver = super::Resolver {
            task,
            templar: &templar,
            defaults: &self.play.run.defaults,
            omit: self.play.run.world.omit(),
            events: &self.play.run.events,
        };
        let fields = resolver.fields()?;
        let endpoint = crate::action::endpoint::of_host(&self.play, host, &fields, &templar)?;
        self.play.run.pool.reset(&endpoint).await;
        Ok(())
    }

    fn role_complete(&mut self, task: &Task, host: &Arc<str>) {
        let Some(role) = task.level.role.as_ref().filter(|_| task.implicit) else { return };
        if self.role_ran.get(&role.identity).is_some_and(|hosts| hosts.contains(host)) {
            self.role_completed.entry(role.identity.clone()).or_default().insert(Arc::clone(host));
        }
    }
}

/// What `-vv` tells of a meta task that was carried out.
fn done(what: &str, host: &str) -> String {
    match what {
        "flush_handlers" => format!("triggered running handlers for {host}"),
        "refresh_inventory" => "inventory successfully refreshed".to_owned(),
        "clear_facts" => "facts cleared".to_owned(),
        "clear_host_errors" => "cleared host errors".to_owned(),
        "end_batch" => "ending batch".to_owned(),
        "end_play" => "ending play".to_owned(),
        "end_host" => format!("ending play for {host}"),
        "reset_connection" => "reset connection".to_owned(),
        other => other.to_owned(),
    }
}
