//! Block devices and their partitions.

use serde_json::json;

use super::{Collector, content, names};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "devices", subsets: &["hardware"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let links = Links::read(cx);
    facts.insert("device_links".into(), links.facts());
    let mut devices = Map::new();
    for name in names(cx, "/sys/block") {
        let folder = format!("/sys/block/{name}");
        let device = device(cx, &name, &folder, &links);
        devices.insert(name, device);
    }
    facts.insert("devices".into(), devices.into());
    lvm(cx, facts);
}

fn lvm(cx: &mut Context<'_>, facts: &mut Map) {
    if cx.target.euid() != 0 || cx.target.find_program("vgs", &[]).is_none() {
        facts.insert("lvm".into(), "N/A".into());
        return;
    }
    let table = |cx: &mut Context<'_>, program: &str| -> Vec<Vec<String>> {
        let args = ["--noheadings", "--nosuffix", "--units", "g", "--separator", ","];
        let text = super::output(cx, program, &args).unwrap_or_default();
        text.lines().map(|l| l.trim().split(',').map(|c| c.trim().to_owned()).collect()).collect()
    };
    let (mut vgs, mut lvs, mut pvs) = (Map::new(), Map::new(), Map::new());
    for row in table(cx, "vgs") {
        if let [name, num_pvs, num_lvs, .., size, free] = &row[..] {
            vgs.insert(
                name.clone(),
                json!({"size_g": size, "free_g": free, "num_lvs": num_lvs, "num_pvs": num_pvs}),
            );
        }
    }
    for row in table(cx, "lvs") {
        if let [name, vg, _, size, ..] = &row[..] {
            lvs.insert(name.clone(), json!({"size_g": size, "vg": vg}));
        }
    }
    for row in table(cx, "pvs") {
        if let [name, vg, _, _, size, free] = &row[..] {
            pvs.insert(name.clone(), json!({"size_g": size, "free_g": free, "vg": vg}));
        }
    }
    facts.insert("lvm".into(), json!({"lvs": lvs, "vgs": vgs, "pvs": pvs}));
}

/// Names under which devices are found in `/dev/disk`, and devices that are made of others.
struct Links {
    ids: Map,
    uuids: Map,
    labels: Map,
    masters: Map,
}

impl Links {
    fn read(cx: &mut Context<'_>) -> Links {
        Links {
            ids: by(cx, "/dev/disk/by-id"),
            uuids: by(cx, "/dev/disk/by-uuid"),
            labels: by(cx, "/dev/disk/by-label"),
            masters: masters(cx),
        }
    }

    fn facts(&self) -> Data {
        json!({
            "ids": self.ids, "uuids": self.uuids, "labels": self.labels, "masters": self.masters,
        })
    }

    fn of(&self, device: &str) -> Data {
        let get = |map: &Map| map.get(device).cloned().unwrap_or_else(|| json!([]));
        json!({
            "ids": get(&self.ids),
            "uuids": get(&self.uuids),
            "labels": get(&self.labels),
            "masters": get(&self.masters),
        })
    }
}

fn push(map: &mut Map, key: &str, value: String) {
    let list = map.entry(key).or_insert_with(|| json!([]));
    if let Data::Array(list) = list {
        list.push(value.into());
    }
}

fn by(cx: &mut Context<'_>, folder: &str) -> Map {
    let mut all = Map::new();
    for name in names(cx, folder) {
        let Ok(target) = cx.target.read_link(format!("{folder}/{name}").as_ref()) else { continue };
        if let Some(device) = target.file_name() {
            push(&mut all, &device.to_string_lossy(), name);
        }
    }
    all
}

fn masters(cx: &mut Context<'_>) -> Map {
    let mut all = Map::new();
    for device in names(cx, "/sys/block") {
        for slave in names(cx, format!("/sys/block/{device}/slaves")) {
            push(&mut all, &slave, device.clone());
        }
    }
    all
}

fn device(cx: &mut Context<'_>, name: &str, folder: &str, links: &Links) -> Data {
    let mut d = Map::new();
    let real = cx.target.realpath(folder.as_ref());
    d.insert(
        "virtual".into(),
        i32::from(
            real.to_string_lossy().contains("/virtual/")
                || !cx.target.exists(format!("{folder}/device").as_ref())
                || is_virtio(cx, folder),
        )
        .into(),
    );
    d.insert("links".into(), links.of(name));
    for (key, file) in [
        ("vendor", "device/vendor"),
        ("model", "device/model"),
        ("sas_address", "device/sas_address"),
        ("sas_device_handle", "device/sas_device_handle"),
    ] {
        d.insert(key.into(), content(cx, format!("{folder}/{file}")).into());
    }
    for (key, file) in [
        ("removable", "removable"),
        ("support_discard", "queue/discard_granularity"),
        ("rotational", "queue/rotational"),
    ] {
        if let Some(value) = content(cx, format!("{folder}/{file}")) {
            d.insert(key.into(), value.into());
        }
    }
    let serial = super::output(cx, "sg_inq", &[&format!("/dev/{name}")]);
    if let Some(serial) = serial.and_then(|s| {
        s.lines()
            .find_map(|l| l.split_once("Unit serial number:").map(|(_, v)| v.trim().to_owned()))
    }) {
        d.insert("serial".into(), serial.into());
    }
    d.insert("partitions".into(), partitions(cx, name, folder, links).into());
    let scheduler = content(cx, format!("{folder}/queue/scheduler")).unwrap_or_default();
    let mode = scheduler.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    d.insert("scheduler_mode".into(), mode.map_or("", |(mode, _)| mode).into());
    let (sectors, sector) = size_of(cx, folder);
    d.insert("sectors".into(), sectors.clone().into());
    d.insert("sectorsize".into(), sector.to_string().into());
    // The kernel counts sectors of 512 bytes, whatever the device's own are.
    let bytes = sectors.parse::<f64>().unwrap_or(0.0) * 512.0;
    d.insert("size".into(), human(bytes).into());
    d.insert("host".into(), "".into());
    d.insert("holders".into(), holders(cx, folder).into());
    d.into()
}

fn is_virtio(cx: &mut Context<'_>, folder: &str) -> bool {
    let link = cx.target.read_link(format!("{folder}/device").as_ref());
    link.is_ok_and(|l| l.to_string_lossy().contains("virtio"))
}

fn size_of(cx: &mut Context<'_>, folder: &str) -> (String, u64) {
    let sectors = content(cx, format!("{folder}/size")).unwrap_or_else(|| "0".to_owned());
    let sector = content(cx, format!("{folder}/queue/logical_block_size"))
        .or_else(|| content(cx, format!("{folder}/queue/hw_sector_size")));
    (sectors, sector.and_then(|s| s.parse().ok()).unwrap_or(512))
}

fn holders(cx: &mut Context<'_>, folder: &str) -> Vec<String> {
    let mut all = Vec::new();
    for name in names(cx, format!("{folder}/holders")) {
        let label =
            content(cx, format!("/sys/block/{name}/dm/name")).filter(|_| name.starts_with("dm-"));
        all.push(label.unwrap_or(name));
    }
    all
}

fn partitions(cx: &mut Context<'_>, device: &str, folder: &str, links: &Links) -> Map {
    let mut all = Map::new();
    for name in names(cx, folder) {
        if !name.starts_with(device) || name == device {
            continue;
        }
        let part = format!("{folder}/{name}");
        if !cx.target.exists(format!("{part}/start").as_ref()) {
            continue;
        }
        let (sectors, _) = size_of(cx, &part);
        let sector = content(cx, format!("{part}/queue/logical_block_size"))
            .or_else(|| content(cx, format!("{folder}/queue/logical_block_size")));
        let sector: u64 = sector.and_then(|s| s.parse().ok()).unwrap_or(512);
        let uuid = links.uuids.get(&name).and_then(|u| u.get(0)).cloned().unwrap_or(Data::Null);
        let bytes = sectors.parse::<f64>().unwrap_or(0.0) * 512.0;
        let start = content(cx, format!("{part}/start")).unwrap_or_else(|| "0".to_owned());
        let holders = holders(cx, &part);
        all.insert(
            name.clone(),
            json!({
                "links": links.of(&name),
                "start": start,
                "sectors": sectors,
                "sectorsize": sector,
                "size": human(bytes),
                "uuid": uuid,
                "holders": holders,
            }),
        );
    }
    all
}

/// Bytes as people read them.
fn human(bytes: f64) -> String {
    let units = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 1024.0 && unit < units.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        assert_eq!(human(0.0), "0.00 Bytes");
        assert_eq!(human(536_870_912.0 * 512.0), "256.00 GB");
    }
}
