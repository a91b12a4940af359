//! What the firmware says of the machine.

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "dmi", subsets: &["hardware"], collect };

const FORM_FACTORS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

const NAMES: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("form_factor", "chassis_type"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    for (name, file) in NAMES {
        let value = content(cx, format!("/sys/devices/virtual/dmi/id/{file}"));
        let value = match value {
            Some(number) if *name == "form_factor" => {
                let at = number.parse::<usize>().ok();
                at.and_then(|n| FORM_FACTORS.get(n))
                    .map_or_else(|| format!("unknown ({number})"), |f| (*f).to_owned())
            }
            Some(value) => value,
            None => "NA".to_owned(),
        };
        facts.insert((*name).into(), value.into());
    }
}
