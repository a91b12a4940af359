//! Jobs: calls that go on by themselves, whatever becomes of the agent that started them.
//!
//! A job is a process of its own: the program of this process once more, under the name [`NAME`],
//! in a session of its own, given its call on standard input. What it came to stands in a file
//! named after the job, as ansible's wrapper leaves it, for the module `async_status` to read.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::call::{Call, local_system};
use crate::data::{Data, Map};
use crate::files::{AtHand, Content, Files};
use crate::outcome::Failure;
use crate::python::{self, Subject};
use crate::target::Target;
use crate::target::system::Children;
use crate::wire::{self, Message};

/// What a program is called (its first argument) when it is to work on a job.
pub const NAME: &str = "vmstation-job";

/// ansible's wrapper looks so often whether the time is over.
const STEP: u64 = 5;

/// A wish that a call become a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// The first half of its name; the number of its process is the second.
    pub id: String,
    /// The folder of job files; `~` is expanded on the host.
    pub dir: String,
    /// Seconds that it may take.
    pub limit: u64,
}

/// Start a call as a job; the answer is that of ansible's wrapper.
pub(crate) fn start(call: &Call, job: &Job, target: &dyn Target, files: &mut dyn Files) -> Map {
    if let Err(error) = target.may_connect() {
        // Both need processes of ours on the host.
        return Failure::new(format!("async needs an agent on the host: {error}")).into_result();
    }
    match launch(call, job, files) {
        Ok(started) => started,
        Err(error) => Failure::new(format!(
            "could not start an asynchronous job: {}",
            python::os_error(&error, Subject::None)
        ))
        .into_result(),
    }
}

fn launch(call: &Call, job: &Job, files: &mut dyn Files) -> io::Result<Map> {
    // The controller may be gone when the job wants them.
    let mut inline = Vec::with_capacity(call.files.len());
    for file in &call.files {
        inline.push(Some(match files.content(file)? {
            Content::Bytes(bytes) => bytes.to_vec(),
            Content::File(path) => std::fs::read(path)?,
        }));
    }
    let call = Box::new(Call { job: None, ..call.clone() });
    let mut child = process(job)?;
    let said = hand_over(&mut child, Message::Call { call, inline });
    // Reaped whenever it ends; it needs nobody to wait for it.
    std::thread::spawn(move || child.wait());
    let line = said?;
    match serde_json::from_str(&line) {
        Ok(Data::Object(started)) => Ok(started),
        _ => Err(io::Error::other("it ended before it began")),
    }
}

fn process(job: &Job) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).args([&job.id, &job.dir, &job.limit.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: setsid(2) is all that runs between fork and exec; it is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        });
    }
    command.spawn()
}

fn hand_over(child: &mut Child, message: Message) -> io::Result<String> {
    let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut stdin = child.stdin.take().ok_or_else(closed)?;
    wire::write_frame(&mut stdin, &message.into_frame(0))?;
    drop(stdin);
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or_else(closed)?).read_line(&mut line)?;
    Ok(line)
}

/// Work on a job, if this process was started for one; the answer is its exit code.
///
/// Every program that links this library as an agent calls it before anything else.
pub fn take_over() -> Option<u8> {
    let mut args = std::env::args();
    if args.next()? != NAME {
        return None;
    }
    let (id, dir, limit) = (args.next()?, args.next()?, args.next()?.parse().ok()?);
    Some(match work(&Job { id, dir, limit }) {
        Ok(()) => 0,
        Err(failure) => {
            let mut result = failure.into_result();
            result.insert("failed".into(), 1.into());
            say(&result);
            1
        }
    })
}

/// One line for whoever started the job.
fn say(result: &Map) {
    // If nobody listens any more, there is nobody to tell.
    let _ = writeln!(io::stdout(), "{}", Data::Object(result.clone()));
    let _ = io::stdout().flush();
}

fn work(job: &Job) -> Result<(), Failure> {
    let message = wire::read_frame(&mut io::stdin().lock())
        .ok()
        .flatten()
        .and_then(|frame| Message::from_frame(frame).ok());
    let Some((_, Message::Call { call, inline })) = message else {
        return Err(Failure::new("a job came without its call"));
    };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let dir = PathBuf::from(local_system(&call).expand(&job.dir));
    std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&dir).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(&dir));
        Failure::new(format!("could not create directory: {} - {why}", dir.display()))
    })?;
    let pid = std::process::id();
    let name = format!("{}.{pid}", job.id);
    let path = dir.join(&name);
    let mut started = Map::new();
    started.insert("started".into(), 1.into());
    started.insert("finished".into(), 0.into());
    started.insert("ansible_job_id".into(), name.into());
    let written = |result: &Map| {
        write(&path, result).map_err(|error| {
            Failure::new(format!("FATAL ERROR: {}", python::os_error(&error, Subject::Text(&path))))
        })
    };
    written(&started)?;
    started.insert("failed".into(), 0.into());
    started.insert("results_file".into(), path.to_string_lossy().into());
    say(&started);

    let children = Arc::new(Children::default());
    let (sender, receiver) = channel();
    let theirs = Arc::clone(&children);
    std::thread::spawn(move || {
        // Nobody listens if the time was over before.
        let _ = sender.send(result(&call, inline, theirs));
    });
    let steps = job.limit.div_ceil(STEP).max(1) + 1;
    match receiver.recv_timeout(Duration::from_secs(steps * STEP)) {
        Ok(result) => written(&result),
        Err(_) => {
            let mut late = Map::new();
            late.insert("msg".into(), "Timeout exceeded".into());
            late.insert("failed".into(), true.into());
            late.insert("child_pid".into(), pid.into());
            let done = written(&late);
            children.cancel();
            done
        }
    }
}

fn result(call: &Call, inline: Vec<Option<Vec<u8>>>, children: Arc<Children>) -> Map {
    let mut at_hand = AtHand::default();
    for (file, bytes) in call.files.iter().zip(inline) {
        if let Some(bytes) = bytes {
            at_hand.add(file.sha1.clone(), Content::Bytes(bytes.into()));
        }
    }
    call.run(&mut local_system(call).with_children(children), &mut at_hand)
}

/// Whole or not at all, and for the user alone: results may hold what others must not see.
fn write(path: &Path, result: &Map) -> io::Result<()> {
    let new = PathBuf::from(format!("{}.tmp", path.display()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(Data::Object(result.clone()).to_string().as_bytes())?;
    drop(file);
    std::fs::rename(new, path)
}
