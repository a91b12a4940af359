//! Addresses and networks: what `ansible.utils` brings (`ipaddr` and its kin).

mod address;
mod hardware;
mod query;
mod subnet;

pub use address::{Net, parse_ip};
pub(super) use query::FILTERS as QUERIES;
pub(super) use subnet::FILTERS as SUBNETS;

pub(super) use hardware::FILTERS as HARDWARE;
