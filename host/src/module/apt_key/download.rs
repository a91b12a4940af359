//! A key by its address, through apt's own means of transport.

use std::path::PathBuf;

use crate::module::{Context, Failure};
use crate::python::{self, Subject};
use crate::target::Run;

/// Comes with apt, knows its proxies, and speaks TLS where apt does.
const PROGRAM: &str = "/usr/lib/apt/apt-helper";

pub fn fetch(cx: &mut Context<'_>, url: &str, validate: bool) -> Result<Vec<u8>, Failure> {
    let file: PathBuf = cx.tmpdir()?.join("key");
    let mut run = Run::argv([PROGRAM, "-o", "APT::Sandbox::User=root"]).c_locale();
    if !validate {
        run = run
            .args(["-o", "Acquire::https::Verify-Peer=false"])
            .args(["-o", "Acquire::https::Verify-Host=false"]);
    }
    let ran = cx.run(&run.args(["download-file", url]).arg(file.as_os_str()))?;
    if !ran.ok() {
        let why = reason(&ran.err());
        return Err(Failure::new(format!("Failed to download key at {url}: {why}")));
    }
    cx.target.read(&file).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(&file));
        Failure::new(format!("Failed to download key at {url}: {why}"))
    })
}

/// apt's complaint in the words of Python's library.
fn reason(err: &str) -> String {
    let said = err
        .lines()
        .find_map(|line| line.strip_prefix("E: Failed to fetch "))
        .and_then(|line| line.split_once("  "))
        .map_or_else(|| err.trim().to_owned(), |(_, why)| why.trim().to_owned());
    let bare = said.split(" [IP:").next().unwrap_or_default();
    if let Some((code, text)) = bare.split_once("  ").or_else(|| bare.split_once(' '))
        && code.len() == 3
        && code.chars().all(|c| c.is_ascii_digit())
    {
        return format!("HTTP Error {code}: {}", text.trim());
    }
    if let Some((_, rest)) = said.split_once(" - connect (")
        && let Some((errno, text)) =
            rest.split_once(')').and_then(|(cause, _)| cause.split_once(": "))
    {
        return format!("Request failed: <urlopen error [Errno {errno}] {text}>");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn reasons() {
        for (err, expected) in [
            (
                "E: Failed to fetch http://c:8000/k  404  Not Found [IP: 10.0.0.1 8000]\nE: Download Failed\n",
                "HTTP Error 404: Not Found",
            ),
            (
                "E: Failed to fetch http://127.0.0.1:9/k  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)\nE: Download Failed\n",
                "Request failed: <urlopen error [Errno 111] Connection refused>",
            ),
            ("what\n", "what"),
        ] {
            assert_eq!(reason(err), expected);
        }
    }
}
