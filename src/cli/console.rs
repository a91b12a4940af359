//! `ansible-console`: a prompt; each line is a task on the hosts that are chosen.

use std::{io::Write, sync::Arc};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Become, Check, Connection, EXCLUSIVE, Forks, Hosts, Modules, Variables, Vault},
    passwords::{self, Passwords},
    play::play_defaults,
    runner::{self, Start},
    session::{Ground, Wishes, selection},
};
use crate::{
    callback,
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result, ansible},
    playbook::{
        keywords,
        load::takes_command,
        resolve::{self, Places},
        splitter::parse_kv,
    },
    terminal,
    value::{Dict, Value},
    vars::RunOptions,
};

/// Flags of `ansible-console`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    #[command(flatten)]
    r#become: Become,
    #[command(flatten)]
    hosts: Hosts,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    check: Check,
    #[command(flatten)]
    vault: Vault,
    #[command(flatten)]
    forks: Forks,
    #[command(flatten)]
    modules: Modules,
    /// the folder that stands for a playbook's: roles/, group_vars/ and the like are looked for there
    #[arg(long = "playbook-dir", value_name = "BASEDIR")]
    basedir: Option<String>,
    #[command(flatten)]
    variables: Variables,
    /// give tasks so many seconds
    #[arg(long = "task-timeout", value_name = "TASK_TIMEOUT")]
    task_timeout: Option<i64>,
    /// ask before each task
    #[arg(long = "step")]
    step: bool,
    /// host pattern
    #[arg(value_name = "pattern", default_value = "all")]
    pattern: String,
}

/// Runs `ansible-console`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "REPL console for executing Ansible tasks.",
            epilog: Some(
                "This is not a live session/connection: each task is executed in the background and returns its results.",
            ),
            exclusive: EXCLUSIVE,
            look: |f| (f.base.verbosity, f.check.check),
            run,
            check: |f| super::play::check_forks(&f.forks),
        },
    )
}

/// Commands of the console itself, and what they are for.
const COMMANDS: &[(&str, &str)] = &[
    ("become", "become VALUE: whether tasks become another user"),
    ("become_method", "become_method NAME: how they do that"),
    ("become_user", "become_user NAME: whom they become"),
    ("cd", "cd PATTERN: the hosts that tasks run on; `cd` alone is all of them"),
    ("check", "check VALUE: whether tasks only tell what they would change"),
    (
        "collections",
        "collections NAME[,NAME...]: where short names are looked for; `none` for the usual places",
    ),
    ("diff", "diff VALUE: whether differences are shown"),
    ("exit", "exit: leave"),
    ("forks", "forks NUMBER: how many hosts at once"),
    ("help", "help [NAME]: this, or what a command or module is for"),
    ("list", "list [groups]: the hosts that are chosen, or all groups"),
    ("remote_user", "remote_user NAME: whom tasks log in as"),
    ("serial", "serial NUMBER: the same as forks"),
    ("shell", "shell LINE: a line for the hosts' shell; `!LINE` is the same"),
    ("timeout", "timeout SECONDS: how long a task may take; 0 is for ever"),
    ("verbosity", "verbosity NUMBER: how much is told"),
];

/// What the commands change.
struct Console<'a> {
    session: &'a Session,
    flags: &'a Flags,
    ground: Ground,
    passwords: Passwords,
    cwd: String,
    remote_user: Option<String>,
    r#become: bool,
    become_user: Option<String>,
    become_method: Option<String>,
    check: bool,
    diff: bool,
    forks: i64,
    timeout: i64,
    collections: Vec<String>,
    verbosity: u8,
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let settings = &session.settings;
    let passwords = passwords::ask(session, &flags.connection, &flags.r#become)?;
    let forks = flags.forks.forks.unwrap_or_else(|| settings.get(&options::DEFAULT_FORKS));
    let check = flags.check.check;
    let diff = flags.check.diff || settings.get(&options::DIFF_ALWAYS);
    let wishes = Wishes {
        vault: &flags.vault,
        hosts: &flags.hosts,
        variables: &flags.variables,
        modules: &flags.modules,
        listing: false,
        run: RunOptions {
            check,
            diff,
            forks: usize::try_from(forks).ok(),
            ..RunOptions::default()
        },
    };
    let ground = Ground::lay(session, wishes)?;
    ground.inventory.target(flags.hosts.limit.as_deref(), &flags.pattern)?;
    let remote_user = flags.connection.remote_user.clone();
    let mut console = Console {
        session,
        ground,
        passwords,
        cwd: flags.pattern.clone(),
        remote_user: remote_user.or_else(|| settings.get(&options::DEFAULT_REMOTE_USER)),
        r#become: flags.r#become.r#become || settings.get(&options::DEFAULT_BECOME),
        become_user: flags.r#become.become_user.clone(),
        become_method: flags.r#become.become_method.clone(),
        check,
        diff,
        forks,
        timeout: flags.task_timeout.unwrap_or_else(|| settings.get(&options::TASK_TIMEOUT)),
        collections: Vec::new(),
        verbosity: session.verbosity,
        flags: &flags,
    };
    console.say("Welcome to the ansible console. Type help or ? to list commands.");
    console.say("");
    loop {
        session.display.flush();
        let Some(line) = terminal::ask_unless_ended(&console.prompt())? else { break };
        if !console.line(line.trim())? {
            break;
        }
    }
    session.display.flush();
    // A reader that went away is no reason to fail.
    let _ = std::io::stdout().write_all(b"\nAnsible-console was exited.\n");
    Ok(0)
}

impl Console<'_> {
    fn say(&self, text: &str) {
        self.session.display.line(text, None, false);
    }

    fn error(&self, text: &str) {
        self.session.display.error(text);
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        let limit = self.flags.hosts.limit.as_deref();
        self.ground.inventory.target(limit, &self.cwd).unwrap_or_default()
    }

    fn prompt(&self) -> String {
        let user = self.remote_user.clone().or_else(|| std::env::var("LOGNAME").ok());
        let user = user.or_else(|| std::env::var("USER").ok()).unwrap_or_else(own_name);
        let root = self.r#become && matches!(self.become_user.as_deref(), None | Some("root"));
        let sign = if root { '#' } else { '$' };
        format!("{user}@{} ({})[f:{}]{sign} ", self.cwd, self.hosts().len(), self.forks)
    }

    /// Does what a line says; whether there is to be another.
    fn line(&mut self, line: &str) -> Result<bool> {
        let rewritten;
        let line = if let Some(rest) = line.strip_prefix('?') {
            rewritten = format!("help {}", rest.trim());
            rewritten.trim()
        } else if let Some(rest) = line.strip_prefix('!') {
            rewritten = format!("shell {rest}");
            &rewritten
        } else {
            line
        };
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let rest = rest.trim();
        match word {
            "" if line.is_empty() => {}
            "exit" | "EOF" => return Ok(false),
            "help" => self.help(rest),
            "shell" => self.task("shell", rest)?,
            _ if COMMANDS.iter().any(|(name, _)| *name == word) => self.command(word, rest),
            _ => self.free(line)?,
        }
        Ok(true)
    }

    /// A module with its arguments, or a line for the shell.
    fn free(&mut self, line: &str) -> Result<()> {
        if line.starts_with('#') {
            return Ok(());
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match self.is_module(word) {
            true => self.task(word, rest.trim()),
            false => self.task("shell", line),
        }
    }

    fn is_module(&self, name: &str) -> bool {
        let places = Places::default();
        matches!(resolve::meaning(name, &self.collections, &places), resolve::Meaning::Known(_))
    }

    fn number(&self, text: &str, what: &str) -> Option<i64> {
        let number = text.parse().ok();
        if number.is_none() {
            self.error(&format!("The {what} must be a valid integer: {text}"));
        }
        number
    }

    /// A word that means yes or no; what means neither is no.
    fn truth(text: &str) -> bool {
        keywords::to_bool(&Value::str(text)).unwrap_or(false)
    }

    fn command(&mut self, word: &str, rest: &str) {
        let usage =
            || COMMANDS.iter().find(|(name, _)| *name == word).map_or("", |(_, text)| *text);
        if rest.is_empty() && !matches!(word, "cd" | "list" | "collections") {
            self.say(&format!("Usage: {}", usage()));
            return;
        }
        match word {
            "cd" => self.change(rest),
            "list" if rest.is_empty() => {
                for host in self.hosts() {
                    self.say(&host);
                }
            }
            "list" if rest == "groups" => {
                for group in self.ground.inventory.groups() {
                    self.say(&group);
                }
            }
            "list" => {
                self.error("Invalid option passed to \"list\"");
                self.say(usage());
            }
            "become" => self.r#become = Self::truth(rest),
            "become_user" => self.become_user = Some(rest.to_owned()),
            "become_method" => self.become_method = Some(rest.to_owned()),
            "remote_user" => self.remote_user = Some(rest.to_owned()),
            "check" => {
                self.check = Self::truth(rest);
                self.say(&format!("check mode changed to {}", python(self.check)));
            }
            "diff" => {
                self.diff = Self::truth(rest);
                self.say(&format!("diff mode changed to {}", python(self.diff)));
            }
            "forks" | "serial" => match self.number(rest, "forks") {
                Some(forks) if forks > 0 => self.forks = forks,
                Some(_) => self.say("forks must be greater than or equal to 1"),
                None => {}
            },
            "timeout" => match self.number(rest, "timeout") {
                Some(timeout) if timeout >= 0 => self.timeout = timeout,
                Some(_) => {
                    self.error("The timeout must be greater than or equal to 1, use 0 to disable")
                }
                None => {}
            },
            "verbosity" => {
                if let Some(number) = self.number(rest, "verbosity") {
                    self.verbosity = u8::try_from(number).unwrap_or(0);
                    self.session.display.set_verbosity(self.verbosity);
                    self.session.display.verbose(
                        1,
                        &format!("verbosity level set to {rest}"),
                        None,
                    );
                }
            }
            _ => {
                self.collections = match rest {
                    "" | "none" => Vec::new(),
                    names => names.split(',').map(|name| name.trim().to_owned()).collect(),
                };
            }
        }
    }

    fn change(&mut self, pattern: &str) {
        if pattern.is_empty() {
            "*".clone_into(&mut self.cwd);
        } else if matches!(pattern, "/" | "*" | "/*") {
            "all".clone_into(&mut self.cwd);
        } else if self.ground.inventory.target(None, pattern).is_ok_and(|hosts| !hosts.is_empty()) {
            pattern.clone_into(&mut self.cwd);
        } else {
            self.say("no host matched");
        }
    }

    fn help(&self, about: &str) {
        if about.is_empty() {
            self.say("Commands:");
            for (_, text) in COMMANDS {
                self.say(&format!("  {text}"));
            }
            self.say("All else is a module with its arguments, or a line for the hosts' shell.");
            return;
        }
        if let Some((_, text)) = COMMANDS.iter().find(|(name, _)| *name == about) {
            self.say(text);
            return;
        }
        let Some((summary, options)) = super::doc::parameters(about) else {
            self.error(&format!(
                "{about} is not a valid command, use ? to list all valid commands."
            ));
            return;
        };
        self.say(&summary);
        self.say("Parameters:");
        for (name, text) in options {
            self.say(&format!("  {name} {text}"));
        }
    }

    /// Runs a module on the hosts that are chosen.
    fn task(&mut self, module: &str, args: &str) -> Result<()> {
        if self.hosts().is_empty() {
            self.error("No hosts found");
            return Ok(());
        }
        match self.play(module, args).and_then(|play| self.execute(&play)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == Kind::Quit => Err(error),
            Err(error) => {
                self.error(&ansible::describe(&error));
                Ok(())
            }
        }
    }

    fn play(&self, module: &str, args: &str) -> Result<Dict> {
        let args = parse_kv(args, takes_command(module)).map_err(|e| {
            Error::new(Kind::Parser, format!("Unable to build command: {}", e.message()))
        })?;
        let action: Dict =
            [("module", Value::from(module)), ("args", Value::Dict(args))].into_iter().collect();
        let task: Dict = [("action", Value::Dict(action)), ("timeout", Value::Int(self.timeout))]
            .into_iter()
            .collect();
        let play: Dict = [
            ("name", Value::from("Ansible Shell")),
            ("hosts", Value::from(self.cwd.as_str())),
            ("gather_facts", Value::from("no")),
            ("tasks", Value::list(vec![Value::Dict(task)])),
            ("become", Value::Bool(self.r#become)),
            ("check_mode", Value::Bool(self.check)),
            ("diff", Value::Bool(self.diff)),
        ]
        .into_iter()
        .collect();
        let texts = [
            ("remote_user", &self.remote_user),
            ("become_user", &self.become_user),
            ("become_method", &self.become_method),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                play.insert(key, Value::from(text.as_str()));
            }
        }
        if !self.collections.is_empty() {
            let names = self.collections.iter().map(|name| Value::from(name.as_str()));
            play.insert("collections", names.collect::<Value>());
        }
        Ok(play)
    }

    fn execute(&self, play: &Dict) -> Result<()> {
        let settings = &self.session.settings;
        let folder = self.flags.basedir.clone().unwrap_or_else(|| ".".to_owned());
        let folder = expand_path(&folder, None, &System);
        let playbook = self.ground.loader.load_adhoc(play, &folder)?;
        let configured = settings.get(&options::DEFAULT_STDOUT_CALLBACK);
        let enabled = settings.get(&options::DEFAULT_LOAD_CALLBACK_PLUGINS);
        let stdout = match enabled && configured != "default" {
            true => configured,
            false => "minimal".to_owned(),
        };
        let start = Start {
            connection: &self.flags.connection,
            r#become: &self.flags.r#become,
            passwords: self.passwords.clone(),
            forks: usize::try_from(self.forks).unwrap_or(1),
            check: self.check,
            diff: self.diff,
            step: self.flags.step,
            start_at_task: None,
            selection: selection(settings, &[], &[]),
            play_defaults: play_defaults(settings, self.check, false),
            callbacks: callback::Wanted { stdout, enabled, tree: None },
            retry_files: false,
        };
        let run = runner::run(self.session, self.ground.clone(), start)?;
        runner::execute_loaded(&run, &playbook).map(drop)
    }
}

/// Python's word for a truth.
fn python(truth: bool) -> &'static str {
    if truth { "True" } else { "False" }
}

/// Who runs this.
fn own_name() -> String {
    use vmstation_host::target::{Target, system::System};
    let mut system = System::new();
    let uid = system.euid();
    system.user_by_id(uid).map_or_else(|| uid.to_string(), |user| user.name)
}
