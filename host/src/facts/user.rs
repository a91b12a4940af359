//! The user that tasks run as.

use super::Collector;
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "user", subsets: &["user"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let (uid, gid) = (cx.target.euid(), cx.target.egid());
    if let Some(user) = cx.target.user_by_id(uid) {
        facts.insert("user_id".into(), user.name.as_str().into());
        facts.insert("user_uid".into(), user.uid.into());
        facts.insert("user_gid".into(), user.gid.into());
        facts.insert("user_gecos".into(), user.gecos.as_str().into());
        facts.insert("user_dir".into(), user.home.to_string().into());
        facts.insert("user_shell".into(), user.shell.to_string().into());
    }
    facts.insert("real_user_id".into(), uid.into());
    facts.insert("effective_user_id".into(), uid.into());
    facts.insert("real_group_id".into(), gid.into());
    facts.insert("effective_group_id".into(), gid.into());
}
