//! One request, on its thread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::agent::{Agent, Piece, one, travel};
use crate::call::Call;
use crate::data::{Data, Map};
use crate::files::{AtHand, Content};
use crate::python::{self, Subject};
use crate::target::system::Children;
use crate::target::{FileKind, Run, Target, account};
use crate::wire::{Exec, Message, Put};

/// A request that is being worked on.
pub(super) struct Request<'a> {
    pub agent: &'a Agent,
    pub id: u32,
    pub children: Arc<Children>,
    pub incoming: Receiver<Piece>,
}

/// The answer to a request that is no module and could not be done.
pub(super) fn refused(error: impl Into<String>) -> Message {
    Message::answer(one("error", error.into()))
}

impl Request<'_> {
    /// Do it. Modules answer with ansible's dictionary; the others with their own keys, or `error` (and `errno`).
    pub fn answer(&self, message: Message) -> Message {
        let done = match message {
            Message::Call { call, inline } => return Message::answer(self.call(&call, inline)),
            Message::Exec(exec) => self.exec(exec),
            Message::Put(put) => self.put(&put).map(Message::answer),
            Message::Fetch { path } => self.fetch(&path).map(Message::answer),
            Message::Expand { texts } => {
                let mut system = self.system();
                let texts: Vec<String> = texts.iter().map(|text| system.expand(text)).collect();
                Ok(Message::answer(one("texts", texts)))
            }
            Message::MakeTemp { base, prefix } => {
                self.make_temp(&base, &prefix).map(Message::answer)
            }
            Message::Remove { paths } => self.remove(&paths).map(Message::answer),
            other => Ok(refused(format!("the agent answers no such message: {other:?}"))),
        };
        done.unwrap_or_else(|error| {
            let mut answer = one("error", python::os_error(&error, Subject::None));
            answer.insert("errno".into(), error.raw_os_error().map_or(Data::Null, Data::from));
            Message::answer(answer)
        })
    }

    fn system(&self) -> Box<dyn Target> {
        self.agent.machine.target(&self.children, None, Vec::new())
    }

    fn call(&self, call: &Call, inline: Vec<Option<Vec<u8>>>) -> Map {
        let cwd = call.cwd.clone().map(PathBuf::from);
        let mut system = self.agent.machine.target(&self.children, cwd, call.variables());
        let mut at_hand = AtHand::default();
        for (file, bytes) in call.files.iter().zip(inline) {
            if let Some(bytes) = bytes {
                at_hand.add(file.sha1.clone(), Content::Bytes(bytes.into()));
            }
        }
        let base = call.remote_tmp.as_deref().map(|base| PathBuf::from(system.expand(base)));
        let mut files = travel::FromChannel {
            agent: self.agent,
            id: self.id,
            incoming: &self.incoming,
            at_hand,
            spool: base
                .filter(|base| self.agent.machine.is_here() && base.is_dir())
                .unwrap_or_else(std::env::temp_dir),
            laid: Vec::new(),
        };
        call.run(&mut *system, &mut files)
    }

    fn exec(&self, exec: Exec) -> io::Result<Message> {
        let run = Run {
            argv: exec.argv.into_iter().map(Into::into).collect(),
            env: exec.env,
            cwd: exec.cwd.map(Into::into),
            stdin: exec.stdin,
            ..Run::default()
        };
        let ran = self.system().run(&run)?;
        let mut result = one("rc", ran.rc);
        result.insert("stdout_len".into(), ran.stdout.len().into());
        let mut blob = ran.stdout;
        blob.extend_from_slice(&ran.stderr);
        Ok(Message::Answer { result, blob })
    }

    /// Into a new file beside it, which then takes the place.
    fn put(&self, put: &Put) -> io::Result<Map> {
        let mut system = self.system();
        let path = PathBuf::from(system.expand(&put.path));
        let name = format!(".ansible_tmp{:08x}", system.random() as u32);
        let new = account::parent(&path).join(name);
        let done = self.put_beside(put, &mut *system, &new, &path);
        if done.is_err() {
            // The first error is the one that counts.
            let _ = system.unlink(&new);
        }
        done?;
        Ok(one("path", path.to_string_lossy()))
    }

    fn put_beside(
        &self,
        put: &Put,
        system: &mut dyn Target,
        new: &Path,
        path: &Path,
    ) -> io::Result<()> {
        let sum = if self.agent.machine.is_here() {
            travel::receive(&self.incoming, &mut travel::new_file(new)?)?
        } else {
            let name = new.file_name().unwrap_or_default();
            let spool = travel::Spooled(std::env::temp_dir().join(name));
            let sum = travel::receive(&self.incoming, &mut travel::new_file(&spool.0)?)?;
            system.put(&spool.0, new, 0o600)?;
            sum
        };
        if put.sha1.as_ref().is_some_and(|wanted| *wanted != sum) {
            return Err(io::Error::other(format!(
                "the content of {} changed while it travelled",
                put.path
            )));
        }
        let old = system.stat(path).ok();
        let usual = old.as_ref().map_or(0o666 & !system.umask(), |old| old.permissions());
        if let Some(old) = old {
            let _ = system.chown(new, Some(old.uid), Some(old.gid));
        }
        system.chmod(new, put.mode.unwrap_or(usual))?;
        system.sync(new)?;
        system.rename(new, path)
    }

    fn fetch(&self, path: &str) -> io::Result<Map> {
        let mut system = self.system();
        let path = PathBuf::from(system.expand(path));
        let (length, sha1) = if self.agent.machine.is_here() {
            travel::send(self.agent, self.id, &mut std::fs::File::open(&path)?)?
        } else {
            travel::send(self.agent, self.id, &mut &system.read(&path)?[..])?
        };
        let mut result = one("len", length);
        result.insert("sha1".into(), sha1.into());
        result.insert("path".into(), path.to_string_lossy().into());
        Ok(result)
    }

    fn make_temp(&self, base: &str, prefix: &str) -> io::Result<Map> {
        let mut system = self.system();
        let base = PathBuf::from(system.expand(base));
        let missing: Vec<PathBuf> = base
            .ancestors()
            .take_while(|folder| !system.exists(folder))
            .map(PathBuf::from)
            .collect();
        for folder in missing.iter().rev() {
            match system.mkdir(folder, 0o700) {
                // Another request was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                done => done?,
            }
        }
        let path = base.join(format!("{prefix}{}", system.random() >> 16));
        system.mkdir(&path, 0o700)?;
        Ok(one("path", path.to_string_lossy()))
    }

    fn remove(&self, paths: &[String]) -> io::Result<Map> {
        let mut system = self.system();
        for path in paths {
            let path = PathBuf::from(system.expand(path));
            let done = match system.lstat(&path).map(|stat| stat.kind()) {
                Ok(FileKind::Directory) => system.remove_tree(&path),
                Ok(_) => system.unlink(&path),
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(Map::new())
    }
}
