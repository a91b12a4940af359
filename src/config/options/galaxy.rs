//! Settings of ansible-galaxy.

use std::path::PathBuf;

use super::{
    Default::{Flag, Int, List, Text, Unset},
    Opt, Spec, any, flag, list, path, text,
};

options! { ALL;
    GALAXY_IGNORE_CERTS: Option<bool> = flag(Unset)
        .ini(&["galaxy.ignore_certs"])
        .env(&["ANSIBLE_GALAXY_IGNORE"]);
    GALAXY_ROLE_SKELETON: Option<PathBuf> = path(Unset)
        .ini(&["galaxy.role_skeleton"])
        .env(&["ANSIBLE_GALAXY_ROLE_SKELETON"]);
    GALAXY_ROLE_SKELETON_IGNORE: Vec<String> = list(List(&["^.git$", "^.*/.git_keep$"]))
        .ini(&["galaxy.role_skeleton_ignore"])
        .env(&["ANSIBLE_GALAXY_ROLE_SKELETON_IGNORE"]);
    GALAXY_COLLECTION_SKELETON: Option<PathBuf> = path(Unset)
        .ini(&["galaxy.collection_skeleton"])
        .env(&["ANSIBLE_GALAXY_COLLECTION_SKELETON"]);
    GALAXY_COLLECTION_SKELETON_IGNORE: Vec<String> = list(List(&["^.git$", "^.*/.git_keep$"]))
        .ini(&["galaxy.collection_skeleton_ignore"])
        .env(&["ANSIBLE_GALAXY_COLLECTION_SKELETON_IGNORE"]);
    GALAXY_SERVER: String = any(Text("https://galaxy.ansible.com"))
        .ini(&["galaxy.server"])
        .env(&["ANSIBLE_GALAXY_SERVER"]);
    GALAXY_SERVER_LIST: Option<Vec<String>> = list(Unset)
        .ini(&["galaxy.server_list"])
        .env(&["ANSIBLE_GALAXY_SERVER_LIST"]);
    GALAXY_TOKEN_PATH: PathBuf = path(Text("{{ANSIBLE_HOME}}/galaxy_token"))
        .ini(&["galaxy.token_path"])
        .env(&["ANSIBLE_GALAXY_TOKEN_PATH"]);
    GALAXY_DISPLAY_PROGRESS: Option<bool> = flag(Unset)
        .ini(&["galaxy.display_progress"])
        .env(&["ANSIBLE_GALAXY_DISPLAY_PROGRESS"]);
    GALAXY_CACHE_DIR: PathBuf = path(Text("{{ANSIBLE_HOME}}/galaxy_cache"))
        .ini(&["galaxy.cache_dir"])
        .env(&["ANSIBLE_GALAXY_CACHE_DIR"]);
    GALAXY_DISABLE_GPG_VERIFY: bool = flag(Flag(false))
        .ini(&["galaxy.disable_gpg_verify"])
        .env(&["ANSIBLE_GALAXY_DISABLE_GPG_VERIFY"]);
    GALAXY_GPG_KEYRING: Option<PathBuf> = path(Unset)
        .ini(&["galaxy.gpg_keyring"])
        .env(&["ANSIBLE_GALAXY_GPG_KEYRING"]);
    GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES: Option<Vec<String>> = list(Unset)
        .ini(&["galaxy.ignore_signature_status_codes"])
        .env(&["ANSIBLE_GALAXY_IGNORE_SIGNATURE_STATUS_CODES"])
        .choices(&["EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG", "NO_PUBKEY",
            "MISSING_PASSPHRASE", "BAD_PASSPHRASE", "NODATA", "UNEXPECTED", "ERROR", "FAILURE",
            "BADARMOR", "KEYEXPIRED", "KEYREVOKED", "NO_SECKEY"]);
    GALAXY_REQUIRED_VALID_SIGNATURE_COUNT: String = text(Int(1))
        .ini(&["galaxy.required_valid_signature_count"])
        .env(&["ANSIBLE_GALAXY_REQUIRED_VALID_SIGNATURE_COUNT"]);
}
