//! What acts on a host: modules, facts, targets and the agent.
//!
//! The same module code runs in the agent on a host, in the controller for
//! local connections, and in the controller over a plain shell; it sees the
//! machine only through [`target::Target`].

pub mod agent;
pub mod call;
pub mod clock;
pub mod context;
pub mod crypt;
pub mod csv;
pub mod data;
pub mod facts;
pub mod files;
pub mod fragments;
pub mod http;
pub mod job;
pub mod module;
pub mod outcome;
pub mod python;
pub mod regex;
pub mod resolve;
pub mod spec;
pub mod strptime;
pub mod target;
pub mod wire;
pub mod x509;
