//! Questions to the person at the terminal.

use std::{
    fs::OpenOptions,
    io::{self, BufRead, IsTerminal, Read, Write},
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{
        InputModes, LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcgetpgrp, tcsetattr,
    },
};

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

/// Whether somebody can type: standard input is a terminal, and this runs in its foreground.
pub fn somebody_is_there() -> bool {
    let input = io::stdin();
    input.is_terminal() && tcgetpgrp(&input).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Waits until somebody has typed a line, or until a time has come. Ctrl-C asks whether to go on
/// (C) or not (A). Gives what was typed, and nothing if it does not go on.
///
/// `ask` says what it waits for, and `interrupted` what the keys do after Ctrl-C.
pub fn pause(
    until: Option<Instant>,
    echo: bool,
    ask: impl FnOnce(),
    interrupted: impl FnOnce(),
) -> Result<Option<Vec<u8>>> {
    let input = io::stdin();
    let before = tcgetattr(&input).map_err(|e| broken(&e.into()))?;
    let mut raw = before.clone();
    raw.input_modes.remove(InputModes::BRKINT | InputModes::ICRNL | InputModes::IXON);
    // As where something hidden is typed, Ctrl-C is a key like others.
    raw.local_modes
        .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG);
    let echo = echo && until.is_none();
    raw.local_modes.set(LocalModes::ECHO, echo);
    tcsetattr(&input, OptionalActions::Flush, &raw).map_err(|e| broken(&e.into()))?;
    ask();
    let mut keys = Keys {
        interrupt: before.special_codes[SpecialCodeIndex::VINTR],
        erase: before.special_codes[SpecialCodeIndex::VERASE],
        next: &mut |until| key(input.as_fd(), until),
        screen: &mut io::stdout(),
        echo,
    };
    let answer = keys.wait(until, interrupted);
    tcsetattr(&input, OptionalActions::Drain, &before).map_err(|e| broken(&e.into()))?;
    answer
}

/// The next key; nothing if the time comes first.
fn key(input: BorrowedFd<'_>, until: Option<Instant>) -> Result<Option<u8>> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    let mut waiting = [PollFd::new(&input, PollFlags::IN)];
    if poll(&mut waiting, left.as_ref()).map_err(|e| broken(&e.into()))? == 0 {
        return Ok(None);
    }
    let mut byte = [0];
    match rustix::io::read(input, &mut byte) {
        Ok(0) => Err(ended()),
        Ok(_) => Ok(Some(byte[0])),
        Err(error) => Err(broken(&error.into())),
    }
}

/// Goes to the beginning of the line and clears it. ansible's worker means to do so after Ctrl-C and Enter too, but ends
/// without writing out what it buffered.
const CLEAR_LINE: &[u8] = b"\x1b[\r\x1b[\x1b[K";

/// Keys that are read one by one.
struct Keys<'a> {
    interrupt: u8,
    erase: u8,
    next: &'a mut dyn FnMut(Option<Instant>) -> Result<Option<u8>>,
    screen: &'a mut dyn Write,
    echo: bool,
}

impl Keys<'_> {
    fn wait(
        &mut self,
        until: Option<Instant>,
        interrupted: impl FnOnce(),
    ) -> Result<Option<Vec<u8>>> {
        let mut typed = Vec::new();
        while let Some(key) = (self.next)(until)? {
            if key == self.interrupt {
                interrupted();
                return Ok(self.goes_on()?.then_some(typed));
            }
            // Enter does not end a wait for a time.
            if until.is_some() {
                continue;
            }
            if matches!(key, b'\r' | b'\n') {
                break;
            }
            if key == self.erase {
                typed.pop();
                self.show(CLEAR_LINE)?;
                self.show(if self.echo { &typed } else { &[] })?;
            } else {
                typed.push(key);
            }
        }
        Ok(Some(typed))
    }

    fn goes_on(&mut self) -> Result<bool> {
        loop {
            match (self.next)(None)? {
                Some(b'c' | b'C') => return Ok(true),
                Some(b'a' | b'A') | None => return Ok(false),
                Some(_) => {}
            }
        }
    }

    fn show(&mut self, bytes: &[u8]) -> Result<()> {
        self.screen.write_all(bytes).and_then(|()| self.screen.flush()).map_err(|e| broken(&e))
    }
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

    /// What a wait ends with when these keys are pressed and then the time comes.
    fn pressed(keys: &str, timed: bool) -> std::result::Result<Option<String>, String> {
        let mut left = keys.bytes();
        let mut keys = Keys {
            interrupt: 3,
            erase: 127,
            next: &mut |_| Ok(left.next()),
            screen: &mut Vec::new(),
            echo: true,
        };
        let answer = keys.wait(timed.then(Instant::now), || {}).map_err(|e| e.to_string())?;
        Ok(answer.map(|typed| String::from_utf8_lossy(&typed).into_owned()))
    }

    #[test]
    fn pauses_end_by_enter_by_time_or_after_ctrl_c() {
        assert_eq!(pressed("ab\x7fc\rd", false), Ok(Some("ac".to_owned())));
        assert_eq!(pressed("a\x03xC", false), Ok(Some("a".to_owned())));
        assert_eq!(pressed("a\x03xa", false), Ok(None));
        assert_eq!(pressed("a\r", true), Ok(Some(String::new())));
        assert_eq!(pressed("\x03A", true), Ok(None));
    }

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
