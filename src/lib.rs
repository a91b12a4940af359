//! The controller: loads playbooks, renders their templates and drives hosts.

pub mod action;
pub mod config;
pub mod diagnostic;
pub mod inventory;
pub mod playbook;
pub mod template;
pub mod value;
pub mod vars;
pub mod vault;
pub mod yaml;
