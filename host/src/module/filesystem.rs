//! `filesystem`: file systems on devices.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::python;
use crate::target::{FileKind, Run};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.filesystem"],
    description: "Makes a file system on a device or in a file, has it grow, or wipes what tells of one.\n\
                  The host needs the programs of the file system, `blkid` and `wipefs`.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .since("1.3.0")
            .doc("Whether there is to be a file system."),
        Opt::str("fstype")
            .aliases(&["type"])
            .choices(&[
                Lit::Str("btrfs"),
                Lit::Str("ext2"),
                Lit::Str("ext3"),
                Lit::Str("ext4"),
                Lit::Str("ext4dev"),
                Lit::Str("f2fs"),
                Lit::Str("lvm"),
                Lit::Str("ocfs2"),
                Lit::Str("reiserfs"),
                Lit::Str("swap"),
                Lit::Str("ufs"),
                Lit::Str("vfat"),
                Lit::Str("xfs"),
            ])
            .doc("Its kind."),
        Opt::path("dev").required().aliases(&["device"]).doc("The device."),
        Opt::str("opts").doc("Options for the program that makes it."),
        Opt::bool("force").or(false).doc("Make it though there is another. What is there is lost."),
        Opt::bool("resizefs").or(false).doc("Have it fill the device."),
    ],
    rules: &[Rule::RequiredIf {
        option: "state",
        is: Lit::Str("present"),
        needs: &["fstype"],
        any: false,
    }],
    check_mode: CheckMode::Full,
    examples: "- name: Room for the data\n  community.general.filesystem:\n    fstype: ext4\n    dev: /dev/sdb1\n",
    version_added: "1.2",
    ..Module::builtin("filesystem", "Makes and grows file systems", run)
};

/// How a kind of file system is made, measured and grown.
struct Kind {
    /// As `blkid` calls it.
    name: &'static str,
    /// In messages.
    class: &'static str,
    mkfs: &'static str,
    force: &'static [&'static str],
    /// The program that grows it, and its words before the target.
    grow: Option<(&'static str, &'static [&'static str])>,
    /// Whether it must be mounted to be grown.
    mounted: bool,
}

const fn kind(
    name: &'static str,
    class: &'static str,
    mkfs: &'static str,
    force: &'static [&'static str],
) -> Kind {
    Kind { name, class, mkfs, force, grow: None, mounted: false }
}

const KINDS: &[Kind] = &[
    Kind { grow: Some(("resize2fs", &[])), ..kind("ext2", "Ext2", "mkfs.ext2", &["-F"]) },
    Kind { grow: Some(("resize2fs", &[])), ..kind("ext3", "Ext3", "mkfs.ext3", &["-F"]) },
    Kind { grow: Some(("resize2fs", &[])), ..kind("ext4", "Ext4", "mkfs.ext4", &["-F"]) },
    Kind { grow: Some(("resize.f2fs", &[])), ..kind("f2fs", "F2fs", "mkfs.f2fs", &["-f"]) },
    kind("reiserfs", "Reiserfs", "mkfs.reiserfs", &["-q"]),
    Kind {
        grow: Some(("xfs_growfs", &[])),
        mounted: true,
        ..kind("xfs", "XFS", "mkfs.xfs", &["-f"])
    },
    Kind {
        grow: Some(("btrfs", &["filesystem", "resize", "max"])),
        mounted: true,
        ..kind("btrfs", "Btrfs", "mkfs.btrfs", &["-f"])
    },
    Kind { grow: Some(("fatresize", &["-s", "max"])), ..kind("vfat", "VFAT", "mkfs.vfat", &[]) },
    kind("ocfs2", "Ocfs2", "mkfs.ocfs2", &["-Fx"]),
    Kind { grow: Some(("pvresize", &[])), ..kind("LVM2_member", "LVM", "pvcreate", &["-f"]) },
    kind("swap", "Swap", "mkswap", &["-f"]),
    Kind { grow: Some(("growfs", &["-y"])), ..kind("ufs", "UFS", "newfs", &[]) },
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (dev, present) = (args.string("dev"), args.req("state") == "present");
    if !cx.target.exists(Path::new(&dev)) {
        let msg = format!("Device {dev} not found.");
        return if present { Err(Failure::new(msg)) } else { Ok(Outcome::silent().msg(msg)) };
    }
    let blkid = cx.program("blkid")?;
    let run = Run::argv([blkid]).args(["-c", "/dev/null", "-o", "value", "-s", "TYPE", &dev]);
    let ran = cx.run(&run)?;
    let there = ran.out().trim().to_owned();
    if !present {
        if !there.is_empty() && !cx.check {
            let wipefs = cx.program("wipefs")?;
            cx.run_ok(&Run::argv([wipefs]).args(["--all", &dev]))?;
        }
        return Ok(Outcome::new(!there.is_empty()));
    }
    let kind = known(args.req("fstype"))?;
    let (force, resize) = (args.bool("force"), args.bool("resizefs"));
    let same = !there.is_empty() && known(&there).is_ok_and(|it| it.name == kind.name);
    if same && !resize && !force {
        return Ok(Outcome::new(false));
    }
    if same && resize {
        return grow(cx, kind, &dev);
    }
    if !there.is_empty() && !force {
        let msg = format!("'{dev}' is already used as {there}, use force=true to overwrite");
        return Err(Failure::new(msg).with("rc", ran.rc).with("err", ran.err()));
    }
    if !cx.check {
        let mkfs = cx.program(kind.mkfs)?;
        let opts = args.str("opts").unwrap_or_default().split_whitespace();
        let run = Run::argv([mkfs]).args(kind.force.iter().copied()).args(opts).arg(&dev);
        cx.run_ok(&run)?;
    }
    Ok(Outcome::new(true))
}

fn known(name: &str) -> Result<&'static Kind, Failure> {
    let name = match name {
        "lvm" => "LVM2_member",
        "ext4dev" => "ext4",
        name => name,
    };
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        Failure::new(format!("module does not support this filesystem ({name}) yet."))
            .with("changed", false)
    })
}

fn grow(cx: &mut Context<'_>, kind: &Kind, dev: &str) -> Result<Outcome, Failure> {
    let Some((program, words)) = kind.grow else {
        return Err(Failure::new(format!(
            "module does not support resizing {} filesystem yet.",
            kind.name
        ))
        .with("changed", false));
    };
    let room = device_size(cx, dev)?;
    let (size, info) = size(cx, kind, dev)?;
    let Some(size) = size else {
        cx.warn(format!("unable to process {info} output"));
        return Err(Failure::new(format!("unable to process {info} output for {dev}")));
    };
    if size >= room {
        let msg = format!("{} filesystem is using the whole device {dev}", kind.class);
        return Ok(Outcome::new(false).msg(msg));
    }
    if cx.check {
        let msg = format!("resizing filesystem {} on device {dev}", kind.class);
        return Ok(Outcome::new(true).msg(msg));
    }
    let target = match kind.mounted {
        true => mount_point(cx, dev)?.ok_or_else(|| not_mounted(kind, dev))?,
        false => dev.to_owned(),
    };
    let program = cx.program(program)?;
    let ran = cx.run_ok(&Run::argv([program]).args(words.iter().copied()).arg(target))?;
    Ok(Outcome::new(true).msg(ran.out()))
}

fn not_mounted(kind: &Kind, dev: &str) -> Failure {
    Failure::new(format!("{dev} needs to be mounted for {} operations", kind.class))
}

fn device_size(cx: &mut Context<'_>, dev: &str) -> Result<u64, Failure> {
    let path = Path::new(dev);
    let stat = cx.target.stat(path);
    let stat = stat.map_err(|error| Failure::os(&error, python::Subject::Text(path)))?;
    match stat.kind() {
        FileKind::Regular => Ok(stat.size),
        FileKind::BlockDevice => {
            let blockdev = cx.program("blockdev")?;
            let ran = cx.run_ok(&Run::argv([blockdev]).args(["--getsize64", dev]))?;
            let out = ran.out();
            out.trim().parse().map_err(|_| {
                Failure::crash(
                    "ValueError",
                    format!("invalid literal for int() with base 10: {}", python::repr_str(&out)),
                )
            })
        }
        _ => {
            Err(Failure::new(format!("Target device not supported: {dev}")).with("changed", false))
        }
    }
}

fn mount_point(cx: &mut Context<'_>, dev: &str) -> Result<Option<String>, Failure> {
    let findmnt = cx.program("findmnt")?;
    let words = ["--mtab", "--noheadings", "--output", "TARGET", "--source", dev];
    let ran = cx.run(&Run::argv([findmnt]).args(words))?;
    Ok(ran.ok().then(|| ran.out().lines().next().unwrap_or_default().to_owned()))
}

/// The file system's own size, if its program tells it, and that program.
fn size(
    cx: &mut Context<'_>,
    kind: &Kind,
    dev: &str,
) -> Result<(Option<u64>, &'static str), Failure> {
    let mounted = match kind.name {
        "xfs" => mount_point(cx, dev)?,
        "btrfs" => Some(mount_point(cx, dev)?.ok_or_else(|| not_mounted(kind, dev))?),
        _ => None,
    };
    let target = mounted.unwrap_or_else(|| dev.to_owned());
    let (program, words): (_, &[&str]) = match kind.name {
        "xfs" => ("xfs_info", &[]),
        "btrfs" => ("btrfs", &["filesystem", "usage", "-b"]),
        "f2fs" => ("dump.f2fs", &[]),
        "vfat" => ("fatresize", &["--info"]),
        "ufs" => ("dumpfs", &[]),
        "LVM2_member" => ("pvs", &["--noheadings", "-o", "pv_size", "--units", "b", "--nosuffix"]),
        _ => ("tune2fs", &["-l"]),
    };
    let path = cx.program(program)?;
    let run = Run::argv([path]).args(words.iter().copied()).arg(target).c_locale();
    let ran = cx.run_ok(&run)?;
    Ok((measured(kind.name, &ran.out()), program))
}

/// The size in bytes that a program tells.
fn measured(kind: &str, out: &str) -> Option<u64> {
    let after = |mark: &str| {
        let line = out.lines().find_map(|line| line.split_once(mark).map(|(_, rest)| rest))?;
        let rest = line.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse::<u64>().ok()
    };
    let product = |one: Option<u64>, other: Option<u64>| one?.checked_mul(other?);
    match kind {
        "LVM2_member" => out.trim().parse().ok(),
        "btrfs" => {
            let line = out.lines().find(|line| line.contains("Device size"))?;
            line.split_whitespace().last()?.parse().ok()
        }
        "f2fs" => product(after("Info: sector size = "), after("Info: total FS sectors = ")),
        "vfat" => after("Cur size:").or_else(|| after("Size:")),
        "ufs" => product(after("fsize"), after("providersize")),
        "xfs" => {
            // data     =                       bsize=4096   blocks=65536, imaxpct=25
            let line = out.lines().find(|line| line.trim_start().starts_with("data"))?;
            let part = |name: &str| {
                let rest = line.split_once(name)?.1;
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                rest[..end].parse::<u64>().ok()
            };
            product(part("bsize="), part("blocks="))
        }
        _ => product(after("Block count:"), after("Block size:")),
    }
}

#[cfg(test)]
mod tests {
    use super::measured;
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(there: &str, args: Value) -> (Value, Fake) {
        let mut all = json!({"dev": "/disk", "fstype": "ext4"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let mut fake = Fake::new().file("/disk", vec![0; 8192]);
        for name in ["blkid", "mkfs.ext4", "mkfs.xfs", "wipefs", "tune2fs", "resize2fs"] {
            fake = fake.program(name);
        }
        let mut fake = fake
            .on("/usr/bin/blkid", Ran::of(0, there, ""))
            .on("/usr/bin/tune2fs", Ran::of(0, "Block count:  4\nBlock size:   1024\n", ""))
            .on("/usr/bin/", Ran::of(0, "done\n", ""));
        let result = Call::new("filesystem", all).run_on(&mut fake).into();
        (result, fake)
    }

    #[test]
    fn made_once() {
        assert_eq!(call("ext4\n", json!({})).0["changed"], false);
        let (result, fake) = call("", json!({"opts": "-L data"}));
        assert_eq!(result["changed"], true, "{result}");
        assert_eq!(fake.runs[1], "/usr/bin/mkfs.ext4 -F -L data /disk");
        let (result, _) = call("ext4\n", json!({"fstype": "xfs"}));
        assert_eq!(result["msg"], "'/disk' is already used as ext4, use force=true to overwrite");
        let (_, fake) = call("ext4\n", json!({"fstype": "xfs", "force": true}));
        assert_eq!(fake.runs[1], "/usr/bin/mkfs.xfs -f /disk");
        let (_, fake) = call("ext4\n", json!({"state": "absent"}));
        assert_eq!(fake.runs[1], "/usr/bin/wipefs --all /disk");
    }

    #[test]
    fn grown() {
        let (result, fake) = call("ext4\n", json!({"resizefs": true}));
        assert_eq!(result["msg"], "done\n", "{result}");
        assert_eq!(fake.runs[2], "/usr/bin/resize2fs /disk");
        let (result, _) = call("swap\n", json!({"resizefs": true, "fstype": "swap"}));
        assert_eq!(result["msg"], "module does not support resizing swap filesystem yet.");
        let (result, _) = call("", json!({"dev": "/gone"}));
        assert_eq!(result["msg"], "Device /gone not found.");
        let xfs =
            "meta-data=/dev/x isize=512\ndata     =   bsize=4096   blocks=65536, imaxpct=25\n";
        assert_eq!(measured("xfs", xfs), Some(4096 * 65536));
        assert_eq!(measured("vfat", "Device:\nSize: 77\n"), Some(77));
    }
}
