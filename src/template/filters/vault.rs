//! Encrypting and decrypting with vault.

use std::sync::Arc;

use super::Filter;
use crate::template::{CallArgs, FilterContext, args::flag};
use crate::value::{
    Decrypt, PyError, PyResult, Value, Vaulted, ops::settle, repr::to_text, types::class_repr,
};
use crate::vault::{Secret, Vault, encrypt_with_salt, is_encrypted};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("vault", "Encrypts text.", vault).anew(),
    Filter::ansible("unvault", "Decrypts text.", unvault).anew(),
];

/// The bytes of text; other types are refused with `message`.
fn text(value: &Value, message: &str) -> PyResult<Vec<u8>> {
    match value {
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::Str(s) => Ok(s.as_bytes().to_vec()),
        Value::Bytes(b) => Ok(b.to_vec()),
        other => Err(PyError::filter_type(format!("{message}{}", class_repr(other)))),
    }
}

fn label(id: Option<Value>) -> PyResult<String> {
    id.map_or_else(|| Ok("filter_default".to_owned()), |id| to_text(&id))
}

fn vault(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [secret, salt, id, wrap] =
        args.bind("do_vault", &["data"], &["secret", "salt", "vaultid", "wrap_object"], 1)?;
    let secret = text(
        &secret.unwrap_or(Value::None),
        "Secret passed is required to be a string, instead we got: ",
    )?;
    let data = text(&value, "Can only vault strings, instead we got: ")?;
    let id = label(id)?;
    let failed =
        |e: crate::diagnostic::Error| PyError::filter(format!("Unable to encrypt: {e}. {e}"));
    let secret = Secret::new(&secret).map_err(failed)?;
    let encrypted = match salt.filter(|s| !s.is_none()) {
        None => Vault::default().encrypt(&data, &secret, Some(&id)),
        Some(salt) => {
            let salt = to_text(&salt)?;
            if salt.is_empty() {
                return Err(PyError::filter(
                    "Unable to encrypt: Empty or invalid salt passed to encrypt(). Empty or invalid salt \
                     passed to encrypt()",
                ));
            }
            encrypt_with_salt(&data, &secret, Some(&id), salt.as_bytes())
        }
    };
    let encrypted = encrypted.map_err(failed)?;
    if !flag(wrap.as_ref(), false)? {
        return Ok(Value::from(encrypted));
    }
    let secrets = Vault::default();
    secrets.add(id, secret);
    let secrets: Arc<dyn Decrypt> = Arc::new(secrets);
    Ok(Value::Vaulted(Arc::new(Vaulted::new(encrypted, secrets, None))))
}

fn unvault(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [secret, id] = args.bind("do_unvault", &["vault"], &["secret", "vaultid"], 1)?;
    let secret = text(
        &secret.unwrap_or(Value::None),
        "Secret passed is required to be as string, instead we got: ",
    )?;
    let data = match &value {
        Value::Vaulted(v) => v.ciphertext().as_bytes().to_vec(),
        other => text(other, "Vault should be in the form of a string, instead we got: ")?,
    };
    if !is_encrypted(&data) {
        return match settle(&value)?.into_owned() {
            Value::Bytes(b) => Ok(Value::from(String::from_utf8_lossy(&b).into_owned())),
            plain => Ok(plain),
        };
    }
    let failed =
        |e: crate::diagnostic::Error| PyError::filter(format!("Unable to decrypt: {e}. {e}"));
    let secrets = Vault::default();
    secrets.add(label(id)?, Secret::new(&secret).map_err(failed)?);
    let opened = secrets.open(&data, None).map_err(failed)?;
    Ok(Value::from(String::from_utf8_lossy(&opened.plain).into_owned()))
}
