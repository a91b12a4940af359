//! Starting an agent on a connection: the launcher, the program, the password, until its hello.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vmstation_host::wire::{self, Decoder, Hello, Message};

use super::{
    AgentSettings, Become,
    embedded::{self, Program},
    escalation::{Escalation, Said},
    launcher::{Launcher, Note},
    link::Opened,
};
use crate::{
    connection::{Channel, Connection, Exit, unreachable},
    diagnostic::{Error, Kind, Result},
};

/// How often starting is tried over with what was learnt.
const ATTEMPTS: usize = 8;
/// How long the program may take to arrive and start.
const UPLOAD: Duration = Duration::from_secs(120);
/// After the end of its output, how long a channel may take to say how it ended.
const PARTING: Duration = Duration::from_secs(2);

/// Why no agent could be started.
pub(super) enum Refusal {
    /// An error for people.
    Error(Error),
    /// The host can run no agent; what it can do is to be asked of its shell. The text says why.
    NoAgent(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What is learnt from failed attempts.
#[derive(Clone, Copy, Default)]
struct Learnt {
    terminal: bool,
    fresh: bool,
    skip: usize,
}

/// How an attempt ended that started nothing.
enum Ended {
    /// Try again like this.
    Again(Learnt),
    /// Give up.
    Refused(Refusal),
}

/// Starts an agent; `known` is a program that another user of the host has put there.
pub(super) async fn start(
    connection: &dyn Connection,
    escalate: Option<&Become>,
    settings: &AgentSettings,
    known: Option<&str>,
    timeout: Duration,
) -> Result<Opened, Refusal> {
    let programs = embedded::programs();
    let mut learnt = Learnt::default();
    for _ in 0..ATTEMPTS {
        let key = nonce()?;
        let token = format!("vmstation-launcher {key}");
        let launcher = Launcher {
            token: &token,
            programs: &programs,
            remote_tmp: &settings.remote_tmp,
            known,
            fresh: learnt.fresh,
            skip: learnt.skip,
            terminal: learnt.terminal,
        };
        let mut escalation = escalate.map(|b| Escalation::new(b, &key));
        let inner = launcher.command();
        let command =
            escalation.as_ref().map_or_else(|| format!("exec {inner}"), |e| e.command(&inner));
        let channel = connection.channel(&command, learnt.terminal).await?;
        let attempt = Attempt {
            token: &token,
            programs: &programs,
            escalation: escalation.as_mut(),
            channel,
            learnt,
            decoder: Decoder::after_magic(),
            heard: Vec::new(),
            timeout,
        };
        match attempt.run().await {
            Ok(opened) => return Ok(opened),
            Err(Ended::Again(next)) => learnt = next,
            Err(Ended::Refused(refusal)) => return Err(refusal),
        }
    }
    Err(Refusal::NoAgent("the agent could not be started in any place on the host".to_owned()))
}

pub(super) fn nonce() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(Kind::Internal, format!("no random numbers: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// One launcher at work.
struct Attempt<'a, 'e> {
    token: &'a str,
    programs: &'a [Program],
    escalation: Option<&'a mut Escalation<'e>>,
    channel: Channel,
    learnt: Learnt,
    decoder: Decoder,
    /// All of its standard error.
    heard: Vec<u8>,
    /// For the password's prompt.
    timeout: Duration,
}

/// Bytes of one of the two streams.
enum Came {
    Output(usize),
    Errors(usize),
    Nothing,
}

impl Attempt<'_, '_> {
    async fn run(mut self) -> Result<Opened, Ended> {
        let (mut out, mut err) = (vec![0; 16 * 1024], vec![0; 4096]);
        let (mut errors_open, mut answered, mut sent) = (true, false, false);
        loop {
            let patience = if sent { UPLOAD } else { self.timeout };
            let came = tokio::select! {
                n = self.channel.output.read(&mut out) => Came::Output(n.unwrap_or(0)),
                n = self.channel.errors.read(&mut err), if errors_open => Came::Errors(n.unwrap_or(0)),
                () = tokio::time::sleep(patience) => Came::Nothing,
            };
            let bytes = match came {
                Came::Output(0) => return Err(self.ended().await),
                Came::Errors(0) => {
                    errors_open = false;
                    continue;
                }
                Came::Nothing => return Err(self.timed_out(sent)),
                Came::Output(n) => {
                    self.decoder.push(&out[..n]);
                    &out[..n]
                }
                Came::Errors(n) => {
                    self.heard.extend_from_slice(&err[..n]);
                    &err[..n]
                }
            };
            if self.decoder.started() {
                return self.greeted(out).await;
            }
            if let Some(escalation) = self.escalation.as_mut() {
                match escalation.hear(bytes) {
                    Said::Nothing => {}
                    Said::Prompt if !answered && let Some(password) = escalation.answer() => {
                        answered = true;
                        self.send(&password).await;
                    }
                    Said::WantsTerminal if !self.learnt.terminal => {
                        return Err(Ended::Again(Learnt { terminal: true, ..self.learnt }));
                    }
                    Said::Prompt if !answered => {
                        return Err(Ended::Refused(escalation.refusal(Said::Missing).into()));
                    }
                    said => return Err(Ended::Refused(escalation.refusal(said).into())),
                }
            }
            if !sent && let Some(note) = Note::find(self.token, self.decoder.junk()).pop() {
                sent = true;
                self.obey(note).await?;
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        // If it can't be written, the end of the output tells why.
        let _ = self.channel.input.write_all(bytes).await;
        let _ = self.channel.input.flush().await;
    }

    /// Does what the launcher asks for.
    async fn obey(&mut self, note: Note) -> Result<(), Ended> {
        let no_agent = |text: String| Err(Ended::Refused(Refusal::NoAgent(text)));
        match note {
            Note::Need { machine, gzip } => {
                let Some(program) = self.programs.iter().find(|p| p.machine == machine) else {
                    return no_agent(format!("there is no agent for the processor {machine}"));
                };
                let content = if gzip {
                    program.gzip.to_vec()
                } else {
                    program.unpacked().map_err(|e| Ended::Refused(e.into()))?
                };
                let mut bytes = format!("{}\n", content.len()).into_bytes();
                bytes.extend_from_slice(&content);
                self.send(&bytes).await;
                Ok(())
            }
            Note::Alien { machine } => {
                no_agent(format!("there is no agent for the processor {machine}"))
            }
            Note::NoPlace => {
                no_agent("there is no place on the host from which programs can be run".to_owned())
            }
            Note::Failed => Ok(()),
        }
    }

    /// The magic has come: the hello follows.
    async fn greeted(mut self, mut buffer: Vec<u8>) -> Result<Opened, Ended> {
        let hello = loop {
            match self.decoder.pop() {
                Ok(Some(frame)) => break hello(frame)?,
                Ok(None) => {}
                Err(e) => return Err(Ended::Refused(unreachable(e.to_string()).into())),
            }
            let read = self.channel.output.read(&mut buffer);
            match tokio::time::timeout(UPLOAD, read).await {
                Ok(Ok(n @ 1..)) => self.decoder.push(&buffer[..n]),
                _ => return Err(self.ended().await),
            }
        };
        let Channel { input, output, errors, exit } = self.channel;
        Ok(Opened { hello, decoder: self.decoder, input, output, errors, exit })
    }

    fn timed_out(&self, sent: bool) -> Ended {
        let junk = String::from_utf8_lossy(self.decoder.junk()).into_owned();
        let seconds = self.timeout.as_secs();
        Ended::Refused(Refusal::Error(match self.escalation {
            Some(_) if !sent => Error::new(
                Kind::Action,
                format!("Timeout ({seconds}s) waiting for privilege escalation prompt: {junk}"),
            ),
            _ => unreachable("the agent on the host did not start in time"),
        }))
    }

    /// The output has ended before the agent's first word.
    async fn ended(mut self) -> Ended {
        let mut rest = Vec::new();
        let read = self.channel.errors.read_to_end(&mut rest);
        let _ = tokio::time::timeout(PARTING, read).await;
        self.heard.extend_from_slice(&rest);
        if let Some(escalation) = self.escalation.as_mut() {
            match escalation.hear(&rest) {
                Said::WantsTerminal if !self.learnt.terminal => {
                    return Ended::Again(Learnt { terminal: true, ..self.learnt });
                }
                said @ (Said::Incorrect | Said::Missing) => {
                    return Ended::Refused(escalation.refusal(said).into());
                }
                _ => {}
            }
        }
        let exit = tokio::time::timeout(PARTING, &mut self.channel.exit).await;
        if let Ok(Exit::Lost(why)) = exit {
            return Ended::Refused(unreachable(why).into());
        }
        let notes = Note::find(self.token, self.decoder.junk());
        let wrote = notes.iter().any(|n| matches!(n, Note::Need { .. }));
        match notes.last() {
            // It was written and did not start, or could not be written: another place may do.
            Some(Note::Failed | Note::Need { .. }) if wrote => {
                Ended::Again(Learnt { skip: self.learnt.skip + 1, fresh: true, ..self.learnt })
            }
            // What was there did not start.
            None if !self.learnt.fresh && matches!(exit, Ok(Exit::Code(c)) if c >= 126) => {
                Ended::Again(Learnt { fresh: true, ..self.learnt })
            }
            _ => Ended::Refused(self.failure(exit.ok()).into()),
        }
    }

    /// The shell, or what changes users, has failed for a reason of its own.
    fn failure(&self, exit: Option<Exit>) -> Error {
        let stderr = String::from_utf8_lossy(&self.heard).trim().to_owned();
        let stdout = String::from_utf8_lossy(self.decoder.junk()).trim().to_owned();
        let said = if stderr.is_empty() { stdout } else { stderr };
        let code = match exit {
            Some(Exit::Code(code)) => code,
            _ => return unreachable(said),
        };
        match self.escalation {
            Some(_) => Error::new(Kind::Action, format!("privilege escalation failed: {said}")),
            None => unreachable(format!("the host's shell ended with status {code}: {said}")),
        }
    }
}

fn hello(frame: wire::Frame) -> Result<Hello, Ended> {
    let refused = |text: String| Ended::Refused(unreachable(text).into());
    match Message::from_frame(frame) {
        Ok((_, Message::Hello(hello))) if hello.version == wire::VERSION => Ok(hello),
        Ok((_, Message::Hello(hello))) => {
            Err(refused(format!("the agent speaks version {} of the protocol", hello.version)))
        }
        Ok(_) => Err(refused("the agent did not say hello".to_owned())),
        Err(e) => Err(refused(e.to_string())),
    }
}
