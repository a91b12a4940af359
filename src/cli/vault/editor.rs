//! Encrypted files: read, changed and written without leaving plain text behind.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{IsTerminal, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    callback::Display,
    config::{Settings, options},
    diagnostic::{Error, Kind, Result},
    vault::{Secret, Vault},
};

fn failed(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

/// Works on encrypted files with the passwords of a vault.
pub struct Editor<'a> {
    vault: &'a Vault,
    /// Where a folder of our own is made for plain text.
    temporary: PathBuf,
}

/// A folder that only we can enter, gone with all that is in it when it is dropped.
struct Private(PathBuf);

impl Private {
    fn new(within: &Path) -> Result<Self> {
        make_folder(within)?;
        let path = within.join(format!("ansible-local-{}{}", std::process::id(), random_name()?));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|e| failed(format!("Problem creating temporary folder: {e}")))?;
        Ok(Self(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            // The folder goes away below whether or not overwriting worked.
            let _ = shred(&entry.path());
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn random_name() -> Result<String> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::new(Kind::Internal, format!("no random numbers: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

impl<'a> Editor<'a> {
    /// An editor for files of `vault`.
    pub fn new(vault: &'a Vault, settings: &Settings) -> Result<Self> {
        Ok(Self { vault, temporary: settings.get(&options::DEFAULT_LOCAL_TMP) })
    }

    /// Encrypts a file in place, or to `output`.
    pub fn encrypt(
        &self,
        file: &str,
        secret: &Secret,
        id: &str,
        output: Option<&str>,
    ) -> Result<()> {
        let file = real(file);
        let cipher = self.vault.encrypt(&read(&file)?, secret, Some(id))?;
        replace(cipher.as_bytes(), output.unwrap_or(&file), true)
    }

    /// Decrypts a file in place, or to `output`.
    pub fn decrypt(&self, file: &str, output: Option<&str>) -> Result<()> {
        let file = real(file);
        let plain = self.open(&file)?;
        replace(&plain, output.unwrap_or(&file), false)
    }

    /// The plain text of a file.
    pub fn plain(&self, file: &str) -> Result<Vec<u8>> {
        self.open(file)
    }

    fn open(&self, file: &str) -> Result<Vec<u8>> {
        let opened = self.vault.open(&read(file)?, Some(Path::new(file)));
        opened.map(|o| o.plain).map_err(|e| for_file(&e, file))
    }

    /// Encrypts a file with another password; owner and mode stay.
    pub fn rekey(&self, file: &str, secret: &Secret, id: &str) -> Result<()> {
        let file = real(file);
        let before = std::fs::metadata(&file)
            .map_err(|e| failed(format!("Unable to read source file ({file}): {e}")))?;
        let opened = self.vault.open(&read(&file)?, None).map_err(|e| for_file(&e, &file))?;
        let cipher = self.vault.encrypt(&opened.plain, secret, Some(id))?;
        replace(cipher.as_bytes(), &file, true)?;
        restore(Path::new(&file), &before)
    }

    /// Lets a person edit an encrypted file.
    pub fn edit_existing(&self, file: &str) -> Result<()> {
        let file = real(file);
        let opened = self.vault.open(&read(&file)?, None).map_err(|e| for_file(&e, &file))?;
        let Some((_, secret)) = self.vault.secret_for(Some(&opened.used))? else {
            return Err(Error::new(Kind::Internal, "the password that worked is unknown"));
        };
        self.edit(&file, &secret, Some(&opened.plain), opened.labelled.as_deref())
    }

    /// Lets a person edit text that ends up encrypted in `file`.
    pub fn edit(
        &self,
        file: &str,
        secret: &Secret,
        before: Option<&[u8]>,
        id: Option<&str>,
    ) -> Result<()> {
        let private = Private::new(&self.temporary)?;
        let extension = Path::new(file).extension().map(|e| format!(".{}", e.to_string_lossy()));
        let path =
            private.0.join(format!("tmp{}{}", random_name()?, extension.unwrap_or_default()));
        create(&path, before.unwrap_or_default())?;
        run_editor(&path)?;
        let after = read(&path.to_string_lossy())?;
        if before.is_some_and(|b| b == after) {
            return Ok(());
        }
        let cipher = self.vault.encrypt(&after, secret, id)?;
        shred(&path)?;
        let target = Path::new(file);
        let old = std::fs::metadata(target).ok();
        if old.is_some() {
            std::fs::remove_file(target).map_err(|e| failed(e.to_string()))?;
        }
        create(target, cipher.as_bytes())?;
        old.map_or(Ok(()), |old| restore(target, &old))
    }
}

fn for_file(error: &Error, file: &str) -> Error {
    Error::new(error.kind(), format!("{} for {file}", error.message()))
}

/// The file behind symbolic links.
fn real(file: &str) -> String {
    if file == "-" {
        return file.to_owned();
    }
    crate::playbook::load::paths::resolved(
        &crate::playbook::load::paths::working_folder().join(file),
    )
    .display()
    .to_string()
}

fn read(file: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let done = if file == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|all| bytes = all)
    };
    done.map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text);
        let number = error.raw_os_error().unwrap_or_default();
        failed(format!("Unable to read source file ({file}): [Errno {number}] {reason}: '{file}'"))
    })?;
    Ok(bytes)
}

/// Writes a new file that only its owner can read.
fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(
        |e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failed(format!("Vault file got recreated while we were operating on it: {e}"))
            }
            _ => failed(format!("Problem creating temporary vault file: {e}")),
        },
    )?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|e| failed(format!("Unable to write to temporary vault file: {e}")))
}

/// Writes to a file, or with `-` to standard output.
pub fn write(bytes: &[u8], file: &str) -> Result<()> {
    replace(bytes, file, true)
}

/// Puts a new file in the place of `file`; with `overwrite`, the old content is destroyed first.
fn replace(bytes: &[u8], file: &str, overwrite: bool) -> Result<()> {
    if file == "-" {
        let mut out = std::io::stdout();
        return out
            .write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|e| failed(format!("standard output cannot be written: {e}")));
    }
    let path = Path::new(file);
    if path.is_file() {
        if overwrite {
            shred(path)?;
        } else {
            std::fs::remove_file(path).map_err(|e| failed(e.to_string()))?;
        }
    }
    create(path, bytes)
}

fn restore(path: &Path, before: &std::fs::Metadata) -> Result<()> {
    std::fs::set_permissions(path, PermissionsExt::from_mode(before.mode()))
        .and_then(|()| chown(path, Some(before.uid()), Some(before.gid())))
        .map_err(|e| failed(format!("Owner and mode of {} are lost: {e}", path.display())))
}

/// Overwrites a file with random bytes and removes it.
fn shred(path: &Path) -> Result<()> {
    let overwrite = || -> std::io::Result<()> {
        let mut left = std::fs::metadata(path)?.len();
        let mut file = OpenOptions::new().write(true).open(path)?;
        let mut noise = [0u8; 4096];
        while left > 0 {
            getrandom::fill(&mut noise).map_err(|e| std::io::Error::other(e.to_string()))?;
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(noise.len());
            file.write_all(&noise[..part])?;
            left -= part as u64;
        }
        file.sync_all()?;
        std::fs::remove_file(path)
    };
    overwrite().map_err(|e| failed(format!("{} cannot be destroyed: {e}", path.display())))
}

/// Makes a folder and those above it, for its owner alone.
pub fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| failed(format!("Unable to create local directories({}): {e}", path.display())))
}

fn run_editor(path: &Path) -> Result<()> {
    let named = std::env::var("EDITOR").unwrap_or_else(|_| "vi".to_owned());
    let shown = format!("{named} {}", path.display());
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("{named} \"$@\""), "sh"])
        .arg(path)
        .status()
        .map_err(|e| failed(format!("Unable to execute the command \"{shown}\": {e}")))?;
    // What the shell says where there is no such program, or it may not be run.
    match status.code() {
        Some(126 | 127) => Err(failed(format!("Unable to execute the command \"{shown}\""))),
        _ => Ok(()),
    }
}

/// Shows text page by page where there is a terminal.
pub fn page(text: &str, display: &Display) -> Result<()> {
    if !std::io::stdout().is_terminal() {
        display.line(text, None, false);
        return Ok(());
    }
    display.flush();
    let pager = std::env::var("PAGER").ok().filter(|p| !p.is_empty());
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(pager.as_deref().unwrap_or("less")).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRSX");
    }
    let Ok(mut child) = command.spawn() else {
        display.line(text, None, false);
        return Ok(());
    };
    if let Some(mut input) = child.stdin.take() {
        // A reader who leaves before the end is no failure.
        let _ = input.write_all(text.as_bytes());
    }
    child.wait().map(|_| ()).map_err(|e| failed(format!("the pager failed: {e}")))
}
