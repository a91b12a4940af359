//! AppArmor.

use serde_json::json;

use super::Collector;
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "apparmor", subsets: &["apparmor"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let apparmor = cx.target.exists("/sys/kernel/security/apparmor".as_ref());
    let status = if apparmor { "enabled" } else { "disabled" };
    facts.insert("apparmor".into(), json!({"status": status}));
}
