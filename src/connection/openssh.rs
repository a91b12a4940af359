//! SSH by the system's `ssh`, a process a channel, for what libssh2 can't do.

use std::{
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::{
    io::{AsyncRead, ReadBuf},
    process::Command,
    sync::watch,
};

use super::{
    BoxFuture, Channel, Connection, ConnectionSettings, Exit, Reader, Secret,
    limits::{self, Turn},
    local,
};
use crate::diagnostic::{Error, Kind, Result};

/// `ssh` ends with this if it was not the command that failed.
const SSH_FAILED: i32 = 255;
/// How long after the end of `ssh` its last words may take.
const PARTING: Duration = Duration::from_secs(1);
/// How much of what it complains of is kept.
const COMPLAINTS: usize = 16 * 1024;
/// Words in the output that mean a status of 255 came from the host after all.
const NOT_SSH: [&str; 4] = [
    "Traceback (most recent call last):",
    "PHP Parse error:",
    "chmod: invalid mode",
    "chmod: A flag or octal number is not correct.",
];

/// A connection by the system's `ssh`.
pub(super) struct OpenSsh {
    settings: ConnectionSettings,
    args: Vec<String>,
    /// The machine that answers first, whose handshakes are counted.
    door: String,
    closed: AtomicBool,
}

impl OpenSsh {
    /// A connection with ansible's arguments for `ssh`.
    pub fn new(settings: &ConnectionSettings, args: Vec<String>, door: String) -> Self {
        Self { settings: settings.clone(), args, door, closed: AtomicBool::new(false) }
    }

    fn program(&self, command: &str, terminal: bool) -> Command {
        let mut ssh = Command::new(&self.settings.ssh.executable);
        // A master that was started along the way would keep our streams open; one that is there
        // is used all the same.
        ssh.args(["-o", "ControlMaster=no"]).args(&self.args);
        if self.settings.password.is_some() {
            ssh.args(["-o", "NumberOfPasswordPrompts=1"]);
        }
        if terminal {
            ssh.arg("-tt");
        }
        ssh.arg("--").arg(&self.settings.host).arg(command);
        ssh
    }

    async fn start(&self, command: &str, terminal: bool) -> Result<Channel> {
        let mut ssh = self.program(command, terminal);
        let password = self.settings.password.as_ref().map(AskPass::new).transpose();
        let password = password.map_err(|e| {
            Error::new(Kind::Action, format!("failed to hand the password to ssh: {e}"))
        })?;
        if let Some(password) = &password {
            password.announce(&mut ssh);
        }
        let turn = limits::turn(&self.door).await;
        // In our process group, so that ssh may ask questions on the terminal.
        let Channel { input, output, errors, exit } = local::spawn(ssh, false, false)?;
        let ended = watch::Sender::new(false);
        let mut errors_end = ended.subscribe();
        let heard = Arc::new(Mutex::new(Heard { turn: Some(turn), complaints: Vec::new(), ended }));
        let has_password = password.is_some();
        let parting = Arc::clone(&heard);
        Ok(Channel {
            input,
            output: Box::new(Listened { reader: output, heard: Arc::clone(&heard), keep: false }),
            errors: Box::new(Listened { reader: errors, heard, keep: true }),
            exit: Box::pin(async move {
                let exit = exit.await;
                drop(password);
                // What it complained of may not have been read yet.
                let all = errors_end.wait_for(|ended| *ended);
                let _ = tokio::time::timeout(PARTING, all).await;
                judge(exit, &parting.lock().complaints, has_password)
            }),
        })
    }
}

/// What the end of `ssh` means.
fn judge(exit: Exit, complaints: &[u8], has_password: bool) -> Exit {
    let said = String::from_utf8_lossy(complaints);
    if exit != Exit::Code(SSH_FAILED) || NOT_SSH.iter().any(|n| said.contains(n)) {
        return exit;
    }
    if has_password && said.contains("Permission denied") {
        let text = "Invalid/incorrect password: Permission denied, please try again.";
        return Exit::Lost(text.to_owned());
    }
    Exit::Lost(said.trim_end().to_owned())
}

impl Connection for OpenSsh {
    fn channel<'a>(&'a self, command: &'a str, terminal: bool) -> BoxFuture<'a, Result<Channel>> {
        Box::pin(self.start(command, terminal))
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    fn close(&self) {
        // Each process ends with its channel.
        self.closed.store(true, Ordering::Relaxed);
    }

    fn transport(&self) -> &'static str {
        "openssh"
    }
}

/// What is noticed of the streams as they are read.
struct Heard {
    /// Given back with the first byte: the handshake is over.
    turn: Option<Turn>,
    complaints: Vec<u8>,
    /// Whether all complaints were read.
    ended: watch::Sender<bool>,
}

/// A stream that is listened to while it is read.
struct Listened {
    reader: Reader,
    heard: Arc<Mutex<Heard>>,
    keep: bool,
}

impl AsyncRead for Listened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.reader).poll_read(cx, buf);
        if result.is_ready() {
            let mut heard = self.heard.lock();
            heard.turn = None;
            if self.keep {
                heard.complaints.extend_from_slice(&buf.filled()[before..]);
                if buf.filled().len() == before {
                    heard.ended.send_replace(true);
                }
                let excess = heard.complaints.len().saturating_sub(COMPLAINTS);
                heard.complaints.drain(..excess);
            }
        }
        result
    }
}

/// Hands one password to one `ssh` when it asks: a script that reads it from a pipe which only we
/// can open. The password is in no argument, no environment and no file.
struct AskPass {
    folder: tempfile::TempDir,
    /// Holds what is in the pipe until the script has read it.
    _pipe: std::fs::File,
}

/// Answers once, and no questions about host keys.
const SCRIPT: &str = "#!/bin/sh\n\
    case $1 in *yes/no*) echo no; exit 0;; esac\n\
    mkdir \"${0%/*}/asked\" 2>/dev/null || exit 1\n\
    IFS= read -r answer <\"${0%/*}/pipe\" || exit 1\n\
    printf '%s\\n' \"$answer\"\n";

impl AskPass {
    fn new(password: &Secret) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("vmstation-ssh-").tempdir()?;
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700))?;
        let (script, pipe) = (folder.path().join("askpass"), folder.path().join("pipe"));
        std::fs::write(&script, SCRIPT)?;
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700))?;
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Opened for both, so that nobody has to be there to read what we write.
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
            .open(&pipe)?;
        file.write_all(format!("{}\n", password.reveal()).as_bytes())?;
        Ok(Self { folder, _pipe: file })
    }

    fn announce(&self, ssh: &mut Command) {
        ssh.env("SSH_ASKPASS", self.folder.path().join("askpass"));
        ssh.env("SSH_ASKPASS_REQUIRE", "force");
        if std::env::var_os("DISPLAY").is_none() {
            // Without one, older versions don't ask by a program.
            ssh.env("DISPLAY", ":0");
        }
    }
}

#[cfg(test)]
mod tests;
