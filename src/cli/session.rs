//! What commands need before they can work: passwords of the vault, hosts, variables, the loader.

use crate::{
    cli::flags,
    config::{Settings, options},
    vault::Sources,
};

/// The sources of vault passwords that flags and settings name.
pub fn sources(settings: &Settings, flags: &flags::Vault) -> Sources {
    let mut ids = settings.get(&options::DEFAULT_VAULT_IDENTITY_LIST);
    ids.extend(flags.vault_ids.iter().cloned());
    let mut files = flags.vault_password_files.clone();
    let configured = settings.get(&options::DEFAULT_VAULT_PASSWORD_FILE);
    files.extend(configured.map(|p| p.display().to_string()));
    Sources {
        ids,
        files,
        ask: flags.ask_vault_pass || settings.get(&options::DEFAULT_ASK_VAULT_PASS),
        ask_by_default: false,
        new_password: false,
        default_id: settings.get(&options::DEFAULT_VAULT_IDENTITY),
    }
}
