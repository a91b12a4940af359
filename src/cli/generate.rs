//! `generate`: a whole tree from the description of a cluster.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Vault as VaultFlags},
};
use crate::{
    callback::{Colour, unified_diff},
    config::{Settings, System, options},
    diagnostic::{Error, Finding, Kind, Result, Source},
    generate::{
        self,
        description::Description,
        embedded,
        record::Record,
        secrets,
        tree::{self, KEPT, State, Step, Writer},
    },
    terminal,
    vault::{Sources, Vault, is_encrypted},
};

/// The tree is not what the description says: somebody's edits were left, or it was a check.
const NOT_AS_DESCRIBED: u8 = 3;
/// The description is wrong.
const WRONG_DESCRIPTION: u8 = 4;

/// Flags of `generate`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    #[command(flatten)]
    vault: VaultFlags,
    /// write the tree into this folder (default: the folder of the description)
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,
    /// write nothing; tell what would be written
    #[arg(short = 'C', long = "check")]
    check: bool,
    /// show how files change
    #[arg(short = 'D', long = "diff")]
    diff: bool,
    /// write over edited files where the description wants others now, without asking
    #[arg(short = 'y', long = "yes")]
    yes: bool,
    /// write over all edited files: the tree becomes what the description says
    #[arg(long = "force")]
    force: bool,
    /// the description of the cluster (default: cluster.yaml)
    #[arg(value_name = "DESCRIPTION")]
    description: Option<PathBuf>,
}

const EPILOG: &str = "\
Files that somebody edited are left alone. Where the description wants another text there now, the difference is shown and
you are asked; what is written over is kept in .vmstation-kept. Exit codes: 0 the tree is as described, 1 something can't
be read or written, 2 wrong flags, 3 the tree is not as described (--check found differences, or edited files were left
that should be others), 4 the description is wrong.";

/// Runs `generate`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "Write inventory, variables, playbooks, roles and manifests from the description of a cluster",
            epilog: Some(EPILOG),
            exclusive: super::flags::EXCLUSIVE,
            look: |f| (f.base.verbosity, false),
            run,
            check: |_| Ok(()),
        },
    )
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let path = flags.description.clone().unwrap_or_else(|| PathBuf::from("cluster.yaml"));
    let description = match Description::read(&source(&path)?) {
        Ok(description) => description,
        Err(errors) => {
            let colour = std::io::stderr().is_terminal() && colours(session);
            for error in &errors {
                session.display.line(&told(error, colour), None, true);
                session.display.line("", None, true);
            }
            let count = match errors.len() {
                1 => "1 mistake".to_owned(),
                n => format!("{n} mistakes"),
            };
            session.display.line(
                &format!("{count} in {}; nothing was written", path.display()),
                None,
                true,
            );
            return Ok(WRONG_DESCRIPTION);
        }
    };
    let plan = generate::plan(&description)?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = flags.output.clone().unwrap_or_else(|| beside.to_owned());
    let example = plan.get(secrets::EXAMPLE).map(|p| p.content.clone()).unwrap_or_default();
    let record = Record::load(&root)?;
    let steps = tree::compare(&root, plan, &record)?;
    let work = Work { session, flags: &flags, root: &root, steps: &steps };
    if flags.check {
        return Ok(work.check());
    }
    work.carry_out(&record, &example)
}

/// A mistake with the line that it is in, and advice.
fn told(error: &Error, colour: bool) -> String {
    let Some(span) = error.span() else { return error.to_string() };
    let hints = error.hints();
    let help = (!hints.is_empty()).then(|| hints.join("\n"));
    Finding::new(error.message(), span).helped(help).render(colour)
}

fn source(path: &Path) -> Result<Arc<Source>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        let error = Error::new(Kind::User, format!("can't read {}: {e}", path.display()));
        match e.kind() {
            std::io::ErrorKind::NotFound => error.hinted(format!(
                "describe your cluster there; the smallest description is:\n\n{}",
                embedded::SMALLEST
            )),
            _ => error,
        }
    })?;
    Ok(Source::new(path, text))
}

fn colours(session: &Session) -> bool {
    !session.settings.get(&options::ANSIBLE_NOCOLOR)
}

/// A comparison that is being carried out, or told.
struct Work<'a> {
    session: &'a Session,
    flags: &'a Flags,
    root: &'a Path,
    steps: &'a [Step],
}

impl Work<'_> {
    fn say(&self, text: &str) {
        self.session.display.line(text, None, false);
    }

    /// Whether a file in this state stays as it is, if nobody is asked.
    fn stays(&self, state: State) -> bool {
        match state {
            State::Edited | State::EditedObsolete => !self.flags.force,
            State::Conflict => !self.flags.force && !self.flags.yes,
            _ => false,
        }
    }

    /// Tells what would be done.
    fn check(&self) -> u8 {
        let mut count = Count::default();
        for step in self.steps {
            if let Some(word) = word(step.state) {
                self.say(&format!("{word:<9}{}", step.path));
            }
            let shown = self.flags.diff && step.state != State::New;
            if (shown && step.state != State::Same) || step.state == State::Conflict {
                self.show_difference(step);
            }
            count.add(step.state, self.stays(step.state));
        }
        let vault = self.root.join(secrets::VAULT);
        let new_vault = !exists(&vault);
        if new_vault {
            self.say(&format!("{:<9}{} (encrypted)", "create", secrets::VAULT));
            count.created += 1;
        }
        self.say(&format!("check: {count}"));
        if count.is_nothing() { 0 } else { NOT_AS_DESCRIBED }
    }

    fn carry_out(&self, record: &Record, example: &str) -> Result<u8> {
        let vault = self.root.join(secrets::VAULT);
        // Asked for first: without a password nothing is begun.
        let secrets = if exists(&vault) { None } else { Some(self.new_vault(example)?) };
        let left: Vec<&str> = self.left()?;
        let now = chrono::Local::now().format("%Y%m%d-%H%M%S").to_string();
        let writer = Writer::begin(self.root, record, self.steps, &now)?;
        let mut count = Count::default();
        for step in self.steps {
            let is_left = left.contains(&step.path.as_str());
            count.add(step.state, is_left);
            if step.state == State::Same || is_left {
                continue;
            }
            if let Some(word) = word(step.state) {
                let word = if word == "edited" { "restore" } else { word };
                self.say(&format!("{word:<9}{}", step.path));
            }
            if self.flags.diff && step.state == State::Changed {
                self.show_difference(step);
            }
            writer.carry_out(step)?;
        }
        if let Some((text, missing)) = secrets {
            tree::replace(&vault, text.as_bytes(), 0o600)?;
            self.say(&format!("{:<9}{} (encrypted)", "create", secrets::VAULT));
            count.created += 1;
            self.tell_missing(&missing);
        } else {
            self.look_at(&vault);
        }
        writer.end(record, self.steps, &left)?;
        if count.overwritten > 0 {
            self.say(&format!("what you had edited is in {KEPT}/{now}"));
        }
        self.say(&count.to_string());
        Ok(if count.conflicts > 0 { NOT_AS_DESCRIBED } else { 0 })
    }

    /// The paths that stay as people made them.
    fn left(&self) -> Result<Vec<&str>> {
        let mut left = Vec::new();
        let mut all = self.flags.yes || self.flags.force;
        let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        for step in self.steps {
            let goes = match step.state {
                State::Edited | State::EditedObsolete => {
                    if !self.flags.force {
                        self.say(&format!("{:<9}{} (edited by you)", "leave", step.path));
                    }
                    self.flags.force
                }
                State::Conflict => {
                    self.show_difference(step);
                    if !all && on_terminal {
                        let question =
                            format!("{} was edited. Write over it? [y/N/a(ll)] ", step.path);
                        let answer = terminal::ask(&question)?.trim().to_lowercase();
                        all = answer == "a" || answer == "all";
                        all || answer == "y" || answer == "yes"
                    } else {
                        all
                    }
                }
                _ => true,
            };
            if !goes {
                left.push(step.path.as_str());
                if step.state == State::Conflict {
                    let path = &step.path;
                    self.say(&format!(
                        "{:<9}{path} (edited by you; --yes writes over it)",
                        "leave"
                    ));
                }
            }
        }
        Ok(left)
    }

    fn show_difference(&self, step: &Step) {
        let before = step.before.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let after = step.after.as_ref().map_or("", |p| p.content.as_str());
        let from = format!("{} (now)", step.path);
        let to = format!("{} (as described)", step.path);
        for line in unified_diff(&before, after, &from, &to, 3) {
            let colour = match line.as_bytes().first() {
                Some(b'+') => Some(Colour::DiffAdd),
                Some(b'-') => Some(Colour::DiffRemove),
                Some(b'@') => Some(Colour::DiffLines),
                _ => None,
            };
            self.session.display.line(line.trim_end_matches('\n'), colour, false);
        }
    }

    /// The text of a new vault, encrypted, and the names of secrets that are still empty in it.
    fn new_vault(&self, example: &str) -> Result<(String, Vec<String>)> {
        let session = self.session;
        let settings = &session.settings;
        let mut sources =
            Sources { new_password: true, ..super::session::sources(settings, &self.flags.vault) };
        let file = self.root.join("inventory/.vault-password");
        if sources.ids.is_empty() && sources.files.is_empty() && !sources.ask {
            // Where deploy.sh looks for it.
            if file.exists() {
                sources.files.push(file.display().to_string());
            } else if std::io::stdin().is_terminal() {
                sources.ask = true;
            } else {
                let text = "the secrets need a password, and there is no terminal to ask on";
                return Err(Error::new(Kind::Vault, text)
                    .hinted("--vault-password-file names a file that holds it"));
            }
        }
        let vault = Vault::new(settings.get(&options::DEFAULT_VAULT_ID_MATCH), session.notices());
        sources.load(&vault, &System, &*session.notices(), &mut |p| terminal::secret(p))?;
        let wanted = settings.get(&options::DEFAULT_VAULT_ENCRYPT_IDENTITY);
        let Some((id, secret)) = vault.secret_for(wanted.as_deref())? else {
            return Err(Error::new(Kind::Vault, "the secrets need a password"));
        };
        let fresh = secrets::fresh(example)?;
        Ok((vault.encrypt(fresh.text.as_bytes(), &secret, Some(&id))?, fresh.missing))
    }

    fn tell_missing(&self, missing: &[String]) {
        if !missing.is_empty() {
            self.session.display.warning(&format!(
                "{} is still empty in {}: vmstation-play vault edit {}",
                missing.join(", "),
                secrets::VAULT,
                self.root.join(secrets::VAULT).display()
            ));
        }
    }

    /// Secrets that are there are never touched; ones that anybody can read are remarked on.
    fn look_at(&self, vault: &Path) {
        if std::fs::read(vault).is_ok_and(|data| !is_encrypted(&data)) {
            let text =
                format!("{} is not encrypted: vmstation-play vault encrypt it", vault.display());
            self.session.display.warning(&text);
        }
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// What is said of a file.
fn word(state: State) -> Option<&'static str> {
    match state {
        State::Same => None,
        State::New => Some("create"),
        State::Changed => Some("change"),
        State::Obsolete => Some("remove"),
        State::Edited | State::EditedObsolete => Some("edited"),
        State::Conflict => Some("conflict"),
    }
}

/// How many files of which kind.
#[derive(Default)]
struct Count {
    created: usize,
    changed: usize,
    removed: usize,
    same: usize,
    /// Edited, and as planned as before.
    edited: usize,
    /// Edited, and planned otherwise.
    conflicts: usize,
    /// Edited, and written over.
    overwritten: usize,
}

impl Count {
    fn add(&mut self, state: State, left: bool) {
        match state {
            State::Same => self.same += 1,
            State::New => self.created += 1,
            State::Changed => self.changed += 1,
            State::Obsolete => self.removed += 1,
            State::Edited | State::EditedObsolete if left => self.edited += 1,
            State::Conflict if left => self.conflicts += 1,
            State::Edited | State::EditedObsolete | State::Conflict => self.overwritten += 1,
        }
    }

    fn is_nothing(&self) -> bool {
        self.created + self.changed + self.removed + self.conflicts + self.overwritten == 0
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            ("created", self.created),
            ("changed", self.changed),
            ("removed", self.removed),
            ("written over", self.overwritten),
            ("left as edited", self.edited),
            ("left though described otherwise", self.conflicts),
            ("unchanged", self.same),
        ];
        let said: Vec<String> =
            parts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
        f.write_str(&said.join(", "))
    }
}
