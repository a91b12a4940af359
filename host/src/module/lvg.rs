//! `lvg`: volume groups of LVM.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome};
use crate::target::{Ran, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.lvg"],
    description: "Makes a volume group of devices, brings it to just these devices, or removes it.",
    options: &[
        Opt::str("vg").required().doc("The volume group."),
        Opt::list("pvs", Kind::Str).doc("Its devices, all of them."),
        Opt::str("pesize")
            .or_str("4")
            .doc("The size of an extent of a new group, in megabytes if no unit is said."),
        Opt::str("pv_options").or_str("").doc("Options of `pvcreate`."),
        Opt::bool("pvresize").or(false).since("0.2.0").doc("Have devices used as far as they go."),
        Opt::str("vg_options").or_str("").doc("Options of `vgcreate`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be there."),
        Opt::bool("force").or(false).doc("Remove it though there are volumes in it."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: All data disks in one\n  community.general.lvg:\n    vg: data\n    pvs: [/dev/sdb, /dev/sdc]\n",
    version_added: "1.1",
    ..Module::builtin("lvg", "Manages volume groups of LVM", run)
};

/// A device of LVM's and its group.
struct Volume {
    name: String,
    group: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (vg, present) = (args.string("vg"), args.req("state") == "present");
    let asked = args.strings("pvs");
    if asked.is_empty() && present {
        return Err(Failure::new("No physical volumes given."));
    }
    // LVM goes by the devices themselves, not by links to them.
    let devices: Vec<String> = asked.iter().map(|device| real(cx, device)).collect();
    let volumes = match present {
        true => volumes(cx, &vg, &asked, &devices)?,
        false => Vec::new(),
    };
    let vgs = program(cx, "vgs")?;
    let words = ["--noheadings", "-o", "vg_name,pv_count,lv_count", "--separator", ";"];
    let ran = cx.run(&Run::argv([vgs]).args(words))?;
    checked(&ran, "Failed executing vgs command.")?;
    let out = ran.out();
    let known = out.lines().find_map(|line| {
        let mut parts = line.trim().split(';');
        (parts.next() == Some(vg.as_str())).then(|| parts.nth(1).unwrap_or("0").to_owned())
    });
    match (known, present) {
        (None, false) => Ok(Outcome::new(false)),
        (None, true) => create(cx, args, &vg, &devices),
        (Some(count), false) => remove(cx, args, &vg, count == "0"),
        (Some(_), true) => bring(cx, args, &vg, &devices, &volumes),
    }
}

fn program(cx: &mut Context<'_>, name: &str) -> Result<String, Failure> {
    Ok(cx.program(name)?.to_string_lossy().into_owned())
}

fn real(cx: &mut Context<'_>, path: &str) -> String {
    cx.target.realpath(Path::new(path)).to_string_lossy().into_owned()
}

fn checked(ran: &Ran, why: &str) -> Result<(), Failure> {
    match ran.ok() {
        true => Ok(()),
        false => Err(Failure::new(why).with("rc", ran.rc).with("err", ran.err())),
    }
}

/// The devices that LVM knows, of those that are asked for and those of the group.
fn volumes(
    cx: &mut Context<'_>,
    vg: &str,
    asked: &[String],
    devices: &[String],
) -> Result<Vec<Volume>, Failure> {
    for device in devices {
        if !cx.target.exists(Path::new(device)) {
            return Err(Failure::new(format!("Device {device} not found.")));
        }
    }
    let names = devices.iter().chain(asked).map(|device| format!("pv_name = {device}"));
    let select = format!("{} || vg_name = {vg}", names.collect::<Vec<_>>().join(" || "));
    let pvs = program(cx, "pvs")?;
    let words = ["--noheadings", "-o", "pv_name,vg_name", "--separator", ";", "--select", &select];
    let ran = cx.run(&Run::argv([pvs]).args(words))?;
    checked(&ran, "Failed executing pvs command.")?;
    let mut all = Vec::new();
    for line in ran.out().lines() {
        let mut parts = line.trim().split(';');
        let mut name = parts.next().unwrap_or_default().to_owned();
        if name.starts_with("/dev/dm-") {
            let dmsetup = program(cx, "dmsetup")?;
            let words = ["info", "-C", "--noheadings", "-o", "name", &name];
            let ran = cx.run(&Run::argv([dmsetup]).args(words))?;
            checked(&ran, "Failed executing dmsetup command.")?;
            name = format!("/dev/mapper/{}", ran.out().trim_end());
        }
        all.push(Volume { name, group: parts.next().unwrap_or_default().to_owned() });
    }
    let taken = |pv: &&Volume| devices.contains(&pv.name) && !pv.group.is_empty() && pv.group != vg;
    match all.iter().find(taken) {
        Some(pv) => Err(Failure::new(format!(
            "Device {} is already in {} volume group.",
            pv.name, pv.group
        ))),
        None => Ok(all),
    }
}

fn make_volumes(cx: &mut Context<'_>, args: &Args, devices: &[String]) -> Result<(), Failure> {
    let pvcreate = program(cx, "pvcreate")?;
    for device in devices {
        let run = Run::argv([&pvcreate]).args(args.req("pv_options").split_whitespace());
        let ran = cx.run(&run.args(["-f", device]))?;
        checked(&ran, &format!("Creating physical volume '{device}' failed"))?;
    }
    Ok(())
}

fn create(
    cx: &mut Context<'_>,
    args: &Args,
    vg: &str,
    devices: &[String],
) -> Result<Outcome, Failure> {
    if !cx.check {
        make_volumes(cx, args, devices)?;
        let vgcreate = program(cx, "vgcreate")?;
        let run = Run::argv([vgcreate]).args(args.req("vg_options").split_whitespace());
        let ran = cx.run(&run.args(["-s", args.req("pesize"), vg]).args(devices))?;
        checked(&ran, &format!("Creating volume group '{vg}' failed"))?;
    }
    Ok(Outcome::new(true))
}

fn remove(cx: &mut Context<'_>, args: &Args, vg: &str, is_empty: bool) -> Result<Outcome, Failure> {
    if cx.check {
        return Ok(Outcome::new(true));
    }
    if !is_empty && !args.bool("force") {
        let msg = format!("Refuse to remove non-empty volume group {vg} without force=true");
        return Err(Failure::new(msg));
    }
    let vgremove = program(cx, "vgremove")?;
    let ran = cx.run(&Run::argv([vgremove.as_str(), "--force", vg]))?;
    checked(&ran, &format!("Failed to remove volume group {vg}"))?;
    Ok(Outcome::new(true))
}

/// Have the group consist of just these devices.
fn bring(
    cx: &mut Context<'_>,
    args: &Args,
    vg: &str,
    devices: &[String],
    volumes: &[Volume],
) -> Result<Outcome, Failure> {
    let names: Vec<&str> =
        volumes.iter().filter(|pv| pv.group == vg).map(|pv| pv.name.as_str()).collect();
    let now: Vec<String> = names.iter().map(|name| real(cx, name)).collect();
    let mut changed = false;
    if args.bool("pvresize") {
        for device in &now {
            changed |= resize(cx, device)?;
        }
    }
    let more: Vec<String> = devices.iter().filter(|dev| !now.contains(dev)).cloned().collect();
    let less: Vec<String> = now.iter().filter(|dev| !devices.contains(dev)).cloned().collect();
    if more.is_empty() && less.is_empty() {
        return Ok(Outcome::new(changed));
    }
    if cx.check {
        return Ok(Outcome::new(true));
    }
    if !more.is_empty() {
        make_volumes(cx, args, &more)?;
        let vgextend = program(cx, "vgextend")?;
        let ran = cx.run(&Run::argv([vgextend.as_str(), vg]).args(&more))?;
        checked(&ran, &format!("Unable to extend {vg} by {}.", more.join(" ")))?;
    }
    if !less.is_empty() {
        let vgreduce = program(cx, "vgreduce")?;
        let ran = cx.run(&Run::argv([vgreduce.as_str(), "--force", vg]).args(&less))?;
        checked(&ran, &format!("Unable to reduce {vg} by {}.", less.join(" ")))?;
    }
    Ok(Outcome::new(true))
}

/// Have a device used as far as it goes, if that gains an extent.
fn resize(cx: &mut Context<'_>, device: &str) -> Result<bool, Failure> {
    let pvdisplay = program(cx, "pvdisplay")?;
    let mut ask = |what: &str| {
        let words = ["--units", "b", "--columns", "--noheadings", "--nosuffix", "-o", what];
        let ran = cx.run(&Run::argv([pvdisplay.as_str(), device]).args(words))?;
        ran.out().trim().parse::<i64>().map_err(|_| {
            let shown = crate::python::repr_str(&ran.out().replace(' ', ""));
            let text = format!("invalid literal for int() with base 10: {shown}");
            Failure::crash("ValueError", text)
        })
    };
    let room = ask("dev_size")? - ask("pv_size")? - ask("pe_start")?;
    if room <= ask("vg_extent_size")? {
        return Ok(false);
    }
    if !cx.check {
        let pvresize = program(cx, "pvresize")?;
        let ran = cx.run(&Run::argv([pvresize.as_str(), device]))?;
        checked(&ran, "Failed executing pvresize command.")?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new();
        for device in ["/dev/sdb", "/dev/sdc", "/dev/sdd"] {
            fake = fake.file(device, "");
        }
        for name in ["pvs", "vgs", "pvcreate", "vgcreate", "vgextend", "vgreduce", "vgremove"] {
            fake = fake.program(name);
        }
        let mut fake = fake
            .on("/usr/bin/pvs", Ran::of(0, "  /dev/sdb;data\n  /dev/sdd;other\n", ""))
            .on("/usr/bin/vgs", Ran::of(0, "  data;1;2\n  other;1;0\n", ""))
            .on("/usr/bin/", Ran::of(0, "", ""));
        let result = Call::new("lvg", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn groups() {
        let (result, _) = call(json!({"vg": "data", "pvs": "/dev/sdb"}));
        assert_eq!(result["changed"], false, "{result}");
        let (_, runs) = call(json!({"vg": "data", "pvs": "/dev/sdc", "pv_options": "-q"}));
        assert_eq!(
            runs[2..],
            [
                "/usr/bin/pvcreate -q -f /dev/sdc",
                "/usr/bin/vgextend data /dev/sdc",
                "/usr/bin/vgreduce --force data /dev/sdb"
            ]
        );
        let (_, runs) = call(json!({"vg": "new", "pvs": "/dev/sdc", "pesize": "8"}));
        assert_eq!(runs.last().map(String::as_str), Some("/usr/bin/vgcreate -s 8 new /dev/sdc"));
        let (result, _) = call(json!({"vg": "data", "pvs": "/dev/sdd"}));
        assert_eq!(result["msg"], "Device /dev/sdd is already in other volume group.");
        let (result, _) = call(json!({"vg": "data", "state": "absent"}));
        assert_eq!(
            result["msg"],
            "Refuse to remove non-empty volume group data without force=true"
        );
        let (result, _) = call(json!({"vg": "other", "state": "absent"}));
        assert_eq!(result["changed"], true);
    }
}
