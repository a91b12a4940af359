//! The agent of this machine as this user: the same code on a thread of this process, talked to
//! over a pair of sockets.

use std::{os::unix::net::UnixStream, sync::Arc};

use tokio::io::AsyncReadExt;
use vmstation_host::{
    agent::Agent as HostAgent,
    wire::{Decoder, Message},
};

use super::link::Opened;
use crate::{
    connection::{BoxFuture, Exit},
    diagnostic::{Error, Kind, Result},
};

/// Starts it.
pub(super) async fn start() -> Result<Opened> {
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let exit = async { Exit::Lost("the agent of this machine has ended".to_owned()) };
    serve(ours, theirs, HostAgent::new, Box::pin(exit)).await
}

fn failed(e: std::io::Error) -> Error {
    Error::new(Kind::Action, format!("failed to start the agent of this machine: {e}"))
}

/// Lets an agent serve one end of a pair of sockets, and takes its hello at the other.
pub(super) async fn serve(
    ours: UnixStream,
    theirs: UnixStream,
    make: impl FnOnce(UnixStream) -> HostAgent + Send + 'static,
    exit: BoxFuture<'static, Exit>,
) -> Result<Opened> {
    let mut reader = theirs.try_clone().map_err(failed)?;
    std::thread::Builder::new()
        .name("agent".to_owned())
        .spawn(move || {
            let agent = Arc::new(make(theirs));
            // It ends when our end closes; there is nobody left to tell of an error.
            let _ = agent.serve(&mut reader);
        })
        .map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let (mut output, input) =
        tokio::io::split(tokio::net::UnixStream::from_std(ours).map_err(failed)?);
    let mut decoder = Decoder::after_magic();
    let mut buffer = vec![0; 4096];
    let hello = loop {
        if let Some(frame) = decoder.pop().map_err(|e| failed(std::io::Error::other(e)))?
            && let Ok((_, Message::Hello(hello))) = Message::from_frame(frame)
        {
            break hello;
        }
        match output.read(&mut buffer).await.map_err(failed)? {
            0 => return Err(failed(std::io::ErrorKind::UnexpectedEof.into())),
            n => decoder.push(&buffer[..n]),
        }
    };
    Ok(Opened {
        hello,
        decoder,
        input: Box::new(input),
        output: Box::new(output),
        errors: Box::new(tokio::io::empty()),
        exit,
    })
}
