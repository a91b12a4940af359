//! The checksum that a file must have: given, or listed in a file that is downloaded.

use std::path::Path;

use crate::data::Map;
use crate::http::url::Url;
use crate::module::get_url::{Ending, download, url_filename};
use crate::module::{Args, Context, Failure};
use crate::target::Algorithm;

/// A checksum that a file must have.
pub(super) struct Wanted {
    algorithm: String,
    /// Lower-case hexadecimal digits.
    pub sum: String,
}

/// What the option asks for; `None` if nothing.
pub(super) fn wanted(
    cx: &mut Context<'_>,
    args: &Args,
    result: &Map,
) -> Result<Option<Wanted>, Ending> {
    let given = args.req("checksum");
    if given.is_empty() {
        return Ok(None);
    }
    let refuse = |msg: &str| Failure::new(msg).with("changed", false).with_all(result.clone());
    let Some((algorithm, sum)) = given.split_once(':') else {
        return Err(
            refuse("The checksum parameter has to be in format <algorithm>:<checksum>").into()
        );
    };
    let scheme = Url::split(sum).scheme;
    let sum = match matches!(scheme.as_str(), "http" | "https" | "ftp" | "file") {
        true => listed(cx, args, sum)?,
        false => sum.to_owned(),
    };
    // Blanks, and letters that can't be seen, come along when people copy.
    let sum: String = sum.chars().filter(|char| char.is_alphanumeric() || *char == '_').collect();
    let sum = sum.to_lowercase();
    let digits = sum.strip_prefix("0x").unwrap_or(&sum).replace('_', "");
    if digits.is_empty() || !digits.chars().all(|char| char.is_ascii_hexdigit()) {
        return Err(refuse("The checksum format is invalid").into());
    }
    Ok(Some(Wanted { algorithm: algorithm.to_owned(), sum }))
}

/// The checksum that a list at an address has for the file.
fn listed(cx: &mut Context<'_>, args: &Args, address: &str) -> Result<String, Ending> {
    let list = download(cx, args, address, "GET", args.bool("force"), None)?;
    let text = cx.target.read_text(&list.path).unwrap_or_default();
    let name = url_filename(args.req("url"));
    let lines: Vec<&str> = text.lines().collect();
    if let [line] = lines.as_slice()
        && line.split_whitespace().count() == 1
    {
        return Ok((*line).to_owned());
    }
    for line in lines {
        let Some((sum, file)) = line.split_once(' ') else { continue };
        let file = file.strip_prefix([' ', '*']).unwrap_or(file);
        if file.trim_start_matches(['.', '/']) == name {
            return Ok(sum.to_owned());
        }
    }
    let msg = format!("Unable to find a checksum for file '{name}' in '{address}'");
    Err(Failure::new(msg).into())
}

impl Wanted {
    /// Whether a file has it.
    pub(super) fn is_of(&self, cx: &mut Context<'_>, path: &Path) -> Result<bool, Failure> {
        Ok(self.check(cx, path)?.is_ok())
    }

    /// The same; the error is the checksum that the file has.
    pub(super) fn check(
        &self,
        cx: &mut Context<'_>,
        path: &Path,
    ) -> Result<Result<(), String>, Failure> {
        let shown = path.display();
        if cx.target.is_dir(path) {
            return Err(Failure::new(format!("attempted to take checksum of directory: {shown}")));
        }
        let Some(algorithm) = Algorithm::named(&self.algorithm) else {
            return Err(Failure::new(format!(
                "Could not hash file '{shown}' with algorithm '{}'. Available algorithms: {}",
                self.algorithm, "md5, sha1, sha224, sha256, sha384, sha512"
            )));
        };
        let found = cx.target.digest(path, algorithm).unwrap_or_else(|_| "None".into());
        Ok(if found == self.sum { Ok(()) } else { Err(found) })
    }
}
