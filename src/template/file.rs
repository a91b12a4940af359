//! Whole files: what the template module and the template lookup render.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use chrono::{DateTime, Local, NaiveDateTime, Timelike};

use super::{RenderOptions, Templar, environment::node_name, syntax::Syntax, templar::to_error};
use crate::{
    diagnostic::{Result, Source},
    value::{PyResult, Value, repr::to_text, strftime::strftime},
};

/// How one file is rendered; delimiters that are not given stay as they are.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// `newline_sequence`.
    pub newline_sequence: String,
    /// `block_start_string`.
    pub block_start: Option<String>,
    /// `block_end_string`.
    pub block_end: Option<String>,
    /// `variable_start_string`.
    pub variable_start: Option<String>,
    /// `variable_end_string`.
    pub variable_end: Option<String>,
    /// `comment_start_string`.
    pub comment_start: Option<String>,
    /// `comment_end_string`.
    pub comment_end: Option<String>,
    /// `trim_blocks`.
    pub trim_blocks: bool,
    /// `lstrip_blocks`.
    pub lstrip_blocks: bool,
    /// Where `{% include %}` looks, most specific first.
    pub search_paths: Vec<PathBuf>,
}

impl FileOptions {
    pub(super) fn syntax(&self, base: &Syntax) -> Syntax {
        let text =
            |own: &Option<String>, base: &String| own.clone().unwrap_or_else(|| base.clone());
        Syntax {
            block_start: text(&self.block_start, &base.block_start),
            block_end: text(&self.block_end, &base.block_end),
            variable_start: text(&self.variable_start, &base.variable_start),
            variable_end: text(&self.variable_end, &base.variable_end),
            comment_start: text(&self.comment_start, &base.comment_start),
            comment_end: text(&self.comment_end, &base.comment_end),
            trim_blocks: self.trim_blocks,
            lstrip_blocks: self.lstrip_blocks,
            newline_sequence: self.newline_sequence.clone(),
            ..base.clone()
        }
    }
}

impl Templar {
    /// Renders a whole file. The text is never read as data; the variables about the file
    /// ([`template_vars`]) are the caller's to add.
    pub fn render_file(&self, source: &Source, options: &FileOptions) -> Result<String> {
        let syntax = options.syntax(self.syntax());
        let templar = self.copied(syntax, false, options.search_paths.clone());
        let text = render_text(&templar, source.text(), false);
        text.and_then(|v| to_text(&v)).map_err(to_error)
    }
}

/// `ansible_managed` and the `template_…` variables of a file.
///
/// `path` is `src` as the task has it, `full_path` where it was found.
pub fn template_vars(
    path: &str,
    full_path: &Path,
    destination: &str,
    templar: &Templar,
) -> Vec<(String, Value)> {
    // The file was read just before.
    let meta = std::fs::metadata(full_path).ok();
    let uid = meta.as_ref().map_or(0, MetadataExt::uid);
    let owner = name_in("/etc/passwd", uid).unwrap_or_else(|| uid.to_string());
    let modified = meta.and_then(|m| m.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    let modified = local(modified.map_or(0.0, |d| d.as_secs_f64()));
    let text = (templar.environment().settings.managed)
        .replace("{host}", node_name())
        .replace("{uid}", &owner)
        .replace("{file}", path);
    let managed = strftime(&text, &modified.with_nanosecond(0).unwrap_or(modified), None);
    let managed = managed.unwrap_or(text);
    let now = Local::now().naive_local();
    let now = now.with_nanosecond(now.nanosecond() / 1000 * 1000).unwrap_or(now);
    let vars: [(&str, Value); 8] = [
        ("template_host", Value::str(node_name())),
        ("template_path", Value::str(path)),
        ("template_mtime", Value::DateTime(modified, None)),
        ("template_uid", Value::str(owner)),
        ("template_run_date", Value::DateTime(now, None)),
        ("template_destpath", Value::str(destination)),
        ("template_fullpath", Value::str(full_path.to_string_lossy())),
        ("ansible_managed", Value::str(managed)),
    ];
    vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Seconds since 1970 as local time, to the microsecond.
fn local(seconds: f64) -> NaiveDateTime {
    // Times of files are far within what 64 bits of microseconds can say.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    let micros = (seconds * 1e6).round() as i64;
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.with_timezone(&Local).naive_local()
}

/// The name that a user has in `/etc/passwd` of this machine, or a group in `/etc/group`.
pub(super) fn name_in(file: &str, wanted: u32) -> Option<String> {
    let entries = std::fs::read_to_string(file).ok()?;
    entries.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == wanted).then(|| name.to_owned())
    })
}

/// Renders a text of a file for the template lookup.
pub(super) fn render_text(templar: &Templar, text: &str, convert_data: bool) -> PyResult<Value> {
    let options =
        RenderOptions { convert_data, escape_backslashes: false, ..RenderOptions::default() };
    templar.do_template_text(text, &options)
}
