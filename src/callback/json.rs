//! `json`: the whole run as one JSON document at its end.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use super::{Callback, Display, Registration, clean::with_internal};
use crate::{
    config::options,
    event::{Counts, Event, PlayInfo, Report, Stats, TaskInfo},
    value::{
        Dict, List, Value,
        json::{self, Layout},
    },
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "json",
    collection: "ansible.posix",
    summary: "the whole run as one JSON document",
    make: |settings, _| {
        Box::new(Json {
            indent: usize::try_from(settings.get(&options::json::INDENT)).ok().filter(|n| *n > 0),
            custom_stats: settings.get(&options::callback::SHOW_CUSTOM_STATS),
            ids: RandomState::new().hash_one("vmstation-play"),
            plays: Vec::new(),
            lockstep: true,
            open: HashMap::new(),
            turns: HashMap::new(),
        })
    },
};

struct Json {
    indent: Option<usize>,
    custom_stats: bool,
    /// What all ids of this run begin with.
    ids: u64,
    plays: Vec<PlayDone>,
    /// Whether all hosts do the same task at a time.
    lockstep: bool,
    /// Tasks that a host is at, where each has its own pace.
    open: HashMap<(Arc<str>, u64), TaskDone>,
    /// The turns of loops that are not over.
    turns: HashMap<(Arc<str>, u64), Vec<Turn>>,
}

/// What a loop's result does not tell of a turn.
struct Turn {
    label: Option<Value>,
    verbose_always: bool,
}

struct PlayDone {
    head: Dict,
    duration: Dict,
    tasks: List,
    last: Option<TaskDone>,
}

#[derive(Clone)]
struct TaskDone {
    hosts: Dict,
    duration: Dict,
}

fn now() -> Value {
    Value::from(chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

fn began() -> Dict {
    [("start", now())].into_iter().collect()
}

impl Json {
    fn id(&self, kind: u8, number: u64) -> Value {
        let [a, b, c, d, e, f, g, h] = self.ids.to_be_bytes();
        Value::from(format!(
            "02{a:02x}{b:02x}{c:02x}-{d:02x}{e:02x}-{f:02x}{g:02x}-{h:02x}{kind:02x}-{number:012x}"
        ))
    }

    fn head(&self, kind: u8, id: u64, name: &str, path: Option<&String>, duration: &Dict) -> Dict {
        let path = path.map_or_else(|| "None".to_owned(), Clone::clone);
        [
            ("name", Value::from(name)),
            ("id", self.id(kind, id)),
            ("path", Value::from(path)),
            ("duration", Value::Dict(duration.clone())),
        ]
        .into_iter()
        .collect()
    }

    fn play_start(&mut self, play: &PlayInfo) {
        self.lockstep = !play.free;
        let duration = began();
        let head = self.head(0, play.id, &play.name, play.path.as_ref(), &duration);
        self.plays.push(PlayDone { head, duration, tasks: List::new(Vec::new()), last: None });
    }

    fn task_start(&mut self, task: &TaskInfo) -> Option<TaskDone> {
        let duration = began();
        let head = self.head(1, task.id, task.name.trim(), task.path.as_ref(), &duration);
        let done = TaskDone { hosts: Dict::new(), duration };
        let entry: Dict = [("task", Value::Dict(head)), ("hosts", Value::Dict(done.hosts.clone()))]
            .into_iter()
            .collect();
        let play = self.plays.last_mut()?;
        play.tasks.write().push(Value::Dict(entry));
        play.last = Some(done.clone());
        Some(done)
    }

    fn result(&mut self, report: &Report, status: Option<&str>) {
        let key = (Arc::clone(&report.host), report.task.id);
        let data = with_internal(report);
        self.label_turns(&key, &data);
        if let Some(status) = status {
            data.insert(status, true);
        }
        data.insert("action", report.task.action.as_str());
        let open = self.open.remove(&key);
        let Some(play) = self.plays.last() else { return };
        let Some(task) = open.or_else(|| play.last.clone()) else { return };
        task.hosts.insert(Arc::clone(&report.host), data);
        let end = now();
        task.duration.insert("end", end.clone());
        play.duration.insert("end", end);
    }

    /// Gives results of a loop's turns the labels that the turns had.
    fn label_turns(&mut self, key: &(Arc<str>, u64), data: &Dict) {
        let Some(seen) = self.turns.remove(key) else { return };
        let Some(Value::List(turns)) = data.get("results") else { return };
        let labelled = turns.snapshot().into_iter().zip(seen).map(|(turn, seen)| {
            let Some(turn) = turn.as_dict() else { return turn };
            let turn = turn.copy();
            turn.insert("_ansible_item_label", seen.label.unwrap_or(Value::None));
            if seen.verbose_always {
                turn.insert("_ansible_verbose_always", true);
            }
            if !turn.contains("include") {
                turn.insert("_ansible_no_log", false);
            }
            Value::Dict(turn)
        });
        data.insert("results", labelled.collect::<Vec<_>>());
    }

    fn stats(&self, stats: &Stats, display: &Display) {
        let counts = Dict::new();
        let mut hosts: Vec<_> = stats.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(name, _)| *name);
        for (host, count) in hosts {
            counts.insert(Arc::clone(host), summary(*count));
        }
        let (custom, global) = (Dict::new(), Dict::new());
        for (owner, data) in stats.custom.iter().filter(|_| self.custom_stats) {
            if owner == "_run" {
                global.write().extend(data.snapshot());
            } else {
                custom.insert(owner.as_str(), data.clone());
            }
        }
        let plays = self.plays.iter().map(|play| {
            let entry: Dict = [
                ("play", Value::Dict(play.head.clone())),
                ("tasks", Value::List(play.tasks.clone())),
            ]
            .into_iter()
            .collect();
            Value::Dict(entry)
        });
        let whole: Dict = [
            ("plays", plays.collect()),
            ("stats", Value::Dict(counts)),
            ("custom_stats", Value::Dict(custom)),
            ("global_custom_stats", Value::Dict(global)),
        ]
        .into_iter()
        .collect();
        let layout = Layout {
            indent: self.indent.map(|n| " ".repeat(n)),
            item_separator: if self.indent.is_some() { "," } else { ", " }.to_owned(),
            sort_keys: true,
            vault_to_text: false,
            ..Layout::default()
        };
        match json::dumps_ansible(&Value::Dict(whole), &layout) {
            Ok(text) => display.line(&text, None, false),
            Err(why) => display.warning(&format!("the run cannot be written as JSON: {why}")),
        }
    }
}

fn summary(counts: Counts) -> Dict {
    let number = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    [
        ("ok", number(counts.ok)),
        ("failures", number(counts.failed)),
        ("unreachable", number(counts.unreachable)),
        ("changed", number(counts.changed)),
        ("skipped", number(counts.skipped)),
        ("rescued", number(counts.rescued)),
        ("ignored", number(counts.ignored)),
    ]
    .into_iter()
    .collect()
}

impl Callback for Json {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::PlayStart(play) => self.play_start(play),
            Event::TaskStart(task) if self.lockstep && !task.implicit => {
                self.task_start(task);
            }
            Event::HostStart(host, task) if !self.lockstep && !task.implicit => {
                if let Some(done) = self.task_start(task) {
                    self.open.insert((Arc::clone(host), task.id), done);
                }
            }
            Event::ItemOk(report) | Event::ItemFailed(report) | Event::ItemSkipped(report) => {
                let key = (Arc::clone(&report.host), report.task.id);
                let turn = Turn {
                    label: report.item_label.clone(),
                    verbose_always: report.verbose_always,
                };
                self.turns.entry(key).or_default().push(turn);
            }
            Event::Ok(report) | Event::Unreachable(report, _) => self.result(report, None),
            Event::Failed(report, _) => self.result(report, Some("failed")),
            Event::Skipped(report) => self.result(report, Some("skipped")),
            Event::Stats(stats) => self.stats(stats, display),
            _ => {}
        }
    }
}
