//! The state of one play (or one batch of its hosts) while it runs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use super::{
    Message, PlayContext,
    cursor::{Cursor, Surroundings, flatten},
};
use crate::{
    diagnostic::Result,
    event::{Event, Stats, TaskInfo},
    playbook::{Block, Item, Task},
    value::Value,
};

/// Why a run of tasks ended before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// At least one host failed.
    pub failed: bool,
    /// At least one host could not be reached.
    pub unreachable: bool,
    /// The rest of the playbook must not run.
    pub break_play: bool,
}

/// Failed and unreachable hosts, which outlive a play.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// Hosts that failed.
    pub failed: IndexSet<Arc<str>>,
    /// Hosts that could not be reached.
    pub unreachable: IndexSet<Arc<str>>,
}

impl Losses {
    /// How many hosts are lost, those that failed and could not be reached counted twice.
    pub fn count(&self) -> usize {
        self.failed.len() + self.unreachable.len()
    }
}

/// One play under way: where each host stands, what was notified, who is lost.
pub struct PlayRun {
    /// What workers see of the play.
    pub play: Arc<PlayContext>,
    /// The hosts of the batch that take part: all, but for those that were gone when the inventory was
    /// read again.
    pub hosts: Vec<Arc<str>>,
    /// Every task of the play in order, for the lockstep.
    pub all_tasks: Vec<Arc<Task>>,
    /// How far the lockstep has come in `all_tasks`.
    pub next_task: usize,
    /// Whether the lockstep is running handlers.
    pub in_handlers: bool,
    /// Where each host of the batch stands.
    pub cursors: IndexMap<Arc<str>, Cursor>,
    /// The play's handlers, those of included roles too.
    pub handlers: Vec<Arc<Task>>,
    /// Which hosts notified which handler.
    pub notified: HashMap<u64, HashSet<Arc<str>>>,
    /// Hosts that are lost.
    pub losses: Losses,
    /// Counts for the recap.
    pub stats: Stats,
    /// Hosts on which a role ran a task, by the role's identity.
    pub role_ran: HashMap<String, HashSet<Arc<str>>>,
    /// Hosts on which a role is complete.
    pub role_completed: HashMap<String, HashSet<Arc<str>>>,
    /// `meta: end_play` was met.
    pub end_play: bool,
    /// `strategy: debug`: failures start the debugger.
    pub debugging: bool,
    /// `--step` is still asking.
    pub step: bool,
    setup: Option<Arc<Task>>,
    infos: HashMap<u64, Arc<TaskInfo>>,
}

struct Around<'a> {
    run: &'a PlayRun,
    host: &'a Arc<str>,
}

impl Surroundings for Around<'_> {
    fn setup_task(&self) -> Option<Arc<Task>> {
        let setup = self.run.setup.as_ref()?;
        self.run.play.wants_facts(self.host).then(|| Arc::clone(setup))
    }

    fn handlers(&self) -> Vec<Arc<Task>> {
        self.run.handlers.clone()
    }

    fn notified(&self, handler: &Task) -> bool {
        self.run.notified.get(&handler.id).is_some_and(|hosts| hosts.contains(self.host))
    }
}

impl PlayRun {
    /// Puts every host of the batch at the play's beginning.
    pub fn new(play: Arc<PlayContext>, losses: Losses, stats: Stats) -> Result<Self> {
        let templar = play.templar(None, None)?;
        let render =
            |value: &Value| templar.render(value, &crate::template::RenderOptions::default());
        let selection = &play.run.options.selection;
        let setup = Arc::new(play.setup_task());
        let setup = selection.selects_task(&setup, &render)?.then_some(setup);
        let mut blocks = vec![Arc::new(Block {
            level: Arc::clone(&play.play.level),
            body: setup.iter().map(|t| Item::Task(Arc::clone(t))).collect(),
            rescue: Vec::new(),
            always: Vec::new(),
        })];
        for block in play.play.blocks(play.force_handlers) {
            blocks.extend(selection.filter(&block, &render)?);
        }
        let all_tasks = blocks.iter().flat_map(block_tasks).collect();
        let cursors =
            play.batch.iter().map(|h| (Arc::clone(h), Cursor::new(blocks.clone()))).collect();
        let handlers = flatten(&play.play.all_handlers());
        let step = play.run.options.step;
        Ok(Self {
            hosts: play.present()?,
            play,
            all_tasks,
            next_task: 0,
            in_handlers: false,
            cursors,
            handlers,
            notified: HashMap::new(),
            losses,
            stats,
            role_ran: HashMap::new(),
            role_completed: HashMap::new(),
            end_play: false,
            debugging: false,
            step,
            setup,
            infos: HashMap::new(),
        })
    }

    /// Sends an event to the callbacks.
    pub fn send(&self, event: Event) {
        self.play.run.events.send(event);
    }

    /// The next task of a host and where the host would stand then; nothing moves.
    pub fn peek(&self, host: &Arc<str>) -> Option<(Cursor, Option<Arc<Task>>)> {
        let mut cursor = self.cursors.get(host)?.clone();
        let task = cursor.advance(&Around { run: self, host });
        Some((cursor, task))
    }

    /// Moves every host to the task given by `--start-at-task`; true if one was found.
    pub fn start_at(&mut self, matches: &dyn Fn(&Task) -> bool) -> bool {
        let hosts: Vec<Arc<str>> = self.cursors.keys().cloned().collect();
        let mut found = false;
        for host in hosts {
            while let Some((cursor, Some(task))) = self.peek(&host) {
                if matches(&task) {
                    if let Some(here) = self.cursors.get_mut(&host) {
                        here.start_here();
                    }
                    found = true;
                    break;
                }
                self.cursors.insert(Arc::clone(&host), cursor);
            }
        }
        found
    }

    /// Hosts that still take part, in the batch's order.
    pub fn hosts_left(&self) -> Vec<Arc<str>> {
        self.hosts
            .iter()
            .filter(|h| !self.losses.unreachable.contains(*h))
            .map(Arc::clone)
            .collect()
    }

    /// Marks a host as failed where it stands.
    pub fn mark_failed(&mut self, host: &Arc<str>) {
        if let Some(cursor) = self.cursors.get_mut(host) {
            cursor.fail();
        }
        self.play.remove_host(host);
    }

    /// Whether a host counts as failed where it stands.
    pub fn is_failed(&self, host: &Arc<str>) -> bool {
        self.cursors.get(host).is_some_and(Cursor::is_failed)
    }

    /// Whether the task belongs to a role that this host has already been through.
    pub fn role_is_complete(&self, host: &Arc<str>, task: &Task) -> bool {
        if task.is_handler {
            return false;
        }
        task.level.role.as_ref().is_some_and(|role| {
            !role.allow_duplicates
                && self.role_completed.get(&role.identity).is_some_and(|h| h.contains(host))
        })
    }

    /// What callbacks know of a task; made once, with the first host's variables.
    pub fn info(&mut self, task: &Arc<Task>, host: &Arc<str>) -> Arc<TaskInfo> {
        if let Some(info) = self.infos.get(&task.id) {
            return Arc::clone(info);
        }
        let info = Arc::new(self.play.task_info(task, Some(host)));
        self.infos.insert(task.id, Arc::clone(&info));
        info
    }

    /// What the play came to.
    pub fn verdict(&mut self, so_far: Verdict) -> Verdict {
        // One last step moves every host out of the part that it finished: a failure in a block
        // counts once its `always` is over.
        for host in self.hosts_left() {
            if let Some((cursor, _)) = self.peek(&host) {
                self.cursors.insert(host, cursor);
            }
        }
        if so_far != Verdict::default() {
            return so_far;
        }
        Verdict {
            unreachable: !self.losses.unreachable.is_empty(),
            failed: self.cursors.values().any(Cursor::is_failed),
            break_play: false,
        }
    }
}

/// The tasks of a block, those of blocks inside it among them.
pub fn block_tasks(block: &Arc<Block>) -> Vec<Arc<Task>> {
    super::cursor::flatten(&[Item::Block(Arc::clone(block))])
}

/// Messages of workers to the driver.
pub type Inbox = tokio::sync::mpsc::UnboundedReceiver<Message>;
