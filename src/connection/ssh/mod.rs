//! SSH by libssh2: one session and one thread a connection.

pub(super) mod arguments;
mod auth;
mod config;
mod connect;
mod io;
mod known_hosts;
mod pipe;
pub(super) mod resolve;

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use connect::Failure;
use io::{Carrier, Opening, Order, Pipes, Refusal};
use parking_lot::Mutex;
use pipe::{Bell, Pipe};
use resolve::Resolved;
use tokio::sync::oneshot;

use super::{BoxFuture, Channel, Connection, ConnectionSettings, Exit, Log, limits, unreachable};
use crate::diagnostic::{Error, Kind, Result};

/// The stack of a session's thread: a thousand of them must be cheap.
const STACK: usize = 512 * 1024;
/// Seconds between signs of life where the configuration wants none.
const ALIVE: u32 = 15;
/// How often a connection that the server dropped at once is tried again.
const DROPPED: u32 = 5;

/// What came of opening a connection.
pub(super) enum Outcome {
    /// It is open.
    Open(Arc<Ssh>),
    /// Only the system's `ssh` can open it.
    Beyond {
        /// Why.
        what: String,
        /// The machine that answers first: the host, or a jump host before it.
        door: String,
    },
}

/// A connection by libssh2.
pub(super) struct Ssh {
    settings: ConnectionSettings,
    resolved: Resolved,
    log: Log,
    /// The first, and more where a server opens few sessions on one.
    lines: Mutex<Vec<Line>>,
    closed: AtomicBool,
}

/// One session's thread, as others see it.
#[derive(Clone)]
struct Line {
    orders: mpsc::Sender<Order>,
    bell: Bell,
    over: Arc<AtomicBool>,
}

impl Ssh {
    /// Opens a connection along ansible's arguments for `ssh`.
    pub async fn open(
        settings: &ConnectionSettings,
        args: &[String],
        log: &Log,
    ) -> Result<Outcome> {
        let resolved = resolve::resolve(settings, args).await?;
        let door = resolved.door.clone();
        if let Some(what) = resolved.beyond {
            return Ok(Outcome::Beyond { what, door });
        }
        match dial(&resolved, settings, log).await {
            Ok(line) => Ok(Outcome::Open(Arc::new(Self {
                settings: settings.clone(),
                resolved,
                log: Arc::clone(log),
                lines: Mutex::new(vec![line]),
                closed: AtomicBool::new(false),
            }))),
            Err(Failure::Beyond(what)) => Ok(Outcome::Beyond { what, door }),
            Err(Failure::Error(error) | Failure::Dropped(error)) => Err(error),
        }
    }

    async fn channel_on(
        &self,
        line: &Line,
        command: &str,
        terminal: bool,
    ) -> Result<Channel, Refusal> {
        let pipe = || Pipe::new(&line.bell);
        let pipes = Pipes { input: pipe(), output: pipe(), errors: pipe() };
        let (exit_sender, exit) = oneshot::channel();
        let (opened, answer) = oneshot::channel();
        let opening = Opening {
            command: command.to_owned(),
            terminal,
            environment: self.environment(),
            pipes: pipes.clone(),
            exit: exit_sender,
            opened,
        };
        let gone = || Refusal::Other("the connection was closed".to_owned());
        // Made before the order: the thread must not take them for abandoned.
        let channel = Channel {
            input: Box::new(pipes.input.writer()),
            output: Box::new(pipes.output.reader()),
            errors: Box::new(pipes.errors.reader()),
            exit: Box::pin(async move {
                exit.await.unwrap_or_else(|_| Exit::Lost("the connection was closed".to_owned()))
            }),
        };
        line.orders.send(Order::Open(opening)).map_err(|_| gone())?;
        line.bell.ring();
        answer.await.map_err(|_| gone())??;
        Ok(channel)
    }

    /// What `SendEnv` and `SetEnv` give to commands.
    fn environment(&self) -> Vec<(String, String)> {
        let sent = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            let wanted = self.resolved.send_env.iter().any(|p| known_hosts::glob(p, &name));
            wanted.then_some((name, value))
        };
        std::env::vars_os().filter_map(sent).chain(self.resolved.set_env.iter().cloned()).collect()
    }

    async fn open_channel(&self, command: &str, terminal: bool) -> Result<Channel> {
        let lines: Vec<Line> = self.lines.lock().clone();
        for line in &lines {
            match self.channel_on(line, command, terminal).await {
                Ok(channel) => return Ok(channel),
                Err(Refusal::Full) => {}
                Err(Refusal::Other(why)) => return Err(unreachable(why)),
            }
        }
        // `MaxSessions` are open: one more connection has room again.
        let line = match dial(&self.resolved, &self.settings, &self.log).await {
            Ok(line) => line,
            Err(Failure::Error(error) | Failure::Dropped(error)) => return Err(error),
            Err(Failure::Beyond(what)) => return Err(unreachable(what)),
        };
        self.lines.lock().push(line.clone());
        match self.channel_on(&line, command, terminal).await {
            Ok(channel) => Ok(channel),
            Err(Refusal::Other(why)) => Err(unreachable(why)),
            Err(Refusal::Full) => Err(unreachable("the server opens no session")),
        }
    }
}

impl Connection for Ssh {
    fn channel<'a>(&'a self, command: &'a str, terminal: bool) -> BoxFuture<'a, Result<Channel>> {
        Box::pin(self.open_channel(command, terminal))
    }

    fn is_closed(&self) -> bool {
        let over = |line: &Line| line.over.load(Ordering::Relaxed);
        self.closed.load(Ordering::Relaxed) || self.lines.lock().iter().any(over)
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for line in self.lines.lock().drain(..) {
            // A thread that is gone needs no order.
            let _ = line.orders.send(Order::Close);
            line.bell.ring();
        }
    }

    fn transport(&self) -> &'static str {
        "ssh"
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts a session's thread, which connects first; tries again what may come right.
async fn dial(
    resolved: &Resolved,
    settings: &ConnectionSettings,
    log: &Log,
) -> Result<Line, Failure> {
    let mut dropped = 0;
    let mut attempt = 0;
    loop {
        let turn = limits::turn(&resolved.host).await;
        let result = thread(resolved, settings, log).await;
        drop(turn);
        let error = match result {
            Ok(line) => return Ok(line),
            Err(Failure::Beyond(what)) => return Err(Failure::Beyond(what)),
            Err(Failure::Dropped(_)) if dropped < DROPPED => {
                dropped += 1;
                tokio::time::sleep(Duration::from_millis(100 << dropped)).await;
                continue;
            }
            Err(Failure::Error(error) | Failure::Dropped(error)) => error,
        };
        // A wrong password is not tried again: accounts get locked.
        let wrong = error.message().starts_with("Invalid/incorrect password");
        attempt += 1;
        if wrong
            || error.kind() != Kind::Unreachable
            || attempt > settings.retries.max(resolved.attempts - 1)
        {
            return Err(Failure::Error(error));
        }
        let pause = 2u64.saturating_pow(attempt - 1).saturating_sub(1).min(30);
        log(
            2,
            &settings.host,
            format!("ssh_retry: attempt: {attempt}, {error}, pausing for {pause} seconds"),
        );
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

async fn thread(
    resolved: &Resolved,
    settings: &ConnectionSettings,
    log: &Log,
) -> Result<Line, Failure> {
    let internal = |e: std::io::Error| {
        Error::new(Kind::Action, format!("failed to start a thread for a connection: {e}"))
    };
    let bell = Bell::new().map_err(internal)?;
    let (orders, receiver) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    let (connected, answer) = oneshot::channel();
    let line = Line { orders, bell: bell.clone(), over: Arc::clone(&over) };
    let (resolved, settings, log) = (resolved.clone(), settings.clone(), Arc::clone(log));
    std::thread::Builder::new()
        .name("ssh".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let (session, socket) = match connect::connect(&resolved, &settings, &log) {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = connected.send(Err(failure));
                    return;
                }
            };
            let interval =
                if resolved.alive_interval > 0 { resolved.alive_interval } else { ALIVE };
            let patience =
                Duration::from_secs(u64::from(interval) * u64::from(resolved.alive_count.max(1)));
            session.set_keepalive(true, interval);
            // What the other side's kernel does not confirm in this time breaks the connection.
            let limit = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, limit);
            let carrier = Carrier {
                session,
                socket,
                orders: receiver,
                bell,
                host: resolved.host.clone(),
                alive_interval: interval,
                patience,
                heard: Cell::new(Instant::now()),
                over,
            };
            if connected.send(Ok(())).is_ok() {
                carrier.run();
            }
        })
        .map_err(internal)?;
    match answer.await {
        Ok(done) => done.map(|()| line),
        Err(_) => Err(unreachable("the connection's thread has ended").into()),
    }
}
