//! TEMPORARY (not landed).
mod secret;
mod settings;
pub use secret::Secret;
pub use settings::{ConnectionSettings, SshOptions, Transport};
