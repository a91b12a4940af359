//! Byte pipes between tokio and the thread that owns a session: one end waits by wakers, the other
//! never waits and is woken by a descriptor.

use std::{
    collections::VecDeque,
    io,
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much a pipe holds before its writer has to wait.
const CAPACITY: usize = 1024 * 1024;

/// Wakes the session's thread.
#[derive(Clone)]
pub(super) struct Bell(Arc<OwnedFd>);

impl Bell {
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    pub fn ring(&self) {
        // Failing means that it has been rung very often already.
        let _ = rustix::io::write(&*self.0, &1u64.to_ne_bytes());
    }

    /// Forgets that it was rung.
    pub fn quiet(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0; 8]);
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    /// The writing end is done.
    ended: bool,
    /// The reading end is gone.
    abandoned: bool,
    waiting: Option<Waker>,
}

/// The thread's handle on a pipe.
#[derive(Clone)]
pub(super) struct Pipe {
    state: Arc<Mutex<State>>,
    bell: Bell,
}

impl Pipe {
    pub fn new(bell: &Bell) -> Self {
        Self { state: Arc::default(), bell: bell.clone() }
    }

    /// The end that tokio writes to.
    pub fn writer(&self) -> PipeWriter {
        PipeWriter(self.clone())
    }

    /// The end that tokio reads from.
    pub fn reader(&self) -> PipeReader {
        PipeReader(self.clone())
    }

    /// Up to `limit` bytes that tokio has written; they leave the pipe.
    pub fn take(&self, limit: usize) -> Vec<u8> {
        let mut state = self.state.lock();
        let count = state.bytes.len().min(limit);
        let taken = state.bytes.drain(..count).collect();
        wake(&mut state);
        taken
    }

    /// Whether tokio has written all it will, and all of it was taken.
    pub fn is_drained(&self) -> bool {
        let state = self.state.lock();
        state.ended && state.bytes.is_empty()
    }

    /// Whether more may be given.
    pub fn has_room(&self) -> bool {
        self.state.lock().bytes.len() < CAPACITY
    }

    /// Gives bytes to tokio.
    pub fn give(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if !state.abandoned {
            state.bytes.extend(bytes);
        }
        wake(&mut state);
    }

    /// No more will be given, or taken.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        state.abandoned = true;
        wake(&mut state);
    }

    /// Nothing more will be given; what was given can still be read.
    pub fn finish(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        wake(&mut state);
    }

    /// Whether tokio's end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.state.lock().abandoned
    }
}

fn wake(state: &mut State) {
    if let Some(waker) = state.waiting.take() {
        waker.wake();
    }
}

/// What tokio writes goes to the thread.
pub(super) struct PipeWriter(Pipe);

impl AsyncWrite for PipeWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.state.lock();
        if state.ended || state.abandoned {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY.saturating_sub(state.bytes.len());
        if room == 0 {
            state.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(data.len());
        state.bytes.extend(&data[..count]);
        drop(state);
        self.0.bell.ring();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.state.lock().ended = true;
        self.0.bell.ring();
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.bell.ring();
    }
}

/// What the thread gives comes to tokio.
pub(super) struct PipeReader(Pipe);

impl AsyncRead for PipeReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.state.lock();
        if state.bytes.is_empty() {
            if state.ended {
                return Poll::Ready(Ok(()));
            }
            state.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let was_full = state.bytes.len() >= CAPACITY;
        let count = state.bytes.len().min(buf.remaining());
        let (first, second) = state.bytes.as_slices();
        let from_first = count.min(first.len());
        buf.put_slice(&first[..from_first]);
        buf.put_slice(&second[..count - from_first]);
        state.bytes.drain(..count);
        let has_room = state.bytes.len() < CAPACITY;
        drop(state);
        if was_full && has_room {
            self.0.bell.ring();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.abandoned = true;
        state.bytes = VecDeque::new();
        drop(state);
        self.0.bell.ring();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_pass_in_order_and_writers_wait_for_room() {
        let pipe = Pipe::new(&Bell::new().unwrap());
        let (mut writer, thread) = (pipe.writer(), pipe.clone());
        let content: Vec<u8> = (0..3 * CAPACITY).map(|i| (i % 253) as u8).collect();
        let expected = content.clone();
        let taker = std::thread::spawn(move || {
            let mut taken = Vec::new();
            while !thread.is_drained() {
                taken.extend(thread.take(77_777));
            }
            taken
        });
        writer.write_all(&content).await.unwrap();
        writer.shutdown().await.unwrap();
        assert!(taker.join().unwrap() == expected);
        assert!(writer.write_all(b"x").await.is_err());
    }

    #[tokio::test]
    async fn readers_see_the_end_and_their_leaving_is_seen() {
        let pipe = Pipe::new(&Bell::new().unwrap());
        let mut reader = pipe.reader();
        pipe.give(b"abc");
        pipe.finish();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"abc");
        assert!(!pipe.is_abandoned());
        drop(reader);
        assert!(pipe.is_abandoned());
    }
}
