//! Text that is stored encrypted and decrypted on first use.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::diagnostic::{Error, Result, Span};

/// Something that knows the secrets.
pub trait Decrypt: Send + Sync {
    /// The plain text of an armoured ciphertext.
    fn decrypt(&self, ciphertext: &str, at: Option<&Span>) -> Result<Vec<u8>, Error>;

    /// The plain bytes of an encrypted file.
    fn decrypt_file(&self, data: &[u8], _path: &Path) -> Result<Vec<u8>, Error> {
        self.decrypt(&String::from_utf8_lossy(data), None)
    }
}

/// A `!vault` value.
pub struct Vaulted {
    ciphertext: Arc<str>,
    span: Option<Span>,
    secrets: Arc<dyn Decrypt>,
    plain: OnceLock<Result<Arc<str>, Error>>,
}

impl Vaulted {
    /// The encrypted text `ciphertext`, to be decrypted by `secrets` when it is used.
    pub fn new(
        ciphertext: impl Into<Arc<str>>,
        secrets: Arc<dyn Decrypt>,
        span: Option<Span>,
    ) -> Self {
        Self { ciphertext: ciphertext.into(), span, secrets, plain: OnceLock::new() }
    }

    /// The text as it stands in the file.
    pub fn ciphertext(&self) -> &str {
        &self.ciphertext
    }

    /// The decrypted text; decrypted once.
    pub fn plain(&self) -> Result<Arc<str>, Error> {
        self.plain
            .get_or_init(|| {
                let bytes = self.secrets.decrypt(&self.ciphertext, self.span.as_ref())?;
                Ok(String::from_utf8_lossy(&bytes).into())
            })
            .clone()
    }
}

impl fmt::Debug for Vaulted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vaulted(…)")
    }
}
