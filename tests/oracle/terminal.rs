//! A dialogue with a command that runs on a terminal (`script` of util-linux gives it one).

use std::io::{Read, Write};

#[derive(Clone)]
pub enum Step {
    /// Wait until this stands in the output, after what was waited for before.
    Expect(String),
    /// Type this; `\n` and the like are understood.
    Send(String),
}

pub fn steps(lines: &[&str]) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for line in lines.iter().filter(|l| !l.trim().is_empty()) {
        match line.split_once(' ') {
            Some(("expect", text)) => steps.push(Step::Expect(text.to_string())),
            Some(("send", text)) => steps.push(Step::Send(unescape(text)?)),
            _ => return Err(format!("`{line}`: expect TEXT or send TEXT")),
        }
    }
    Ok(steps)
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('c')) => out.push('\x03'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', _) => return Err(format!("`{text}`: \\n, \\r, \\c (Ctrl-C), \\\\")),
            (c, _) => out.push(c),
        }
    }
    Ok(out)
}

/// Plays the steps and gives the whole output. Input stays open until the command has ended: its
/// end would reach the command as Ctrl-D.
pub fn converse(
    steps: &[Step],
    mut input: impl Write,
    mut output: impl Read,
) -> Result<Vec<u8>, String> {
    let mut seen = Vec::new();
    let mut done = 0;
    let mut waiting = steps.iter();
    let mut next = waiting.next();
    loop {
        match next {
            Some(Step::Send(text)) => {
                // A prompt that hides what is typed discards what came before it did so.
                std::thread::sleep(std::time::Duration::from_millis(300));
                input
                    .write_all(text.as_bytes())
                    .and_then(|()| input.flush())
                    .map_err(|e| e.to_string())?;
                next = waiting.next();
                continue;
            }
            Some(Step::Expect(text)) => {
                if let Some(at) = find(&seen[done..], text.as_bytes()) {
                    done += at + text.len();
                    next = waiting.next();
                    continue;
                }
            }
            None => {}
        }
        let mut buffer = [0; 4096];
        match output.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
    match next {
        Some(Step::Expect(text)) => {
            let text = format!("never asked `{text}`; output:\n{}", String::from_utf8_lossy(&seen));
            Err(text)
        }
        _ => Ok(seen),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window == needle)
}
