//! One call of a lookup: what was asked, and what lookups share to answer it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexMap;

use super::{Lookup, options::Options};
use crate::{
    diagnostic::Kind,
    paths,
    template::{
        Scope, Templar,
        templar::{Chain, RenderOptions, ansible},
    },
    value::{PyError, PyErrorKind, PyResult, Value, access, repr::to_text, types::type_name},
};

/// One call of a lookup.
pub struct Call<'a> {
    lookup: &'static Lookup,
    templar: &'a Templar,
    chain: Option<&'a Arc<Chain>>,
    /// What is looked up, rendered: mostly a list.
    pub terms: Value,
    /// Arguments by name.
    pub keywords: IndexMap<String, Value>,
    /// Where `first_found` searches.
    pub subdir: &'static str,
}

/// What is said of an encrypted file where no password is known.
pub(super) const NO_SECRETS: &str = "Attempting to decrypt but no vault secrets found";

impl<'a> Call<'a> {
    pub(super) fn new(
        lookup: &'static Lookup,
        templar: &'a Templar,
        chain: Option<&'a Arc<Chain>>,
        terms: Value,
        keywords: IndexMap<String, Value>,
        subdir: &'static str,
    ) -> Self {
        Self { lookup, templar, chain, terms, keywords, subdir }
    }

    /// The terms, one by one.
    pub fn each(&self) -> PyResult<Vec<Value>> {
        access::iterate(&self.terms)
    }

    /// The options of the lookup, from the arguments and their other sources.
    pub fn options(&self) -> PyResult<Options> {
        self.options_from(&self.keywords)
    }

    /// The same with other arguments.
    pub fn options_from(&self, given: &IndexMap<String, Value>) -> PyResult<Options> {
        Options::resolve(&self.lookup.module(), self.lookup.options, given, &**self.scope())
    }

    /// The templar of the template that calls.
    pub fn templar(&self) -> &Templar {
        self.templar
    }

    /// The variables, as they are written.
    pub fn scope(&self) -> &Arc<dyn Scope> {
        self.templar.scope()
    }

    /// Renders a value as the template around would.
    pub fn render(&self, value: &Value) -> PyResult<Value> {
        self.templar.template_along(value, &RenderOptions::default(), self.chain)
    }

    /// A collection of a rendered value: ansible's `listify_lookup_plugin_terms`.
    pub fn listify(&self, value: &Value) -> PyResult<Value> {
        super::listify(self.templar, self.chain, value, true)
    }

    /// Shows a warning.
    pub fn warn(&self, text: impl Into<String>) {
        self.templar.environment().notices.warning(text.into());
    }

    /// The folder that relative names start from when nothing else says so.
    pub fn basedir(&self) -> PathBuf {
        self.templar.search_base()
    }

    /// The folders of the task, most specific first.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let folders = self.listed_search_path();
        if !folders.is_empty() {
            return folders;
        }
        match self.scope().get("role_path") {
            Some(role) => vec![PathBuf::from(role.to_text())],
            None => vec![self.basedir()],
        }
    }

    /// `ansible_search_path`, if the task has one.
    pub fn listed_search_path(&self) -> Vec<PathBuf> {
        match self.scope().get("ansible_search_path") {
            Some(Value::List(folders)) => {
                folders.read().iter().map(|f| PathBuf::from(f.to_text())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Finds a file in `subdir` of the task's folders, or in those themselves.
    pub fn find(&self, subdir: &str, needle: &Value) -> PyResult<Option<PathBuf>> {
        let found = self.find_quietly(subdir, needle)?;
        if found.is_none() {
            if needle.is_none() {
                self.warn("Invalid request to find a file that matches a \"null\" value");
            }
            self.warn(format!(
                "Unable to find '{}' in expected paths (use -vvvvv to see paths)",
                to_text(needle)?
            ));
        }
        Ok(found)
    }

    /// The same without a warning if there is none.
    pub fn find_quietly(&self, subdir: &str, needle: &Value) -> PyResult<Option<PathBuf>> {
        let name = match needle {
            Value::Undefined(u) => return Err(PyError::undefined(u)),
            Value::None => return Ok(None),
            Value::Str(_) | Value::Vaulted(_) => to_text(needle)?,
            // Python doesn't look at how such values begin; an empty name is a folder's.
            empty if !crate::value::ops::truth(empty)? => to_text(empty)?,
            Value::Bytes(_) => {
                return Err(PyError::type_error(
                    "startswith first arg must be bytes or a tuple of bytes, not str",
                ));
            }
            other => {
                return Err(PyError::new(
                    PyErrorKind::AttributeError,
                    format!("'{}' object has no attribute 'startswith'", type_name(other)),
                ));
            }
        };
        let base = self.basedir();
        Ok(paths::dwim_relative_stack(&base, &self.search_path(), subdir, &name).ok())
    }

    /// The bytes of a file, decrypted if they are encrypted.
    pub fn read(&self, path: &Path) -> PyResult<Vec<u8>> {
        let shown = path.display();
        if !path.exists() {
            return Err(PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleFileNotFound"),
                format!(
                    "Unable to retrieve file contents\nCould not find or access '{shown}' on the \
                     Ansible Controller.\nIf you are using a module and expect the file to exist \
                     on the remote, see the remote_src option"
                ),
            ));
        }
        let bytes = std::fs::read(path).map_err(|e| {
            // ansible opens the path as bytes, and Python shows them so.
            let opened = paths::unfrack_path(path, false);
            let why = crate::diagnostic::ansible::os_error(&e, None);
            let why = format!("{why}: b'{}'", opened.display());
            PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleParserError"),
                format!("an error occurred while trying to read the file '{shown}': {why}. {why}"),
            )
        })?;
        if !crate::vault::is_encrypted(&bytes) {
            return Ok(bytes);
        }
        let vault = PyErrorKind::Other("ansible.parsing.vault.AnsibleVaultError");
        let Some(secrets) = &self.templar.environment().secrets else {
            return Err(PyError::new(vault, NO_SECRETS));
        };
        secrets.decrypt_file(&bytes, path).map_err(|e| match e.kind() {
            Kind::Vault => PyError::new(vault, e.message()),
            _ => e.into(),
        })
    }

    /// The text of a file.
    pub fn read_text(&self, path: &Path) -> PyResult<String> {
        self.read(path).map(into_text)
    }
}

/// Text of bytes; what is not UTF-8 is replaced.
pub fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

/// `str % (…)` of a term that had to be text.
pub fn not_text(term: &Value, its: &str) -> PyResult<PyError> {
    Ok(ansible(format!(
        "Invalid setting identifier, \"{}\" is not a string, {its} a {}",
        to_text(term)?,
        crate::value::types::class_repr(term)
    )))
}

/// Runs a command line by the shell and gives what it wrote, if it ended well; else its status.
pub fn shell_output(command: &str, folder: &Path) -> PyResult<Result<Vec<u8>, i32>> {
    use std::{
        os::unix::process::ExitStatusExt,
        process::{Command, Stdio},
    };
    let child = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let output = child.and_then(std::process::Child::wait_with_output).map_err(|e| {
        let why = crate::diagnostic::ansible::os_error(&e, Some(folder));
        PyError::new(PyErrorKind::OSError, why)
    })?;
    let status = output.status;
    if status.success() {
        return Ok(Ok(output.stdout));
    }
    // Python gives the signal that ended a command as a negative number.
    Ok(Err(status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))))
}
