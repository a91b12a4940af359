//! `ansible-pull`: fetches playbooks from a repository and plays one on this machine.

use std::{
    io::{IsTerminal, Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use clap::Args;

use super::{
    Session, Spec,
    flags::{Base, Connection, EXCLUSIVE, Modules, Variables, Vault},
};
use crate::{
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result},
};

/// Flags of `ansible-pull`.
#[derive(Args, Clone, Debug, Default)]
struct Flags {
    #[command(flatten)]
    base: Base,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    vault: Vault,
    #[command(flatten)]
    variables: Variables,
    /// only plays and tasks with one of these tags
    #[arg(short = 't', long = "tags", value_name = "TAGS")]
    tags: Vec<String>,
    /// only plays and tasks with none of these tags
    #[arg(long = "skip-tags", value_name = "SKIP_TAGS")]
    skip_tags: Vec<String>,
    /// inventory: a path, or hosts with commas between. --inventory-file is deprecated
    #[arg(
        short = 'i',
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "INVENTORY"
    )]
    inventory: Vec<String>,
    /// list the hosts that match, and do nothing else
    #[arg(long = "list-hosts")]
    list_hosts: bool,
    /// only hosts that match this pattern too
    #[arg(short = 'l', long = "limit", value_name = "SUBSET")]
    limit: Option<String>,
    #[command(flatten)]
    modules: Modules,
    /// ask for the password to become another user with
    #[arg(short = 'K', long = "ask-become-pass")]
    become_ask_pass: bool,
    /// the file that holds the password to become another user with
    #[arg(
        long = "become-password-file",
        visible_alias = "become-pass-file",
        value_name = "BECOME_PASSWORD_FILE"
    )]
    become_password_file: Option<String>,
    /// remove the checkout after the playbook
    #[arg(long = "purge")]
    purge: bool,
    /// play only if the repository has changed
    #[arg(short = 'o', long = "only-if-changed")]
    only_if_changed: bool,
    /// wait for a random time of at most so many seconds first
    #[arg(short = 's', long = "sleep", value_name = "SLEEP")]
    sleep: Option<String>,
    /// play even if the repository could not be updated
    #[arg(short = 'f', long = "force")]
    force: bool,
    /// the folder to check out into
    #[arg(short = 'd', long = "directory", value_name = "DEST")]
    dest: Option<String>,
    /// the repository
    #[arg(short = 'U', long = "url", value_name = "URL")]
    url: Option<String>,
    /// fetch the whole history
    #[arg(long = "full")]
    full: bool,
    /// the branch, tag or commit
    #[arg(short = 'C', long = "checkout", value_name = "CHECKOUT")]
    checkout: Option<String>,
    /// take the repository's host key, if it is not known yet
    #[arg(long = "accept-host-key")]
    accept_host_key: bool,
    /// the module that fetches: git or subversion (default=git)
    #[arg(short = 'm', long = "module-name", value_name = "MODULE_NAME")]
    module_name: Option<String>,
    /// play only a commit with a good signature
    #[arg(long = "verify-commit")]
    verify: bool,
    /// throw local changes away
    #[arg(long = "clean")]
    clean: bool,
    /// submodules follow their branches
    #[arg(long = "track-subs")]
    track_subs: bool,
    /// change nothing; tell what would change
    #[arg(long = "check")]
    check: bool,
    /// show how files and templates change
    #[arg(long = "diff")]
    diff: bool,
    /// playbooks in the repository
    #[arg(value_name = "playbook.yml", num_args = 0..)]
    playbooks: Vec<String>,
}

const CHOICES: [&str; 4] = ["git", "subversion", "hg", "bzr"];

/// Runs `ansible-pull`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    super::run::<Flags>(
        program,
        args,
        settings,
        &Spec {
            about: "pulls playbooks from a VCS repo and executes them for the local host",
            epilog: None,
            exclusive: EXCLUSIVE,
            look: |f| (f.base.verbosity, f.check),
            run,
            check: |_| Ok(()),
        },
    )
}

fn wrong(text: impl Into<String>) -> Error {
    Error::new(Kind::Options, text.into())
}

fn run(session: &Session, flags: Flags) -> Result<u8> {
    let (node, fqdn) = names();
    let dest = destination(session, &flags, &fqdn)?;
    if dest.exists() && !dest.is_dir() {
        return Err(wrong(format!("{} is not a valid or accessible directory.", dest.display())));
    }
    let sleep = flags.sleep.as_deref().map(nap).transpose()?;
    let Some(url) = flags.url.clone() else {
        return Err(wrong("URL for repository not specified, use -h for help"));
    };
    let module = flags.module_name.clone().unwrap_or_else(|| "git".to_owned());
    if !CHOICES.contains(&module.as_str()) {
        let choices = CHOICES.join(",");
        return Err(wrong(format!("Unsupported repo module {module}, choices are {choices}")));
    }
    let display = &session.display;
    display.line(&format!("Starting Ansible Pull at {}", now()), None, false);
    display.line(&std::env::args().collect::<Vec<_>>().join(" "), None, false);
    let mut hosts = vec!["localhost".to_owned()];
    for name in [&fqdn, &node, &short(&fqdn), &short(&node)] {
        if !hosts.contains(name) {
            hosts.push(name.clone());
        }
    }
    let limit = format!("{},127.0.0.1", hosts.join(","));
    let fetch = fetching(&flags, &module, &url, &dest, &limit)?;
    if let Some(seconds) = sleep {
        display.line(&format!("Sleeping for {seconds} seconds..."), None, false);
        show(session);
        std::thread::sleep(std::time::Duration::from_secs(seconds));
    }
    show(session);
    let (status, out) = call("ansible", &fetch, None)?;
    if status != 0 {
        if !flags.force {
            return Ok(status);
        }
        display.warning("Unable to update repository. Continuing with (forced) run of playbook.");
    } else if flags.only_if_changed && !out.contains("\"changed\": true") {
        display.line("Repository has not changed, quitting.", None, false);
        return Ok(0);
    }
    let Some(playbooks) = chosen(session, &flags, &dest, &fqdn) else {
        return Err(wrong("Could not find a playbook to run."));
    };
    show(session);
    let (status, _) =
        call("ansible-playbook", &playing(session, &flags, &playbooks, &limit), Some(&dest))?;
    if flags.purge
        && let Err(error) = std::fs::remove_dir_all(&dest)
    {
        display.error(&format!("Failed to remove {}: {error}", dest.display()));
    }
    Ok(status)
}

/// Shows what was said so far to people. Others get it after what the plays write, as Python has it.
fn show(session: &Session) {
    if std::io::stdout().is_terminal() {
        session.display.flush();
    }
}

/// This machine's own name, and the name that the name service gives it.
fn names() -> (String, String) {
    use vmstation_host::{
        call::Call,
        context::Context,
        files::NoFiles,
        target::{Target, system::System},
    };
    let call = Call::default();
    let (mut system, mut files) = (System::new(), NoFiles);
    let node = system.uname().unwrap_or_default().nodename;
    let mut cx = Context::new(&mut system, &mut files, &call);
    let fqdn = vmstation_host::facts::platform::fqdn(&mut cx, &node);
    (node, fqdn)
}

fn short(name: &str) -> String {
    name.split('.').next().unwrap_or_default().to_owned()
}

fn now() -> String {
    use vmstation_host::{
        clock,
        target::{Target, system::System},
    };
    let mut system = System::new();
    let at = system.now();
    let text = clock::local(&mut system, at).python_text();
    text.split('.').next().unwrap_or_default().to_owned()
}

fn destination(session: &Session, flags: &Flags, fqdn: &str) -> Result<PathBuf> {
    match &flags.dest {
        Some(dest) => Ok(expand_path(dest, None, &System)),
        // Named after the machine: home folders may be shared.
        None => Ok(session.settings.get(&options::ANSIBLE_HOME).join("pull").join(fqdn)),
    }
}

/// Seconds to wait: by chance, but no more than asked for.
fn nap(most: &str) -> Result<u64> {
    let most: u64 = most.parse().map_err(|_| wrong(format!("{most} is not a number.")))?;
    let chance = getrandom::u64().map_err(|e| Error::new(Kind::Internal, e.to_string()))?;
    Ok(chance % most.saturating_add(1))
}

/// Inventories that are there already, as flags.
fn inventories(flags: &Flags, from: Option<&Path>) -> Vec<String> {
    let there =
        |source: &str| from.map_or_else(|| PathBuf::from(source), |f| f.join(source)).exists();
    let usable = flags.inventory.iter().filter(|source| source.contains(',') || there(source));
    usable.flat_map(|source| ["-i".to_owned(), source.clone()]).collect()
}

/// `-c local` and as many `-v` as were given.
fn base(flags: &Flags) -> Vec<String> {
    let mut words = vec!["-c".to_owned(), "local".to_owned()];
    if flags.base.verbosity > 0 {
        words.push(format!("-{}", "v".repeat(usize::from(flags.base.verbosity))));
    }
    words
}

/// The line of `ansible` that fetches the repository.
fn fetching(
    flags: &Flags,
    module: &str,
    url: &str,
    dest: &Path,
    limit: &str,
) -> Result<Vec<String>> {
    let mut words = inventories(flags, None);
    if words.is_empty() {
        words = vec!["-i".to_owned(), "localhost,".to_owned()];
    }
    words.extend(base(flags));
    let dest = dest.display();
    let mut repo = match module {
        "git" => format!("name={url} dest={dest}"),
        "subversion" => format!("repo={url} dest={dest}"),
        other => {
            return Err(wrong(format!(
                "the module {other} is not supported yet; git and subversion are"
            )));
        }
    };
    let git = module == "git";
    let mut add = |on: bool, text: &str| {
        if on {
            repo.push(' ');
            repo.push_str(text);
        }
    };
    if let Some(checkout) = &flags.checkout {
        add(true, &format!("{}={checkout}", if git { "version" } else { "revision" }));
    }
    add(git && flags.accept_host_key, "accept_hostkey=yes");
    if let Some(key) = flags.connection.private_key_file.as_ref().filter(|_| git) {
        add(true, &format!("key_file={key}"));
    }
    add(git && flags.verify, "verify_commit=yes");
    add(git && flags.track_subs, "track_submodules=yes");
    add(!flags.full, if git { "depth=1" } else { "export=yes" });
    add(flags.clean, "force=yes");
    let rest = ["-m", module, "-a", &repo, "all", "-l", limit];
    words.extend(rest.map(str::to_owned));
    for extra in &flags.variables.extra_vars {
        words.extend(["-e".to_owned(), extra.clone()]);
    }
    Ok(words)
}

/// The line of `ansible-playbook` that plays.
fn playing(session: &Session, flags: &Flags, playbooks: &[PathBuf], limit: &str) -> Vec<String> {
    let mut words = base(flags);
    words.extend(playbooks.iter().map(|book| book.display().to_string()));
    let mut files = flags.vault.vault_password_files.clone();
    if files.is_empty() {
        let configured = session.settings.get(&options::DEFAULT_VAULT_PASSWORD_FILE);
        files.extend(configured.map(|file| file.display().to_string()));
    }
    words.extend(files.iter().map(|file| format!("--vault-password-file={file}")));
    words.extend(flags.vault.vault_ids.iter().map(|id| format!("--vault-id={id}")));
    for extra in &flags.variables.extra_vars {
        words.extend(["-e".to_owned(), extra.clone()]);
    }
    if flags.become_ask_pass {
        words.push("--ask-become-pass".to_owned());
    }
    for (flag, tags) in [("--skip-tags", &flags.skip_tags), ("-t", &flags.tags)] {
        if !tags.is_empty() {
            words.extend([flag.to_owned(), tags.join(",")]);
        }
    }
    words.extend(["-l".to_owned(), flags.limit.clone().unwrap_or_else(|| limit.to_owned())]);
    if flags.check {
        words.push("-C".to_owned());
    }
    if flags.diff || session.settings.get(&options::DIFF_ALWAYS) {
        words.push("-D".to_owned());
    }
    // What the repository brought is there by now.
    words.extend(inventories(flags, playbooks.first().and_then(|book| book.parent())));
    words
}

/// The playbooks that are named, or the first that the machine's name leads to.
fn chosen(session: &Session, flags: &Flags, dest: &Path, fqdn: &str) -> Option<Vec<PathBuf>> {
    let mut problems = Vec::new();
    let mut usable = |path: &PathBuf| {
        let why = match std::fs::File::open(path) {
            Ok(_) => return true,
            Err(_) if path.exists() => "File is not readable",
            Err(_) => "File does not exist",
        };
        problems.push(format!("{}: {why}", path.display()));
        false
    };
    let found = if flags.playbooks.is_empty() {
        let names = [format!("{fqdn}.yml"), format!("{}.yml", short(fqdn)), "local.yml".to_owned()];
        let first = names.iter().map(|name| dest.join(name)).find(&mut usable);
        if first.is_some() {
            return first.map(|book| vec![book]);
        }
        None
    } else {
        let all: Vec<PathBuf> = flags.playbooks.iter().map(|name| dest.join(name)).collect();
        let good = all.iter().filter(|path| usable(path)).count();
        (good == all.len()).then_some(all)
    };
    if found.is_none() {
        session.display.warning(&problems.join("\n"));
    }
    found
}

/// Calls ourselves as another command; what it writes is shown at once and kept.
fn call(name: &str, args: &[String], dir: Option<&Path>) -> Result<(u8, String)> {
    let failed =
        |e: std::io::Error| Error::new(Kind::Internal, format!("{name} can't be run: {e}"));
    let own = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(own);
    // Both in one, as ansible-pull shows them.
    let (mut out, both) = std::io::pipe().map_err(failed)?;
    let other = both.try_clone().map_err(failed)?;
    command.arg0(name).args(args).stdout(both).stderr(other);
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let mut child = command.spawn().map_err(failed)?;
    // It holds our end for writing, without which nobody would see the end.
    drop(command);
    let mut all = Vec::new();
    let mut block = [0; 8192];
    loop {
        let length = match out.read(&mut block) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        if length == 0 {
            break;
        }
        all.extend_from_slice(&block[..length]);
        let mut shown = std::io::stdout();
        // A reader that went away is no reason to stop the play.
        let _ = shown.write_all(&block[..length]).and_then(|()| shown.flush());
    }
    let status = child.wait().map_err(failed)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok((code, String::from_utf8_lossy(&all).into_owned()))
}
