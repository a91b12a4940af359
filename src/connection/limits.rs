//! How many handshakes may be under way: servers turn away what is more than they expect
//! (OpenSSH's `MaxStartups` is 10), and each costs processor time here.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At once to one address or jump host.
const PER_ADDRESS: usize = 8;
/// At once in all.
const IN_ALL: usize = 32;

static ALL: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(IN_ALL)));
static BY_ADDRESS: LazyLock<Mutex<HashMap<String, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

/// The right to make one handshake, until it is dropped.
pub(super) struct Turn {
    _one: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

/// Waits for a turn at the machine that answers: the host itself, or the jump host before it.
pub(super) async fn turn(address: &str) -> Turn {
    let own = {
        let mut all = BY_ADDRESS.lock();
        let entry = all.entry(address.to_owned());
        Arc::clone(entry.or_insert_with(|| Arc::new(Semaphore::new(PER_ADDRESS))))
    };
    // The semaphores are never closed, so that acquiring can't fail.
    let one = own.acquire_owned().await.ok();
    let all = Arc::clone(&ALL).acquire_owned().await.ok();
    Turn { _one: one, _all: all }
}
