//! `lvol`: volumes of LVM.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Rule};
use crate::python;
use crate::target::Ran;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.lvol"],
    description: "Makes, grows, shrinks, activates and removes volumes, their snapshots and thin pools.",
    options: &[
        Opt::str("vg").required().doc("The volume group."),
        Opt::str("lv").doc("The volume."),
        Opt::str("size").doc(
            "Its size, in megabytes if no unit is said, or a percentage of `VG`, `PVS` or `FREE`. With `+` or `-` what is \
             added or taken away.",
        ),
        Opt::str("opts").doc("Options of `lvcreate`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether it is to be there."),
        Opt::bool("force").or(false).doc("Shrink or remove it. What is in it may be lost."),
        Opt::bool("shrink").or(true).doc("Whether one that is larger is to shrink."),
        Opt::bool("active").or(true).doc("Whether it can be used."),
        Opt::str("snapshot").doc("The name of a snapshot of it."),
        Opt::str("pvs").doc("The devices to use, with commas between."),
        Opt::bool("resizefs").or(false).doc("Resize the file system in it, too."),
        Opt::str("thinpool").doc("The thin pool."),
    ],
    rules: &[Rule::RequiredOneOf(&["lv", "thinpool"])],
    check_mode: CheckMode::Full,
    examples: "- name: Half a terabyte for the media\n  community.general.lvol:\n    vg: data\n    lv: media\n    size: 500g\n",
    version_added: "1.1",
    ..Module::builtin("lvol", "Manages volumes of LVM", run)
};

/// A size as it was asked for.
struct Size {
    sign: Option<char>,
    number: String,
    value: f64,
    /// `VG`, `PVS` or `FREE` of a percentage.
    whole: Option<String>,
    unit: String,
}

impl Size {
    fn read(text: &str) -> Result<Size, Failure> {
        let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'));
        let text = &text[sign.map_or(0, char::len_utf8)..];
        if let Some((percent, whole)) = text.split_once('%') {
            let number = python::parse_int(percent, 10).ok_or_else(|| {
                let shown = python::repr_str(percent);
                Failure::crash(
                    "ValueError",
                    format!("invalid literal for int() with base 10: {shown}"),
                )
            })?;
            if number > 100 {
                return Err(Failure::new("Size percentage cannot be larger than 100%"));
            }
            if whole == "ORIGIN" {
                return Err(Failure::new("Snapshot Volumes are not supported"));
            }
            if !matches!(whole, "VG" | "PVS" | "FREE") {
                return Err(Failure::new("Specify extents as a percentage of VG|PVS|FREE"));
            }
            let whole = Some(whole.to_owned());
            let (number, value) = (text.to_owned(), number as f64);
            return Ok(Size { sign, number, value, whole, unit: String::new() });
        }
        let unit = text.chars().last().filter(|c| "bskmgtpe".contains(c.to_ascii_lowercase()));
        let number = &text[..text.len() - unit.map_or(0, char::len_utf8)];
        let value = number.parse::<f64>().ok();
        let Some(value) = value.filter(|_| number.starts_with(|c: char| c.is_ascii_digit())) else {
            return Err(Failure::new(format!("Bad size specification of '{number}'")));
        };
        let unit = unit.unwrap_or('m').to_string();
        Ok(Size { sign, number: number.to_owned(), value, whole: None, unit })
    }

    /// The letter of LVM's option.
    fn letter(&self) -> char {
        if self.whole.is_some() { 'l' } else { 'L' }
    }

    /// The unit that LVM is asked to answer in.
    fn asked_unit(&self) -> &str {
        if self.whole.is_some() { "m" } else { &self.unit }
    }
}

/// A volume that is there.
struct Volume {
    name: String,
    size: f64,
    active: bool,
    is_pool: bool,
    is_thin: bool,
}

struct Group {
    size: f64,
    free: f64,
    extent: f64,
}

/// What is worked with.
struct Lvm {
    vg: String,
    /// `--test`, with its space before, in check mode.
    test: &'static str,
    yes: &'static str,
    pvs: String,
    opts: String,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty());
    let yes = yes_option(cx)?;
    let size = given("size").map(Size::read).transpose()?;
    let lvm = Lvm {
        vg: args.string("vg"),
        test: if cx.check { " --test" } else { "" },
        yes,
        pvs: args.str("pvs").unwrap_or_default().replace(',', " "),
        opts: args.str("opts").unwrap_or_default().to_owned(),
    };
    let unit = size.as_ref().map_or("m", Size::asked_unit).to_lowercase();
    let (group, volumes) = match lvm.look(cx, &unit)? {
        Ok(found) => found,
        Err(ran) => {
            let msg = format!("Volume group {} does not exist.", lvm.vg);
            return match args.req("state") {
                "absent" => Ok(Outcome::new(false).with("stdout", msg)),
                _ => Err(Failure::new(msg).with("rc", ran.rc).with("err", ran.err())),
            };
        }
    };
    let name = checked_name(args, &lvm.vg, &volumes)?;
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    let Some(volume) = volumes.iter().find(|v| v.name == name || v.name == short) else {
        if args.req("state") == "absent" {
            return Ok(Outcome::new(false).msg(""));
        }
        lvm.create(cx, args, size.as_ref(), &volumes)?;
        return Ok(Outcome::new(true).msg(""));
    };
    if args.req("state") == "absent" {
        return lvm.remove(cx, args, volume);
    }
    let mut changed = false;
    if let Some(size) = &size {
        match lvm.resize(cx, args, size, volume, &group)? {
            Resized::Yes => changed = true,
            Resized::No => {}
            Resized::Done(outcome) => return Ok(*outcome),
        }
    }
    let active = args.bool("active");
    let option = if active { "-ay" } else { "-an" };
    let lvchange = program(cx, "lvchange")?;
    let ran = lvm.call(cx, &format!("{lvchange} {option} {}/{}", lvm.vg, volume.name))?;
    if !ran.ok() {
        let verb = if active { "activate" } else { "deactivate" };
        let lv = args.str("lv").unwrap_or("None");
        let msg = format!("Failed to {verb} logical volume {lv}");
        return Err(Failure::new(msg).with("rc", ran.rc).with("err", ran.err()));
    }
    Ok(lvm.told(changed || volume.active != active, volume))
}

fn program(cx: &mut Context<'_>, name: &str) -> Result<String, Failure> {
    Ok(cx.program(name)?.to_string_lossy().into_owned())
}

/// `--yes`, where LVM knows it.
fn yes_option(cx: &mut Context<'_>) -> Result<&'static str, Failure> {
    let lvm = program(cx, "lvm")?;
    let run = cx.words(&format!("{lvm} version"))?.c_locale();
    let ran = cx.run(&run)?;
    let out = ran.out();
    let version = out.lines().find_map(|line| line.split_once("LVM version:")).map(|(_, rest)| {
        let end = |c: char| !c.is_ascii_digit();
        rest.trim().split(end).take(3).filter_map(|n| n.parse::<u32>().ok()).collect::<Vec<_>>()
    });
    match version {
        Some(version) if ran.ok() && version.len() == 3 => {
            Ok(if version >= vec![2, 2, 99] { "--yes" } else { "" })
        }
        _ => Err(Failure::new("Failed to get LVM version number")),
    }
}

/// The volume that the task is about, if what it needs is there.
fn checked_name(args: &Args, vg: &str, volumes: &[Volume]) -> Result<String, Failure> {
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let (lv, pool) = (given("lv"), given("thinpool"));
    if let Some(snapshot) = given("snapshot") {
        let is_it = |v: &&Volume| Some(&v.name) == lv.as_ref() || Some(&v.name) == pool.as_ref();
        return match volumes.iter().find(is_it) {
            Some(origin) if !origin.is_pool && pool.is_none() => Ok(snapshot),
            Some(_) => Err(Failure::new("Snapshots of thin pool LVs are not supported.")),
            None => Err(Failure::new(format!(
                "Snapshot origin LV {} does not exist in volume group {vg}.",
                lv.as_deref().unwrap_or("None")
            ))),
        };
    }
    match (lv, pool) {
        (Some(lv), Some(pool)) if volumes.iter().any(|v| v.name == pool) => Ok(lv),
        (Some(_), Some(pool)) => {
            Err(Failure::new(format!("Thin pool LV {pool} does not exist in volume group {vg}.")))
        }
        (lv, pool) => Ok(lv.or(pool).unwrap_or_default()),
    }
}

/// What came of a wish for another size.
enum Resized {
    Yes,
    No,
    /// That is all there is to say.
    Done(Box<Outcome>),
}

impl Lvm {
    fn call(&self, cx: &mut Context<'_>, line: &str) -> Result<Ran, Failure> {
        let run = cx.words(line)?.c_locale();
        cx.run(&run)
    }

    fn told(&self, changed: bool, volume: &Volume) -> Outcome {
        Outcome::new(changed)
            .with("vg", self.vg.as_str())
            .with("lv", volume.name.as_str())
            .with("size", volume.size)
    }

    /// The group and its volumes; what LVM said if there is no such group.
    fn look(
        &self,
        cx: &mut Context<'_>,
        unit: &str,
    ) -> Result<Result<(Group, Vec<Volume>), Ran>, Failure> {
        let vgs = program(cx, "vgs")?;
        let line = format!(
            "{vgs} --noheadings --nosuffix -o vg_name,size,free,vg_extent_size --units {unit} --separator ';' {}",
            self.vg
        );
        let ran = self.call(cx, &line)?;
        if !ran.ok() {
            return Ok(Err(ran));
        }
        let out = ran.out();
        let first: Vec<&str> = out.lines().next().unwrap_or_default().trim().split(';').collect();
        let number = |at: usize| first.get(at).and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
        let group = Group { size: number(1), free: number(2), extent: number(3) };
        let lvs = program(cx, "lvs")?;
        let line = format!(
            "{lvs} -a --noheadings --nosuffix -o lv_name,size,lv_attr --units {unit} --separator ';' {}",
            self.vg
        );
        let ran = self.call(cx, &line)?;
        if !ran.ok() {
            return Ok(Err(ran));
        }
        let volumes = ran.out().lines().filter_map(volume).collect();
        Ok(Ok((group, volumes)))
    }

    fn create(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        size: Option<&Size>,
        volumes: &[Volume],
    ) -> Result<(), Failure> {
        let given = |name: &str| args.str(name).filter(|text| !text.is_empty());
        let (lv, pool) = (given("lv"), given("thinpool"));
        let snapshot = args.str("snapshot");
        if let Some(Size { sign: Some(sign), number, whole, .. }) = size
            && (*sign == '-' || whole.is_none())
        {
            let msg = format!("Bad size specification of '{sign}{number}' for creating LV");
            return Err(Failure::new(msg));
        }
        let of_thin = || volumes.iter().any(|v| Some(v.name.as_str()) == lv && v.is_thin);
        if size.is_none() && !(snapshot.is_some() && of_thin()) {
            return Err(Failure::new("No size given."));
        }
        let lvcreate = program(cx, "lvcreate")?;
        let Lvm { vg, test, yes, pvs, opts } = self;
        let start = format!("{lvcreate} {test} {yes}");
        let sized = size.map(|s| format!("-{} {}{}", s.letter(), s.number, s.unit));
        let sized = sized.unwrap_or_default();
        let name = lv.unwrap_or("None");
        let line = match (snapshot, pool, lv) {
            (Some(snapshot), ..) => format!("{start} {sized} -s -n {snapshot} {opts} {vg}/{name}"),
            (None, Some(pool), Some(lv)) => {
                if size.is_some_and(|size| size.whole.is_some()) {
                    let msg = "Thin volume sizing with percentage not supported.";
                    return Err(Failure::new(msg).with("changed", false));
                }
                let sized = sized.replacen("-L", "-V", 1);
                format!("{start} -n {lv} {sized} {opts} -T {vg}/{pool}")
            }
            (None, Some(pool), None) => format!("{start} {sized} {opts} -T {vg}/{pool}"),
            (None, None, _) => format!("{start} -n {name} {sized} {opts} {vg} {pvs}"),
        };
        let ran = self.call(cx, &line)?;
        if ran.ok() {
            return Ok(());
        }
        let msg = format!("Creating logical volume '{name}' failed");
        Err(Failure::new(msg).with("rc", ran.rc).with("err", ran.err()))
    }

    fn remove(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        volume: &Volume,
    ) -> Result<Outcome, Failure> {
        if !args.bool("force") {
            return Err(Failure::new(format!(
                "Sorry, no removal of logical volume {} without force=true.",
                volume.name
            )));
        }
        let lvremove = program(cx, "lvremove")?;
        let line = format!("{lvremove} {} --force {}/{}", self.test, self.vg, volume.name);
        let ran = self.call(cx, &line)?;
        if ran.ok() {
            return Ok(Outcome::new(true));
        }
        let lv = args.str("lv").unwrap_or("None");
        let msg = format!("Failed to remove logical volume {lv}");
        Err(Failure::new(msg).with("rc", ran.rc).with("err", ran.err()))
    }

    /// The size that is meant, in LVM's unit.
    fn requested(size: &Size, volume: &Volume, group: &Group) -> f64 {
        let whole = if size.whole.as_deref() == Some("FREE") { group.free } else { group.size };
        let part = size.value * whole / 100.0;
        let wanted = match size.sign {
            Some('+') => part + volume.size,
            Some(_) => volume.size - part,
            None => part,
        };
        // LVM rounds down to whole extents.
        if group.extent > 0.0 { wanted - wanted.rem_euclid(group.extent) } else { wanted }
    }

    /// The program that brings the volume to the size; none if nothing is to be done.
    fn tool(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        size: &Size,
        volume: &Volume,
        group: &Group,
    ) -> Result<Option<String>, Failure> {
        let name = &volume.name;
        let (grows, shrinks, zero, end) = match &size.whole {
            Some(_) => {
                let wanted = Lvm::requested(size, volume, group);
                let more = wanted - volume.size;
                if more > 0.0 && (group.free <= 0.0 || group.free < more) {
                    let unit = size.asked_unit();
                    return Err(Failure::new(format!(
                        "Logical Volume {name} could not be extended. Not enough free space left ({}{unit} required / {}{unit} available)",
                        python::float_text(more),
                        python::float_text(group.free)
                    )));
                }
                // More than an extent too large.
                let shrinks = args.bool("shrink") && volume.size > wanted + group.extent;
                (more > 0.0, shrinks, wanted < 1.0, "")
            }
            None => {
                let grows = size.value > volume.size || size.sign == Some('+');
                let shrinks =
                    args.bool("shrink") && size.value < volume.size || size.sign == Some('-');
                (grows, shrinks, size.value == 0.0, ".")
            }
        };
        if grows {
            return program(cx, "lvextend").map(Some);
        }
        if !shrinks {
            return Ok(None);
        }
        if zero {
            return Err(Failure::new(format!("Sorry, no shrinking of {name} to 0 permitted.")));
        }
        if !args.bool("force") {
            let msg = format!("Sorry, no shrinking of {name} without force=true{end}");
            return Err(Failure::new(msg));
        }
        Ok(Some(format!("{} --force", program(cx, "lvreduce")?)))
    }

    fn resize(
        &self,
        cx: &mut Context<'_>,
        args: &Args,
        size: &Size,
        volume: &Volume,
        group: &Group,
    ) -> Result<Resized, Failure> {
        let Some(mut tool) = self.tool(cx, args, size, volume, group)? else {
            return Ok(Resized::No);
        };
        if args.bool("resizefs") {
            tool.push_str(" --resizefs");
        }
        let sign = size.sign.map(String::from).unwrap_or_default();
        let line = format!(
            "{tool} {} -{} {sign}{}{} {}/{} {}",
            self.test,
            size.letter(),
            size.number,
            size.unit,
            self.vg,
            volume.name,
            self.pvs
        );
        let ran = self.call(cx, &line)?;
        let (out, err) = (ran.out(), ran.err());
        let full = out.contains("Reached maximum COW size");
        if ran.ok() && !full {
            return Ok(Resized::Yes);
        }
        if !full && err.contains("matches existing size") {
            return Ok(Resized::Done(Box::new(self.told(false, volume))));
        }
        if !full && err.contains("not larger than existing size") {
            let outcome = self
                .told(false, volume)
                .msg("Original size is larger than requested size")
                .with("err", err);
            return Ok(Resized::Done(Box::new(outcome)));
        }
        let lv = args.str("lv").unwrap_or("None");
        let msg = format!("Unable to resize {lv} to {}{}", size.number, size.unit);
        let failure = Failure::new(msg).with("rc", ran.rc).with("err", err);
        Err(if full { failure.with("out", out) } else { failure })
    }
}

/// A line of `lvs`.
fn volume(line: &str) -> Option<Volume> {
    let mut parts = line.trim().split(';');
    let name = parts.next()?.replace(['[', ']'], "");
    let size = parts.next()?.parse().ok()?;
    let attributes = parts.next()?;
    Some(Volume {
        name,
        size,
        active: attributes.chars().nth(4) == Some('a'),
        is_pool: attributes.starts_with('t'),
        is_thin: attributes.starts_with('V'),
    })
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let mut all = json!({"vg": "data", "lv": "media"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let mut fake = Fake::new();
        for name in
            ["lvm", "vgs", "lvs", "lvcreate", "lvextend", "lvreduce", "lvremove", "lvchange"]
        {
            fake = fake.program(name);
        }
        let mut fake = fake
            .on(
                "/usr/bin/lvm version",
                Ran::of(0, "  LVM version:     2.03.16(2) (2022-05-18)\n", ""),
            )
            .on("/usr/bin/vgs", Ran::of(0, "  data;1000.00;400.00;4.00\n", ""))
            .on(
                "/usr/bin/lvs",
                Ran::of(0, "  media;512.00;-wi-a-----\n  pool;88.00;twi-a-tz--\n", ""),
            )
            .on("/usr/bin/", Ran::of(0, "", ""));
        let result = Call::new("lvol", all).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn sizes() {
        let (result, runs) = call(json!({"size": "512"}));
        assert_eq!(
            (&result["changed"], &result["size"]),
            (&json!(false), &json!(512.0)),
            "{result}"
        );
        assert_eq!(runs.last().map(String::as_str), Some("/usr/bin/lvchange -ay data/media"));
        let (_, runs) = call(json!({"size": "600m", "resizefs": true}));
        assert_eq!(runs[3], "/usr/bin/lvextend --resizefs -L 600m data/media");
        let (_, runs) = call(json!({"size": "+10%FREE"}));
        assert_eq!(runs[3], "/usr/bin/lvextend -l +10%FREE data/media");
        let (result, _) = call(json!({"size": "100%VG"}));
        assert_eq!(
            result["msg"],
            "Logical Volume media could not be extended. Not enough free space left (488.0m required / 400.0m available)"
        );
        let (result, _) = call(json!({"size": "100"}));
        assert_eq!(result["msg"], "Sorry, no shrinking of media without force=true.");
        let (_, runs) = call(json!({"size": "100", "force": true}));
        assert_eq!(runs[3], "/usr/bin/lvreduce --force -L 100m data/media");
        assert_eq!(call(json!({"size": "much"})).0["msg"], "Bad size specification of 'much'");
    }

    #[test]
    fn new_ones_and_old_ones() {
        let (_, runs) =
            call(json!({"lv": "new", "size": "1g", "pvs": "/dev/a,/dev/b", "opts": "-r 16"}));
        assert_eq!(runs[3], "/usr/bin/lvcreate --yes -n new -L 1g -r 16 data /dev/a /dev/b");
        let (_, runs) = call(json!({"lv": "new", "size": "1g", "thinpool": "pool"}));
        assert_eq!(runs[3], "/usr/bin/lvcreate --yes -n new -V 1g -T data/pool");
        let (_, runs) = call(json!({"snapshot": "snap", "size": "1g"}));
        assert_eq!(runs[3], "/usr/bin/lvcreate --yes -L 1g -s -n snap data/media");
        assert_eq!(call(json!({"lv": "new"})).0["msg"], "No size given.");
        let (result, _) = call(json!({"state": "absent"}));
        assert_eq!(result["msg"], "Sorry, no removal of logical volume media without force=true.");
        let (_, runs) = call(json!({"state": "absent", "force": true}));
        assert_eq!(runs[3], "/usr/bin/lvremove --force data/media");
        assert_eq!(call(json!({"lv": "new", "state": "absent"})).0["changed"], false);
    }
}
