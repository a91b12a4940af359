//! Reading files: decrypted, parsed once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Loader;
use crate::{
    diagnostic::{Error, Kind, Result, Source},
    value::{Decrypt, Dict, Value},
    vault,
    yaml::{self, Node},
};

impl Loader {
    /// The document in a file, `None` if it is empty. A file is parsed once.
    pub(super) fn load_file(&self, path: &Path) -> Result<Option<Node>> {
        if let Some(known) = self.documents.lock().get(path) {
            return Ok(known.clone());
        }
        let document = self.load_file_anew(path)?;
        self.documents.lock().insert(path.to_path_buf(), document.clone());
        Ok(document)
    }

    /// As [`Self::load_file`], but the file is read again each time.
    pub(super) fn load_file_anew(&self, path: &Path) -> Result<Option<Node>> {
        let source = self.read(path)?;
        let vault: Arc<dyn Decrypt> = Arc::clone(&self.config.vault) as Arc<dyn Decrypt>;
        let loaded = yaml::load_one(&source, Some(&vault), self.config.settings.duplicate_keys)?;
        for (warning, _) in loaded.warnings {
            self.warn(warning);
        }
        Ok((!loaded.node.is_null()).then_some(loaded.node))
    }

    /// The text of a file, decrypted.
    pub fn read(&self, path: &Path) -> Result<Arc<Source>> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let text = |bytes| String::from_utf8(bytes).map_err(|error| not_text(path, &error));
        if vault::is_encrypted(&bytes) {
            let plain = self.config.vault.decrypt_file(&bytes, path)?;
            return Ok(Source::new_hidden(path, text(plain)?));
        }
        Ok(Source::new(path, text(bytes)?))
    }

    /// The bytes of a file, decrypted if it is encrypted and that is wanted.
    pub fn read_bytes(&self, path: &Path, decrypt: bool) -> Result<Vec<u8>> {
        self.read_plain(path, decrypt).map(|(bytes, _)| bytes)
    }

    /// As [`Self::read_bytes`], with whether it was decrypted.
    pub fn read_plain(&self, path: &Path, decrypt: bool) -> Result<(Vec<u8>, bool)> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        if decrypt && vault::is_encrypted(&bytes) {
            if self.config.vault.is_empty() {
                let path = path.display();
                return Err(Error::new(
                    Kind::Parser,
                    format!("A vault password or secret must be specified to decrypt {path}"),
                ));
            }
            return Ok((self.config.vault.decrypt_file(&bytes, path)?, true));
        }
        Ok((bytes, false))
    }

    /// A document as a value, and whether the file is encrypted.
    pub fn read_value(&self, path: &Path) -> Result<(Value, bool)> {
        let encrypted = self.read(path)?.is_hidden();
        let node = self.load_file_anew(path)?;
        Ok((node.map_or(Value::None, |n| n.to_value()), encrypted))
    }

    /// The variables in a file: a dict, or a list of dicts; `None` for an empty file.
    pub fn read_vars_file(&self, path: &Path) -> Result<Option<Vec<Dict>>> {
        let Some(node) = self.load_file_anew(path)? else { return Ok(None) };
        let nodes = node.as_seq().map_or_else(|| vec![node.clone()], <[Node]>::to_vec);
        nodes
            .iter()
            .map(|n| match n.to_value() {
                Value::Dict(vars) => Ok(vars),
                _ => Err(Error::new(
                    Kind::User,
                    format!(
                        "variable files must contain either a dictionary of variables, or a list \
                         of dictionaries. Got: {} ({})",
                        crate::playbook::python::text(&node.to_value()),
                        crate::playbook::python::node_class(&node)
                    ),
                )),
            })
            .collect::<Result<Vec<_>>>()
            .map(Some)
    }
}

/// The error of a file that is needed and is not there.
pub(super) fn not_found(path: &Path) -> Error {
    Error::new(
        Kind::NotFound,
        format!(
            "Unable to retrieve file contents\nCould not find or access '{}' on the Ansible \
             Controller.\nIf you are using a module and expect the file to exist on the remote, \
             see the remote_src option",
            path.display()
        ),
    )
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        return not_found(path);
    }
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    let number = error.raw_os_error().map_or_else(String::new, |n| format!("[Errno {n}] "));
    let cause = format!("{number}{reason}: b'{}'", path.display());
    Error::new(
        Kind::Parser,
        format!("an error occurred while trying to read the file '{}': {cause}", path.display()),
    )
    .caused_by(Error::new(Kind::User, cause))
}

/// Bytes that are not UTF-8: ansible-core 2.14 takes them in as lone surrogates, which the YAML
/// parser then stumbles over.
fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> Error {
    let bytes = error.as_bytes();
    let mut end = error.utf8_error().valid_up_to();
    let valid = bytes.get(..end).unwrap_or_default();
    let at = String::from_utf8_lossy(valid).chars().count();
    let first = bytes.get(end).copied().unwrap_or_default();
    let start = end;
    while let Some(Err(more)) = bytes.get(end..).map(std::str::from_utf8)
        && more.valid_up_to() == 0
    {
        end = more.error_len().map_or(bytes.len(), |n| end + n);
    }
    let place = match end - start {
        0 | 1 => format!("character '\\udc{first:02x}' in position {at}"),
        n => format!("characters in position {at}-{}", at + n - 1),
    };
    let text = format!("'utf-8' codec can't encode {place}: surrogates not allowed");
    Error::new(Kind::Internal, text).hinted(format!("{} is not UTF-8 text", path.display()))
}

/// A path under `folder`, if it stays inside it.
pub(super) fn is_inside(path: &Path, folder: &Path) -> bool {
    // The usual case, told without resolving every folder on the way.
    let directly = path.parent() == Some(folder) && path.file_name().is_some();
    if directly && std::fs::symlink_metadata(path).is_ok_and(|of| !of.file_type().is_symlink()) {
        return true;
    }
    let real = |p: &Path| -> PathBuf { super::paths::resolved(p) };
    real(path).starts_with(real(folder))
}
