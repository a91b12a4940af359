//! TEMPORARY (not landed).
#![allow(missing_docs, unused_variables, clippy::todo)]
use crate::connection::*;
use vmstation_host::{call::Call, data::Map, files::AtHand};
pub struct Pool;
pub enum CallError {
    Unreachable(String),
    Failed(String),
}
pub struct Ran {
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}
#[derive(Clone, Debug)]
pub struct Become {
    pub method: String,
    pub user: String,
    pub password: Option<Secret>,
    pub exe: String,
    pub flags: String,
}
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub connection: ConnectionSettings,
    pub r#become: Option<Become>,
    pub remote_tmp: String,
    pub shell: Option<String>,
}
impl Pool {
    pub async fn call(&self, e: &Endpoint, c: Call, mut f: AtHand) -> Result<Map, CallError> {
        tokio::task::spawn_blocking(move || vmstation_host::call::run_local(&c, &mut f))
            .await
            .map_err(|e| CallError::Failed(e.to_string()))
    }
    pub async fn shell(
        &self,
        e: &Endpoint,
        line: &str,
        exe: Option<&str>,
    ) -> Result<Ran, CallError> {
        todo!()
    }
    pub async fn reset(&self, e: &Endpoint) {}
}
