//! Running programs: pipes, time limits, and ending those that still run.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::target::{Ran, Run};

/// ansible looks every second whether a program is gone whose children keep its pipes open.
const LINGER: Duration = Duration::from_secs(1);
/// Between a polite and a final signal.
const GRACE: Duration = Duration::from_millis(500);

/// The programs of one call that run now.
#[derive(Debug, Default)]
pub struct Children {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) groups: BTreeSet<i32>,
    pub(super) cancelled: bool,
}

impl Children {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a set and a flag: there is no half-done change that a panic could leave.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// End what runs, with everything in its process groups, and start nothing any more.
    pub fn cancel(&self) {
        let groups: Vec<i32> = {
            let mut state = self.lock();
            state.cancelled = true;
            signal_groups(&state.groups, Signal::TERM);
            state.groups.iter().copied().collect()
        };
        self.ended.notify_all();
        if groups.is_empty() {
            return;
        }
        std::thread::sleep(GRACE);
        signal_groups(&self.lock().groups, Signal::KILL);
    }

    /// Whether [`Children::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Sleep, but not beyond a cancellation.
    pub fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while !state.cancelled {
            let Some(left) =
                until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Start a program that leads a process group of its own.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Child> {
        // Under the lock, so that a cancellation sees either no start or a noted one.
        let mut state = self.lock();
        if state.cancelled {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "the call was cancelled"));
        }
        let child = command.spawn()?;
        state.groups.insert(child.id() as i32);
        Ok(child)
    }

    /// Look whether a program is gone; while the lock is held, its number can't go to another.
    pub(super) fn reap(&self, child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let mut state = self.lock();
        let status = child.try_wait()?;
        if status.is_some() {
            state.groups.remove(&(child.id() as i32));
        }
        Ok(status)
    }
}

pub(super) fn signal_groups(groups: &BTreeSet<i32>, signal: Signal) {
    for group in groups {
        if let Some(pid) = Pid::from_raw(*group) {
            // A group that is gone already is what we want.
            let _ = kill_process_group(pid, signal);
        }
    }
}

pub(super) fn command(
    run: &Run,
    cwd: Option<&Path>,
    env: &[(String, String)],
) -> io::Result<Command> {
    let (program, args) =
        run.argv.split_first().ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))?;
    let mut command = Command::new(program);
    command.args(args);
    command.envs(env.iter().map(|(key, value)| (key, value)));
    command.envs(run.env.iter().map(|(key, value)| (key, value)));
    for name in &run.env_remove {
        command.env_remove(name);
    }
    match (&run.cwd, cwd) {
        (Some(own), Some(cwd)) => command.current_dir(cwd.join(own)),
        (Some(cwd), None) => command.current_dir(cwd),
        (None, Some(cwd)) => command.current_dir(cwd),
        (None, None) => &mut command,
    };
    command.stdin(if run.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(umask) = run.umask {
        // SAFETY: umask(2) is all that runs between fork and exec; it is async-signal-safe and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
                Ok(())
            });
        }
    }
    Ok(command)
}

/// Run a program to its end.
pub(super) fn run(
    run: &Run,
    cwd: Option<&Path>,
    env: &[(String, String)],
    children: &Children,
) -> io::Result<Ran> {
    let mut command = command(run, cwd, env)?;
    command.process_group(0);
    let mut child = children.start(&mut command)?;
    let outcome = watch(run, &mut child, children);
    if outcome.is_err() {
        let _ = child.kill();
        while children.reap(&mut child)?.is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    outcome
}

struct Pipes {
    stdin: Option<(OwnedFd, usize)>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl Pipes {
    fn of(child: &mut Child) -> io::Result<Pipes> {
        let pipes = Pipes {
            stdin: child.stdin.take().map(|pipe| (pipe.into(), 0)),
            stdout: child.stdout.take().map(Into::into),
            stderr: child.stderr.take().map(Into::into),
        };
        let all =
            [pipes.stdin.as_ref().map(|(fd, _)| fd), pipes.stdout.as_ref(), pipes.stderr.as_ref()];
        for fd in all.into_iter().flatten() {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(pipes)
    }

    fn outputs_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    /// Wait until something can be done, at most so long; false if nothing could.
    fn wait(&self, time: Duration) -> io::Result<bool> {
        let mut fds = Vec::with_capacity(3);
        fds.extend(self.stdin.as_ref().map(|(fd, _)| PollFd::new(fd, PollFlags::OUT)));
        fds.extend(self.stdout.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        fds.extend(self.stderr.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        match poll(&mut fds, Some(&time)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn feed(&mut self, content: &[u8]) -> io::Result<()> {
        let Some((fd, done)) = &mut self.stdin else { return Ok(()) };
        match rustix::io::write(fd.as_fd(), &content[*done..]) {
            Ok(length) => *done += length,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // The program does not want to read the rest.
            Err(rustix::io::Errno::PIPE) => *done = content.len(),
            Err(error) => return Err(error.into()),
        }
        if *done >= content.len() {
            self.stdin = None;
        }
        Ok(())
    }
}

/// Take what is there; the pipe is dropped at its end.
fn drain(pipe: &mut Option<OwnedFd>, into: &mut Vec<u8>) -> io::Result<()> {
    let Some(fd) = pipe else { return Ok(()) };
    let mut block = [0; 16 * 1024];
    loop {
        match rustix::io::read(fd.as_fd(), &mut block) {
            Ok(0) => {
                *pipe = None;
                return Ok(());
            }
            Ok(length) => into.extend_from_slice(&block[..length]),
            Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn watch(run: &Run, child: &mut Child, children: &Children) -> io::Result<Ran> {
    let content = run.stdin.as_deref().unwrap_or_default();
    let mut pipes = Pipes::of(child)?;
    let mut ran = Ran::default();
    let deadline = run.timeout.map(|timeout| Instant::now() + timeout);
    let mut nap = Duration::from_millis(1);
    let mut killed = false;
    let status = loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) && !killed {
            killed = true;
            ran.timed_out = true;
            signal_groups(&BTreeSet::from([child.id() as i32]), Signal::KILL);
        }
        if !pipes.outputs_open() {
            if let Some(status) = children.reap(child)? {
                break status;
            }
            std::thread::sleep(nap.min(left.filter(|left| !left.is_zero()).unwrap_or(nap)));
            nap = (nap * 2).min(Duration::from_millis(50));
            continue;
        }
        let ready =
            pipes.wait(LINGER.min(left.filter(|left| !left.is_zero()).unwrap_or(LINGER)))?;
        pipes.feed(content)?;
        drain(&mut pipes.stdout, &mut ran.stdout)?;
        drain(&mut pipes.stderr, &mut ran.stderr)?;
        if !ready && let Some(status) = children.reap(child)? {
            // A child of it holds the pipes: a background process, which is left alone.
            break status;
        }
    };
    ran.rc = status.code().unwrap_or_else(|| -status.signal().unwrap_or(1));
    Ok(ran)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn ran(what: &Run) -> Ran {
        run(what, None, &[], &Children::default()).unwrap()
    }

    #[test]
    fn codes_outputs_and_input() {
        let out = ran(&Run::shell("cat; echo err >&2; exit 3").stdin("hello"));
        assert_eq!(out, Ran::of(3, "hello", "err\n"));
        assert_eq!(ran(&Run::shell("kill -9 $$")).rc, -9);
        let missing =
            run(&Run::argv(["/does/not/exist"]), None, &[], &Children::default()).unwrap_err();
        assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn more_input_than_a_pipe_holds_does_not_block() {
        let much = vec![b'x'; 1 << 20];
        assert_eq!(ran(&Run::argv(["cat"]).stdin(much.clone())).stdout, much);
        assert_eq!(ran(&Run::argv(["true"]).stdin(much)).rc, 0);
    }

    #[test]
    fn a_background_process_is_left_alone() {
        let start = Instant::now();
        let out = ran(&Run::shell("sleep 20 & echo $!"));
        assert!(start.elapsed() < Duration::from_secs(10));
        let pid: i32 = out.out().trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }

    #[test]
    fn time_limits_end_the_whole_group() {
        let out = ran(&Run::shell("sleep 30 | sleep 30").timeout(Duration::from_millis(50)));
        assert!(out.timed_out);
        assert_eq!(out.rc, -9);
    }

    #[test]
    fn cancelled_programs_end() {
        let children = Arc::new(Children::default());
        let theirs = Arc::clone(&children);
        let thread =
            std::thread::spawn(move || run(&Run::shell("sleep 30"), None, &[], &theirs).unwrap());
        while children.lock().groups.is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        children.cancel();
        assert_eq!(thread.join().unwrap().rc, -15);
        assert!(run(&Run::argv(["true"]), None, &[], &children).is_err());
    }
}
