//! `parted`: partitions of disks.

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::regex::{Flags, Pattern};
use crate::target::Ran;

/// Units that sizes may have; those of powers of 1000, then of 1024, then parted's own.
const UNITS: [Lit; 14] = [
    Lit::Str("B"),
    Lit::Str("KB"),
    Lit::Str("MB"),
    Lit::Str("GB"),
    Lit::Str("TB"),
    Lit::Str("KiB"),
    Lit::Str("MiB"),
    Lit::Str("GiB"),
    Lit::Str("TiB"),
    Lit::Str("s"),
    Lit::Str("%"),
    Lit::Str("cyl"),
    Lit::Str("chs"),
    Lit::Str("compact"),
];

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.parted"],
    description: "Makes, changes and removes a partition by `parted`, and tells which there are.",
    options: &[
        Opt::str("device").required().doc("The disk."),
        Opt::str("align")
            .or_str("optimal")
            .choices(&[
                Lit::Str("cylinder"),
                Lit::Str("minimal"),
                Lit::Str("none"),
                Lit::Str("optimal"),
                Lit::Str("undefined"),
            ])
            .doc("How the partition is aligned."),
        Opt::int("number").doc("The partition; needed but with `state=info`."),
        Opt::str("unit").or_str("KiB").choices(&UNITS).doc("The unit of sizes in results."),
        Opt::str("label")
            .or_str("msdos")
            .choices(&[
                Lit::Str("aix"),
                Lit::Str("amiga"),
                Lit::Str("bsd"),
                Lit::Str("dvh"),
                Lit::Str("gpt"),
                Lit::Str("loop"),
                Lit::Str("mac"),
                Lit::Str("msdos"),
                Lit::Str("pc98"),
                Lit::Str("sun"),
            ])
            .doc("The kind of table. A disk with another one gets a new table, which is the end of what was on it."),
        Opt::str("part_type")
            .or_str("primary")
            .choices(&[Lit::Str("extended"), Lit::Str("logical"), Lit::Str("primary")])
            .doc("The kind of partition; with `label=gpt` it is the partition's name."),
        Opt::str("part_start").or_str("0%").doc("Where it begins."),
        Opt::str("part_end").or_str("100%").doc("Where it ends."),
        Opt::str("fs_type").doc("The file system that it is meant for; none is made."),
        Opt::str("name").doc("The partition's name."),
        Opt::list("flags", Kind::Str).doc("Its flags; others are taken off."),
        Opt::str("state")
            .or_str("info")
            .choices(&[Lit::Str("absent"), Lit::Str("info"), Lit::Str("present")])
            .doc("Whether it is to be there; `info` only tells."),
        Opt::bool("resize").or(false).since("1.3.0").doc("Whether a partition that is there is made to end at `part_end`."),
    ],
    rules: &[
        Rule::RequiredIf { option: "state", is: Lit::Str("present"), needs: &["number"], any: false },
        Rule::RequiredIf { option: "state", is: Lit::Str("absent"), needs: &["number"], any: false },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("disk", "dict", "on success", "The disk."),
        Returned::new("partitions", "list", "on success", "Its partitions."),
        Returned::new("script", "str", "on success", "What was said to parted."),
    ],
    examples: "- name: The disk of the database\n  community.general.parted:\n    device: /dev/sdb\n    label: gpt\n    number: 1\n    state: present\n",
    ..Module::builtin("parted", "Manages partitions of disks", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = cx.program("parted")?.to_string_lossy().into_owned();
    if args.int("number").is_some_and(|number| number < 1) {
        return Err(Failure::new("The partition number must be greater then 0."));
    }
    for name in ["part_start", "part_end"] {
        let (size, unit) = size(args.req(name), "")?;
        if !UNITS.iter().any(|known| known.data() == unit) {
            let msg = format!(
                "The argument '{name}' doesn't respect required format.The size unit is case sensitive."
            );
            return Err(Failure::new(msg).with("err", vec![size, unit.into()]));
        }
    }
    let mut disk = Disk { cx, args, program, script: String::new(), changed: false };
    disk.refuse_old()?;
    let now = disk.told()?;
    match args.req("state") {
        "present" => disk.present(now)?,
        "absent" if disk.cx.check || now.number(args.int("number")).is_some() => {
            disk.call(format!("rm {} ", args.int("number").unwrap_or_default()))?;
        }
        "absent" => {}
        _ => disk.script = format!("unit '{}' print ", args.req("unit")),
    }
    let after = disk.told()?;
    Ok(Outcome::new(disk.changed)
        .with("disk", after.generic)
        .with("partitions", after.partitions)
        .with("script", disk.script.trim()))
}

/// A size as parted writes it: a number (or cylinder, head and sector), and the unit.
fn size(text: &str, unit: &str) -> Result<(Data, String), Failure> {
    let wrong = || Failure::new(format!("Error interpreting parted size output: '{text}'"));
    let number = Pattern::new(r"^(-?[\d.]+) *([\w%]+)?$", Flags::default())?;
    if let Some(found) = number.search(text)? {
        let unit = found.group(text, 2).unwrap_or(unit).to_owned();
        let value: f64 = found.group(text, 1).unwrap_or_default().parse().map_err(|_| wrong())?;
        return Ok((value.into(), unit));
    }
    let parts: Vec<Option<i64>> = text.split(',').map(|part| part.parse().ok()).collect();
    let [Some(cylinder), Some(head), Some(sector)] = parts[..] else { return Err(wrong()) };
    let mut map = Map::new();
    map.insert("cylinder".into(), cylinder.into());
    map.insert("head".into(), head.into());
    map.insert("sector".into(), sector.into());
    Ok((map.into(), "chs".to_owned()))
}

/// What parted tells of a disk.
struct Table {
    generic: Map,
    partitions: Vec<Data>,
}

impl Table {
    /// From `parted --machine print`: the unit, the disk, with cylinders what they are, then a line a partition.
    fn of(out: &str, unit: &str) -> Result<Table, Failure> {
        let wrong = || Failure::new(format!("Error interpreting parted output: '{out}'"));
        let fields = |line: &str| -> Vec<String> {
            line.trim_end_matches(';').split(':').map(str::to_owned).collect()
        };
        let mut lines = out.split('\n').filter(|line| !line.trim().is_empty()).skip(1);
        let disk = fields(lines.next().ok_or_else(wrong)?);
        let at = |fields: &[String], at: usize| fields.get(at).cloned().ok_or_else(wrong);
        let number = |fields: &[String], place: usize| -> Result<Data, Failure> {
            Ok(at(fields, place)?.parse::<i64>().map_err(|_| wrong())?.into())
        };
        let (whole, unit) = size(&at(&disk, 1)?, unit)?;
        let mut generic = Map::new();
        generic.insert("dev".into(), at(&disk, 0)?.into());
        generic.insert("size".into(), whole);
        generic.insert("unit".into(), unit.to_lowercase().into());
        generic.insert("table".into(), at(&disk, 5)?.into());
        generic.insert("model".into(), at(&disk, 6)?.into());
        generic.insert("logical_block".into(), number(&disk, 3)?);
        generic.insert("physical_block".into(), number(&disk, 4)?);
        if matches!(unit.as_str(), "cyl" | "chs") {
            let chs = fields(lines.next().ok_or_else(wrong)?);
            let (cylinder, of) = size(&at(&chs, 3)?, "")?;
            let mut info = Map::new();
            info.insert("cylinders".into(), number(&chs, 0)?);
            info.insert("heads".into(), number(&chs, 1)?);
            info.insert("sectors".into(), number(&chs, 2)?);
            info.insert("cyl_size".into(), cylinder);
            info.insert("cyl_size_unit".into(), of.to_lowercase().into());
            generic.insert("chs_info".into(), info.into());
        }
        let mut partitions = Vec::new();
        for line in lines {
            let line = fields(line);
            // Where places are cylinder, head and sector, sizes are left out.
            let (length, rest) = match unit.as_str() {
                "chs" => ("".into(), 3),
                _ => (size(&at(&line, 3)?, "")?.0, 4),
            };
            let flags = at(&line, rest + 2)?;
            let flags: Vec<Data> = flags
                .split(", ")
                .filter(|flag| !flag.is_empty())
                .map(|flag| flag.trim().into())
                .collect();
            let keys: [(&str, Data); 8] = [
                ("num", number(&line, 0)?),
                ("begin", size(&at(&line, 1)?, "")?.0),
                ("end", size(&at(&line, 2)?, "")?.0),
                ("size", length),
                ("fstype", at(&line, rest)?.into()),
                ("name", at(&line, rest + 1)?.into()),
                ("flags", flags.into()),
                ("unit", unit.to_lowercase().into()),
            ];
            let part: Map = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            partitions.push(part.into());
        }
        Ok(Table { generic, partitions })
    }

    fn number(&self, wanted: Option<i64>) -> Option<&Data> {
        let wanted = wanted?;
        self.partitions.iter().find(|part| part["num"] == wanted)
    }
}

/// A size in a unit, in bytes.
fn bytes(size: f64, unit: &str) -> i64 {
    let place = |units: &[&str]| units.iter().position(|known| *known == unit);
    let power = |base: f64, exponent: usize| base.powi(i32::try_from(exponent).unwrap_or(0));
    let factor = if let Some(at) = place(&["B", "KB", "MB", "GB", "TB"]) {
        power(1000.0, at)
    } else if let Some(at) = place(&["KiB", "MiB", "GiB", "TiB"]) {
        power(1024.0, at + 1)
    } else if matches!(unit, "" | "compact" | "cyl" | "chs") {
        1_000_000.0
    } else {
        1.0
    };
    (size * factor) as i64
}

struct Disk<'a, 'b> {
    cx: &'a mut Context<'b>,
    args: &'a Args,
    program: String,
    /// All that was said to parted.
    script: String,
    changed: bool,
}

fn failed(msg: String, ran: &Ran) -> Failure {
    Failure::new(msg).with("rc", ran.rc).with("out", ran.out()).with("err", ran.err())
}

impl Disk<'_, '_> {
    fn line(&mut self, line: &str) -> Result<Ran, Failure> {
        let run = self.cx.words(line)?.c_locale();
        self.cx.run(&run)
    }

    /// Before 3.1 parted told nothing of disks without a table.
    fn refuse_old(&mut self) -> Result<(), Failure> {
        let ran = self.line(&format!("{} --version", self.program))?;
        if !ran.ok() {
            return Err(failed("Failed to get parted version.".into(), &ran));
        }
        let out = ran.out();
        let first = out.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let version = Pattern::new(r"^parted.+\s(\d+)\.(\d+)(?:\.(\d+))?", Flags::default())?;
        let Some(found) = version.search(first)? else {
            let failure = Failure::new("Failed to get parted version.");
            return Err(failure.with("rc", 0).with("out", out));
        };
        let number = |group| {
            found.group(first, group).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0)
        };
        match (number(1), number(2)) < (3, 1) {
            true => Err(Failure::new(format!("parted 3.1 or newer is needed, this is: {first}"))),
            false => Ok(()),
        }
    }

    fn told(&mut self) -> Result<Table, Failure> {
        let (device, unit) = (self.args.req("device"), self.args.req("unit"));
        let line = format!("{} -s -m {device} -- unit '{unit}' print", self.program);
        let ran = self.line(&line)?;
        if !ran.ok() && !ran.err().contains("unrecognised disk label") {
            let msg =
                format!("Error while getting device information with parted script: '{line}'");
            return Err(failed(msg, &ran));
        }
        Table::of(&ran.out(), unit)
    }

    /// Has parted do it, and notes that.
    fn call(&mut self, script: String) -> Result<(), Failure> {
        self.script.push_str(&script);
        self.changed = true;
        if self.cx.check {
            return Ok(());
        }
        let align = match self.args.req("align") {
            "undefined" => String::new(),
            align => format!("-a {align}"),
        };
        let device = self.args.req("device");
        let line = format!("{} -s -m {align} {device} -- {script}", self.program);
        let ran = self.line(&line)?;
        match ran.ok() {
            true => Ok(()),
            false => {
                Err(failed(format!("Error while running parted script: {}", line.trim()), &ran))
            }
        }
    }

    fn present(&mut self, now: Table) -> Result<(), Failure> {
        let args = self.args;
        let (number, unit) = (args.int("number"), args.req("unit"));
        let mut script = String::new();
        let new_table = now.generic["table"] != args.req("label");
        if new_table {
            script.push_str(&format!("mklabel {} ", args.req("label")));
        }
        if new_table || now.number(number).is_none() {
            let system = args.str("fs_type").map(|name| format!("{name} ")).unwrap_or_default();
            let (kind, from, to) =
                (args.req("part_type"), args.req("part_start"), args.req("part_end"));
            script.push_str(&format!("mkpart {kind} {system}{from} {to} "));
        }
        if !script.is_empty() {
            script = format!("unit {unit} {script}");
        }
        if args.bool("resize")
            && let Some(part) = now.number(number)
        {
            script.push_str(&self.resized(&now, part)?);
        }
        let mut after = now;
        let makes = !script.is_empty();
        if makes {
            self.call(script)?;
            if !self.cx.check {
                after = self.told()?;
            }
        }
        let empty = Data::Object(Map::new());
        let part = match after.number(number) {
            _ if makes && self.cx.check => &empty,
            Some(part) => part,
            None => return Ok(()),
        };
        let script = self.marked(part);
        match script.is_empty() {
            true => Ok(()),
            false => self.call(format!("unit {unit} {script}")),
        }
    }

    /// What makes the partition end elsewhere, if it has to.
    fn resized(&self, now: &Table, part: &Data) -> Result<String, Failure> {
        let (unit, end) = (self.args.req("unit"), self.args.req("part_end"));
        let number = |data: &Data| {
            data.as_f64().ok_or_else(|| {
                let text = "float() argument must be a string or a real number, not 'dict'";
                Failure::crash("TypeError", text)
            })
        };
        let (wanted, of) = size(end, unit)?;
        let mut wanted = number(&wanted)?;
        let mut of = of.as_str();
        if of == "%" {
            wanted = (number(&now.generic["size"])?.trunc() * wanted / 100.0).trunc();
            of = unit;
        }
        Ok(match bytes(number(&part["end"])?, unit) == bytes(wanted, of) {
            true => String::new(),
            false => {
                format!("resizepart {} {end} ", self.args.int("number").unwrap_or_default())
            }
        })
    }

    /// What gives the partition its name and flags.
    fn marked(&self, part: &Data) -> String {
        let number = self.args.int("number").unwrap_or_default();
        let mut script = String::new();
        if let Some(name) = self.args.str("name")
            && part.get("name").and_then(Data::as_str) != Some(name)
        {
            // The inner quotes are parted's own.
            script.push_str(&format!("name {number} '\"{name}\"' "));
        }
        let mut wanted = self.args.strings("flags");
        if wanted.is_empty() {
            return script;
        }
        // parted sets `boot` with `esp`.
        let has = |flags: &[String], flag: &str| flags.iter().any(|known| known == flag);
        if has(&wanted, "esp") && !has(&wanted, "boot") {
            wanted.push("boot".into());
        }
        let known: Vec<String> = part
            .get("flags")
            .and_then(Data::as_array)
            .map(|flags| flags.iter().map(crate::python::text).collect())
            .unwrap_or_default();
        for flag in wanted.iter().filter(|flag| !has(&known, flag)) {
            script.push_str(&format!("set {number} {flag} on "));
        }
        for flag in known.iter().filter(|flag| !has(&wanted, flag)) {
            script.push_str(&format!("set {number} {flag} off "));
        }
        script
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const OUT: &str = "BYT;\n/dev/sdb:10485760kiB:scsi:512:4096:gpt:QEMU DISK:;\n1:1024kiB:5242880kiB:5241856kiB:ext4:data:boot, esp;\n";

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut fake = Fake::new()
            .program("parted")
            .on("/usr/bin/parted --version", Ran::of(0, "parted (GNU parted) 3.5\n", ""))
            .on("/usr/bin/parted -s -m /dev/sdb", Ran::of(0, OUT, ""))
            .on("/usr/bin/parted", Ran::of(0, "", ""));
        let mut all = json!({"device": "/dev/sdb"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let result = Call::new("parted", all).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn partitions() {
        let (result, _) = call(json!({}));
        assert_eq!(result["disk"]["size"], json!(10485760.0), "{result}");
        assert_eq!(result["partitions"][0]["flags"], json!(["boot", "esp"]));
        assert_eq!(result["script"], "unit 'KiB' print");
        let with = |args: Value| {
            let mut all = json!({"state": "present", "label": "gpt", "number": 1});
            if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
                all.extend(args);
            }
            call(all).0["script"].clone()
        };
        assert_eq!(with(json!({"flags": ["esp"]})), "");
        assert_eq!(
            with(json!({"flags": ["lvm"], "name": "x y"})),
            "unit KiB name 1 '\"x y\"' set 1 lvm on set 1 boot off set 1 esp off"
        );
        assert_eq!(with(json!({"resize": true, "part_end": "50%"})), "");
        assert_eq!(with(json!({"resize": true, "part_end": "4GiB"})), "resizepart 1 4GiB");
        assert_eq!(
            with(json!({"number": 2, "fs_type": "xfs", "part_start": "5GiB"})),
            "unit KiB mkpart primary xfs 5GiB 100%"
        );
        assert_eq!(
            with(json!({"label": "msdos"})),
            "unit KiB mklabel msdos mkpart primary 0% 100%"
        );
    }

    #[test]
    fn what_is_refused() {
        let msg = |args: Value| call(args).0["msg"].clone();
        assert_eq!(msg(json!({"part_start": "x"})), "Error interpreting parted size output: 'x'");
        let wrong = call(json!({"part_end": "5kb"})).0;
        assert_eq!(wrong["err"], json!([5.0, "kb"]), "{wrong}");
        assert_eq!(
            msg(json!({"state": "present", "number": 0})),
            "The partition number must be greater then 0."
        );
    }
}
