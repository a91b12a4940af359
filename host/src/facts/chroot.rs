//! Whether the root folder is the machine's own.

use super::Collector;
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "chroot", subsets: &["chroot"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    facts.insert("is_chroot".into(), is_chroot(cx).into());
}

/// Whether this is a chroot, as far as that can be told.
pub fn is_chroot(cx: &mut Context<'_>) -> bool {
    if cx.target.env("debian_chroot").is_some_and(|name| !name.is_empty()) {
        return true;
    }
    let Ok(own) = cx.target.stat("/".as_ref()) else { return false };
    match cx.target.stat("/proc/1/root/.".as_ref()) {
        Ok(init) => (own.inode, own.dev) != (init.inode, init.dev),
        // Without /proc: the root of most file systems is inode 2.
        Err(_) => own.inode != 2,
    }
}
