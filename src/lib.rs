//! The controller: loads playbooks, renders their templates and drives hosts.

pub mod action;
pub mod agent;
pub mod callback;
pub mod cli;
pub mod config;
pub mod connection;
pub mod diagnostic;
pub mod event;
pub mod generate;
pub mod inventory;
pub mod paths;
pub mod playbook;
pub mod review;
pub mod run;
pub mod splitter;
pub mod template;
pub mod terminal;
pub mod value;
pub mod vars;
pub mod vault;
pub mod yaml;
