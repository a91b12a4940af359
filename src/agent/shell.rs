//! Lines for a host's shell, without any agent: `raw`, and what is done before an agent can run.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    Become,
    escalation::{Escalation, Said},
    start::nonce,
};
use crate::{
    connection::{
        Channel, Connection, ConnectionSettings, Exit, Output, Transport, quote, unreachable,
    },
    diagnostic::{Error, Kind, Result},
};

/// Runs a line to its end, as ansible's `raw` does: over ssh on a terminal.
pub(super) async fn run(
    connection: &dyn Connection,
    settings: &ConnectionSettings,
    escalate: Option<&Become>,
    executable: &str,
    line: &str,
    timeout: Duration,
) -> Result<Output> {
    let terminal = settings.transport != Transport::Local;
    let shell = |line: &str| format!("{executable} -c {}", quote(line));
    let key = nonce()?;
    let token = format!("BECOME-SUCCESS-{key}");
    let mut escalation = escalate.map(|b| Escalation::new(b, &key));
    let command = escalation.as_ref().map_or_else(
        || shell(line),
        |e| shell(&e.command(&shell(&format!("echo {token} ; {line}")))),
    );
    let channel = connection.channel(&command, terminal).await?;
    let mut talk = Talk { channel, output: Output::default() };
    if let Some(escalation) = &mut escalation {
        talk.escalate(escalation, &token, timeout).await?;
    }
    let mut output = talk.finish().await?;
    if terminal && connection.transport() != "openssh" {
        // What ssh says when a terminal's session ends.
        let shared = [&settings.ssh.args, &settings.ssh.common_args, &settings.ssh.extra_args]
            .iter()
            .any(|args| args.to_lowercase().contains("controlpersist"));
        let what = if shared { "Shared connection" } else { "Connection" };
        let farewell = format!("{what} to {} closed.\r\n", settings.host);
        output.stderr.extend_from_slice(farewell.as_bytes());
    }
    Ok(output)
}

/// Runs a line of `sh` for what it does, whatever comes of it.
pub(super) async fn quietly(
    connection: &dyn Connection,
    escalate: Option<&Become>,
    line: &str,
    timeout: Duration,
) -> Result<()> {
    let key = nonce()?;
    let token = format!("BECOME-SUCCESS-{key}");
    let mut escalation = escalate.map(|b| Escalation::new(b, &key));
    let inner = format!("/bin/sh -c {}", quote(&format!("echo {token}; {line}")));
    let command = escalation.as_ref().map_or_else(|| inner.clone(), |e| e.command(&inner));
    let channel = connection.channel(&command, false).await?;
    let mut talk = Talk { channel, output: Output::default() };
    talk.begin(escalation.as_mut(), &token, timeout).await?;
    talk.finish().await.map(drop)
}

/// A command at work and what it has written.
pub(super) struct Talk {
    pub channel: Channel,
    pub output: Output,
}

impl Talk {
    /// Waits until the command has written `token`, the password's prompt answered before.
    pub async fn begin(
        &mut self,
        escalation: Option<&mut Escalation<'_>>,
        token: &str,
        timeout: Duration,
    ) -> Result<()> {
        if let Some(escalation) = escalation {
            return self.escalate(escalation, token, timeout).await;
        }
        let mut buffer = vec![0; 4096];
        while !self.begun(token) {
            let read = self.channel.output.read(&mut buffer);
            match tokio::time::timeout(timeout, read).await {
                Ok(Ok(n @ 1..)) => self.output.stdout.extend_from_slice(&buffer[..n]),
                Ok(_) => return Err(unreachable("the host's shell did not start")),
                Err(_) => return Err(unreachable("the host's shell did not start in time")),
            }
        }
        Ok(())
    }

    /// Answers the prompt and waits until the command itself has begun.
    async fn escalate(
        &mut self,
        escalation: &mut Escalation<'_>,
        token: &str,
        timeout: Duration,
    ) -> Result<()> {
        let (mut out, mut err) = (vec![0; 4096], vec![0; 4096]);
        let (mut errors_open, mut answered) = (true, false);
        loop {
            let bytes = tokio::select! {
                n = self.channel.output.read(&mut out) => match n.unwrap_or(0) {
                    // It has ended without having begun: what it said is the result.
                    0 => return Ok(()),
                    n => {
                        self.output.stdout.extend_from_slice(&out[..n]);
                        &out[..n]
                    }
                },
                n = self.channel.errors.read(&mut err), if errors_open => {
                    let n = n.unwrap_or(0);
                    errors_open = n > 0;
                    self.output.stderr.extend_from_slice(&err[..n]);
                    &err[..n]
                }
                () = tokio::time::sleep(timeout) => {
                    let said = String::from_utf8_lossy(&self.output.stdout).into_owned();
                    let seconds = timeout.as_secs();
                    return Err(Error::new(
                        Kind::Action,
                        format!("Timeout ({seconds}s) waiting for privilege escalation prompt: {said}"),
                    ));
                }
            };
            if self.begun(token) {
                return Ok(());
            }
            match escalation.hear(bytes) {
                Said::Nothing | Said::WantsTerminal => {}
                Said::Prompt if !answered && let Some(password) = escalation.answer() => {
                    answered = true;
                    // If it can't be written, the end of the output follows.
                    let _ = self.channel.input.write_all(&password).await;
                    let _ = self.channel.input.flush().await;
                    self.output.stdout.clear();
                    self.output.stderr.clear();
                }
                Said::Prompt if !answered => return Err(escalation.refusal(Said::Missing)),
                said => return Err(escalation.refusal(said)),
            }
        }
    }

    /// Whether the line that tells of success has come; it and what came before it go.
    fn begun(&mut self, token: &str) -> bool {
        let seen = &mut self.output.stdout;
        let Some(at) = seen.windows(token.len()).position(|w| w == token.as_bytes()) else {
            return false;
        };
        let Some(end) = seen[at..].iter().position(|b| *b == b'\n') else { return false };
        seen.drain(..=at + end);
        true
    }

    async fn finish(self) -> Result<Output> {
        let Self { channel, mut output } = self;
        let Channel { mut input, output: mut out, mut errors, exit } = channel;
        // Raw commands get no input.
        let _ = input.shutdown().await;
        let (out, err) = tokio::join!(
            out.read_to_end(&mut output.stdout),
            errors.read_to_end(&mut output.stderr)
        );
        match (exit.await, out.and(err)) {
            (Exit::Code(rc), Ok(_)) => Ok(Output { rc, ..output }),
            (Exit::Lost(why), _) => Err(unreachable(why)),
            (Exit::Code(_), Err(e)) => Err(unreachable(e.to_string())),
        }
    }
}
