//! The table of options: ansible-core 2.14's base settings, and those of plugins that we have.
//!
//! An option's name is ansible's (`DEFAULT_FORKS`). Where several environment variables or keys of
//! `ansible.cfg` are named, the last that is set wins.

/// Declares base options and the list of them all.
macro_rules! options {
    ($all:ident; $($name:ident: $type:ty = $spec:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`.")]
            pub static $name: Opt<$type> = Opt::new(Spec { name: stringify!($name), ..$spec });
        )*
        /// The options of this file, in ansible's order.
        pub(super) static $all: &[&Spec] = &[$($name.spec()),*];
    };
}

/// Declares options of a plugin and the list of them all.
macro_rules! plugin_options {
    ($all:ident, $kind:literal, $plugin:literal; $($name:ident ($key:literal): $type:ty = $spec:expr;)*) => {
        $(
            #[doc = concat!("`", $key, "`.")]
            pub static $name: Opt<$type> =
                Opt::new(Spec { name: $key, plugin: Some(($kind, $plugin)), ..$spec });
        )*
        /// The options of this plugin.
        pub static $all: &[&Spec] = &[$($name.spec()),*];
    };
}

/// Where plugins of a kind are looked for.
macro_rules! shared {
    ($kind:literal) => {
        concat!("{{ANSIBLE_HOME}}/plugins/", $kind, ":/usr/share/ansible/plugins/", $kind)
    };
}

mod become_method;
mod connection;
mod display;
mod galaxy;
mod inventory;
mod paths;
mod plugins;
mod run;

use super::option::{
    Default, Old, Opt, Spec, any, dict, flag, float, int, list, path, pathlist, pathspec, text,
    tmppath,
};
pub use {
    become_method::{su, sudo},
    connection::{local, paramiko, ssh},
    display::*,
    galaxy::*,
    inventory::*,
    paths::*,
    plugins::{
        callback, constructed, host_group_vars, json, jsonfile, junit, log_plays, profile_tasks,
        script_inventory, sh, tree, yaml_inventory,
    },
    run::*,
};

const COLORS: &[&str] = &[
    "black",
    "bright gray",
    "blue",
    "white",
    "green",
    "bright blue",
    "cyan",
    "bright green",
    "red",
    "bright cyan",
    "purple",
    "bright red",
    "yellow",
    "bright purple",
    "dark gray",
    "bright yellow",
    "magenta",
    "bright magenta",
    "normal",
];

const WHY_NORMALIZE: &str = "normalizing names to new standard";
const WHY_UNUSED: &str = "This option is no longer used in the Ansible Core code base.";
const WHY_TRANSFER_METHOD: &str = "In favor of the \"ssh_transfer_method\" option.";
const WHY_MODULE_DEFAULTS: &str = "the module_defaults keyword is a more generic version and can \
    apply to all calls to the M(ansible.builtin.gather_facts) or M(ansible.builtin.setup) actions";

/// Every base option.
pub fn base() -> impl Iterator<Item = &'static Spec> {
    [run::ALL, display::ALL, inventory::ALL, paths::ALL, galaxy::ALL].into_iter().flatten().copied()
}

/// Every option of a plugin.
pub fn of_plugins() -> impl Iterator<Item = &'static Spec> {
    [
        ssh::ALL,
        paramiko::ALL,
        local::ALL,
        sudo::ALL,
        su::ALL,
        sh::ALL,
        callback::ALL,
        json::ALL,
        junit::ALL,
        log_plays::ALL,
        profile_tasks::ALL,
        tree::ALL,
        yaml_inventory::ALL,
        script_inventory::ALL,
        constructed::ALL,
        host_group_vars::ALL,
        jsonfile::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}
