//! The terminal: lines, banners, warnings, colours. Colour is decided here and last.

use std::{
    collections::HashSet,
    io::Write,
    sync::atomic::{AtomicU8, Ordering},
};

use parking_lot::Mutex;

use crate::{
    diagnostic::{Notice, Notices, is_new_to_worker},
    value::{codec, textwrap::Wrap},
};

/// What a line is about; the settings say how that looks.
#[expect(missing_docs, reason = "each is the setting `color_…` of the same name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    Changed,
    Debug,
    Deprecate,
    DiffAdd,
    DiffLines,
    DiffRemove,
    Error,
    Highlight,
    Ok,
    Skip,
    Unreachable,
    Verbose,
    Warn,
}

/// How the display behaves.
#[derive(Clone, Debug)]
pub struct DisplayOptions {
    /// Characters a line, for banners and warnings.
    pub columns: usize,
    /// Whether to write colours.
    pub colour: bool,
    /// `-v`, counted.
    pub verbosity: u8,
    /// `verbose_to_stderr`.
    pub verbose_to_stderr: bool,
    /// `deprecation_warnings`.
    pub deprecations: bool,
    /// `system_warnings`, `action_warnings` and the like are decided by who sends them.
    pub colours: Vec<(Colour, String)>,
    /// `-C`.
    pub check: bool,
    /// `log_path`.
    pub log_path: Option<std::path::PathBuf>,
}

impl Default for DisplayOptions {
    fn default() -> Self {
        Self {
            columns: 79,
            colour: false,
            verbosity: 0,
            verbose_to_stderr: false,
            deprecations: true,
            colours: Vec::new(),
            check: false,
            log_path: None,
        }
    }
}

/// Where everything that people read goes.
pub struct Display {
    options: DisplayOptions,
    verbosity: AtomicU8,
    said: Mutex<HashSet<String>>,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    log: Option<Mutex<std::fs::File>>,
}

impl Display {
    /// A display on the standard streams.
    pub fn new(options: DisplayOptions) -> Self {
        let out = std::io::BufWriter::new(std::io::stdout());
        Self::to(options, Box::new(out), Box::new(std::io::stderr()))
    }

    /// A display on any two streams.
    pub fn to(
        options: DisplayOptions,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Self {
        let log = options.log_path.as_ref().and_then(|path| {
            std::fs::OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
        });
        let verbosity = AtomicU8::new(options.verbosity);
        Self {
            options,
            verbosity,
            said: Mutex::default(),
            out: Mutex::new(out),
            err: Mutex::new(err),
            log,
        }
    }

    /// `-v`, counted.
    pub fn verbosity(&self) -> u8 {
        self.verbosity.load(Ordering::Relaxed)
    }

    /// Tells more, or less, from now on.
    pub fn set_verbosity(&self, verbosity: u8) {
        self.verbosity.store(verbosity, Ordering::Relaxed);
    }

    /// `-C`.
    pub fn is_check(&self) -> bool {
        self.options.check
    }

    /// Whether colours are written.
    pub fn has_colour(&self) -> bool {
        self.options.colour
    }

    /// Text in a colour, if colours are on; every line by itself.
    pub fn paint(&self, text: &str, colour: Colour) -> String {
        if !self.options.colour {
            return text.to_owned();
        }
        let code = self.code(colour);
        let lines: Vec<String> =
            text.split('\n').map(|line| format!("\x1b[{code}m{line}\x1b[0m")).collect();
        lines.join("\n")
    }

    fn code(&self, colour: Colour) -> String {
        let name = self
            .options
            .colours
            .iter()
            .find(|(c, _)| *c == colour)
            .map_or_else(|| default_colour(colour), |(_, name)| name.as_str());
        sgr(name)
    }

    /// A line (or several), in a colour, to standard output or standard error.
    pub fn line(&self, text: &str, colour: Option<Colour>, stderr: bool) {
        let bare = text.strip_suffix('\n').unwrap_or(text);
        let bare = &*codec::without_bytes(bare);
        let painted = colour.map_or_else(|| bare.to_owned(), |c| self.paint(bare, c));
        let stream = if stderr { &self.err } else { &self.out };
        if stderr {
            // What was said before must come before, where both streams are one terminal.
            self.flush();
        }
        // A reader that went away (`| head`) is no reason to stop working on hosts.
        let _ = writeln!(stream.lock(), "{painted}");
        self.log(bare);
    }

    /// Text as it is, to standard output alone.
    pub fn raw(&self, text: &str) {
        // As for lines: nobody may be reading any more.
        let _ = self.out.lock().write_all(text.as_bytes());
    }

    /// Columns of a line.
    pub fn columns(&self) -> usize {
        self.options.columns
    }

    fn log(&self, text: &str) {
        let Some(log) = &self.log else { return };
        let now = chrono::Local::now().format("%Y-%m-%d %H:%M:%S,%3f");
        let user = std::env::var("USER").unwrap_or_default();
        let text = text.trim_start_matches('\n');
        // A full disk under the log must not stop the run either.
        let _ = writeln!(log.lock(), "{now} p={} u={user} n=ansible | {text}", std::process::id());
    }

    /// Writes out what is held back.
    pub fn flush(&self) {
        // As above: nobody may be reading any more.
        let _ = self.out.lock().flush();
    }

    /// A heading with stars to the end of the line.
    pub fn banner(&self, text: &str) {
        let text = text.trim();
        let stars = self.options.columns.saturating_sub(width(text)).max(3);
        self.line(&format!("\n{text} {}", "*".repeat(stars)), None, false);
    }

    /// `[WARNING]: …`, wrapped, once.
    pub fn warning(&self, text: &str) {
        let lines = Wrap::to(self.options.columns).lines(&format!("[WARNING]: {text}"));
        self.once(&format!("{}\n", lines.join("\n")), Colour::Warn);
    }

    /// `[WARNING]:` and the text below it as it is, once.
    pub fn formatted_warning(&self, text: &str) {
        self.once(&format!("\n[WARNING]: \n{text}"), Colour::Warn);
    }

    /// `[DEPRECATION WARNING]: …`, wrapped, once, unless such warnings are off.
    pub fn deprecated(&self, text: &str) {
        if !self.options.deprecations {
            return;
        }
        let mut wrap = Wrap::to(self.options.columns);
        wrap.drop_whitespace = false;
        let lines = wrap.lines(&format!("[DEPRECATION WARNING]: {text}"));
        self.once(lines.join("\n").trim(), Colour::Deprecate);
    }

    /// `ERROR! …`, once.
    pub fn error(&self, text: &str) {
        self.once(&format!("ERROR! {text}"), Colour::Error);
    }

    /// `[ERROR]: …`, wrapped, once.
    pub fn wrapped_error(&self, text: &str) {
        let lines = Wrap::to(self.options.columns).lines(&format!("\n[ERROR]: {text}"));
        self.once(&format!("{}\n", lines.join("\n")), Colour::Error);
    }

    fn once(&self, text: &str, colour: Colour) {
        let is_new = match is_new_to_worker(text) {
            Some(is_new) => is_new && !self.said.lock().contains(text),
            None => self.said.lock().insert(text.to_owned()),
        };
        if is_new {
            self.line(text, Some(colour), true);
        }
    }

    /// Text that is shown from `-v` times `level` on.
    pub fn verbose(&self, level: u8, text: &str, host: Option<&str>) {
        if self.verbosity() < level {
            return;
        }
        let text = host.map_or_else(|| text.to_owned(), |h| format!("<{h}> {text}"));
        self.line(&text, Some(Colour::Verbose), self.options.verbose_to_stderr);
    }
}

impl Notices for Display {
    fn notice(&self, notice: Notice) {
        match notice {
            Notice::Warning(text) => self.warning(&text),
            Notice::FormattedWarning(text) => self.formatted_warning(&text),
            Notice::Deprecated(text) => self.deprecated(&text),
            Notice::Error(text) => self.wrapped_error(&text),
            Notice::Verbose(level, text) => self.verbose(level, &text, None),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Columns that text takes on a terminal.
/// Columns of a text as ansible counts them: control characters have none, and a few take one
/// away.
fn width(text: &str) -> usize {
    text.chars().fold(0_usize, |all, c| match c {
        '\u{8}' | '\u{7f}' | '\u{94}' | '\u{1b}' => all.saturating_sub(1),
        c => all + unicode_width::UnicodeWidthChar::width(c).unwrap_or(0),
    })
}

fn default_colour(colour: Colour) -> &'static str {
    match colour {
        Colour::Changed => "yellow",
        Colour::Debug => "dark gray",
        Colour::Deprecate => "purple",
        Colour::DiffAdd | Colour::Ok => "green",
        Colour::DiffLines | Colour::Skip => "cyan",
        Colour::DiffRemove | Colour::Error => "red",
        Colour::Highlight => "white",
        Colour::Unreachable => "bright red",
        Colour::Verbose => "blue",
        Colour::Warn => "bright purple",
    }
}

/// The terminal's code of a colour's name: `red`, `color202`, `rgb255`, `gray5`.
fn sgr(name: &str) -> String {
    let number = |s: &str| s.parse::<u32>().ok();
    if let Some(n) = name.strip_prefix("color").and_then(number) {
        return format!("38;5;{n}");
    }
    if let Some(n) = name.strip_prefix("gray").and_then(number) {
        return format!("38;5;{}", 232 + n);
    }
    if let Some(rgb) = name.strip_prefix("rgb") {
        let digits: Vec<u32> = rgb.chars().filter_map(|c| c.to_digit(6)).collect();
        if let [r, g, b] = digits[..] {
            return format!("38;5;{}", 16 + 36 * r + 6 * g + b);
        }
    }
    match name {
        "black" => "0;30",
        "bright gray" => "0;37",
        "blue" => "0;34",
        "white" => "1;37",
        "green" => "0;32",
        "bright blue" => "1;34",
        "cyan" => "0;36",
        "bright green" => "1;32",
        "red" => "0;31",
        "bright cyan" => "1;36",
        "purple" => "0;35",
        "bright red" => "1;31",
        "yellow" => "0;33",
        "bright purple" => "1;35",
        "dark gray" => "1;30",
        "bright yellow" => "1;33",
        "magenta" => "0;35",
        "bright magenta" => "1;35",
        _ => "0",
    }
    .to_owned()
}
