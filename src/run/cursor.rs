//! Where a host stands in a play: which task comes next, and what a failure leads to.
//!
//! Pure: a cursor knows blocks and tasks, not hosts, results or time. Strategies peek at cursors
//! and decide who goes on.

use std::sync::Arc;

use crate::playbook::{Block, Item, Task};

/// The part of a play or block that a cursor is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Gathering facts.
    Setup,
    /// `block:` or a task list.
    Body,
    /// `rescue:`.
    Rescue,
    /// `always:`.
    Always,
    /// Running notified handlers.
    Handlers,
    /// Nothing is left.
    Done,
}

/// The phases that have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    setup: bool,
    body: bool,
    rescue: bool,
    always: bool,
    handlers: bool,
}

impl Failures {
    fn any(self) -> bool {
        self.setup || self.body || self.rescue || self.always || self.handlers
    }
}

/// Where a host stands.
#[derive(Clone, Debug)]
pub struct Cursor {
    blocks: Vec<Arc<Block>>,
    block: usize,
    body: usize,
    rescue: usize,
    always: usize,
    /// How many handlers of the present flush were looked at.
    pub handler: usize,
    /// The part it is in.
    pub phase: Phase,
    failures: Failures,
    before_flush: Phase,
    handlers: Vec<Arc<Task>>,
    handlers_stale: bool,
    pending_setup: bool,
    child: Option<Box<Cursor>>,
    rescued: bool,
    started_at_task: bool,
}

/// What a cursor asks of its surroundings while it moves.
pub trait Surroundings {
    /// The fact gathering task, if this host needs it.
    fn setup_task(&self) -> Option<Arc<Task>>;
    /// The handlers of the play as they are now.
    fn handlers(&self) -> Vec<Arc<Task>>;
    /// Whether this handler was notified by this host.
    fn notified(&self, handler: &Task) -> bool;
}

impl Cursor {
    /// At the beginning of `blocks`, the first of which is the setup block.
    pub fn new(blocks: Vec<Arc<Block>>) -> Self {
        Self {
            blocks,
            block: 0,
            body: 0,
            rescue: 0,
            always: 0,
            handler: 0,
            phase: Phase::Setup,
            failures: Failures::default(),
            before_flush: Phase::Body,
            handlers: Vec::new(),
            handlers_stale: true,
            pending_setup: false,
            child: None,
            rescued: false,
            started_at_task: false,
        }
    }

    fn inside(block: &Arc<Block>) -> Box<Self> {
        let mut child = Self::new(vec![Arc::clone(block)]);
        child.phase = Phase::Body;
        Box::new(child)
    }

    /// Moves on and gives the task to run, or `None` when nothing is left.
    pub fn advance(&mut self, around: &dyn Surroundings) -> Option<Arc<Task>> {
        loop {
            if self.phase == Phase::Done {
                return None;
            }
            let Some(block) = self.blocks.get(self.block).map(Arc::clone) else {
                self.phase = Phase::Done;
                return None;
            };
            let task = match self.phase {
                Phase::Setup => self.advance_setup(around),
                Phase::Body | Phase::Rescue | Phase::Always => self.advance_section(&block, around),
                Phase::Handlers => self.advance_handlers(around),
                Phase::Done => return None,
            };
            if task.is_some() {
                return task;
            }
        }
    }

    fn advance_setup(&mut self, around: &dyn Surroundings) -> Option<Arc<Task>> {
        if !self.pending_setup {
            self.pending_setup = true;
            return around.setup_task();
        }
        self.pending_setup = false;
        self.phase = Phase::Body;
        if !self.started_at_task {
            self.enter_next_block();
        }
        None
    }

    fn enter_next_block(&mut self) {
        self.block += 1;
        self.body = 0;
        self.rescue = 0;
        self.always = 0;
        self.child = None;
    }

    fn advance_section(
        &mut self,
        block: &Arc<Block>,
        around: &dyn Surroundings,
    ) -> Option<Arc<Task>> {
        if self.phase == Phase::Body {
            self.pending_setup = false;
        }
        if let Some(child) = &mut self.child {
            let task = child.advance(around);
            if child.is_failed() {
                // What was next in a failed child is dropped with it, unless its own `always` is
                // still to run (then it does not count as failed yet).
                self.child = None;
                self.fail();
                return task;
            }
            if task.is_none() || child.phase == Phase::Done {
                self.child = None;
                return None;
            }
            return task;
        }
        match self.phase {
            Phase::Body => {
                if self.is_failed() {
                    self.phase = Phase::Rescue;
                    return None;
                }
                let at = self.body;
                if at >= block.body.len() {
                    self.phase = Phase::Always;
                    return None;
                }
                self.body += 1;
                self.enter(&block.body[at])
            }
            Phase::Rescue => {
                if self.failures.rescue {
                    self.phase = Phase::Always;
                    return None;
                }
                let at = self.rescue;
                if at >= block.rescue.len() {
                    if !block.rescue.is_empty() {
                        self.failures = Failures::default();
                    }
                    self.phase = Phase::Always;
                    self.rescued = true;
                    return None;
                }
                self.rescue += 1;
                self.enter(&block.rescue[at])
            }
            _ => {
                let at = self.always;
                if at >= block.always.len() {
                    if self.failures.any() {
                        self.phase = Phase::Done;
                    } else {
                        self.enter_next_block();
                        self.phase = Phase::Body;
                        self.rescued = false;
                    }
                    return None;
                }
                self.always += 1;
                self.enter(&block.always[at])
            }
        }
    }

    fn enter(&mut self, item: &Item) -> Option<Arc<Task>> {
        match item {
            Item::Task(task) => Some(Arc::clone(task)),
            Item::Block(block) => {
                self.child = Some(Self::inside(block));
                None
            }
        }
    }

    fn advance_handlers(&mut self, around: &dyn Surroundings) -> Option<Arc<Task>> {
        if self.handlers_stale {
            // Handlers that includes brought during an earlier flush are gone.
            self.handlers = around.handlers();
            self.handlers_stale = false;
            self.handler = 0;
        }
        if self.failures.handlers {
            self.handlers_stale = true;
            self.phase = Phase::Done;
            return None;
        }
        while let Some(handler) = self.handlers.get(self.handler).map(Arc::clone) {
            self.handler += 1;
            if around.notified(&handler) {
                return Some(handler);
            }
        }
        self.phase = self.before_flush;
        self.handlers_stale = true;
        None
    }

    /// Begins to run notified handlers; afterwards the cursor goes on where it is.
    pub fn flush_handlers(&mut self) {
        self.before_flush = self.phase;
        self.phase = Phase::Handlers;
    }

    /// Takes note that the present task failed.
    pub fn fail(&mut self) {
        if let Some(child) = &mut self.child
            && matches!(self.phase, Phase::Body | Phase::Rescue | Phase::Always)
        {
            child.fail();
            return;
        }
        let block = self.blocks.get(self.block);
        let has_rescue = block.is_some_and(|b| !b.rescue.is_empty());
        let has_always = block.is_some_and(|b| !b.always.is_empty());
        let after_body = if has_rescue {
            Phase::Rescue
        } else if has_always {
            Phase::Always
        } else {
            Phase::Done
        };
        match self.phase {
            Phase::Setup => {
                self.failures.setup = true;
                self.phase = Phase::Done;
            }
            Phase::Body => {
                self.failures.body = true;
                self.phase = after_body;
            }
            Phase::Rescue => {
                self.failures.rescue = true;
                self.phase = if has_always { Phase::Always } else { Phase::Done };
            }
            Phase::Always => {
                self.failures.always = true;
                self.phase = Phase::Done;
            }
            Phase::Handlers => {
                self.failures.handlers = true;
                self.handlers_stale = true;
                self.phase = after_body;
                // A handler that failed in the middle of a block leaves what the block was doing.
                self.child = None;
            }
            Phase::Done => {}
        }
    }

    /// Whether the host counts as failed where it stands (a rescue under way does not count).
    pub fn is_failed(&self) -> bool {
        let child_failed = || self.child.as_ref().is_some_and(|c| c.is_failed());
        match self.phase {
            Phase::Rescue | Phase::Always if child_failed() => return true,
            Phase::Handlers if self.failures.handlers => return true,
            _ => {}
        }
        if self.failures.any() {
            return match self.phase {
                Phase::Rescue if !self.failures.rescue => false,
                Phase::Always if !self.failures.always => false,
                _ => !self.rescued || self.failures.always,
            };
        }
        if self.phase == Phase::Body && child_failed() {
            let has_rescue = self.blocks.get(self.block).is_some_and(|b| !b.rescue.is_empty());
            return !has_rescue || self.failures.rescue;
        }
        false
    }

    /// The innermost cursor that is at work.
    pub fn innermost(&self) -> &Self {
        match (&self.child, self.phase) {
            (Some(child), Phase::Body | Phase::Rescue | Phase::Always) => child.innermost(),
            _ => self,
        }
    }

    /// Whether a failure here would be rescued by the block at hand or one inside it.
    pub fn would_rescue(&self) -> bool {
        if self.phase == Phase::Body
            && self.blocks.get(self.block).is_some_and(|b| !b.rescue.is_empty())
        {
            return true;
        }
        self.child.as_ref().is_some_and(|c| c.would_rescue())
    }

    /// Whether the rescue part that the cursor is in has failed itself.
    pub fn rescue_failed(&self) -> bool {
        self.failures.rescue
    }

    /// Forgets every failure (`meta: clear_host_errors`).
    pub fn clear_failures(&mut self) {
        self.failures = Failures::default();
        if let Some(child) = &mut self.child {
            child.clear_failures();
        }
    }

    /// Puts included blocks in front of what comes next.
    pub fn insert(&mut self, blocks: &[Arc<Block>]) {
        if blocks.is_empty() || (self.failures.any() && self.phase == Phase::Body) {
            return;
        }
        if matches!(self.phase, Phase::Body | Phase::Rescue | Phase::Always)
            && let Some(child) = &mut self.child
        {
            child.insert(blocks);
            return;
        }
        if self.phase == Phase::Handlers {
            let tasks = blocks.iter().flat_map(|b| flatten(&b.body));
            self.handlers.splice(self.handler..self.handler, tasks);
            return;
        }
        let Some(old) = self.blocks.get(self.block) else { return };
        let (mut body, mut rescue, mut always) =
            (old.body.clone(), old.rescue.clone(), old.always.clone());
        let items = blocks.iter().map(|b| Item::Block(Arc::clone(b)));
        match self.phase {
            Phase::Body => drop(body.splice(self.body..self.body, items)),
            Phase::Rescue => drop(rescue.splice(self.rescue..self.rescue, items)),
            Phase::Always => drop(always.splice(self.always..self.always, items)),
            Phase::Setup | Phase::Handlers | Phase::Done => {}
        }
        self.blocks[self.block] =
            Arc::new(Block { level: Arc::clone(&old.level), body, rescue, always });
    }

    /// Ends the play for this host.
    pub fn finish(&mut self) {
        self.phase = Phase::Done;
    }

    /// Marks that the play begins in the middle (`--start-at-task`): facts first, then here.
    pub fn start_here(&mut self) {
        self.started_at_task = true;
        self.phase = Phase::Setup;
    }
}

/// The tasks of a list, those of blocks inside it among them.
pub fn flatten(items: &[Item]) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for item in items {
        match item {
            Item::Task(task) => tasks.push(Arc::clone(task)),
            Item::Block(block) => {
                for part in [&block.body, &block.rescue, &block.always] {
                    tasks.extend(flatten(part));
                }
            }
        }
    }
    tasks
}
