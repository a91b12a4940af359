//! Content that travels in pieces.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use sha1::{Digest, Sha1};

use crate::agent::{Agent, Piece};
use crate::data::hex;
use crate::files::{AtHand, Content, Files, Travelling};
use crate::wire::{Message, PIECE};

/// Larger files are laid on disk while they come.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// Take pieces until the last; the answer is their checksum.
pub(super) fn receive(incoming: &Receiver<Piece>, into: &mut dyn Write) -> io::Result<String> {
    let mut sum = Sha1::new();
    loop {
        let piece =
            incoming.recv().map_err(|_| io::Error::from(io::ErrorKind::ConnectionAborted))?;
        let (bytes, last) = piece.map_err(io::Error::other)?;
        sum.update(&bytes);
        into.write_all(&bytes)?;
        if last {
            return Ok(hex(&sum.finalize()));
        }
    }
}

/// A file that only its owner can read, and that was not there before.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A file of this process that goes away.
pub(super) struct Spooled(pub PathBuf);

impl Drop for Spooled {
    fn drop(&mut self) {
        // A leftover in the folder for temporary files is all that can be lost here.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Send content as pieces; the answer is its length and checksum.
pub(super) fn send(agent: &Agent, id: u32, mut file: &mut dyn Read) -> io::Result<(u64, String)> {
    let mut sum = Sha1::new();
    let mut length = 0;
    loop {
        let mut bytes = Vec::with_capacity(PIECE);
        Read::take(&mut file, PIECE as u64).read_to_end(&mut bytes)?;
        sum.update(&bytes);
        length += bytes.len() as u64;
        let last = bytes.len() < PIECE;
        agent.send(id, Message::Piece { bytes, last, error: None })?;
        if last {
            return Ok((length, hex(&sum.finalize())));
        }
    }
}

/// The files of a call: those that came with it, and those asked for over the channel.
pub(super) struct FromChannel<'a> {
    pub agent: &'a Agent,
    pub id: u32,
    pub incoming: &'a Receiver<Piece>,
    pub at_hand: AtHand,
    /// Where large files are laid down.
    pub spool: PathBuf,
    pub laid: Vec<Spooled>,
}

impl Files for FromChannel<'_> {
    fn content(&mut self, file: &Travelling) -> io::Result<Content> {
        if let Some(content) = self.at_hand.get(&file.sha1) {
            return Ok(content.clone());
        }
        self.agent.send(self.id, Message::NeedFile { sha1: file.sha1.clone() })?;
        let (content, sum) = if file.len <= IN_MEMORY {
            let mut bytes = Vec::new();
            let sum = receive(self.incoming, &mut bytes)?;
            (Content::Bytes(bytes.into()), sum)
        } else {
            let path = self.spool.join(format!(
                "vmstation-{}-{}-{}",
                std::process::id(),
                self.id,
                file.sha1
            ));
            let mut spooled = new_file(&path)?;
            self.laid.push(Spooled(path.clone()));
            let sum = receive(self.incoming, &mut spooled)?;
            (Content::File(path), sum)
        };
        if sum != file.sha1 {
            return Err(io::Error::other(format!(
                "the content of {} changed while it travelled",
                file.path
            )));
        }
        self.at_hand.add(sum, content.clone());
        Ok(content)
    }
}
