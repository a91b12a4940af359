//! Commands: one file each. Flags become a plain struct, that becomes settings, and the library
//! does the work.
//!
//! The name that the program is called by decides which command it is.

mod actions;
mod adhoc;
pub mod arguments;
mod config;
mod console;
mod doc;
mod extra_vars;
pub mod flags;
mod generate;
mod inventory;
pub mod listing;
mod passwords;
mod play;
mod plugin_filters;
mod pull;
mod runner;
mod session;
mod syntax;
mod template;
mod vault;
mod version;

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Command, FromArgMatches};

use self::{
    actions::Actions,
    arguments::{Exclusive, Parser, Stop},
    vault::page,
};
use crate::{
    callback::{Colour, Display, DisplayOptions},
    config::{Settings, System, options},
    diagnostic::{Error, Kind, Notices, Result, ansible},
    terminal,
};

/// What a command works with.
pub(crate) struct Session {
    /// The name it was called by.
    pub program: String,
    /// Settings of environment and `ansible.cfg`.
    pub settings: Arc<Settings>,
    /// Where everything is shown.
    pub display: Arc<Display>,
    /// `-v`, counted.
    pub verbosity: u8,
}

/// Runs the command that `args`, the whole command line, asks for; gives its exit status.
pub fn main(args: &[String]) -> ExitCode {
    let called = args.first().map_or("", String::as_str);
    let name = Path::new(called).file_name().map_or("", |n| n.to_str().unwrap_or_default());
    let rest = args.get(1..).unwrap_or_default();
    let settings = match Settings::load(&System) {
        Ok(settings) => Arc::new(settings),
        Err(error) => {
            say(&mut std::io::stderr(), &format!("ERROR: {error}"));
            return ExitCode::from(5);
        }
    };
    let status = match command(name, rest) {
        Ok((command, program, args)) => (command.main)(&program, args, &settings),
        Err(text) => {
            say(&mut std::io::stderr(), &text);
            1
        }
    };
    ExitCode::from(status)
}

/// A command by its name: `ansible-` and this word, or this word after our own name.
struct Named {
    word: &'static str,
    main: fn(&str, &[String], &Arc<Settings>) -> u8,
}

/// Every command but `ansible`, which has no word under ansible's names.
const COMMANDS: &[Named] = &[
    Named { word: "playbook", main: play::main },
    Named { word: "adhoc", main: adhoc::main },
    Named { word: "config", main: config::main },
    Named { word: "inventory", main: inventory::main },
    Named { word: "console", main: console::main },
    Named { word: "doc", main: doc::main },
    Named { word: "pull", main: pull::main },
    Named { word: "vault", main: vault::main },
    Named { word: "template", main: template::main },
    Named { word: "generate", main: generate::main },
];

/// Commands of ansible's that there are not.
const MISSING: &[&str] = &["galaxy", "test", "connection"];

/// The command that a command line asks for, the name that it goes by, and its arguments.
fn command<'a>(
    called: &str,
    args: &'a [String],
) -> Result<(&'static Named, String, &'a [String]), String> {
    let named = |word: &str| COMMANDS.iter().find(|c| c.word == word);
    let missing = |word: &str| {
        let text = format!(
            "ERROR! {called}: the command `{word}` is not supported yet; what there is: {}",
            COMMANDS.iter().map(|c| c.word).collect::<Vec<_>>().join(", ")
        );
        MISSING.contains(&word).then_some(text)
    };
    let word = if called == "ansible" { Some("adhoc") } else { called.strip_prefix("ansible-") };
    if let Some(word) = word {
        if let Some(text) = missing(word) {
            return Err(text);
        }
        if let Some(command) = named(word) {
            return Ok((command, called.to_owned(), args));
        }
    }
    if let Some((first, rest)) = args.split_first() {
        if let Some(text) = missing(first) {
            return Err(text);
        }
        if let Some(command) = named(first) {
            return Ok((command, format!("{called} {first}"), rest));
        }
    }
    Ok((&COMMANDS[0], called.to_owned(), args))
}

/// Writes a line; a reader that went away is no reason to fail.
fn say(out: &mut dyn Write, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
}

/// A command: how it looks to those who call it, and what it does.
struct Spec<F> {
    about: &'static str,
    epilog: Option<&'static str>,
    exclusive: Exclusive,
    /// `-v`, counted, and `-C`.
    look: fn(&F) -> (u8, bool),
    run: fn(&Session, F) -> Result<u8>,
    check: fn(&F) -> Result<(), String>,
}

/// Reads the flags of a command and runs it.
fn run<F: Args + FromArgMatches>(
    program: &str,
    args: &[String],
    settings: &Arc<Settings>,
    spec: &Spec<F>,
) -> u8 {
    let command = with_version(Command::new(program.to_owned()));
    // The doc comments of flags' structs are no help texts: `about` goes last.
    let mut command = F::augment_args(command).about(spec.about).long_about(None);
    if let Some(epilog) = spec.epilog {
        command = command.after_help(epilog);
    }
    let parser = Parser::new(command, spec.exclusive, terminal::help_columns());
    let flags = parser.parse(args).and_then(|matches| {
        let flags = F::from_arg_matches(&matches)
            .map_err(|e| parser.wrong(e.to_string().lines().next().unwrap_or_default()))?;
        (spec.check)(&flags).map_err(|message| parser.wrong(&message))?;
        Ok(flags)
    });
    let flags = match flags {
        Ok(flags) => flags,
        Err(Stop::Help(text)) => {
            say(&mut std::io::stdout(), &text);
            return 0;
        }
        Err(Stop::Version) => {
            say(&mut std::io::stdout(), &version::text(program, settings));
            return 0;
        }
        Err(Stop::Wrong(text)) => {
            say(&mut std::io::stderr(), &text);
            return 2;
        }
    };
    let (verbosity, check) = (spec.look)(&flags);
    let verbosity = verbosity.saturating_add(configured_verbosity(settings));
    let session = Session::new(program, settings, verbosity, check);
    match (spec.run)(&session, flags) {
        Ok(status) => {
            session.display.flush();
            status
        }
        Err(error) => {
            if error.kind() == Kind::Options {
                session.display.line(&parser.help(), None, false);
            }
            session.fail(&error)
        }
    }
}

/// A command that knows `--version`.
fn with_version(command: Command) -> Command {
    let version = clap::Arg::new("version")
        .long("version")
        .action(clap::ArgAction::Version)
        .help("tell the versions and places in use");
    command.version("2.14.18").disable_version_flag(true).arg(version)
}

fn configured_verbosity(settings: &Settings) -> u8 {
    u8::try_from(settings.get(&options::DEFAULT_VERBOSITY)).unwrap_or(0)
}

impl Session {
    fn new(program: &str, settings: &Arc<Settings>, verbosity: u8, check: bool) -> Self {
        let display = Arc::new(Display::new(display_options(settings, verbosity, check)));
        let session = Self {
            program: program.to_owned(),
            settings: Arc::clone(settings),
            display,
            verbosity,
        };
        session.introduce();
        session
    }

    /// What `-v` tells first, and what is wrong with the settings.
    fn introduce(&self) {
        for warning in self.settings.warnings() {
            self.display.warning(warning);
        }
        self.display.verbose(2, &version::text(&self.program, &self.settings), None);
        let text = match self.settings.file() {
            Some(file) => format!("Using {} as config file", file.display()),
            None => "No config file found; using defaults".to_owned(),
        };
        self.display.verbose(1, &text, None);
        for deprecated in self.settings.deprecations() {
            self.display.deprecated(deprecated);
        }
    }

    /// Shows an error; gives the exit status that goes with it.
    fn fail(&self, error: &Error) -> u8 {
        self.display.flush();
        match error.kind() {
            Kind::Quit => {}
            Kind::Interrupted => self.display.wrapped_error("User interrupted execution"),
            Kind::Internal => {
                self.display.error(&format!(
                    "Unexpected Exception, this is probably a bug: {}",
                    ansible::describe(error)
                ));
                if self.verbosity < 3 {
                    self.display.line("to see the full traceback, use -vvv", None, false);
                    self.display.flush();
                }
            }
            _ => self.display.error(&ansible::describe(error)),
        }
        // Under ansible's names nothing is printed that ansible does not print, unless asked for.
        if self.verbosity > 0 || !self.program.starts_with("ansible") {
            for hint in error.hints() {
                self.display.line(&format!("hint: {hint}"), None, true);
            }
        }
        ansible::exit_code(error)
    }

    /// The sink for warnings.
    pub fn notices(&self) -> Arc<dyn Notices> {
        Arc::clone(&self.display) as Arc<dyn Notices>
    }
}

fn display_options(settings: &Settings, verbosity: u8, check: bool) -> DisplayOptions {
    let colours = [
        (Colour::Changed, &options::COLOR_CHANGED),
        (Colour::Debug, &options::COLOR_DEBUG),
        (Colour::Deprecate, &options::COLOR_DEPRECATE),
        (Colour::DiffAdd, &options::COLOR_DIFF_ADD),
        (Colour::DiffLines, &options::COLOR_DIFF_LINES),
        (Colour::DiffRemove, &options::COLOR_DIFF_REMOVE),
        (Colour::Error, &options::COLOR_ERROR),
        (Colour::Highlight, &options::COLOR_HIGHLIGHT),
        (Colour::Ok, &options::COLOR_OK),
        (Colour::Skip, &options::COLOR_SKIP),
        (Colour::Unreachable, &options::COLOR_UNREACHABLE),
        (Colour::Verbose, &options::COLOR_VERBOSE),
        (Colour::Warn, &options::COLOR_WARN),
    ];
    let on_terminal = std::io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb" && !term.is_empty());
    let forced = settings.get(&options::ANSIBLE_FORCE_COLOR);
    DisplayOptions {
        columns: terminal::display_columns(),
        colour: forced || (on_terminal && !settings.get(&options::ANSIBLE_NOCOLOR)),
        verbosity,
        check,
        verbose_to_stderr: settings.get(&options::VERBOSE_TO_STDERR),
        deprecations: settings.get(&options::DEPRECATION_WARNINGS),
        colours: colours.iter().map(|(c, option)| (*c, settings.get(option))).collect(),
        log_path: settings.get(&options::DEFAULT_LOG_PATH),
    }
}
