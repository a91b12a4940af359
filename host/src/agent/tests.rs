//! An agent and a controller in one process, over pipes.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::{PipeReader, PipeWriter, pipe};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::json;
use sha1::{Digest, Sha1};

use super::*;
use crate::call::Call;
use crate::data::hex;
use crate::wire::{Decoder, Exec, PIECE, Put};

/// The controller's end.
struct Line {
    to: Option<PipeWriter>,
    from: PipeReader,
    decoder: Decoder,
    agent: Option<JoinHandle<()>>,
}

impl Line {
    fn open() -> Line {
        let (mut requests, to) = pipe().unwrap();
        let (from, answers) = pipe().unwrap();
        let agent =
            std::thread::spawn(move || Arc::new(Agent::new(answers)).serve(&mut requests).unwrap());
        let mut line =
            Line { to: Some(to), from, decoder: Decoder::after_magic(), agent: Some(agent) };
        let (_, hello) = line.next();
        assert!(matches!(hello, Message::Hello(Hello { version: wire::VERSION, .. })));
        line
    }

    fn say(&mut self, id: u32, message: Message) {
        wire::write_frame(self.to.as_mut().unwrap(), &message.into_frame(id)).unwrap();
    }

    fn next(&mut self) -> (u32, Message) {
        let mut block = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.pop().unwrap() {
                return Message::from_frame(frame).unwrap();
            }
            let count = self.from.read(&mut block).unwrap();
            assert!(count > 0, "the agent closed the channel");
            self.decoder.push(&block[..count]);
        }
    }

    fn answer(&mut self, id: u32) -> (Map, Vec<u8>) {
        match self.next() {
            (of, Message::Answer { result, blob }) if of == id => (result, blob),
            other => unreachable!("no answer: {other:?}"),
        }
    }

    fn close(mut self) {
        drop(self.to.take());
        self.agent.take().unwrap().join().unwrap();
    }
}

fn call(module: &str, args: crate::data::Data) -> Message {
    Message::Call { call: Box::new(Call::new(module, args)), inline: Vec::new() }
}

fn scratch(name: &str) -> std::path::PathBuf {
    let dir =
        std::env::temp_dir().join(format!("vmstation-agent-test-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn modules_answer() {
    let mut line = Line::open();
    line.say(3, call("ping", json!({"data": "hi"})));
    assert_eq!(line.answer(3).0["ping"], "hi");
    line.say(4, Message::Expand { texts: vec!["~/x".into(), "$NOT_THERE".into()] });
    assert_eq!(line.answer(4).0["texts"][1], "$NOT_THERE");
    line.close();
}

#[test]
fn programs_run_side_by_side_and_can_be_cancelled() {
    let mut line = Line::open();
    let exec = |script: &str| {
        Message::Exec(Exec {
            argv: ["sh", "-c", script].map(String::from).into(),
            stdin: Some(b"in".to_vec()),
            ..Exec::default()
        })
    };
    line.say(1, exec("sleep 30"));
    line.say(2, exec("cat; echo err >&2; exit 4"));
    let (result, blob) = line.answer(2);
    assert_eq!(
        (&result["rc"], &result["stdout_len"], blob.as_slice()),
        (&json!(4), &json!(2), &b"inerr\n"[..])
    );
    line.say(1, Message::Cancel);
    assert_eq!(line.answer(1).0["rc"], -15);
    line.close();
}

#[test]
fn what_runs_ends_with_the_channel() {
    let mut line = Line::open();
    let dir = scratch("ends");
    let mark = dir.join("pid");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 60", mark.display());
    line.say(
        1,
        Message::Exec(Exec { argv: vec!["sh".into(), "-c".into(), script], ..Exec::default() }),
    );
    while !mark.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = std::fs::read_to_string(&mark).unwrap();
    let start = Instant::now();
    line.close();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists());
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn files_go_both_ways_whole() {
    let mut line = Line::open();
    let dir = scratch("files");
    let path = dir.join("f").to_string_lossy().into_owned();
    let content: Vec<u8> = (0..PIECE * 2 + 17).map(|at| at as u8).collect();
    let sha1 = hex(&Sha1::digest(&content));
    line.say(
        1,
        Message::Put(Put { path: path.clone(), mode: Some(0o640), sha1: Some(sha1.clone()) }),
    );
    for piece in content.chunks(PIECE) {
        line.say(1, Message::Piece { bytes: piece.into(), last: piece.len() < PIECE, error: None });
    }
    assert_eq!(line.answer(1).0["path"], path.as_str());
    line.say(2, Message::Fetch { path: path.clone() });
    let mut back = Vec::new();
    while let (2, Message::Piece { bytes, last, .. }) = line.next() {
        back.extend_from_slice(&bytes);
        if last {
            break;
        }
    }
    assert!(back == content);
    assert_eq!(line.answer(2).0["sha1"], sha1.as_str());

    line.say(3, Message::Put(Put { path: path.clone(), mode: None, sha1: Some("0".into()) }));
    line.say(3, Message::Piece { bytes: b"half".to_vec(), last: true, error: None });
    assert!(line.answer(3).0["error"].as_str().unwrap().contains("changed while it travelled"));
    line.say(4, Message::Put(Put { path: path.clone(), mode: None, sha1: None }));
    line.say(4, Message::no_content("the source vanished"));
    assert_eq!(line.answer(4).0["error"], "the source vanished");
    assert!(std::fs::read(&path).unwrap() == content);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);

    line.say(5, Message::Fetch { path: "/does/not/exist".into() });
    assert_eq!(line.answer(5).0["errno"], 2);
    line.say(6, Message::Remove { paths: vec![dir.to_string_lossy().into_owned(), path] });
    assert!(line.answer(6).0.is_empty());
    assert!(!dir.exists());
    line.close();
}
