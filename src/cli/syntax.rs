//! `--syntax-check`: all that is wrong with playbooks, at once.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Session, listing::Lister, session::Ground};
use crate::{
    diagnostic::{Error, Finding, ansible},
    review::Reviewer,
};

/// How much `--syntax-check` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Depth {
    /// What ansible tells: the first thing that keeps a playbook from being loaded.
    Ansible,
    /// All that keeps it from being loaded, and what will fail when it runs; the exit code is ansible's.
    All,
    /// The same, and what will fail when it runs counts as an error.
    Strict,
}

impl Depth {
    /// What `--syntax-check` alone means: under ansible's own names, what ansible does.
    pub fn of(program: &str) -> Self {
        if program.starts_with("ansible") { Self::Ansible } else { Self::All }
    }
}

/// Checks playbooks; gives the exit status.
pub fn check(
    session: &Session,
    ground: &Ground,
    lister: &Lister<'_>,
    playbooks: &[PathBuf],
    depth: Depth,
) -> u8 {
    ground.loader.collect_mistakes();
    let mut errors: Vec<Error> = Vec::new();
    let mut loaded = Vec::new();
    for path in playbooks {
        let one = lister.load(path);
        errors.extend(ground.loader.mistakes());
        ground.loader.collect_mistakes();
        match one {
            Ok(one) => loaded.push(one.playbook),
            Err(error) => errors.push(error),
        }
    }
    let status = errors.first().map_or(0, ansible::exit_code);
    if errors.is_empty() {
        loaded.iter().for_each(|playbook| lister.title(playbook));
    }
    for error in &errors {
        session.fail(error);
    }
    let reviewer = Reviewer { loader: &ground.loader, templates: &ground.templates };
    let found = reviewer.playbooks(&loaded);
    tell(session, &found);
    let problems = errors.len() + found.len();
    if problems > 1 {
        session.display.line(&format!("\n{problems} problems"), None, true);
    }
    match (status, found.is_empty()) {
        (0, false) if depth == Depth::Strict => 4,
        (status, _) => status,
    }
}

fn tell(session: &Session, found: &[Finding]) {
    session.display.flush();
    for finding in found {
        let text = finding.render(session.display.has_colour());
        session.display.line(&format!("\n{text}"), None, true);
    }
    session.display.flush();
}
