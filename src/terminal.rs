//! Questions to the person at the terminal.

use std::{
    fs::OpenOptions,
    io::{self, BufRead, IsTerminal, Read, Write},
    os::fd::{AsFd, BorrowedFd},
};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::diagnostic::{Error, Kind, Result};

/// Columns of the terminal on standard output; what `COLUMNS` says goes first.
pub fn help_columns() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|c| *c > 0);
    named.or_else(columns).unwrap_or(80)
}

/// Columns of the terminal on standard output.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|c| *c > 0)
}

/// Columns for banners and warnings: at least 79, whatever the terminal.
pub fn display_columns() -> usize {
    if !io::stdout().is_terminal() {
        return 79;
    }
    columns().unwrap_or(0).saturating_sub(1).max(79)
}

/// Asks on standard output and reads a line from standard input.
pub fn ask(question: &str) -> Result<String> {
    let mut out = io::stdout();
    out.write_all(question.as_bytes()).and_then(|()| out.flush()).map_err(|e| broken(&e))?;
    line(&mut io::stdin().lock())
}

/// As [`ask`]; nothing if standard input has ended.
pub fn ask_unless_ended(question: &str) -> Result<Option<String>> {
    let mut out = io::stdout();
    out.write_all(question.as_bytes()).and_then(|()| out.flush()).map_err(|e| broken(&e))?;
    let mut text = String::new();
    match io::stdin().lock().read_line(&mut text) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(text.trim_end_matches('\n').to_owned())),
        Err(error) => Err(broken(&error)),
    }
}

/// As [`ask`]; with `private`, what is typed does not show.
pub fn prompt(question: &str, private: bool) -> Result<String> {
    if private { secret(question) } else { ask(question) }
}

/// Asks for something that must not show: on the terminal itself, or by standard error and
/// standard input where there is none.
pub fn secret(question: &str) -> Result<String> {
    match OpenOptions::new().read(true).write(true).open("/dev/tty") {
        Ok(terminal) => hidden(&mut &terminal, terminal.as_fd(), &mut &terminal, question),
        Err(_) if io::stdin().is_terminal() => {
            let input = io::stdin();
            hidden(&mut io::stdin().lock(), input.as_fd(), &mut io::stderr(), question)
        }
        Err(_) => {
            let mut err = io::stderr();
            let text = format!("Warning: Password input may be echoed.\n{question}");
            err.write_all(text.as_bytes()).map_err(|e| broken(&e))?;
            line(&mut io::stdin().lock())
        }
    }
}

/// Reads a line with the terminal's echo off.
fn hidden(
    input: &mut dyn Read,
    terminal: BorrowedFd<'_>,
    output: &mut dyn Write,
    question: &str,
) -> Result<String> {
    let before = tcgetattr(terminal).map_err(|e| broken(&e.into()))?;
    let mut silent = before.clone();
    // Ctrl-C must not end the process while the echo is off: it is read as a letter.
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(terminal, OptionalActions::Flush, &silent).map_err(|e| broken(&e.into()))?;
    let answer = output
        .write_all(question.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|e| broken(&e))
        .and_then(|()| typed(input));
    // The echo comes back whatever happened.
    tcsetattr(terminal, OptionalActions::Flush, &before).map_err(|e| broken(&e.into()))?;
    output.write_all(b"\n").map_err(|e| broken(&e))?;
    answer
}

/// A line as somebody types it, letter by letter.
fn typed(input: &mut dyn Read) -> Result<String> {
    let mut bytes = Vec::new();
    let mut letter = [0];
    loop {
        let read = input.read(&mut letter).map_err(|e| broken(&e))?;
        match (read, letter[0]) {
            (0, _) | (_, b'\n' | b'\r') => break,
            // Ctrl-D
            (_, 4) if bytes.is_empty() => return Err(ended()),
            (_, 4) => break,
            // Ctrl-C
            (_, 3) => return Err(Error::new(Kind::Interrupted, "User interrupted execution")),
            // Ctrl-U
            (_, 21) => bytes.clear(),
            // Backspace takes a whole letter, however many bytes it has.
            (_, 8 | 127) => while bytes.pop().is_some_and(|b| b & 0xc0 == 0x80) {},
            (_, byte) => bytes.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn ended() -> Error {
    Error::new(Kind::User, "EOF when reading a line")
}

/// A line without its end; an error at the end of the input.
fn line(input: &mut dyn BufRead) -> Result<String> {
    let mut text = String::new();
    match input.read_line(&mut text) {
        Ok(0) => Err(ended()),
        Ok(_) => Ok(text.trim_end_matches('\n').to_owned()),
        Err(error) => Err(broken(&error)),
    }
}

fn broken(error: &io::Error) -> Error {
    Error::new(Kind::User, format!("the terminal cannot be used: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_can_be_corrected() {
        for (keys, text) in [
            ("abc\n", Some("abc")),
            ("abé\x7fc\r", Some("abc")),
            ("wrong\x15right\n", Some("right")),
            ("ab\x04", Some("ab")),
            ("\x04", None),
            ("a\x03", None),
        ] {
            assert_eq!(typed(&mut keys.as_bytes()).ok().as_deref(), text, "{keys:?}");
        }
    }
}
