//! What was written last time, so that files which people edited are known.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use sha2::{Digest, Sha256};

use crate::diagnostic::{Error, Kind, Result};

/// Its file, at the top of a tree.
pub const FILE: &str = ".vmstation-generated";

const HEADER: &str = "# What `vmstation-play generate` wrote, by SHA-256: a file that is different was edited by somebody, and is left \
                      alone.\n# Keep this file with the tree.\n";

/// The hashes of files that were written, by path. While files are being written a path has the hash before and the hash
/// after, so that a run that was cut short takes none of its own files for somebody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(BTreeMap<String, Vec<String>>);

/// The hash of a file's content.
pub fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        // Writing into a `String` can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Record {
    /// The record of a tree; an empty one where there is none.
    ///
    /// # Errors
    /// A record that can't be read.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => {
                return Err(Error::new(Kind::User, format!("can't read {}: {e}", path.display())));
            }
        };
        let mut record = Self::default();
        for line in text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
            let Some((hash, file)) = line.split_once("  ").filter(|(_, f)| is_inside(f)) else {
                return Err(Error::new(
                    Kind::User,
                    format!("{}: this is no line of it: {line}", path.display()),
                )
                .hinted("without it, every file that is not as described counts as edited"));
            };
            record.add(file, hash.to_owned());
        }
        Ok(record)
    }

    /// Notes that a file may have this content.
    pub fn add(&mut self, path: &str, hash: String) {
        let hashes = self.0.entry(path.to_owned()).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }

    /// Whether a file of this content was written by us.
    pub fn has(&self, path: &str, hash: &str) -> bool {
        self.0.get(path).is_some_and(|hashes| hashes.iter().any(|h| h == hash))
    }

    /// All paths.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// The hashes of a path.
    pub fn hashes(&self, path: &str) -> &[String] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// Its text.
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (path, hashes) in &self.0 {
            hashes.iter().for_each(|hash| text.push_str(&format!("{hash}  {path}\n")));
        }
        text
    }
}

/// Whether a path stays inside of the tree.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|c| matches!(c, std::path::Component::Normal(_)))
}
