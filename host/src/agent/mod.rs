//! The loop on the host: requests in, answers out, a thread a request.

mod request;
mod signals;
mod travel;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::data::Map;
use crate::target::Target;
use crate::target::system::{Children, System};
use crate::wire::{self, Hello, MAGIC, Message, WireError};

/// How long requests may tidy up after their channel has closed.
const LEAVE: Duration = Duration::from_secs(3);
/// Pieces that wait for a slow disk; more make the channel wait.
const WAITING_PIECES: usize = 16;

/// Serve the process's own channel.
pub fn serve_stdio() -> Result<(), WireError> {
    let agent = Arc::new(Agent::new(std::io::stdout()));
    signals::end_on_signal(Arc::clone(&agent));
    agent.serve(&mut std::io::stdin().lock())
}

/// The machine on which an agent acts; that of its own process unless said otherwise.
pub trait Machine: Send + Sync {
    /// The machine as one request sees it: in a folder, with variables set over its own, its programs
    /// among `children`.
    fn target(
        &self,
        children: &Arc<Children>,
        cwd: Option<PathBuf>,
        env: Vec<(String, String)>,
    ) -> Box<dyn Target>;

    /// Whether paths mean the same to the machine and to this process.
    fn is_here(&self) -> bool;
}

/// The machine of this process.
struct Here;

impl Machine for Here {
    fn target(
        &self,
        children: &Arc<Children>,
        cwd: Option<PathBuf>,
        env: Vec<(String, String)>,
    ) -> Box<dyn Target> {
        Box::new(System::new().with_cwd(cwd).with_env(env).with_children(Arc::clone(children)))
    }

    fn is_here(&self) -> bool {
        true
    }
}

/// One end of a channel: the writer, and the requests that are being worked on.
pub struct Agent {
    machine: Box<dyn Machine>,
    out: Mutex<Box<dyn Write + Send>>,
    running: Mutex<BTreeMap<u32, Running>>,
    /// A request has ended.
    ended: Condvar,
}

struct Running {
    children: Arc<Children>,
    pieces: SyncSender<Piece>,
}

/// A piece of content that came for a request; the error says why no more comes.
type Piece = Result<(Vec<u8>, bool), String>;

impl Agent {
    /// An agent of this process's machine.
    pub fn new(out: impl Write + Send + 'static) -> Agent {
        Agent::of(Here, out)
    }

    /// An agent that acts on another machine than the one it runs on.
    pub fn of(machine: impl Machine + 'static, out: impl Write + Send + 'static) -> Agent {
        Agent {
            machine: Box::new(machine),
            out: Mutex::new(Box::new(out)),
            running: Mutex::new(BTreeMap::new()),
            ended: Condvar::new(),
        }
    }

    /// Work until the channel closes, then end what still runs.
    pub fn serve(self: &Arc<Agent>, from: &mut impl Read) -> Result<(), WireError> {
        let outcome = self.greet().and_then(|()| self.serve_requests(from));
        self.leave();
        outcome
    }

    fn greet(&self) -> Result<(), WireError> {
        let mut bytes = MAGIC.to_vec();
        Message::Hello(hello(&mut *self.machine.target(&Arc::default(), None, Vec::new())))
            .into_frame(0)
            .encode(&mut bytes);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&bytes)?;
        Ok(out.flush()?)
    }

    fn serve_requests(self: &Arc<Agent>, from: &mut impl Read) -> Result<(), WireError> {
        while let Some(frame) = wire::read_frame(from)? {
            match Message::from_frame(frame)? {
                (_, Message::Bye) => break,
                (id, Message::Cancel) => self.cancel(id),
                (id, Message::Piece { bytes, last, error }) => {
                    self.pass_on(id, error.map_or(Ok((bytes, last)), Err))
                }
                (id, message) => self.start(id, message),
            }
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<u32, Running>> {
        // A map of handles: a panic elsewhere leaves it whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Agent>, id: u32, message: Message) {
        let (pieces, incoming) = sync_channel(WAITING_PIECES);
        let children = Arc::new(Children::default());
        self.running().insert(id, Running { children: Arc::clone(&children), pieces });
        let agent = Arc::clone(self);
        let work = move || {
            let request = request::Request { agent: &agent, id, children, incoming };
            let answer = request.answer(message);
            agent.end(id, answer);
        };
        if let Err(error) = std::thread::Builder::new().name(format!("request {id}")).spawn(work) {
            self.end(id, request::refused(format!("the agent can't start a thread: {error}")));
        }
    }

    fn end(&self, id: u32, answer: Message) {
        // Forgotten first: the controller may use the number again as soon as it has the answer.
        self.running().remove(&id);
        self.ended.notify_all();
        // If it can't be written the channel is gone, which the reader sees too.
        let _ = self.send(id, answer);
    }

    fn send(&self, id: u32, message: Message) -> std::io::Result<()> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        wire::write_frame(&mut *out, &message.into_frame(id))
    }

    fn pass_on(&self, id: u32, piece: Piece) {
        let pieces = self.running().get(&id).map(|running| running.pieces.clone());
        if let Some(pieces) = pieces {
            // A request that does not want its pieces any more has dropped its end.
            let _ = pieces.send(piece);
        }
    }

    fn cancel(&self, id: u32) {
        let children = self.running().get(&id).map(|running| Arc::clone(&running.children));
        if let Some(children) = children {
            // It takes its time to be polite; other requests must not wait.
            std::thread::spawn(move || children.cancel());
        }
    }

    /// End all that runs, and wait until requests have tidied up.
    fn leave(&self) {
        let all: Vec<Arc<Children>> = {
            let mut running = self.running();
            let all = running.values().map(|running| Arc::clone(&running.children)).collect();
            for running in running.values_mut() {
                // Whoever waits for a piece sees the end of the channel.
                running.pieces = sync_channel(0).0;
            }
            all
        };
        std::thread::scope(|scope| {
            for children in &all {
                scope.spawn(|| children.cancel());
            }
        });
        let until = Instant::now() + LEAVE;
        let mut running = self.running();
        while !running.is_empty() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            running =
                self.ended.wait_timeout(running, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn hello(system: &mut dyn Target) -> Hello {
    let uname = system.uname().unwrap_or_default();
    let uid = system.euid();
    let user = system.user_by_id(uid);
    Hello {
        version: wire::VERSION,
        pid: system.pid(),
        uid,
        user: user.map_or_else(|| uid.to_string(), |user| user.name),
        home: system.expand("~"),
        hostname: uname.nodename,
        system: uname.sysname,
        machine: uname.machine,
        cwd: system.cwd().map(|cwd| cwd.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

fn one(key: &str, value: impl Into<crate::data::Data>) -> Map {
    let mut map = Map::new();
    map.insert(key.into(), value.into());
    map
}

#[cfg(test)]
mod tests;
