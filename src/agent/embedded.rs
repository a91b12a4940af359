//! The agent's programs that this program carries, or that lie beside it.

use std::{borrow::Cow, io::Read, sync::LazyLock};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Error, Kind, Result};

include!(concat!(env!("OUT_DIR"), "/agent.rs"));

/// One agent program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// `uname -m` of the hosts that it runs on.
    pub machine: Cow<'static, str>,
    /// Its name on hosts: from its content.
    pub hash: Cow<'static, str>,
    /// The program, packed by gzip.
    pub gzip: Cow<'static, [u8]>,
}

impl Program {
    /// The program itself, for hosts without gzip.
    pub fn unpacked(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&*self.gzip).read_to_end(&mut out).map_err(|e| {
            Error::new(Kind::Internal, format!("the agent's program is damaged: {e}"))
        })?;
        Ok(out)
    }
}

/// Every program that is at hand.
pub(super) fn programs() -> Vec<Program> {
    let mut all = Vec::new();
    if let Some((machine, hash, gzip)) = EMBEDDED {
        all.push(Program { machine: machine.into(), hash: hash.into(), gzip: gzip.into() });
    }
    all.extend(BESIDE.lock().iter().cloned());
    all
}

/// What the program for a machine is called on hosts.
pub(super) fn file_name(machine: &str) -> Option<String> {
    let program = programs().into_iter().find(|p| p.machine == machine)?;
    Some(format!("vmstation-agent-{}", program.hash))
}

/// Programs `vmstation-agent-<machine>` in the folder of this program, read once.
static BESIDE: LazyLock<Mutex<Vec<Program>>> = LazyLock::new(|| Mutex::new(beside()));

fn beside() -> Vec<Program> {
    let folder = std::env::current_exe().ok().and_then(|exe| exe.parent().map(std::fs::read_dir));
    let Some(Ok(entries)) = folder else { return Vec::new() };
    let program = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let machine = name.strip_prefix("vmstation-agent-").filter(|m| !m.contains('.'))?;
        let content = std::fs::read(entry.path()).ok()?;
        Some(pack(machine.to_owned(), &content))
    };
    entries.flatten().filter_map(program).collect()
}

fn pack(machine: String, content: &[u8]) -> Program {
    let hash =
        Sha256::digest(content).iter().take(12).map(|b| format!("{b:02x}")).collect::<String>();
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(content, flate2::Compression::fast());
    // Reading from memory into memory does not fail.
    let _ = encoder.read_to_end(&mut packed);
    Program { machine: machine.into(), hash: hash.into(), gzip: packed.into() }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_program_for_this_machine_is_carried_whole() {
        let all = programs();
        let own = all.iter().find(|p| p.machine == std::env::consts::ARCH).unwrap();
        let content = own.unpacked().unwrap();
        assert!(content.starts_with(b"\x7fELF"));
        assert_eq!(pack(String::new(), &content).hash, own.hash);
    }
}
