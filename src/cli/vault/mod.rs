//! `ansible-vault`: encrypts, decrypts, shows and edits files, and encrypts strings.

mod editor;

use std::{
    io::{IsTerminal, Read, Write},
    path::Path,
    sync::Arc,
};

use clap::Args;

use self::editor::Editor;
pub(super) use self::editor::page;
use super::{Actions, Session, Spec, flags, say};
use crate::{
    config::{Settings, System, expand_path, options},
    diagnostic::{Error, Kind, Result},
    terminal,
    vault::{Secret, Sources, Vault},
};

/// Flags of every action.
#[derive(Args, Clone, Debug, Default)]
struct Common {
    #[command(flatten)]
    vault: flags::Vault,
    #[command(flatten)]
    base: flags::Base,
}

/// Where the result goes.
#[derive(Args, Clone, Debug, Default)]
struct Output {
    /// the file to write to; - for standard output
    #[arg(long = "output", value_name = "OUTPUT_FILE", allow_hyphen_values = true)]
    output_file: Option<String>,
}

/// Which password encrypts.
#[derive(Args, Clone, Debug, Default)]
struct EncryptId {
    /// the vault identity to encrypt with, where there are several
    #[arg(long = "encrypt-vault-id", value_name = "ENCRYPT_VAULT_ID")]
    encrypt_vault_id: Option<String>,
}

/// Files.
#[derive(Args, Clone, Debug, Default)]
struct Files {
    /// Filename
    #[arg(value_name = "file_name", num_args = 0.., allow_hyphen_values = false)]
    files: Vec<String>,
}

#[derive(Args, Clone, Debug, Default)]
struct Create {
    #[command(flatten)]
    id: EncryptId,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: Files,
}

#[derive(Args, Clone, Debug, Default)]
struct Decrypt {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: Files,
}

#[derive(Args, Clone, Debug, Default)]
struct View {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: Files,
}

#[derive(Args, Clone, Debug, Default)]
struct Encrypt {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    id: EncryptId,
    #[command(flatten)]
    files: Files,
}

#[derive(Args, Clone, Debug, Default)]
struct EncryptString {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    id: EncryptId,
    /// ask for the string to encrypt
    #[arg(short = 'p', long = "prompt")]
    prompt: bool,
    /// show what is typed when asking for the string to encrypt
    #[arg(long = "show-input")]
    show_input: bool,
    /// the variable's name
    #[arg(short = 'n', long = "name", value_name = "ENCRYPT_STRING_NAMES")]
    names: Vec<String>,
    /// the name of the variable that is read from standard input
    #[arg(long = "stdin-name", value_name = "ENCRYPT_STRING_STDIN_NAME")]
    stdin_name: Option<String>,
    /// String to encrypt
    #[arg(value_name = "string_to_encrypt", num_args = 0.., allow_hyphen_values = false)]
    strings: Vec<String>,
}

#[derive(Args, Clone, Debug, Default)]
struct Rekey {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    id: EncryptId,
    /// the file that holds the new vault password
    #[arg(long = "new-vault-password-file", value_name = "NEW_VAULT_PASSWORD_FILE")]
    new_vault_password_file: Option<String>,
    /// the new vault identity
    #[arg(long = "new-vault-id", value_name = "NEW_VAULT_ID")]
    new_vault_id: Option<String>,
    #[command(flatten)]
    files: Files,
}

const EXCLUSIVE: super::Exclusive =
    &[&["ask_vault_pass", "vault_password_files"], &["new_vault_password_file", "new_vault_id"]];

static ACTIONS: Actions = Actions {
    about: "encryption/decryption utility for Ansible data files",
    epilog: true,
    all: &[
        ("create", "make a new encrypted file"),
        ("decrypt", "decrypt files"),
        ("edit", "edit encrypted files"),
        ("view", "show encrypted files"),
        ("encrypt", "encrypt files"),
        ("encrypt_string", "encrypt a string"),
        ("rekey", "encrypt files with another password"),
    ],
};

/// Runs `ansible-vault`.
pub fn main(program: &str, args: &[String], settings: &Arc<Settings>) -> u8 {
    let (action, name, rest) = match ACTIONS.choose(program, args, settings) {
        Ok(chosen) => chosen,
        Err(status) => return status,
    };
    macro_rules! action {
        ($flags:ty, $run:path) => {
            super::run::<$flags>(
                &name,
                &rest,
                settings,
                &Spec {
                    about: "",
                    epilog: None,
                    exclusive: EXCLUSIVE,
                    look: |f| (f.common.base.verbosity, false),
                    run: $run,
                    check: |_| Ok(()),
                },
            )
        };
    }
    match action {
        "create" => action!(Create, create),
        "decrypt" => action!(Decrypt, decrypt),
        "edit" => action!(Create, edit),
        "view" => action!(View, view),
        "encrypt" => action!(Encrypt, encrypt),
        "encrypt_string" => action!(EncryptString, encrypt_string),
        _ => action!(Rekey, rekey),
    }
}

// --- passwords ---------------------------------------------------------------------------------

fn options_error(message: impl Into<String>) -> Error {
    Error::new(Kind::Options, message)
}

/// The passwords that flags and settings name.
fn passwords(session: &Session, flags: &flags::Vault, new: bool) -> Result<Vault> {
    if let Some(id) = flags.vault_ids.iter().find(|id| id.contains(';')) {
        return Err(options_error(format!(
            "'{id}' is not a valid vault id. The character ';' is not allowed in vault ids"
        )));
    }
    let settings = &session.settings;
    let sources = Sources {
        new_password: new,
        ask_by_default: true,
        ..super::session::sources(settings, flags)
    };
    let vault = load(session, &sources)?;
    if vault.is_empty() {
        return Err(options_error("A vault password is required to use Ansible's Vault"));
    }
    Ok(vault)
}

fn load(session: &Session, sources: &Sources) -> Result<Vault> {
    let vault =
        Vault::new(session.settings.get(&options::DEFAULT_VAULT_ID_MATCH), session.notices());
    sources.load(&vault, &System, &*session.notices(), &mut |prompt| terminal::secret(prompt))?;
    Ok(vault)
}

/// The password to encrypt with and its label.
fn encrypting(
    session: &Session,
    flags: &flags::Vault,
    id: &EncryptId,
) -> Result<(Vault, String, Secret)> {
    let id = wanted_id(session, id);
    let vault = passwords(session, flags, true)?;
    let known = vault.ids();
    if known.len() > 1 && id.is_none() {
        return Err(options_error(format!(
            "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with \
             --encrypt-vault-id",
            known.join(",")
        )));
    }
    let Some((label, secret)) = vault.secret_for(id.as_deref())? else {
        return Err(options_error("A vault password is required to use Ansible's Vault"));
    };
    Ok((vault, label, secret))
}

fn wanted_id(session: &Session, id: &EncryptId) -> Option<String> {
    let configured = || session.settings.get(&options::DEFAULT_VAULT_ENCRYPT_IDENTITY);
    id.encrypt_vault_id.clone().filter(|i| !i.is_empty()).or_else(configured)
}

// --- actions -----------------------------------------------------------------------------------

/// The files named, or standard input.
fn named(files: &Files) -> Vec<String> {
    if files.files.is_empty() { vec!["-".to_owned()] } else { files.files.clone() }
}

/// Where the result goes, if not back.
fn target(output: &Output, inputs: usize) -> Result<Option<String>> {
    let Some(name) = output.output_file.as_deref().filter(|n| !n.is_empty()) else {
        return Ok(None);
    };
    if inputs > 1 {
        return Err(options_error("At most one input file may be used with the --output option"));
    }
    if name == "-" {
        return Ok(Some(name.to_owned()));
    }
    Ok(Some(expand_path(name, None, &System).display().to_string()))
}

fn tell(session: &Session, text: &str) {
    if std::io::stdout().is_terminal() {
        session.display.line(text, None, true);
    }
}

fn waiting(session: &Session, files: &Files, text: &str) {
    if files.files.is_empty() && std::io::stdin().is_terminal() {
        session.display.line(text, None, true);
    }
}

fn create(session: &Session, flags: Create) -> Result<u8> {
    let (vault, id, secret) = encrypting(session, &flags.common.vault, &flags.id)?;
    let [file] = flags.files.files.as_slice() else {
        return Err(options_error("ansible-vault create can take only one filename argument"));
    };
    let folder = Path::new(file).parent().filter(|f| !f.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|f| !f.exists()) {
        session.display.warning(&format!("{} does not exist, creating...", folder.display()));
        editor::make_folder(folder)?;
    }
    if Path::new(file).is_file() {
        return Err(Error::new(Kind::User, format!("{file} exists, please use 'edit' instead")));
    }
    Editor::new(&vault, &session.settings)?.edit(file, &secret, None, Some(&id))?;
    Ok(0)
}

fn edit(session: &Session, flags: Create) -> Result<u8> {
    let vault = passwords(session, &flags.common.vault, false)?;
    let editor = Editor::new(&vault, &session.settings)?;
    for file in &flags.files.files {
        editor.edit_existing(file)?;
    }
    Ok(0)
}

fn decrypt(session: &Session, flags: Decrypt) -> Result<u8> {
    let output = target(&flags.output, flags.files.files.len())?;
    let vault = passwords(session, &flags.common.vault, false)?;
    waiting(session, &flags.files, "Reading ciphertext input from stdin");
    let editor = Editor::new(&vault, &session.settings)?;
    for file in named(&flags.files) {
        editor.decrypt(&file, output.as_deref())?;
    }
    tell(session, "Decryption successful");
    Ok(0)
}

fn encrypt(session: &Session, flags: Encrypt) -> Result<u8> {
    let output = target(&flags.output, flags.files.files.len())?;
    let (vault, id, secret) = encrypting(session, &flags.common.vault, &flags.id)?;
    waiting(session, &flags.files, "Reading plaintext input from stdin");
    let editor = Editor::new(&vault, &session.settings)?;
    for file in named(&flags.files) {
        editor.encrypt(&file, &secret, &id, output.as_deref())?;
    }
    tell(session, "Encryption successful");
    Ok(0)
}

fn view(session: &Session, flags: View) -> Result<u8> {
    let vault = passwords(session, &flags.common.vault, false)?;
    let editor = Editor::new(&vault, &session.settings)?;
    for file in &flags.files.files {
        let plain = editor.plain(file)?;
        editor::page(&String::from_utf8_lossy(&plain), &session.display)?;
    }
    Ok(0)
}

fn rekey(session: &Session, flags: Rekey) -> Result<u8> {
    let vault = passwords(session, &flags.common.vault, false)?;
    let id = wanted_id(session, &flags.id);
    let mut ids = Vec::new();
    if id.is_some() {
        ids = session.settings.get(&options::DEFAULT_VAULT_IDENTITY_LIST);
    }
    ids.extend(flags.new_vault_id);
    let configured = session.settings.get(&options::DEFAULT_VAULT_PASSWORD_FILE);
    let files = flags.new_vault_password_file.into_iter();
    let sources = Sources {
        ids,
        files: files.chain(configured.map(|p| p.display().to_string())).collect(),
        ask: flags.common.vault.ask_vault_pass,
        ask_by_default: true,
        new_password: true,
        default_id: session.settings.get(&options::DEFAULT_VAULT_IDENTITY),
    };
    let new = load(session, &sources)?;
    let Some((label, secret)) = new.secret_for(id.as_deref())? else {
        return Err(options_error("A new vault password is required to use Ansible's Vault rekey"));
    };
    let editor = Editor::new(&vault, &session.settings)?;
    for file in &flags.files.files {
        editor.rekey(file, &secret, &label)?;
    }
    session.display.line("Rekey successful", None, true);
    Ok(0)
}

/// A string to encrypt: its text, where it came from, its name.
struct Plain {
    text: Vec<u8>,
    from: &'static str,
    name: Option<String>,
}

fn encrypt_string(session: &Session, flags: EncryptString) -> Result<u8> {
    let from_stdin = flags.strings.is_empty()
        || flags.strings.iter().any(|s| s == "-")
        || flags.stdin_name.is_some();
    let output = target(&flags.output, flags.strings.len())?;
    if flags.prompt && from_stdin {
        return Err(options_error(
            "The --prompt option is not supported if also reading input from stdin",
        ));
    }
    let (vault, id, secret) = encrypting(session, &flags.common.vault, &flags.id)?;
    let mut plain = Vec::new();
    if flags.prompt {
        plain.push(prompted(flags.show_input)?);
    }
    if from_stdin {
        plain.push(read_stdin(session, flags.stdin_name.clone())?);
    }
    plain.extend(given(session, &flags)?);
    let many = plain.len() > 1;
    let mut texts = Vec::new();
    for (number, one) in plain.iter().enumerate() {
        let cipher = vault.encrypt(&one.text, &secret, Some(&id))?;
        if many {
            let number = number + 1;
            let line = match &one.name {
                Some(name) => format!(
                    "# The encrypted version of variable (\"{name}\", the string #{number} from \
                     {}).",
                    one.from
                ),
                None => {
                    format!("# The encrypted version of the string #{number} from {}.)", one.from)
                }
            };
            say(&mut std::io::stderr(), &line);
        }
        texts.push(as_yaml(&cipher, one.name.as_deref()));
    }
    let text = texts.join("\n");
    editor::write(text.as_bytes(), output.as_deref().unwrap_or("-"))?;
    tell(session, "Encryption successful");
    Ok(0)
}

fn as_yaml(cipher: &str, name: Option<&str>) -> String {
    let name = name.map(|n| format!("{n}: ")).unwrap_or_default();
    let mut text = format!("{name}!vault |");
    for line in cipher.lines() {
        text += &format!("\n          {line}");
    }
    text
}

fn prompted(show: bool) -> Result<Plain> {
    let name = terminal::ask("Variable name (enter for no name): ")?;
    let question = if show { "String to encrypt:" } else { "String to encrypt (hidden): " };
    let text = terminal::prompt(question, !show)?;
    if text.is_empty() {
        return Err(options_error(
            "The plaintext provided from the prompt was empty, not encrypting",
        ));
    }
    let name = (!name.is_empty()).then_some(name);
    Ok(Plain { text: text.into_bytes(), from: "the interactive prompt", name })
}

fn read_stdin(session: &Session, name: Option<String>) -> Result<Plain> {
    tell(
        session,
        "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not \
         already have a newline)",
    );
    let mut text = Vec::new();
    std::io::stdin()
        .read_to_end(&mut text)
        .map_err(|e| Error::new(Kind::User, format!("standard input cannot be read: {e}")))?;
    if text.is_empty() {
        return Err(options_error("stdin was empty, not encrypting"));
    }
    if std::io::stdout().is_terminal() && !text.ends_with(b"\n") {
        let _ = std::io::stdout().write_all(b"\n");
    }
    Ok(Plain { text, from: "stdin", name })
}

/// The strings of the command line, with names as far as there are any.
fn given(session: &Session, flags: &EncryptString) -> Result<Vec<Plain>> {
    let strings: Vec<&String> = flags.strings.iter().filter(|s| *s != "-").collect();
    if let Some(last) = flags.names.last().filter(|_| strings.len() > flags.names.len()) {
        for line in [
            "The number of --name options do not match the number of args.".to_owned(),
            format!("The last named variable will be \"{last}\". The rest will not have names."),
        ] {
            session.display.line(&line, None, true);
        }
    }
    let mut names = flags.names.iter().cloned();
    strings
        .into_iter()
        .map(|text| {
            if text.is_empty() {
                return Err(options_error(
                    "The plaintext provided from the command line args was empty, not encrypting",
                ));
            }
            let name = names.next();
            Ok(Plain { text: text.clone().into_bytes(), from: "the command line args", name })
        })
        .collect()
}
