//! Questions to the user's terminal, as `ssh` asks them: one at a time, whatever is redirected.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
};

use parking_lot::Mutex;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::Secret;

/// One question at a time, of all connections.
static TERMINAL: Mutex<()> = Mutex::new(());

/// Asks and waits for a line; `None` without a terminal.
pub(super) fn question(text: &str) -> Option<String> {
    let _one = TERMINAL.lock();
    let mut terminal = open()?;
    write!(terminal, "{text}").ok()?;
    line(&terminal)
}

/// Asks for a secret, which is not shown while it is typed; `None` without a terminal.
pub(super) fn secret(text: &str) -> Option<Secret> {
    let _one = TERMINAL.lock();
    let mut terminal = open()?;
    let usual = tcgetattr(&terminal).ok()?;
    let mut silent = usual.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    write!(terminal, "{text}").ok()?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
    let answer = line(&terminal);
    // Shown or not, the terminal has to be as it was.
    let _ = tcsetattr(&terminal, OptionalActions::Flush, &usual);
    let _ = writeln!(terminal);
    answer.filter(|a| !a.is_empty()).map(Secret::new)
}

fn open() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

fn line(terminal: &File) -> Option<String> {
    let mut line = String::new();
    let count = BufReader::new(terminal).read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}
