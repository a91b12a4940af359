//! What a finished task changes: counts, cursors, variables, handlers, inventory, output.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{
    AfterFields, Finished, TaskResult,
    cursor::Phase,
    play::PlayRun,
    worker::{check_identifier, report_of},
};
use crate::{
    diagnostic::{Error, Kind, Result},
    event::Event,
    playbook::Task,
    value::{Dict, Value},
};

impl PlayRun {
    /// Takes in a finished task.
    ///
    /// # Errors
    /// What ends the whole run: an unknown handler, an impossible name to register.
    pub fn process(&mut self, finished: &mut Finished) -> Result<()> {
        let host = Arc::clone(&finished.host);
        let (info, seconds) = (Arc::clone(&finished.info), finished.seconds);
        let report = |r: &TaskResult| report_of(&host, &info, r, seconds);
        let mut role_ran = false;
        if finished.result.is_failed() {
            role_ran = true;
            self.count_failure(finished);
            let ignored = finished.after.ignore_errors;
            self.send(Event::Failed(report(&finished.result), ignored));
        } else if finished.result.is_unreachable() {
            let ignored = finished.after.ignore_unreachable;
            let counts = self.stats.of(&host);
            if ignored {
                counts.ok += 1;
                counts.ignored += 1;
            } else {
                counts.unreachable += 1;
                self.losses.unreachable.insert(Arc::clone(&host));
                self.play.remove_host(&host);
            }
            self.send(Event::Unreachable(report(&finished.result), ignored));
        } else if finished.result.is_skipped() {
            self.stats.of(&host).skipped += 1;
            self.send(Event::Skipped(report(&finished.result)));
        } else {
            role_ran = true;
            self.process_success(finished)?;
            // Some modules answer with a difference though the task wants none; the flag shows that too. Turns of a
            // loop have shown theirs.
            let shown = finished.after.diff || self.play.run.defaults.diff;
            if shown && finished.result.data.contains("diff") {
                self.send(Event::Diff(report(&finished.result)));
            }
            if finished.result.control.include.is_none() && !finished.info.include {
                let changed = truth(&finished.result.data, "changed");
                let counts = self.stats.of(&host);
                counts.ok += 1;
                counts.changed += u64::from(changed);
            }
            self.send(Event::Ok(report(&finished.result)));
        }
        self.register(finished)?;
        self.note_role(&host, &finished.task, role_ran);
        if finished.task.is_handler
            && let Some(hosts) = self.notified.get_mut(&finished.task.id)
        {
            hosts.remove(&host);
        }
        Ok(())
    }

    fn note_role(&mut self, host: &Arc<str>, task: &Task, ran: bool) {
        if let Some(role) = task.level.role.as_ref().filter(|_| ran) {
            self.role_ran.entry(role.identity.clone()).or_default().insert(Arc::clone(host));
        }
    }

    fn count_failure(&mut self, finished: &Finished) {
        let host = &finished.host;
        let AfterFields { ignore_errors, run_once, .. } = finished.after;
        if ignore_errors {
            let changed = truth(&finished.result.data, "changed");
            let counts = self.stats.of(host);
            counts.ok += 1;
            counts.ignored += 1;
            counts.changed += u64::from(changed);
            return;
        }
        let rescued = self.cursors.get(host).is_some_and(|c| c.would_rescue());
        if run_once {
            for other in self.play.batch.clone() {
                if !self.losses.unreachable.contains(&other) {
                    self.mark_failed(&other);
                }
            }
        } else {
            self.mark_failed(host);
        }
        if let Some((cursor, _)) = self.peek(host)
            && self.is_failed(host)
            && cursor.phase == Phase::Done
        {
            self.losses.failed.insert(Arc::clone(host));
        }
        if rescued {
            self.stats.of(host).rescued += 1;
            self.play.restore_host(host);
            let vars: Dict = [
                ("ansible_failed_task", self.play.describe(host, finished)),
                ("ansible_failed_result", Value::Dict(finished.result.data.clone())),
            ]
            .into_iter()
            .collect();
            self.play.run.world.set_vars(host, &vars);
        } else {
            self.stats.of(host).failed += 1;
        }
    }

    fn process_success(&mut self, finished: &mut Finished) -> Result<()> {
        let looped = finished.task.looped.is_some() && !finished.result.items.is_empty();
        let turns: Vec<(Dict, super::Control)> = if looped {
            let items = match finished.result.data.get("results") {
                Some(Value::List(items)) => items.snapshot(),
                _ => Vec::new(),
            };
            items
                .into_iter()
                .filter_map(|i| i.as_dict().cloned())
                .zip(finished.result.items.iter().cloned())
                .collect()
        } else {
            vec![(finished.result.data.clone(), finished.result.control.clone())]
        };
        let changed = finished.result.is_changed();
        for (data, control) in turns {
            if changed {
                for name in &control.notify {
                    self.notify(name, &finished.host)?;
                }
            }
            if control.add_host.is_some() || control.add_group.is_some() {
                self.change_inventory(finished, &data, &control, looped)?;
            }
            self.store_facts(finished, &data, &control);
            self.store_custom_stats(finished, &data);
        }
        Ok(())
    }

    fn change_inventory(
        &mut self,
        finished: &mut Finished,
        data: &Dict,
        control: &super::Control,
        looped: bool,
    ) -> Result<()> {
        let inventory = self.play.run.world.inventory();
        let changed = if let Some(host) = &control.add_host {
            let name = host.get("host_name").map(|v| v.to_text()).unwrap_or_default();
            let groups: Vec<String> = match host.get("groups") {
                Some(Value::List(groups)) => groups.read().iter().map(Value::to_text).collect(),
                _ => Vec::new(),
            };
            let vars = host.get("host_vars").and_then(|v| v.as_dict().cloned());
            let changed = inventory.add_host(&name, &vars.unwrap_or_default(), &groups)?;
            if changed {
                self.play.view.add_host(name.as_str().into());
            }
            changed
        } else if let Some((group, parents)) = &control.add_group {
            inventory.group_by(&finished.host, group, parents)?
        } else {
            false
        };
        data.insert("changed", changed);
        let turn = TaskResult { data: data.clone(), control: control.clone(), items: Vec::new() };
        if let Some(verdict) = &control.verdict {
            verdict.apply(&turn, &verdict.templar(IndexMap::new(), data));
        }
        if looped {
            let report = report_of(&finished.host, &finished.info, &turn, finished.seconds);
            self.send(Event::ItemOk(report));
            for key in ["changed", "failed"] {
                if truth(data, key) {
                    finished.result.data.insert(key, true);
                }
            }
        }
        Ok(())
    }

    /// The hosts that a result belongs to: all of the batch for a task that runs once.
    fn result_hosts(&self, finished: &Finished) -> Vec<Arc<str>> {
        if finished.after.run_once { self.hosts_left() } else { vec![Arc::clone(&finished.host)] }
    }

    fn store_facts(&self, finished: &Finished, data: &Dict, control: &super::Control) {
        if finished.task.action.name == "ansible.builtin.debug" {
            return;
        }
        let Some(Value::Dict(facts)) = data.get("ansible_facts") else { return };
        let world = &self.play.run.world;
        let delegate = control.delegated.as_ref().map(|d| Arc::<str>::from(d.host.as_str()));
        let hosts = match &delegate {
            Some(host) if finished.after.delegate_facts => vec![Arc::clone(host)],
            _ => self.result_hosts(finished),
        };
        for host in hosts {
            if control.include_vars {
                world.include_vars(&host, &facts);
            } else {
                if !control.set_fact || control.facts_cacheable {
                    world.set_facts(&host, &facts);
                }
                if control.set_fact {
                    world.set_vars(&host, &facts);
                }
            }
        }
    }

    fn store_custom_stats(&mut self, finished: &Finished, data: &Dict) {
        let Some(Value::Dict(wish)) = data.get("ansible_stats") else { return };
        let Some(Value::Dict(entries)) = wish.get("data") else { return };
        let per_host = wish.get("per_host").is_none_or(|v| v.is_true());
        let aggregate = wish.get("aggregate").is_some_and(|v| v.is_true());
        let owners = if per_host {
            self.result_hosts(finished).iter().map(|h| h.to_string()).collect()
        } else {
            vec!["_run".to_owned()]
        };
        for owner in owners {
            let known = self.stats.custom.entry(owner).or_default().clone();
            for (key, value) in entries.snapshot() {
                let old = known.get_key(&key);
                let new = match (aggregate, old) {
                    (true, Some(old)) => match aggregated(&old, &value) {
                        Some(sum) => sum,
                        None => continue,
                    },
                    _ => value,
                };
                known.write().insert(key, new);
            }
        }
    }

    fn register(&self, finished: &Finished) -> Result<()> {
        let Some(name) = &finished.after.register else { return Ok(()) };
        check_identifier(name)?;
        let data = finished.result.data.copy();
        data.remove("invocation");
        let vars: Dict = [(name.as_str(), Value::Dict(data))].into_iter().collect();
        for host in self.result_hosts(finished) {
            self.play.run.world.set_vars(&host, &vars);
        }
        Ok(())
    }

    /// The handler of this name: of several files (the play's, those of roles) that have one, the
    /// last is asked, but of several in one file the first counts.
    fn handler_called(&self, name: &str) -> Option<Arc<Task>> {
        let role = |h: &Arc<Task>| h.level.role.as_ref().map(Arc::as_ptr);
        let mut files = self.handlers.chunk_by(|a, b| role(a) == role(b)).rev();
        files.find_map(|file| {
            file.iter().find(|h| self.play.handler_names(h).iter().any(|n| n == name)).cloned()
        })
    }

    /// Notifies the handlers that have this name or listen to it.
    fn notify(&mut self, name: &str, host: &Arc<str>) -> Result<()> {
        let mut found = false;
        let mut targets: Vec<Arc<Task>> = Vec::new();
        if let Some(handler) = self.handler_called(name) {
            found = true;
            targets.push(handler);
        }
        for handler in &self.handlers {
            if self.play.listens(handler, name) {
                found = true;
                targets.push(Arc::clone(handler));
            }
        }
        for handler in targets {
            if self.notified.entry(handler.id).or_default().insert(Arc::clone(host)) {
                let handler = self.info(&handler, host).name.clone();
                self.send(Event::Notified { handler, host: Arc::clone(host) });
            }
        }
        if found {
            return Ok(());
        }
        let text = format!(
            "The requested handler '{name}' was not found in either the main handlers list nor in \
             the listening handlers list"
        );
        if self.play.run.options.error_on_missing_handler {
            return Err(Error::new(Kind::User, text));
        }
        self.send(Event::Warning(text));
        Ok(())
    }
}

fn truth(data: &Dict, key: &str) -> bool {
    data.get(key).is_some_and(|v| v.is_true())
}

/// `set_stats` with `aggregate`: dicts are merged, everything else is added up.
fn aggregated(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        (Value::Dict(a), Value::Dict(b)) => {
            let all = a.copy();
            for (k, v) in b.snapshot() {
                all.write().insert(k, v);
            }
            Some(Value::Dict(all))
        }
        (a, b) if a.type_name() == b.type_name() => crate::value::ops::add(a, b).ok(),
        _ => None,
    }
}
