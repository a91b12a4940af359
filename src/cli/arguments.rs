//! Command lines: clap reads them; usage, help and errors look as people (and their scripts) know
//! them from Python's argparse.

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// What reading a command line came to, if not to options.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// `--help`: this text for standard output, and success.
    Help(String),
    /// `--version` was asked for.
    Version,
    /// The command line is wrong: this text for standard error, and status 2.
    Wrong(String),
}

/// Arguments that exclude each other.
pub type Exclusive = &'static [&'static [&'static str]];

/// A command and the arguments in it that exclude each other.
pub struct Parser {
    command: Command,
    exclusive: Exclusive,
    columns: usize,
}

impl Parser {
    /// A parser for `command`, to be shown on lines of `columns`.
    pub fn new(command: Command, exclusive: Exclusive, columns: usize) -> Self {
        let command = command.args_override_self(true).infer_long_args(true);
        Self { command, exclusive, columns }
    }

    /// Reads `args`, which don't have the program's name.
    pub fn parse(&self, args: &[String]) -> Result<ArgMatches, Stop> {
        let with_name = std::iter::once(self.command.get_name().to_owned()).chain(args.to_vec());
        let matches =
            self.command.clone().try_get_matches_from(with_name).map_err(|e| self.stop(&e))?;
        self.check_exclusive(&matches)?;
        Ok(matches)
    }

    /// The error `message`, with usage and help around it.
    pub fn wrong(&self, message: &str) -> Stop {
        // ansible prints the whole help after argparse has said what is wrong.
        Stop::Wrong(format!(
            "{}\n{}: error: {message}\n \n{}",
            self.usage(),
            self.command.get_name(),
            self.help()
        ))
    }

    fn stop(&self, error: &clap::Error) -> Stop {
        match error.kind() {
            ErrorKind::DisplayHelp => Stop::Help(self.help()),
            ErrorKind::DisplayVersion => Stop::Version,
            _ => self.wrong(&self.message(error)),
        }
    }

    fn message(&self, error: &clap::Error) -> String {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(s)) => s.clone(),
            Some(ContextValue::Strings(all)) => all.join(", "),
            _ => String::new(),
        };
        let given = text(ContextKind::InvalidArg);
        let value = text(ContextKind::InvalidValue);
        match error.kind() {
            ErrorKind::MissingRequiredArgument => {
                let names: Vec<_> = self
                    .positionals()
                    .map(metavar)
                    .filter(|name| given.contains(name.as_str()))
                    .collect();
                format!("the following arguments are required: {}", names.join(", "))
            }
            ErrorKind::MissingSubcommand => {
                "the following arguments are required: action".to_owned()
            }
            ErrorKind::InvalidSubcommand => {
                let names: Vec<_> =
                    self.command.get_subcommands().map(|c| format!("'{}'", c.get_name())).collect();
                let wrong = text(ContextKind::InvalidSubcommand);
                format!(
                    "argument action: invalid choice: '{wrong}' (choose from {})",
                    names.join(", ")
                )
            }
            ErrorKind::UnknownArgument => self.unknown(&given),
            ErrorKind::InvalidValue if value.is_empty() => {
                format!("argument {}: expected one argument", self.names_of(&given))
            }
            ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
                format!("argument {}: invalid int value: '{value}'", self.names_of(&given))
            }
            ErrorKind::TooManyValues => {
                let name = given.split('=').next().unwrap_or(&given);
                format!("argument {}: ignored explicit argument '{value}'", self.names_of(name))
            }
            _ => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    fn unknown(&self, given: &str) -> String {
        let name = given.split('=').next().unwrap_or(given);
        let meant: Vec<String> = self
            .options()
            .flat_map(longs)
            .filter(|long| name.starts_with("--") && long.starts_with(name))
            .collect();
        if meant.len() > 1 {
            return format!("ambiguous option: {name} could match {}", meant.join(", "));
        }
        format!("unrecognized arguments: {given}")
    }

    /// All names of the option that clap speaks of.
    fn names_of(&self, given: &str) -> String {
        let word = given.split([' ', '=']).next().unwrap_or(given);
        let found = self.options().find(|a| names(a).iter().any(|n| n == word));
        found.map_or_else(|| word.to_owned(), |a| names(a).join("/"))
    }

    fn check_exclusive(&self, matches: &ArgMatches) -> Result<(), Stop> {
        for group in self.exclusive {
            let mut given: Vec<(usize, &Arg)> = self
                .options()
                .filter(|a| group.contains(&a.get_id().as_str()))
                .filter_map(|a| {
                    let id = a.get_id().as_str();
                    let typed =
                        matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
                    let at = matches.indices_of(id)?.next()?;
                    typed.then_some((at, a))
                })
                .collect();
            given.sort_by_key(|(at, _)| *at);
            if let [(_, first), (_, second), ..] = given[..] {
                return Err(self.wrong(&format!(
                    "argument {}: not allowed with argument {}",
                    names(second).join("/"),
                    names(first).join("/")
                )));
            }
        }
        Ok(())
    }

    fn options(&self) -> impl Iterator<Item = &Arg> {
        self.command.get_arguments().filter(|a| !a.is_positional())
    }

    fn positionals(&self) -> impl Iterator<Item = &Arg> {
        self.command.get_positionals()
    }

    /// `usage: …`, wrapped as argparse wraps it.
    pub fn usage(&self) -> String {
        let program = self.command.get_name();
        let options = self.usage_of_options();
        let mut rest: Vec<String> = self.positionals().map(usage_of_positional).collect();
        if self.command.has_subcommands() {
            rest.push(self.choices());
            rest.push("...".to_owned());
        }
        let all: Vec<String> = options.iter().chain(&rest).cloned().collect();
        let width = self.columns.saturating_sub(2).max(11);
        let one_line = format!("usage: {program} {}", all.join(" "));
        if one_line.chars().count() <= width {
            return one_line;
        }
        let indent = " ".repeat("usage: ".len() + program.len() + 1);
        let mut lines = pack(&options, &indent, width);
        if let Some(first) = lines.first_mut() {
            *first = format!("usage: {program} {}", first.trim_start());
        }
        lines.extend(pack(&rest, &indent, width));
        lines.join("\n")
    }

    fn choices(&self) -> String {
        let names: Vec<_> = self.command.get_subcommands().map(Command::get_name).collect();
        format!("{{{}}}", names.join(","))
    }

    fn usage_of_options(&self) -> Vec<String> {
        let mut parts = vec!["[-h]".to_owned()];
        let mut done: Vec<&str> = Vec::new();
        for option in self.options().filter(|o| !is_help(o) && !o.is_hide_set()) {
            let id = option.get_id().as_str();
            if done.contains(&id) {
                continue;
            }
            let group = self.exclusive.iter().find(|g| g.contains(&id));
            let members: Vec<&Arg> = match group {
                Some(group) => {
                    self.options().filter(|o| group.contains(&o.get_id().as_str())).collect()
                }
                None => vec![option],
            };
            done.extend(members.iter().map(|m| m.get_id().as_str()));
            let shown: Vec<_> = members
                .iter()
                .map(|m| {
                    let name = names(m).into_iter().next().unwrap_or_default();
                    if takes_value(m) { format!("{name} {}", metavar(m)) } else { name }
                })
                .collect();
            parts.push(format!("[{}]", shown.join(" | ")));
        }
        parts
    }

    /// The whole help.
    pub fn help(&self) -> String {
        let mut text = format!("{}\n", self.usage());
        let width = self.columns.saturating_sub(2).max(11);
        let about = self.command.get_about().map(ToString::to_string).unwrap_or_default();
        if !about.is_empty() {
            text += &format!("\n{}\n", textwrap_lines(&about, width).join("\n"));
        }
        let mut section = |title: &str, about: Option<&str>, entries: Vec<(String, String)>| {
            if entries.is_empty() {
                return;
            }
            text += &format!("\n{title}:\n");
            if let Some(about) = about {
                text += &format!("  {about}\n\n");
            }
            for (name, help) in entries {
                text += &entry(&name, &help, width);
            }
        };
        let help_of = |a: &Arg| a.get_help().map(ToString::to_string).unwrap_or_default();
        let mut positionals: Vec<_> =
            self.positionals().map(|a| (metavar(a), help_of(a))).collect();
        if self.command.has_subcommands() {
            positionals.push((self.choices(), String::new()));
        }
        for command in self.command.get_subcommands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            positionals.push((format!("  {}", command.get_name()), about));
        }
        section("positional arguments", None, positionals);
        let mut options: Vec<&Arg> = self.options().filter(|o| !o.is_hide_set()).collect();
        options.sort_by_key(|o| names(o));
        let listed = |heading: Option<&str>| -> Vec<(String, String)> {
            let of_heading = options.iter().filter(|o| o.get_help_heading() == heading);
            of_heading.map(|o| (invocation(o), help_of(o))).collect()
        };
        let mut general = listed(None);
        general.push(("-h, --help".to_owned(), "show this help message and exit".to_owned()));
        general.sort_by(|a, b| sort_key(&a.0).cmp(sort_key(&b.0)));
        section("options", None, general);
        let mut headings: Vec<&str> = Vec::new();
        for heading in self.options().filter_map(Arg::get_help_heading) {
            if !headings.contains(&heading) {
                headings.push(heading);
            }
        }
        for heading in headings {
            let (title, about) =
                heading.split_once(": ").map_or((heading, None), |(t, a)| (t, Some(a)));
            section(title, about, listed(Some(heading)));
        }
        if let Some(epilog) = self.command.get_after_help() {
            text += &format!("\n{epilog}\n");
        }
        text
    }
}

/// What argparse sorts an entry by: its first name.
fn sort_key(entry: &str) -> &str {
    entry.split([',', ' ']).next().unwrap_or(entry)
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Help)
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

fn longs(arg: &Arg) -> Vec<String> {
    let own = arg.get_long().into_iter();
    let aliases = arg.get_visible_aliases().unwrap_or_default();
    own.chain(aliases).map(|l| format!("--{l}")).collect()
}

/// Every name of an option, the short one first.
fn names(arg: &Arg) -> Vec<String> {
    arg.get_short().map(|s| format!("-{s}")).into_iter().chain(longs(arg)).collect()
}

fn metavar(arg: &Arg) -> String {
    match arg.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => arg.get_id().as_str().to_uppercase(),
    }
}

fn usage_of_positional(arg: &Arg) -> String {
    let name = metavar(arg);
    let many = arg.get_num_args().is_some_and(|n| n.max_values() > 1);
    match (arg.is_required_set(), many) {
        (true, true) => format!("{name} [{name} ...]"),
        (true, false) => name,
        (false, true) => format!("[{name} ...]"),
        (false, false) => format!("[{name}]"),
    }
}

fn invocation(arg: &Arg) -> String {
    let value = match takes_value(arg) {
        true => format!(" {}", metavar(arg)),
        false => String::new(),
    };
    names(arg).iter().map(|n| format!("{n}{value}")).collect::<Vec<_>>().join(", ")
}

/// Parts on lines of `width`, each line indented.
fn pack(parts: &[String], indent: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + part.chars().count() <= width => {
                line.push(' ');
                line.push_str(part);
            }
            _ => lines.push(format!("{indent}{part}")),
        }
    }
    lines
}

/// An entry of the help: its name, and beside it (or below, if the name is long) what it does.
fn entry(name: &str, help: &str, width: usize) -> String {
    const COLUMN: usize = 24;
    let lines = textwrap_lines(help, width.saturating_sub(COLUMN).max(11));
    let pad = " ".repeat(COLUMN);
    let mut text = format!("  {name}");
    let mut rest = lines.iter();
    if name.chars().count() <= COLUMN - 4
        && let Some(first) = rest.next()
    {
        text = format!("{text:COLUMN$}{first}");
    }
    text.push('\n');
    for line in rest {
        text += &format!("{pad}{line}\n");
    }
    text
}

/// Words on lines of `width`.
fn textwrap_lines(text: &str, width: usize) -> Vec<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    pack(&words, "", width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(columns: usize) -> Parser {
        let command = Command::new("tool")
            .about("Does things.")
            .arg(Arg::new("verbosity").short('v').long("verbose").action(ArgAction::Count))
            .arg(Arg::new("version").long("version").action(ArgAction::Version).help("version"))
            .version("1")
            .disable_version_flag(true)
            .arg(
                Arg::new("forks")
                    .short('f')
                    .long("forks")
                    .value_name("FORKS")
                    .value_parser(clap::value_parser!(i64))
                    .help("how many"),
            )
            .arg(Arg::new("ask").short('k').long("ask-pass").action(ArgAction::SetTrue))
            .arg(Arg::new("file").long("pass-file").value_name("FILE"))
            .arg(Arg::new("args").value_name("name").required(true).num_args(1..));
        Parser::new(command, &[&["ask", "file"]], columns)
    }

    #[track_caller]
    fn wrong(args: &[&str], text: &str) {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        match parser(80).parse(&args) {
            Err(Stop::Wrong(message)) => {
                let line = format!("tool: error: {text}\n");
                assert!(message.contains(&line), "{message}");
            }
            other => assert!(other.is_err(), "{args:?} was accepted"),
        }
    }

    #[test]
    fn errors_read_as_argparse_writes_them() {
        wrong(&[], "the following arguments are required: name");
        wrong(&["--nope", "a"], "unrecognized arguments: --nope");
        wrong(&["--ver", "a"], "ambiguous option: --ver could match --verbose, --version");
        wrong(&["a", "-f"], "argument -f/--forks: expected one argument");
        wrong(&["a", "-f", "x"], "argument -f/--forks: invalid int value: 'x'");
        wrong(
            &["a", "-k", "--pass-file", "b"],
            "argument --pass-file: not allowed with argument -k/--ask-pass",
        );
    }

    #[test]
    fn options_can_be_shortened_and_repeated() {
        let args = ["-vv", "--fork", "3", "-f4", "a", "b"].map(str::to_owned);
        let matches = parser(80).parse(&args);
        let matches = matches.map_err(|_| "refused").expect("a good command line");
        assert_eq!(matches.get_one::<i64>("forks"), Some(&4));
        assert_eq!(matches.get_count("verbosity"), 2);
    }

    #[test]
    fn usage_is_wrapped_under_the_name() {
        assert_eq!(
            parser(60).usage(),
            "usage: tool [-h] [-v] [--version] [-f FORKS]\n            \
             [-k | --pass-file FILE]\n            name [name ...]"
        );
    }
}
