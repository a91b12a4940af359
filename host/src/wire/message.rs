//! Messages and their frames.

use crate::call::Call;
use crate::data::{Data, Map};
use crate::files::Travelling;
use crate::job::Job;
use crate::wire::{Frame, WireError, malformed};

/// What one end tells the other.
#[derive(Debug, Clone)]
pub enum Message {
    // Agent to controller.
    /// The first message: who and where the agent is.
    Hello(Hello),
    /// The end of a request: what came of it.
    Answer { result: Map, blob: Vec<u8> },
    /// The content of a travelling file is wanted.
    NeedFile { sha1: String },

    // Controller to agent.
    /// Run a module. `inline` has the content of the first files of the call that have one, by their order.
    Call { call: Box<Call>, inline: Vec<Option<Vec<u8>>> },
    /// Write a file whole, from pieces that follow.
    Put(Put),
    /// Send a file's content as pieces, then its length and checksum.
    Fetch { path: String },
    /// Run a program.
    Exec(Exec),
    /// Expand `~` and variables.
    Expand { texts: Vec<String> },
    /// Make a directory for the user alone, named `prefix` and something new, in `base` (made if missing).
    MakeTemp { base: String, prefix: String },
    /// Remove files and whole directories; what is not there is no failure.
    Remove { paths: Vec<String> },
    /// Stop working on the request and end what it started. Its answer still comes.
    Cancel,
    /// Nothing more will come.
    Bye,

    // Both ways.
    /// A piece of content. With `error`, there will be no more of it.
    Piece { bytes: Vec<u8>, last: bool, error: Option<String> },
}

/// Who and where an agent is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    pub version: u64,
    pub pid: u32,
    pub uid: u32,
    pub user: String,
    pub home: String,
    pub hostname: String,
    /// `Linux`.
    pub system: String,
    /// `x86_64`.
    pub machine: String,
    pub cwd: String,
}

/// A file to write whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Put {
    pub path: String,
    /// Without one, that of the old file, or what the umask leaves.
    pub mode: Option<u32>,
    /// Checked before the file takes its place.
    pub sha1: Option<String>,
}

/// A program to run, outside modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exec {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: Option<String>,
    pub stdin: Option<Vec<u8>>,
}

impl Message {
    fn kind(&self) -> u8 {
        match self {
            Message::Hello(_) => 1,
            Message::Answer { .. } => 2,
            Message::NeedFile { .. } => 3,
            Message::Call { .. } => 16,
            Message::Put(_) => 17,
            Message::Fetch { .. } => 18,
            Message::Exec(_) => 19,
            Message::Expand { .. } => 20,
            Message::MakeTemp { .. } => 21,
            Message::Remove { .. } => 22,
            Message::Cancel => 23,
            Message::Bye => 24,
            Message::Piece { .. } => 32,
        }
    }

    /// An answer of values alone.
    pub fn answer(result: Map) -> Message {
        Message::Answer { result, blob: Vec::new() }
    }

    /// The last piece, saying why there is no content.
    pub fn no_content(error: impl Into<String>) -> Message {
        Message::Piece { bytes: Vec::new(), last: true, error: Some(error.into()) }
    }

    /// As a frame about the request of this number.
    pub fn into_frame(self, id: u32) -> Frame {
        let kind = self.kind();
        let mut head = Map::new();
        let mut blob = Vec::new();
        match self {
            Message::Hello(hello) => hello.write(&mut head),
            Message::Answer { result, blob: bytes } => (head, blob) = (result, bytes),
            Message::NeedFile { sha1 } => set(&mut head, "sha1", sha1),
            Message::Call { call, inline } => (head, blob) = call_frame(*call, inline),
            Message::Put(put) => {
                set(&mut head, "path", put.path);
                set(&mut head, "mode", put.mode);
                set(&mut head, "sha1", put.sha1);
            }
            Message::Fetch { path } => set(&mut head, "path", path),
            Message::Exec(exec) => {
                set(&mut head, "argv", exec.argv);
                set(&mut head, "env", pairs_data(exec.env));
                set(&mut head, "cwd", exec.cwd);
                set(&mut head, "stdin", exec.stdin.is_some());
                blob = exec.stdin.unwrap_or_default();
            }
            Message::Expand { texts } => set(&mut head, "texts", texts),
            Message::MakeTemp { base, prefix } => {
                set(&mut head, "base", base);
                set(&mut head, "prefix", prefix);
            }
            Message::Remove { paths } => set(&mut head, "paths", paths),
            Message::Cancel | Message::Bye => {}
            Message::Piece { bytes, last, error } => {
                if last {
                    set(&mut head, "last", true);
                }
                if let Some(error) = error {
                    set(&mut head, "error", error);
                }
                blob = bytes;
            }
        }
        Frame { kind, id, head, blob }
    }

    /// From a frame; the number of the request comes along.
    pub fn from_frame(frame: Frame) -> Result<(u32, Message), WireError> {
        let Frame { kind, id, head, blob } = frame;
        let message = match kind {
            1 => Message::Hello(Hello::read(&head)?),
            2 => Message::Answer { result: head, blob },
            3 => Message::NeedFile { sha1: text(&head, "sha1")? },
            16 => read_call(&head, &blob)?,
            17 => Message::Put(Put {
                path: text(&head, "path")?,
                mode: head.get("mode").and_then(Data::as_u64).map(|mode| mode as u32),
                sha1: optional(&head, "sha1"),
            }),
            18 => Message::Fetch { path: text(&head, "path")? },
            19 => Message::Exec(Exec {
                argv: texts(&head, "argv")?,
                env: pairs(&head, "env"),
                cwd: optional(&head, "cwd"),
                stdin: flag(&head, "stdin").then_some(blob),
            }),
            20 => Message::Expand { texts: texts(&head, "texts")? },
            21 => Message::MakeTemp { base: text(&head, "base")?, prefix: text(&head, "prefix")? },
            22 => Message::Remove { paths: texts(&head, "paths")? },
            23 => Message::Cancel,
            24 => Message::Bye,
            32 => Message::Piece {
                bytes: blob,
                last: flag(&head, "last"),
                error: optional(&head, "error"),
            },
            other => return Err(malformed(format!("unknown kind of message {other}"))),
        };
        Ok((id, message))
    }
}

impl Hello {
    fn write(self, head: &mut Map) {
        set(head, "version", self.version);
        set(head, "pid", self.pid);
        set(head, "uid", self.uid);
        set(head, "user", self.user);
        set(head, "home", self.home);
        set(head, "hostname", self.hostname);
        set(head, "system", self.system);
        set(head, "machine", self.machine);
        set(head, "cwd", self.cwd);
    }

    fn read(head: &Map) -> Result<Hello, WireError> {
        Ok(Hello {
            version: number(head, "version")?,
            pid: number(head, "pid")? as u32,
            uid: number(head, "uid")? as u32,
            user: text(head, "user")?,
            home: text(head, "home")?,
            hostname: text(head, "hostname")?,
            system: text(head, "system")?,
            machine: text(head, "machine")?,
            cwd: text(head, "cwd")?,
        })
    }
}

fn call_frame(call: Call, inline: Vec<Option<Vec<u8>>>) -> (Map, Vec<u8>) {
    let mut head = Map::new();
    let mut blob = Vec::new();
    let mut inline = inline.into_iter();
    let files: Vec<Data> = call
        .files
        .into_iter()
        .map(|file| {
            let mut entry = Map::new();
            set(&mut entry, "path", file.path);
            set(&mut entry, "sha1", file.sha1);
            set(&mut entry, "len", file.len);
            if let Some(bytes) = inline.next().flatten() {
                set(&mut entry, "inline", bytes.len());
                blob.extend_from_slice(&bytes);
            }
            entry.into()
        })
        .collect();
    set(&mut head, "module", call.module);
    set(&mut head, "args", call.args);
    set(&mut head, "check", call.check);
    set(&mut head, "diff", call.diff);
    set(&mut head, "no_log", call.no_log);
    set(&mut head, "verbosity", call.verbosity);
    set(&mut head, "environment", pairs_data(call.environment));
    set(&mut head, "language", call.language);
    set(&mut head, "cwd", call.cwd);
    set(&mut head, "remote_tmp", call.remote_tmp);
    set(&mut head, "shell", call.shell);
    set(&mut head, "interpreter", call.interpreter);
    set(&mut head, "selinux_special_fs", call.selinux_special_fs);
    set(&mut head, "files", files);
    if let Some(job) = call.job {
        let mut entry = Map::new();
        set(&mut entry, "id", job.id);
        set(&mut entry, "dir", job.dir);
        set(&mut entry, "limit", job.limit);
        set(&mut head, "job", entry);
    }
    (head, blob)
}

fn read_call(head: &Map, blob: &[u8]) -> Result<Message, WireError> {
    let mut inline = Vec::new();
    let mut files = Vec::new();
    let mut rest = blob;
    for entry in head.get("files").and_then(Data::as_array).map(Vec::as_slice).unwrap_or_default() {
        let entry =
            entry.as_object().ok_or_else(|| malformed("a file of a call is no dictionary"))?;
        files.push(Travelling {
            path: text(entry, "path")?,
            sha1: text(entry, "sha1")?,
            len: number(entry, "len")?,
        });
        inline.push(match entry.get("inline").and_then(Data::as_u64) {
            None => None,
            Some(length) => {
                let (bytes, tail) = rest
                    .split_at_checked(length as usize)
                    .ok_or_else(|| malformed("a file is longer than what came"))?;
                rest = tail;
                Some(bytes.to_vec())
            }
        });
    }
    let call = Call {
        module: text(head, "module")?,
        args: head
            .get("args")
            .and_then(Data::as_object)
            .cloned()
            .ok_or_else(|| malformed("call without args"))?,
        check: flag(head, "check"),
        diff: flag(head, "diff"),
        no_log: flag(head, "no_log"),
        verbosity: number(head, "verbosity")? as u8,
        environment: pairs(head, "environment"),
        language: optional(head, "language"),
        cwd: optional(head, "cwd"),
        remote_tmp: optional(head, "remote_tmp"),
        shell: optional(head, "shell"),
        interpreter: optional(head, "interpreter"),
        selinux_special_fs: texts(head, "selinux_special_fs")?,
        files,
        job: match head.get("job").and_then(Data::as_object) {
            None => None,
            Some(entry) => Some(Job {
                id: text(entry, "id")?,
                dir: text(entry, "dir")?,
                limit: number(entry, "limit")?,
            }),
        },
    };
    Ok(Message::Call { call: Box::new(call), inline })
}

fn set(head: &mut Map, key: &str, value: impl Into<Data>) {
    head.insert(key.into(), value.into());
}

fn pairs_data(pairs: Vec<(String, String)>) -> Vec<Data> {
    pairs.into_iter().map(|(key, value)| Data::from(vec![key, value])).collect()
}

fn text(head: &Map, key: &str) -> Result<String, WireError> {
    optional(head, key).ok_or_else(|| malformed(format!("message without text `{key}`")))
}

fn optional(head: &Map, key: &str) -> Option<String> {
    head.get(key)?.as_str().map(String::from)
}

fn number(head: &Map, key: &str) -> Result<u64, WireError> {
    head.get(key)
        .and_then(Data::as_u64)
        .ok_or_else(|| malformed(format!("message without number `{key}`")))
}

fn flag(head: &Map, key: &str) -> bool {
    head.get(key).and_then(Data::as_bool).unwrap_or(false)
}

fn texts(head: &Map, key: &str) -> Result<Vec<String>, WireError> {
    let items = head
        .get(key)
        .and_then(Data::as_array)
        .ok_or_else(|| malformed(format!("message without list `{key}`")))?;
    items
        .iter()
        .map(|item| {
            item.as_str()
                .map(String::from)
                .ok_or_else(|| malformed(format!("`{key}` is no list of texts")))
        })
        .collect()
}

fn pairs(head: &Map, key: &str) -> Vec<(String, String)> {
    let items = head.get(key).and_then(Data::as_array).map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| Some((item.get(0)?.as_str()?.into(), item.get(1)?.as_str()?.into())))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::wire::Decoder;
    use serde_json::json;

    fn there_and_back(message: Message) -> Message {
        let mut bytes = Vec::new();
        message.into_frame(5).encode(&mut bytes);
        let mut decoder = Decoder::new();
        decoder.push(&bytes);
        let (id, message) = Message::from_frame(decoder.pop().unwrap().unwrap()).unwrap();
        assert_eq!(id, 5);
        message
    }

    #[test]
    fn messages_arrive_as_they_were() {
        let call = Call {
            check: true,
            environment: vec![("A".into(), "b c".into())],
            remote_tmp: Some("~/.ansible/tmp".into()),
            job: Some(Job { id: "j1".into(), dir: "~/.ansible_async".into(), limit: 30 }),
            files: vec![
                Travelling { path: "/a".into(), sha1: "1".into(), len: 2 },
                Travelling { path: "/b".into(), sha1: "2".into(), len: 9 },
                Travelling { path: "/c".into(), sha1: "3".into(), len: 1 },
            ],
            ..Call::new("copy", json!({"dest": "/x"}))
        };
        let inline = vec![Some(b"hi".to_vec()), None, Some(b"!".to_vec())];
        let sent = Message::Call { call: Box::new(call), inline };
        let expected = format!("{sent:?}");
        assert_eq!(format!("{:?}", there_and_back(sent)), expected);
        let others = [
            Message::Hello(Hello { version: 1, user: "root".into(), ..Hello::default() }),
            Message::Put(Put { path: "/x".into(), mode: Some(0o600), sha1: None }),
            Message::Exec(Exec {
                argv: vec!["a".into()],
                stdin: Some(vec![0, 1]),
                ..Exec::default()
            }),
            Message::Piece { bytes: vec![1, 2], last: true, error: None },
            Message::no_content("gone"),
            Message::Expand { texts: vec!["~".into()] },
            Message::Remove { paths: vec![] },
            Message::Cancel,
            Message::Bye,
        ];
        for message in others {
            let expected = format!("{message:?}");
            assert_eq!(format!("{:?}", there_and_back(message)), expected);
        }
    }

    #[test]
    fn what_lacks_something_is_refused() {
        let frame = Frame { kind: 18, ..Frame::default() };
        assert_eq!(
            Message::from_frame(frame).unwrap_err().to_string(),
            "protocol error: message without text `path`"
        );
        assert!(Message::from_frame(Frame { kind: 99, ..Frame::default() }).is_err());
    }
}
