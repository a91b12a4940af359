//! Settings: one table of options, read from environment and `ansible.cfg`.

mod ini;
mod machine;
mod option;
pub mod options;
mod settings;

pub use self::{
    machine::{Machine, System, controller_python, expand_path, normalize},
    option::{Opt, Reads, Spec, Type},
    settings::{Origin, Setting, Settings},
};
