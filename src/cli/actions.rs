//! Commands that have actions, such as `ansible-vault encrypt`.

use clap::{Args, Command};

use super::{arguments::Parser, arguments::Stop, flags, say, terminal, version, with_version};
use crate::config::Settings;

/// The actions of a command.
pub(super) struct Actions {
    /// What the command is for.
    pub about: &'static str,
    /// Whether its help tells of the help of actions.
    pub epilog: bool,
    /// Names, and a line each.
    pub all: &'static [(&'static str, &'static str)],
}

impl Actions {
    /// The action named, the name that it goes by, and its arguments; the exit status where it is
    /// not for an action to run.
    pub fn choose(
        &self,
        program: &str,
        args: &[String],
        settings: &Settings,
    ) -> Result<(&'static str, String, Vec<String>), u8> {
        let leading = args.iter().take_while(|a| a.starts_with("-v")).count();
        let (verbose, rest) = args.split_at(leading);
        let chosen = rest.split_first().and_then(|(action, rest)| {
            let (name, _) = self.all.iter().find(|(name, _)| name == action)?;
            Some((*name, rest))
        });
        let Some((action, rest)) = chosen else {
            return Err(self.without(program, args, settings));
        };
        let rest = rest.iter().chain(verbose).cloned().collect();
        Ok((action, format!("{program} {action}"), rest))
    }

    /// What is said where no action is named: help, version, or what is wrong.
    fn without(&self, program: &str, args: &[String], settings: &Settings) -> u8 {
        let command = with_version(Command::new(program.to_owned()));
        let mut command = flags::Base::augment_args(command)
            .about(self.about)
            .subcommand_required(true)
            .disable_help_subcommand(true);
        if self.epilog {
            let more = format!("See '{program} <command> --help' for more on a command.");
            command = command.after_help(more);
        }
        for (name, about) in self.all {
            command = command.subcommand(Command::new(*name).about(*about));
        }
        let parser = Parser::new(command, &[], terminal::help_columns());
        let stop = match parser.parse(args) {
            Err(stop) => stop,
            // A flag before the action that is not -v.
            Ok(_) => parser.wrong("the following arguments are required: action"),
        };
        match stop {
            Stop::Help(text) => {
                say(&mut std::io::stdout(), &text);
                0
            }
            Stop::Version => {
                say(&mut std::io::stdout(), &version::text(program, settings));
                0
            }
            Stop::Wrong(text) => {
                say(&mut std::io::stderr(), &text);
                2
            }
        }
    }
}
