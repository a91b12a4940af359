//! The public keys of the host's SSH server.

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector =
    Collector { name: "ssh_pub_keys", subsets: &["ssh_pub_keys"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        let mut found = false;
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let Some(text) = content(cx, format!("{folder}/ssh_host_{kind}_key.pub")) else {
                continue;
            };
            let mut words = text.split_whitespace();
            let (Some(name), Some(key)) = (words.next(), words.next()) else { continue };
            facts.insert(format!("ssh_host_key_{kind}_public"), key.into());
            facts.insert(format!("ssh_host_key_{kind}_public_keytype"), name.into());
            found = true;
        }
        if found {
            return;
        }
    }
}
