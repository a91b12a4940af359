//! Workers under way: at most `forks` at once, fewer where a task is throttled.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use parking_lot::Mutex;
use tokio::{sync::mpsc, task::JoinSet};

use super::{Message, PlayContext, play::Inbox, worker::Worker};
use crate::{
    diagnostic::{Error, Kind, Result, in_worker},
    event::{Event, TaskInfo},
    playbook::Task,
    vars::Stack,
};

/// Hosts that answer within this time of each other are shown in their own order, so that runs can
/// be compared; nobody waits longer for it.
const TOGETHER: std::time::Duration = std::time::Duration::from_millis(2);

/// The workers of a play.
///
/// They start in the order in which they were asked for: with one fork, hosts go one after the
/// other, each seeing what the one before it left.
pub struct Workers {
    play: Arc<PlayContext>,
    /// How many may run at once.
    forks: usize,
    waiting: VecDeque<(Worker, usize)>,
    /// How many run, by their task.
    under_way: HashMap<u64, usize>,
    /// The hosts, in the order in which they were asked for.
    hosts: Vec<Arc<str>>,
    sender: mpsc::UnboundedSender<Message>,
    inbox: Inbox,
    running: JoinSet<()>,
}

impl Workers {
    /// No workers yet.
    pub fn new(play: Arc<PlayContext>) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        Self {
            forks: play.run.options.forks.max(1),
            play,
            waiting: VecDeque::new(),
            under_way: HashMap::new(),
            hosts: Vec::new(),
            sender,
            inbox,
            running: JoinSet::new(),
        }
    }

    /// Starts a task on a host as soon as a fork is free.
    ///
    /// # Errors
    /// A `throttle` that is no number.
    pub fn start(
        &mut self,
        host: &Arc<str>,
        task: &Arc<Task>,
        info: Arc<TaskInfo>,
        stack: Stack,
    ) -> Result<()> {
        let throttle = self.play.throttle(task, &stack)?;
        let worker = Worker {
            play: Arc::clone(&self.play),
            host: Arc::clone(host),
            task: Arc::clone(task),
            info,
            stack,
            messages: self.sender.clone(),
            began: Instant::now(),
            rendered: Mutex::default(),
        };
        self.hosts.push(Arc::clone(host));
        self.waiting.push_back((worker, throttle));
        self.start_waiting();
        Ok(())
    }

    /// Starts those that are next in line, as far as forks and `throttle` allow.
    fn start_waiting(&mut self) {
        while let Some((worker, throttle)) = self.waiting.front() {
            let of_task = self.under_way.get(&worker.task.id).copied().unwrap_or_default();
            let all: usize = self.under_way.values().sum();
            if all >= self.forks || (*throttle > 0 && of_task >= *throttle) {
                return;
            }
            let Some((mut worker, _)) = self.waiting.pop_front() else { return };
            *self.under_way.entry(worker.task.id).or_default() += 1;
            worker.began = Instant::now();
            let start = Event::HostStart(Arc::clone(&worker.host), Arc::clone(&worker.info));
            // The inbox lives as long as this.
            let _ = worker.messages.send(Message::Event(Arc::clone(&worker.host), start));
            self.running.spawn(in_worker(worker.run()));
        }
    }

    fn ended(&mut self, task: u64) {
        if let Some(n) = self.under_way.get_mut(&task) {
            *n -= 1;
            if *n == 0 {
                self.under_way.remove(&task);
            }
        }
        self.start_waiting();
    }

    /// The next messages, those of hosts that answer together in the order of the hosts.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_together(&mut self, pending: usize) -> Result<Vec<Message>> {
        let mut messages = vec![self.next().await?];
        let mut done = usize::from(matches!(messages[0], Message::Done(_)));
        let deadline = tokio::time::Instant::now() + TOGETHER;
        while done < pending {
            match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(message) => {
                    let message = message?;
                    done += usize::from(matches!(message, Message::Done(_)));
                    messages.push(message);
                }
                Err(_) => break,
            }
        }
        messages.sort_by_key(|message| {
            let place = self.hosts.iter().position(|h| h == message.host()).unwrap_or(usize::MAX);
            // ansible-core 2.14 shows turns of loops at once, but gives a free fork its next host
            // before it looks at what came back.
            match message {
                Message::Event(_, Event::HostStart(..)) if place < self.forks => (0, 0),
                Message::Event(_, Event::HostStart(..)) => (place - self.forks, 2),
                Message::Event(..) => (place, 1),
                Message::Done(_) => (place, 3),
            }
        });
        Ok(messages)
    }

    /// The next message of any worker.
    ///
    /// # Errors
    /// The run was interrupted, or a worker died (a mistake of ours).
    pub async fn next(&mut self) -> Result<Message> {
        loop {
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => {
                    if let Message::Done(done) = &message {
                        self.ended(done.task.id);
                    }
                    return Ok(message);
                }
                () = self.play.run.stopped() => {
                    return Err(Error::new(Kind::Interrupted, "User interrupted execution"));
                }
                Some(ended) = self.running.join_next() => {
                    if let Err(e) = ended {
                        return Err(Error::new(
                            Kind::Internal,
                            format!("A worker was found in a dead state: {e}"),
                        ));
                    }
                }
            }
        }
    }
}
