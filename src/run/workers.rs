//! Workers under way: at most `forks` at once, fewer where a task is throttled.

use std::{collections::HashMap, sync::Arc, time::Instant};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::{Message, PlayContext, play::Inbox, worker::Worker};
use crate::{
    diagnostic::{Error, Kind, Result},
    event::{Event, TaskInfo},
    playbook::Task,
    vars::Stack,
};

/// Hosts that answer within this time of each other are shown in their own order, so that runs can
/// be compared; nobody waits longer for it.
const TOGETHER: std::time::Duration = std::time::Duration::from_millis(2);

/// The workers of a play.
pub struct Workers {
    play: Arc<PlayContext>,
    forks: Arc<Semaphore>,
    throttles: HashMap<u64, Arc<Semaphore>>,
    sender: mpsc::UnboundedSender<Message>,
    inbox: Inbox,
    running: JoinSet<()>,
}

impl Workers {
    /// No workers yet.
    pub fn new(play: Arc<PlayContext>) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        let forks = Arc::new(Semaphore::new(play.run.options.forks.max(1)));
        Self { play, forks, throttles: HashMap::new(), sender, inbox, running: JoinSet::new() }
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
        let narrow = (throttle > 0).then(|| {
            let entry = self.throttles.entry(task.id);
            Arc::clone(entry.or_insert_with(|| Arc::new(Semaphore::new(throttle))))
        });
        let forks = Arc::clone(&self.forks);
        let mut worker = Worker {
            play: Arc::clone(&self.play),
            host: Arc::clone(host),
            task: Arc::clone(task),
            info,
            stack,
            messages: self.sender.clone(),
            began: Instant::now(),
        };
        self.running.spawn(async move {
            // The semaphores are never closed, so that acquiring can't fail.
            let _narrow = match &narrow {
                Some(n) => n.acquire().await.ok(),
                None => None,
            };
            let _fork = forks.acquire().await.ok();
            worker.began = Instant::now();
            let start = Event::HostStart(Arc::clone(&worker.host), Arc::clone(&worker.info));
            let host = Arc::clone(&worker.host);
            let _ = worker.messages.send(Message::Event(host, start));
            worker.run().await;
        });
        Ok(())
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
        let order = &self.play.batch;
        messages.sort_by_key(|m| order.iter().position(|h| h == m.host()));
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
                Some(message) = self.inbox.recv() => return Ok(message),
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
