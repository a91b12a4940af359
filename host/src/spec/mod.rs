//! What a module accepts: options, rules between them, and the check of given arguments.

mod check;
mod convert;
mod no_log;
mod option;
mod url;

pub use check::{Checked, check};
pub use convert::{Expand, boolean, dumps, human_to_bytes};
pub use no_log::Secrets;
pub use option::{FILE_OPTIONS, Kind, Lit, Opt, Rule};
pub use url::URL_OPTIONS;
