//! Signals: the agent leaves as if its channel had closed.

use std::sync::Arc;

use crate::agent::Agent;

/// From now on, SIGHUP, SIGINT and SIGTERM end what runs before they end the agent.
pub(super) fn end_on_signal(agent: Arc<Agent>) {
    let Some(signals) = block() else { return };
    std::thread::spawn(move || {
        if wait(&signals).is_some() {
            agent.leave();
            std::process::exit(1);
        }
    });
}

/// Keep the signals from killing any thread. Programs are started with an empty mask, so they don't inherit this.
fn block() -> Option<libc::sigset_t> {
    // SAFETY: the set is initialised by sigemptyset before its use, and no other thread runs yet.
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            libc::sigaddset(&raw mut signals, signal);
        }
        let done = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut());
        (done == 0).then_some(signals)
    }
}

fn wait(signals: &libc::sigset_t) -> Option<i32> {
    let mut signal = 0;
    // SAFETY: both pointers are to live values of the right types.
    let done = unsafe { libc::sigwait(signals, &raw mut signal) };
    (done == 0).then_some(signal)
}
