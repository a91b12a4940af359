//! Programs on a terminal of their own, which are talked to.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::child::{Children, command, signal_groups};
use crate::target::{Dialogue, Ran, Reply, Run};

/// Programs that ask for a password throw away what was typed before they asked: a moment lets them get there.
const BEFORE_TYPING: Duration = Duration::from_millis(50);
/// Between one signal and the next that ends a program.
const GRACE: Duration = Duration::from_millis(100);

/// Run a program to its end; its output goes to the dialogue alone.
pub(super) fn run(
    run: &Run,
    dialogue: &mut Dialogue<'_>,
    cwd: Option<&Path>,
    env: &[(String, String)],
    children: &Children,
) -> io::Result<Ran> {
    let (mut ours, theirs) = terminal(dialogue.echo)?;
    let mut command = command(run, cwd, env)?;
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    let close = ours.as_raw_fd();
    // SAFETY: setsid(2), ioctl(2) and close(2) are async-signal-safe and allocate nothing.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            // Standard input is the terminal by now.
            rustix::process::ioctl_tiocsctty(BorrowedFd::borrow_raw(0))?;
            libc::close(close);
            Ok(())
        });
    }
    let mut child = children.start(&mut command)?;
    // It holds the program's end of the terminal, which must be closed for the end to be seen.
    drop(command);
    let talked = talk(&mut ours, dialogue, children);
    drop(ours);
    let status = end(&mut child, children)?;
    let timed_out = talked?;
    let rc = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    Ok(Ran { rc, timed_out, ..Ran::default() })
}

/// Both ends of a terminal of usual size.
fn terminal(echo: bool) -> io::Result<(File, File)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let theirs =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(path)?;
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size)?;
    if !echo {
        let mut modes = tcgetattr(&theirs)?;
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    }
    Ok((ours.into(), theirs))
}

/// Until the program closes its terminal, nothing answers for too long, or it is to stop; whether it took too long.
fn talk(ours: &mut File, dialogue: &mut Dialogue<'_>, children: &Children) -> io::Result<bool> {
    let mut since = Instant::now();
    let mut block = [0; 2000];
    loop {
        if children.is_cancelled() {
            return Ok(false);
        }
        let left = dialogue.patience.map(|patience| patience.saturating_sub(since.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(true);
        }
        let nap = left.unwrap_or(Duration::MAX).min(Duration::from_secs(1));
        let time = Timespec { tv_sec: nap.as_secs() as i64, tv_nsec: nap.subsec_nanos().into() };
        match poll(&mut [PollFd::from_borrowed_fd(ours.as_fd(), PollFlags::IN)], Some(&time)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let length = match ours.read(&mut block) {
            // The kernel's way to say that nobody has the other end open.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => 0,
            read => read?,
        };
        if length == 0 {
            return Ok(false);
        }
        let mut new = &block[..length];
        loop {
            match (dialogue.answer)(new) {
                Reply::Wait => break,
                Reply::Stop => return Ok(false),
                Reply::Type(text) => {
                    children.sleep(BEFORE_TYPING);
                    ours.write_all(&text)?;
                    since = Instant::now();
                    new = b"";
                }
            }
        }
    }
}

/// The program's end; what goes on without its terminal is ended, ever less politely.
fn end(child: &mut Child, children: &Children) -> io::Result<ExitStatus> {
    let group = BTreeSet::from([child.id() as i32]);
    for signal in [None, Some(Signal::HUP), Some(Signal::INT), Some(Signal::KILL)] {
        if let Some(signal) = signal {
            signal_groups(&group, signal);
        }
        let until = Instant::now() + GRACE;
        while Instant::now() < until || signal == Some(Signal::KILL) {
            if let Some(status) = children.reap(child)? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    child.wait()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn talked(script: &str, patience: u64, answer: &mut dyn FnMut(&[u8]) -> Reply) -> Ran {
        let mut dialogue =
            Dialogue { echo: false, patience: Some(Duration::from_millis(patience)), answer };
        run(&Run::shell(script), &mut dialogue, None, &[], &Children::default()).unwrap()
    }

    #[test]
    fn questions_are_answered_on_a_terminal() {
        let mut heard = Vec::new();
        let mut answer = |new: &[u8]| {
            heard.extend_from_slice(new);
            match new.ends_with(b"name? ") {
                true => Reply::Type(b"bob\n".to_vec()),
                false => Reply::Wait,
            }
        };
        let script =
            "printf 'name? '; read name; test -t 0 && tty >/dev/null && echo \"hi $name\"; exit 3";
        assert_eq!(talked(script, 5000, &mut answer).rc, 3);
        assert_eq!(String::from_utf8_lossy(&heard), "name? hi bob\r\n");
    }

    #[test]
    fn who_says_nothing_is_ended() {
        let ran = talked("sleep 30", 50, &mut |_| Reply::Wait);
        assert!(ran.timed_out);
        // Under nohup programs never hear of a terminal's end, on a busy machine they may not come to it in time.
        assert!([-1, -2, -9].contains(&ran.rc), "{}", ran.rc);
        let ran = talked("trap '' HUP INT; echo x; sleep 30", 5000, &mut |_| Reply::Stop);
        assert_eq!(ran.rc, -9);
    }
}
