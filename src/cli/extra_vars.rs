//! `-e`: variables of the command line.

use std::sync::Arc;

use crate::{
    config::{System, expand_path},
    diagnostic::{Error, Kind, Notices, Result, Source},
    playbook::splitter,
    value::{Decrypt, Dict, Value, merge},
    vault::Vault,
    yaml::{self, Duplicates},
};

/// The variables that all `-e` give; later ones win.
///
/// # Errors
/// Files that cannot be read, text that is no dict.
pub fn load(
    given: &[String],
    vault: &Arc<Vault>,
    merging: bool,
    duplicates: Duplicates,
    notices: &dyn Notices,
) -> Result<Dict> {
    let mut all = Dict::new();
    let parsed = |source: &Arc<Source>| -> Result<Value> {
        let secrets: Arc<dyn Decrypt> = Arc::clone(vault) as Arc<dyn Decrypt>;
        let loaded = yaml::load_one(source, Some(&secrets), duplicates)?;
        for (warning, _) in loaded.warnings {
            notices.warning(warning);
        }
        Ok(loaded.node.to_value())
    };
    for text in given.iter().filter(|t| !t.is_empty()) {
        let value = match text.as_bytes()[0] {
            b'@' => parsed(&file(&text[1..], vault)?)?,
            b'/' | b'.' => {
                return Err(Error::new(
                    Kind::Options,
                    format!("Please prepend extra_vars filename '{text}' with '@'"),
                ));
            }
            b'[' | b'{' => parsed(&Source::new("<string>", text.as_str()))?,
            _ => Value::Dict(
                splitter::parse_kv(text, false)
                    .map_err(|e| Error::new(Kind::Parser, e.message()))?,
            ),
        };
        let Value::Dict(more) = value else {
            return Err(Error::new(
                Kind::Options,
                format!(
                    "Invalid extra vars data supplied. '{text}' could not be made into a \
                     dictionary"
                ),
            ));
        };
        all = merge::merge_dicts(&all, &more, merging, merge::ListMerge::Replace)
            .map_err(|e| Error::new(Kind::User, e.to_string()))?;
    }
    Ok(all)
}

fn file(name: &str, vault: &Arc<Vault>) -> Result<Arc<Source>> {
    let path = expand_path(name, None, &System);
    let (source, encrypted) = vault.read(&path)?;
    Ok(if encrypted { Source::new_hidden(&path, source.text()) } else { source })
}
