//! The thread that owns a session: it carries bytes between the channels and their pipes.
//!
//! libssh2 lets one thread at a time into a session, so each session has one. It never blocks in
//! libssh2: it polls the socket and its bell. A packet that was begun is finished before anything
//! else is done with the session.

use std::{
    cell::Cell,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};
use ssh2::{BlockDirections, Channel, ErrorCode, Session};
use tokio::sync::oneshot;

use super::pipe::{Bell, Pipe};
use crate::connection::Exit;

/// How much is read or written at a time.
const PIECE: usize = 64 * 1024;
/// How long opening a channel may take.
const OPENING: Duration = Duration::from_secs(60);
/// `LIBSSH2_ERROR_CHANNEL_FAILURE`: the server opens no more sessions.
const CHANNEL_FAILURE: i32 = -21;
/// `LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED`.
const REQUEST_DENIED: i32 = -22;
/// `LIBSSH2_ERROR_EAGAIN`.
const AGAIN: i32 = -37;

/// What the thread is asked for.
pub(super) enum Order {
    /// Start a command.
    Open(Opening),
    /// End the session.
    Close,
}

/// A command to be started, and where it goes.
pub(super) struct Opening {
    pub command: String,
    pub terminal: bool,
    pub environment: Vec<(String, String)>,
    pub pipes: Pipes,
    pub exit: oneshot::Sender<Exit>,
    pub opened: oneshot::Sender<Result<(), Refusal>>,
}

/// The three streams of a channel, the thread's ends.
#[derive(Clone)]
pub(super) struct Pipes {
    pub input: Pipe,
    pub output: Pipe,
    pub errors: Pipe,
}

/// Why a channel was not opened.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The server has as many sessions on this connection as it wants.
    Full,
    /// Something else.
    Other(String),
}

/// Everything the thread owns.
pub(super) struct Carrier {
    pub session: Session,
    pub socket: TcpStream,
    pub orders: mpsc::Receiver<Order>,
    pub bell: Bell,
    /// What the connection is called in messages.
    pub host: String,
    /// Seconds between signs of life; the kernel notices if they are not received.
    pub alive_interval: u32,
    /// How long the other side may be silent before the kernel gives it up.
    pub patience: Duration,
    /// When it was last heard.
    pub heard: Cell<Instant>,
    /// Set before anybody is told that it has ended: who asks again shall get a new connection.
    pub over: Arc<AtomicBool>,
}

/// A channel at work.
struct Active {
    channel: Channel,
    pipes: Pipes,
    exit: Option<oneshot::Sender<Exit>>,
    /// Taken from the input and not yet accepted by libssh2, which wants the same bytes again.
    pending: Vec<u8>,
    input_ended: bool,
    output_ended: bool,
    closing: bool,
}

/// The session is broken; why, in ssh's words.
struct Broken(String);

impl Carrier {
    /// Works until the session is closed or breaks.
    pub fn run(mut self) {
        self.session.set_blocking(false);
        let mut channels: Vec<Active> = Vec::new();
        let why = match self.carry(&mut channels) {
            Ok(()) => "the connection was closed".to_owned(),
            Err(Broken(why)) => why,
        };
        self.over.store(true, Ordering::Relaxed);
        for active in &mut channels {
            active.lose(&why);
        }
        // Refuse what was asked for meanwhile.
        while let Ok(Order::Open(opening)) = self.orders.try_recv() {
            let _ = opening.opened.send(Err(Refusal::Other(why.clone())));
        }
        self.session.set_blocking(true);
        self.session.set_timeout(500);
        // Politeness; the socket closes in any case.
        let _ = self.session.disconnect(None, "", None);
    }

    fn carry(&mut self, channels: &mut Vec<Active>) -> Result<(), Broken> {
        let mut next_sign = self.keep_alive()?;
        loop {
            loop {
                match self.orders.try_recv() {
                    Ok(Order::Open(opening)) => channels.extend(self.open(opening)?),
                    Ok(Order::Close) | Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                    Err(mpsc::TryRecvError::Empty) => break,
                }
            }
            let mut progress = false;
            for active in channels.iter_mut() {
                progress |= self.serve(active)?;
            }
            channels.retain(|active| !active.is_over());
            if Instant::now() >= next_sign {
                next_sign = self.keep_alive()?;
            }
            if !progress {
                self.wait(Some(next_sign))?;
            }
        }
    }

    fn keep_alive(&self) -> Result<Instant, Broken> {
        let seconds =
            self.settle(|session| session.keepalive_send())?.unwrap_or(self.alive_interval);
        Ok(Instant::now() + Duration::from_secs(u64::from(seconds.clamp(1, 3600))))
    }

    /// Polls the socket and the bell.
    fn wait(&self, until: Option<Instant>) -> Result<(), Broken> {
        let mut flags = PollFlags::IN;
        if matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        ) {
            flags |= PollFlags::OUT;
        }
        let mut descriptors =
            [PollFd::new(&self.socket, flags), PollFd::new(self.bell.descriptor(), PollFlags::IN)];
        let timeout = until.map(|u| u.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|t| rustix::event::Timespec::try_from(t).ok());
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Broken(std::io::Error::from(e).to_string())),
        }
        let (heard, rung) = (
            descriptors[0].revents().contains(PollFlags::IN),
            !descriptors[1].revents().is_empty(),
        );
        if rung {
            self.bell.quiet();
        }
        if heard {
            self.heard();
        }
        Ok(())
    }

    /// Does something with the session until it is done, or would have to wait for the other side;
    /// `None` is the latter. A packet that was begun is finished.
    fn settle<T>(
        &self,
        mut act: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<Option<T>, Broken> {
        loop {
            match act(&self.session) {
                Ok(done) => return Ok(Some(done)),
                Err(e) if e.code() == ErrorCode::Session(AGAIN) => {
                    if !self.is_sending() {
                        return Ok(None);
                    }
                    self.until_writable()?;
                }
                Err(e) => return Err(self.broken(&e)),
            }
        }
    }

    fn is_sending(&self) -> bool {
        matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }

    fn until_writable(&self) -> Result<(), Broken> {
        let mut socket = [PollFd::new(&self.socket, PollFlags::OUT)];
        match poll(&mut socket, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(Broken(std::io::Error::from(e).to_string())),
        }
    }

    fn broken(&self, error: &ssh2::Error) -> Broken {
        let host = &self.host;
        Broken(match error.code() {
            _ if self.heard.get().elapsed() >= self.patience => {
                format!("Timeout, server {host} not responding.")
            }
            // SOCKET_NONE, SOCKET_SEND, SOCKET_DISCONNECT, SOCKET_RECV
            ErrorCode::Session(-1 | -7 | -13 | -43) => {
                format!("Connection to {host} closed by remote host.")
            }
            _ => format!("Connection to {host} failed: {}", error.message()),
        })
    }

    /// The same for a read or write, whose error says less than the session.
    fn broken_stream(&self, error: &std::io::Error) -> Broken {
        match ssh2::Error::last_session_error(&self.session) {
            Some(error) => self.broken(&error),
            None => Broken(format!("Connection to {} failed: {error}", self.host)),
        }
    }

    /// Does one of the steps of opening a channel, waiting for the other side.
    fn step<T>(
        &self,
        deadline: Instant,
        mut act: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<Result<T, ssh2::Error>, Broken> {
        loop {
            match act() {
                Err(e) if e.code() == ErrorCode::Session(AGAIN) => {
                    if Instant::now() >= deadline {
                        return Err(Broken(format!(
                            "Timeout, server {} not responding.",
                            self.host
                        )));
                    }
                    // Others who ring meanwhile have their turn when the channel is open.
                    self.await_socket(deadline)?;
                }
                Err(e) => match e.code() {
                    ErrorCode::Session(CHANNEL_FAILURE | REQUEST_DENIED) => return Ok(Err(e)),
                    _ => return Err(self.broken(&e)),
                },
                Ok(done) => return Ok(Ok(done)),
            }
        }
    }

    fn await_socket(&self, deadline: Instant) -> Result<(), Broken> {
        let mut flags = PollFlags::IN;
        if self.is_sending() {
            flags |= PollFlags::OUT;
        }
        let mut socket = [PollFd::new(&self.socket, flags)];
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = rustix::event::Timespec::try_from(left).ok();
        match poll(&mut socket, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {
                if socket[0].revents().contains(PollFlags::IN) {
                    self.heard();
                }
                Ok(())
            }
            Err(e) => Err(Broken(std::io::Error::from(e).to_string())),
        }
    }

    fn heard(&self) {
        self.heard.set(Instant::now());
        // The kernel forgets this after a while; without it the first answers come 40 ms late.
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.socket, true);
    }

    /// Opens a channel and starts its command; `None` if that was refused.
    fn open(&self, opening: Opening) -> Result<Option<Active>, Broken> {
        let Opening { command, terminal, environment, pipes, exit, opened } = opening;
        match self.start(&command, terminal, &environment) {
            Ok(Ok(channel)) => {
                let _ = opened.send(Ok(()));
                Ok(Some(Active {
                    channel,
                    pipes,
                    exit: Some(exit),
                    pending: Vec::new(),
                    input_ended: false,
                    output_ended: false,
                    closing: false,
                }))
            }
            Ok(Err(refusal)) => {
                let _ = opened.send(Err(refusal));
                Ok(None)
            }
            Err(Broken(why)) => {
                let _ = opened.send(Err(Refusal::Other(why.clone())));
                Err(Broken(why))
            }
        }
    }

    fn start(
        &self,
        command: &str,
        terminal: bool,
        environment: &[(String, String)],
    ) -> Result<Result<Channel, Refusal>, Broken> {
        let deadline = Instant::now() + OPENING;
        let mut channel = match self.step(deadline, || self.session.channel_session())? {
            Ok(channel) => channel,
            Err(_) => return Ok(Err(Refusal::Full)),
        };
        for (name, value) in environment {
            // Servers accept what they are configured to; ssh does not complain either.
            let _ = self.step(deadline, || channel.setenv(name, value))?;
        }
        if terminal {
            let size = Some((80, 24, 0, 0));
            let asked = self.step(deadline, || channel.request_pty("xterm", None, size))?;
            if asked.is_err() {
                return Ok(Err(Refusal::Other("PTY allocation request failed".to_owned())));
            }
        }
        match self.step(deadline, || channel.exec(command))? {
            Ok(()) => Ok(Ok(channel)),
            Err(e) => Ok(Err(Refusal::Other(format!("exec request failed: {}", e.message())))),
        }
    }

    /// Moves what can be moved without waiting; says whether anything was.
    fn serve(&self, active: &mut Active) -> Result<bool, Broken> {
        let mut progress = self.feed(active)?;
        progress |= self.drain(active)?;
        if active.is_abandoned() && !active.closing {
            active.closing = true;
            let _ = self.settle(|_| active.channel.close())?;
            active.lose("the channel was abandoned");
            return Ok(true);
        }
        if active.channel.eof() && !active.output_ended && !self.drain(active)? {
            active.output_ended = true;
            active.pipes.output.finish();
            active.pipes.errors.finish();
            progress = true;
        }
        if active.output_ended && active.exit.is_some() {
            progress |= self.end(active)?;
        }
        Ok(progress)
    }

    fn feed(&self, active: &mut Active) -> Result<bool, Broken> {
        let mut progress = false;
        loop {
            if active.pending.is_empty() {
                active.pending = active.pipes.input.take(PIECE);
            }
            if active.pending.is_empty() {
                break;
            }
            // Without room in the other side's window a write would only wait.
            if active.channel.write_window().remaining == 0 {
                break;
            }
            match self.write(active)? {
                0 => break,
                count => {
                    active.pending.drain(..count);
                    progress = true;
                }
            }
        }
        if !active.input_ended && active.pending.is_empty() && active.pipes.input.is_drained() {
            active.input_ended = true;
            if !active.channel.eof() {
                let _ = self.settle(|_| active.channel.send_eof())?;
            }
            progress = true;
        }
        Ok(progress)
    }

    fn write(&self, active: &mut Active) -> Result<usize, Broken> {
        loop {
            match active.channel.write(&active.pending) {
                Ok(count) => return Ok(count),
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    if !self.is_sending() {
                        return Ok(0);
                    }
                    self.until_writable()?;
                }
                // The other side has closed this channel alone: the input goes nowhere.
                Err(_) if active.channel.eof() => {
                    active.pipes.input.end();
                    active.pending.clear();
                    return Ok(0);
                }
                Err(e) => return Err(self.broken_stream(&e)),
            }
        }
    }

    fn drain(&self, active: &Active) -> Result<bool, Broken> {
        let output = self.pull(&mut active.channel.stream(0), &active.pipes.output)?;
        let errors = self.pull(&mut active.channel.stderr(), &active.pipes.errors)?;
        Ok(output || errors)
    }

    fn pull(&self, stream: &mut impl Read, pipe: &Pipe) -> Result<bool, Broken> {
        let mut buffer = [0; PIECE];
        let mut progress = false;
        while pipe.has_room() {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    pipe.give(&buffer[..count]);
                    progress = true;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    if !self.is_sending() {
                        break;
                    }
                    self.until_writable()?;
                }
                Err(e) => return Err(self.broken_stream(&e)),
            }
        }
        Ok(progress)
    }

    /// Learns how a command ended once its channel is closed by the other side.
    fn end(&self, active: &mut Active) -> Result<bool, Broken> {
        if self.settle(|_| active.channel.wait_close())?.is_none() {
            return Ok(false);
        }
        let signal = active.channel.exit_signal().ok().and_then(|s| s.exit_signal);
        let code = match signal {
            Some(name) => 128 + signal_number(&name),
            None => active.channel.exit_status().unwrap_or(-1),
        };
        active.closing = true;
        let _ = self.settle(|_| active.channel.close())?;
        active.pipes.input.end();
        if let Some(exit) = active.exit.take() {
            let _ = exit.send(Exit::Code(code));
        }
        Ok(true)
    }
}

impl Active {
    fn is_over(&self) -> bool {
        self.closing && self.exit.is_none()
    }

    fn is_abandoned(&self) -> bool {
        let nobody_waits = self.exit.as_ref().is_none_or(oneshot::Sender::is_closed);
        nobody_waits && self.pipes.output.is_abandoned() && self.pipes.errors.is_abandoned()
    }

    fn lose(&mut self, why: &str) {
        self.pipes.input.end();
        self.pipes.output.finish();
        self.pipes.errors.finish();
        if let Some(exit) = self.exit.take() {
            let _ = exit.send(Exit::Lost(why.to_owned()));
        }
    }
}

fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "SEGV" => 11,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        "USR1" => 10,
        "USR2" => 12,
        _ => 0,
    }
}
