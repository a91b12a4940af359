//! The host's names in storage networks: iSCSI, NVMe, fibre channel.

use super::{Collector, content, lines, names};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector =
    Collector { name: "storage_ids", subsets: &["fibre_channel_wwn", "iscsi", "nvme"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let iqn = lines(cx, "/etc/iscsi/initiatorname.iscsi")
        .iter()
        .filter(|l| !l.starts_with(['#', ';']))
        .find_map(|l| l.strip_prefix("InitiatorName=").map(|v| v.trim().to_owned()));
    facts.insert("iscsi_iqn".into(), iqn.unwrap_or_default().into());
    let nqn = lines(cx, "/etc/nvme/hostnqn")
        .into_iter()
        .find(|l| l.starts_with("nqn."))
        .unwrap_or_default();
    facts.insert("hostnqn".into(), nqn.trim().into());
    let mut wwns = Vec::new();
    for host in names(cx, "/sys/class/fc_host") {
        if let Some(wwn) = content(cx, format!("/sys/class/fc_host/{host}/port_name")) {
            wwns.push(wwn.trim_start_matches("0x").to_owned());
        }
    }
    facts.insert("fibre_channel_wwn".into(), wwns.into());
}
