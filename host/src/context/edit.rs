//! What modules share that edit text files in place.

use std::io;
use std::path::Path;

use crate::context::{Context, FileAttributes, Write};
use crate::module::Args;
use crate::outcome::{Diff, Failure};
use crate::python::{self, Subject};
use crate::target::account;

impl Context<'_> {
    /// The content of a file; a failure to read it is the exception that Python's `open` raises.
    pub fn read_or_raise(&mut self, path: &Path) -> Result<Vec<u8>, Failure> {
        self.target.read(path).map_err(|error| {
            let text = python::os_error(&error, Subject::Bytes(path));
            Failure::crash(python::os_class(&error), text)
        })
    }

    /// Make a directory and those above it (`os.makedirs`).
    pub fn make_dirs(&mut self, path: &Path) -> io::Result<()> {
        let above = account::parent(path);
        if !above.as_os_str().is_empty() && !self.target.exists(above) {
            self.make_dirs(above)?;
        }
        let umask = self.target.umask();
        self.target.mkdir(path, 0o777 & !umask)
    }

    /// Give a file another content, through links, with the options `validate` and `unsafe_writes`.
    pub fn rewrite(&mut self, path: &Path, content: &[u8], args: &Args) -> Result<(), Failure> {
        let real = self.target.realpath(path);
        let write = Write::bytes(&real, content)
            .validate(args.str("validate"))
            .unsafe_writes(args.bool("unsafe_writes"));
        self.write(write).map(drop)
    }

    /// Give the file its attributes; a change is told at the end of the message.
    pub fn rewrite_attributes(
        &mut self,
        path: &Path,
        args: &Args,
        (msg, changed): (String, bool),
        diff: Option<&mut Diff>,
    ) -> Result<(String, bool), Failure> {
        let wanted = FileAttributes::of(self, args, path);
        if !self.set_attributes(path, &wanted, diff)? {
            return Ok((msg, changed));
        }
        let and = if changed { " and " } else { "" };
        Ok((format!("{msg}{and}ownership, perms or SE linux context changed"), true))
    }
}

/// Lines with their ends, as `readlines` gives them.
pub fn lines(content: &[u8]) -> Vec<Vec<u8>> {
    content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Lines with their ends, as `bytes.splitlines` cuts them: at `\n`, `\r` and both.
pub fn lines_of_any_end(content: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut from = 0;
    for (at, byte) in content.iter().enumerate() {
        let ends = match byte {
            b'\n' => true,
            b'\r' => content.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        if ends {
            lines.push(content[from..=at].to_vec());
            from = at + 1;
        }
    }
    if from < content.len() {
        lines.push(content[from..].to_vec());
    }
    lines
}

/// A line without what ends it: any run of `\r` and `\n`.
pub fn bare(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    &line[..end.map_or(0, |at| at + 1)]
}
