//! One agent's channel: many requests at once, told apart by their numbers.

use std::{
    collections::HashMap,
    io::Read,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
};
use vmstation_host::{
    files::{AtHand, Content},
    wire::{Decoder, Hello, Message, PIECE},
};

use crate::{
    connection::{BoxFuture, Exit, Log, Reader, Writer, unreachable},
    diagnostic::{Error, Result},
};

/// Pieces of content under way at once, all requests together.
const PIECES: usize = 8;
/// How much of an agent's complaints is kept.
const COMPLAINTS: usize = 4096;
/// How long after its streams a channel may take to say how it ended.
const PARTING: Duration = Duration::from_secs(2);

/// A started agent's channel.
pub(super) struct Opened {
    pub hello: Hello,
    pub decoder: Decoder,
    pub input: Writer,
    pub output: Reader,
    pub errors: Reader,
    pub exit: BoxFuture<'static, Exit>,
}

/// The controller's end of a channel.
pub(super) struct Link {
    pub hello: Hello,
    shared: Arc<Shared>,
}

struct Shared {
    out: mpsc::UnboundedSender<Outgoing>,
    pieces: Arc<Semaphore>,
    requests: Mutex<HashMap<u32, mpsc::UnboundedSender<Message>>>,
    next: AtomicU32,
    /// Why the channel is closed, once it is.
    closed: watch::Sender<Option<Error>>,
}

struct Outgoing {
    bytes: Vec<u8>,
    /// Held until the bytes are written.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Link {
    /// Takes over a channel on which the agent has said hello.
    pub fn open(opened: Opened, host: &str, log: &Log) -> Self {
        let Opened { hello, decoder, input, output, errors, exit } = opened;
        let (out, outgoing) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            out,
            pieces: Arc::new(Semaphore::new(PIECES)),
            requests: Mutex::default(),
            // Number 0 is the agent's hello.
            next: AtomicU32::new(1),
            closed: watch::Sender::new(None),
        });
        let complaints = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(listen(errors, Arc::clone(&complaints), host.to_owned(), Arc::clone(log)));
        tokio::spawn(write(input, outgoing, shared.closed.subscribe()));
        let reader = Arc::clone(&shared);
        tokio::spawn(async move {
            let trouble = read(output, decoder, &reader).await.err();
            let why = parting(trouble, exit, &complaints).await;
            reader.close(unreachable(why));
        });
        Self { hello, shared }
    }

    /// Whether it can't be used any more.
    pub fn is_closed(&self) -> bool {
        self.shared.closed.borrow().is_some()
    }

    /// Begins a request.
    pub fn request(&self, message: Message) -> Result<Request> {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (sender, replies) = mpsc::unbounded_channel();
        self.shared.requests.lock().insert(id, sender);
        let request = Request { id, replies, shared: Arc::clone(&self.shared), done: false };
        // Looked at after the number is known: whoever closes later tells all numbers.
        if let Some(error) = self.shared.closed.borrow().clone() {
            return Err(error);
        }
        request.send(message, None);
        Ok(request)
    }

    /// Lets the agent go and waits until its processes are gone, if nobody waits for an answer.
    pub async fn leave(&self, patience: Duration) {
        if !self.shared.requests.lock().is_empty() {
            return;
        }
        let mut closed = self.shared.closed.subscribe();
        self.shared.send(0, Message::Bye, None);
        // One that hangs is let go all the same.
        let _ = tokio::time::timeout(patience, gone(&mut closed)).await;
        self.shared.close(unreachable("the connection was closed"));
    }

    /// Lets the agent go.
    pub fn close(&self) {
        self.shared.send(0, Message::Bye, None);
        self.shared.close(unreachable("the connection was closed"));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn close(&self, error: Error) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            closed.get_or_insert(error);
            first
        });
        // Whoever waits for a reply sees the end of its replies.
        self.requests.lock().clear();
    }

    fn send(&self, id: u32, message: Message, permit: Option<OwnedSemaphorePermit>) {
        let mut bytes = Vec::new();
        message.into_frame(id).encode(&mut bytes);
        // If nobody writes any more, the channel is closed, which waiting for the reply shows.
        let _ = self.out.send(Outgoing { bytes, _permit: permit });
    }
}

/// A request under way. Dropped before its answer has come, it is cancelled.
pub(super) struct Request {
    id: u32,
    replies: mpsc::UnboundedReceiver<Message>,
    shared: Arc<Shared>,
    done: bool,
}

impl Request {
    fn send(&self, message: Message, permit: Option<OwnedSemaphorePermit>) {
        self.shared.send(self.id, message, permit);
    }

    /// The next message about this request.
    pub async fn next(&mut self) -> Result<Message> {
        match self.replies.recv().await {
            Some(message) => {
                self.done |= matches!(message, Message::Answer { .. });
                Ok(message)
            }
            None => {
                self.done = true;
                let error = self.shared.closed.borrow().clone();
                Err(error.unwrap_or_else(|| unreachable("the connection was closed")))
            }
        }
    }

    /// Waits for the answer, giving the agent the content of files that it asks for.
    pub async fn answer(mut self, files: &AtHand) -> Result<(vmstation_host::data::Map, Vec<u8>)> {
        loop {
            match self.next().await? {
                Message::Answer { result, blob } => return Ok((result, blob)),
                Message::NeedFile { sha1 } => match files.get(&sha1) {
                    Some(content) => self.give(content).await,
                    None => self.send(Message::no_content("the file is not at hand"), None),
                },
                // Nothing else is for a request that sends no content of its own.
                _ => {}
            }
        }
    }

    /// Sends content as pieces.
    pub async fn give(&self, content: &Content) {
        let done = match content {
            Content::Bytes(bytes) => {
                let mut chunks = bytes.chunks(PIECE).peekable();
                if chunks.peek().is_none() {
                    self.piece(Vec::new(), true).await;
                }
                while let Some(chunk) = chunks.next() {
                    self.piece(chunk.to_vec(), chunks.peek().is_none()).await;
                }
                Ok(())
            }
            Content::File(path) => self.give_file(path.clone()).await,
        };
        if let Err(e) = done {
            self.send(Message::no_content(e.to_string()), None);
        }
    }

    async fn give_file(&self, path: PathBuf) -> std::io::Result<()> {
        let mut file = Some(std::fs::File::open(path)?);
        while let Some(mut open) = file.take() {
            let (open, bytes) = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::with_capacity(PIECE);
                Read::take(&mut open, PIECE as u64).read_to_end(&mut bytes)?;
                std::io::Result::Ok((open, bytes))
            })
            .await
            .map_err(std::io::Error::other)??;
            let last = bytes.len() < PIECE;
            self.piece(bytes, last).await;
            file = (!last).then_some(open);
        }
        Ok(())
    }

    async fn piece(&self, bytes: Vec<u8>, last: bool) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.shared.pieces).acquire_owned().await.ok();
        self.send(Message::Piece { bytes, last, error: None }, permit);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.shared.requests.lock().remove(&self.id);
        if !self.done {
            self.send(Message::Cancel, None);
        }
    }
}

/// Waits until the channel is closed.
async fn gone(closed: &mut watch::Receiver<Option<Error>>) {
    // The other outcome is that the sender is gone, which is the same.
    let _ = closed.wait_for(Option::is_some).await;
}

async fn write(
    mut input: Writer,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
    mut closed: watch::Receiver<Option<Error>>,
) {
    loop {
        tokio::select! {
            biased;
            next = outgoing.recv() => {
                let Some(next) = next else { break };
                if input.write_all(&next.bytes).await.is_err() || input.flush().await.is_err() {
                    // The reader learns why.
                    break;
                }
            }
            () = gone(&mut closed) => break,
        }
    }
    let _ = input.shutdown().await;
}

async fn read(mut output: Reader, mut decoder: Decoder, shared: &Shared) -> Result<(), String> {
    let mut buffer = vec![0; 64 * 1024];
    let mut closed = shared.closed.subscribe();
    loop {
        while let Some(frame) = decoder.pop().map_err(|e| e.to_string())? {
            let (id, message) = Message::from_frame(frame).map_err(|e| e.to_string())?;
            let known = shared.requests.lock().get(&id).cloned();
            match (known, message) {
                (Some(request), message) => {
                    let _ = request.send(message);
                }
                // Its request was cancelled; the agent must not wait for what never comes.
                (None, Message::NeedFile { .. }) => {
                    shared.send(id, Message::no_content("the request was cancelled"), None);
                }
                (None, _) => {}
            }
        }
        let count = tokio::select! {
            count = output.read(&mut buffer) => count.map_err(|e| e.to_string())?,
            () = gone(&mut closed) => return Ok(()),
        };
        if count == 0 {
            return Ok(());
        }
        decoder.push(&buffer[..count]);
    }
}

/// Why the channel ended, from what is known of it.
async fn parting(
    trouble: Option<String>,
    exit: BoxFuture<'static, Exit>,
    complaints: &Mutex<Vec<u8>>,
) -> String {
    let exit = tokio::time::timeout(PARTING, exit).await.ok();
    let complaints = String::from_utf8_lossy(&complaints.lock()).trim().to_owned();
    match (exit, trouble) {
        (Some(Exit::Lost(why)), _) => why,
        (_, Some(trouble)) => trouble,
        _ if !complaints.is_empty() => complaints,
        (Some(Exit::Code(code)), _) => format!("the agent on the host ended with status {code}"),
        (None, None) => "the agent's channel was closed".to_owned(),
    }
}

/// Keeps the end of what an agent writes to its standard error.
async fn listen(mut errors: Reader, kept: Arc<Mutex<Vec<u8>>>, host: String, log: Log) {
    let mut buffer = vec![0; 4096];
    while let Ok(count @ 1..) = errors.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        log(3, &host, format!("agent: {}", text.trim_end()));
        let mut kept = kept.lock();
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(COMPLAINTS);
        kept.drain(..excess);
    }
}
