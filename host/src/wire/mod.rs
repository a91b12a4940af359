//! The protocol between controller and agent: frames and messages, versioned.
//!
//! A channel is two byte streams. The agent first writes [`MAGIC`], so that
//! whatever login scripts print can be told from frames, then a `Hello`.
//! A frame is `length u32 · kind u8 · id u32 · head length u32 · head · blob`,
//! numbers big-endian, the length counting everything after itself; the head
//! is JSON, the blob raw bytes. The id is the controller's number of a
//! request; all frames about that request carry it.

mod message;

use std::io::{self, Read, Write};

pub use message::{Exec, Hello, Message, Put};

use crate::data::{Data, Map};

/// Both ends must have the same.
pub const VERSION: u64 = 1;
/// What the agent writes before its first frame.
pub const MAGIC: &[u8] = b"\0\0vmstation-agent\n";
/// Content travels in pieces of this size at most.
pub const PIECE: usize = 256 * 1024;
/// Files up to this size ride along with their call; larger ones are asked for.
pub const INLINE: u64 = 128 * 1024;
/// No frame is larger: a longer one means that the stream is not ours.
const LIMIT: usize = 256 * 1024 * 1024;
const HEADER: usize = 9;

/// Why bytes are no frames.
#[derive(Debug)]
pub enum WireError {
    Io(io::Error),
    /// What was wrong.
    Malformed(String),
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WireError::Io(error) => write!(f, "{error}"),
            WireError::Malformed(what) => write!(f, "protocol error: {what}"),
        }
    }
}

impl std::error::Error for WireError {}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        WireError::Io(error)
    }
}

pub(crate) fn malformed(what: impl Into<String>) -> WireError {
    WireError::Malformed(what.into())
}

/// One frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frame {
    pub kind: u8,
    pub id: u32,
    pub head: Map,
    pub blob: Vec<u8>,
}

impl Frame {
    /// Append the frame's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let head = if self.head.is_empty() {
            String::new()
        } else {
            Data::Object(self.head.clone()).to_string()
        };
        let length = HEADER + head.len() + self.blob.len();
        out.reserve(4 + length);
        // Neither is near 4 GiB: pieces are small and results are limited by memory long before.
        out.extend_from_slice(&(length as u32).to_be_bytes());
        out.push(self.kind);
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&(head.len() as u32).to_be_bytes());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.blob);
    }

    fn decode(bytes: &[u8]) -> Result<Frame, WireError> {
        let (kind, id, head) = match bytes {
            [kind, a, b, c, d, e, f, g, h, rest @ ..] => {
                let head = u32::from_be_bytes([*e, *f, *g, *h]) as usize;
                (*kind, u32::from_be_bytes([*a, *b, *c, *d]), rest.split_at_checked(head))
            }
            _ => return Err(malformed("frame without header")),
        };
        let (head, blob) = head.ok_or_else(|| malformed("head longer than its frame"))?;
        let head = match head.is_empty() {
            true => Map::new(),
            false => serde_json::from_slice(head)
                .map_err(|error| malformed(format!("head is no JSON: {error}")))?,
        };
        Ok(Frame { kind, id, head, blob: blob.to_vec() })
    }
}

/// Bytes in, frames out; for streams that are read elsewhere.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    taken: usize,
    /// The magic has not come yet.
    waiting: bool,
    junk: Vec<u8>,
}

impl Decoder {
    /// Frames from the first byte on (the agent's end).
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Frames after the magic (the controller's end).
    pub fn after_magic() -> Decoder {
        Decoder { waiting: true, ..Decoder::default() }
    }

    /// What came before the magic; all that came, if it never did.
    pub fn junk(&self) -> &[u8] {
        if self.waiting { &self.buffer } else { &self.junk }
    }

    /// Whether the magic has come.
    pub fn started(&self) -> bool {
        !self.waiting
    }

    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 && self.taken >= self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(bytes);
        if self.waiting
            && let Some(at) = self.buffer.windows(MAGIC.len()).position(|window| window == MAGIC)
        {
            self.waiting = false;
            self.junk = self.buffer.drain(..at + MAGIC.len()).take(at).collect();
        }
    }

    /// The next frame, if all of it is there.
    pub fn pop(&mut self) -> Result<Option<Frame>, WireError> {
        if self.waiting {
            return Ok(None);
        }
        let rest = &self.buffer[self.taken..];
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LIMIT {
            return Err(malformed(format!("frame of {length} bytes")));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let frame = Frame::decode(&rest[..length])?;
        self.taken += 4 + length;
        Ok(Some(frame))
    }
}

/// Read one frame; `None` at the end of the stream.
pub fn read_frame(from: &mut impl Read) -> Result<Option<Frame>, WireError> {
    let mut length = [0; 4];
    let mut have = 0;
    while have < length.len() {
        match from.read(&mut length[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(malformed("stream ends within a frame")),
            Ok(count) => have += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LIMIT {
        return Err(malformed(format!("frame of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Frame::decode(&bytes).map(Some)
}

/// Write one frame, whole.
pub fn write_frame(to: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    to.write_all(&bytes)?;
    to.flush()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    fn frames() -> Vec<Frame> {
        let head = json!({"a": [1, "ü"]}).as_object().unwrap().clone();
        vec![
            Frame { kind: 1, id: 7, head, blob: vec![0, 255, 10] },
            Frame { kind: 2, id: u32::MAX, ..Frame::default() },
            Frame { kind: 3, id: 0, blob: vec![9; 100_000], ..Frame::default() },
        ]
    }

    #[test]
    fn frames_survive_any_cutting() {
        let mut bytes = b"Welcome!\n".to_vec();
        bytes.extend_from_slice(MAGIC);
        frames().iter().for_each(|frame| frame.encode(&mut bytes));
        for size in [1, 3, 1000, bytes.len()] {
            let mut decoder = Decoder::after_magic();
            let mut out = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.push(piece);
                while let Some(frame) = decoder.pop().unwrap() {
                    out.push(frame);
                }
            }
            assert_eq!(out, frames());
            assert_eq!(decoder.junk(), b"Welcome!\n");
        }
    }

    #[test]
    fn the_blocking_reader_sees_the_same_and_the_end() {
        let mut bytes = Vec::new();
        for frame in frames() {
            write_frame(&mut bytes, &frame).unwrap();
        }
        let mut from = bytes.as_slice();
        for frame in frames() {
            assert_eq!(read_frame(&mut from).unwrap(), Some(frame));
        }
        assert!(read_frame(&mut from).unwrap().is_none());
        assert!(read_frame(&mut &bytes[..6]).is_err());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut decoder = Decoder::new();
        decoder.push(b"bash: command not found\n");
        assert!(decoder.pop().is_err());
        let mut decoder = Decoder::new();
        decoder.push(&[0, 0, 0, 9, 1, 0, 0, 0, 1, 0, 0, 1, 0]);
        assert_eq!(
            decoder.pop().unwrap_err().to_string(),
            "protocol error: head longer than its frame"
        );
    }
}
