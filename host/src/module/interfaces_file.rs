//! `interfaces_file`: options of interfaces in /etc/network/interfaces.

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, FILE_OPTIONS, Failure, Lit, Module, Opt, Outcome, Returned, Rule,
    Write,
};
use crate::python::{self, Subject};
use crate::regex::{Flags, Pattern};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.interfaces_file"],
    description: "Sets, adds and removes options of an interface that is in the file already, and tells what the file says.",
    options: &[
        Opt::path("dest").or_str("/etc/network/interfaces").doc("The file."),
        Opt::str("iface").doc("The interface."),
        Opt::str("address_family").doc(
            "`inet`, `inet6`, …: which of several entries of the interface is meant.",
        ),
        Opt::str("option").doc("The option; `method` stands for the last word of the interface's line."),
        Opt::str("value").doc(
            "Its value. Of `pre-up`, `up`, `post-up` and `down` there may be several: a new value is added.",
        ),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the option is to be there."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[Rule::RequiredBy { option: "option", needs: &["iface"] }],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("dest", "str", "on success", "The file."),
        Returned::new("ifaces", "dict", "on success", "The interfaces and their options."),
    ],
    examples: "- name: Larger frames\n  community.general.interfaces_file:\n    dest: /etc/network/interfaces.d/eth1.cfg\n    iface: eth1\n    option: mtu\n    value: '8000'\n",
    ..Module::builtin("interfaces_file", "Manages options of network interfaces", run)
};

/// Options that an interface may have several of.
const REPEATED: [&str; 4] = ["pre-up", "up", "down", "post-up"];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let dest = args.path("dest");
    let present = args.req("state") == "present";
    if args.is_given("option") && present && !args.is_given("value") {
        return Err(Failure::new("Value must be set if option is defined and state is 'present'"));
    }
    let (mut file, mut ifaces) = parsed(read(cx, &dest)?)?;
    let mut changed = false;
    if let Some(option) = args.str("option") {
        let edit = Edit {
            iface: args.req("iface"),
            family: args.str("address_family"),
            option,
            // As Python writes what is not given.
            value: args.str("value").unwrap_or("None"),
        };
        changed = match present {
            true => edit.set(&mut file)?,
            false => edit.remove(&mut file)?,
        };
    }
    if changed {
        ifaces = parsed(file.iter().map(|line| line.text.clone()).collect())?.1;
        if !cx.check {
            if args.bool("backup") {
                cx.backup(&dest)?;
            }
            let text: String = file.iter().map(|line| line.text.as_str()).collect();
            let real = cx.target.realpath(&dest);
            cx.write(Write::bytes(&real, text.as_bytes()))?;
        }
    }
    Ok(Outcome::new(changed).with("dest", args.req("dest")).with("ifaces", ifaces))
}

/// The lines, with their ends.
fn read(cx: &mut Context<'_>, path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = cx.target.read(path).map_err(|error| {
        let text = python::os_error(&error, Subject::Text(path));
        Failure::crash(python::os_class(&error), text)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let text = format!(
            "'utf-8' codec can't decode byte 0x{:02x} in position {at}: invalid start byte",
            bytes.get(at).copied().unwrap_or_default()
        );
        Failure::crash("UnicodeDecodeError", text)
    })?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Ok(text.split_inclusive('\n').map(str::to_owned).collect())
}

#[derive(Debug, PartialEq)]
enum Kind {
    Other,
    Iface { iface: String, family: Option<String>, method: Option<String> },
    Option { iface: String, family: Option<String>, name: String, value: String },
}

#[derive(Debug, PartialEq)]
struct Line {
    text: String,
    kind: Kind,
}

impl Line {
    fn is_of(&self, wanted: &str, wanted_family: Option<&str>) -> bool {
        match &self.kind {
            Kind::Iface { iface, family, .. } | Kind::Option { iface, family, .. } => {
                iface == wanted
                    && wanted_family.is_none_or(|wanted| family.as_deref() == Some(wanted))
            }
            Kind::Other => false,
        }
    }
}

/// What the line that was read last begins.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Nothing,
    Iface,
    Other,
}

/// The lines and what they are, and the interfaces as results tell them.
fn parsed(text: Vec<String>) -> Result<(Vec<Line>, Map), Failure> {
    let mut ifaces = Map::new();
    let mut file: Vec<Line> = Vec::new();
    let mut within = Within::Nothing;
    let mut current: (String, Option<String>) = Default::default();
    for (at, text) in text.into_iter().enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let kind = match words.as_slice() {
            [] => Kind::Other,
            [first, ..] if first.starts_with('#') => Kind::Other,
            ["iface"] => return Err(Failure::crash("IndexError", "list index out of range")),
            ["iface", name, rest @ ..] => {
                within = Within::Iface;
                let word = |at: usize| rest.get(at).map(|word| (*word).to_owned());
                current = ((*name).to_owned(), word(0));
                ifaces.insert((*name).to_owned(), new_iface(rest).into());
                Kind::Iface { iface: current.0.clone(), family: word(0), method: word(1) }
            }
            [
                "mapping" | "source" | "source-dir" | "source-directory" | "auto" | "no-auto-down"
                | "no-scripts",
                ..,
            ] => {
                within = Within::Other;
                Kind::Other
            }
            [first, ..] if first.starts_with("allow-") => {
                within = Within::Other;
                Kind::Other
            }
            [name, ..] if within == Within::Iface => {
                let value = value_of(&text, name)?;
                note(&mut ifaces, &current.0, name, &value);
                let (iface, family) = current.clone();
                Kind::Option { iface, family, name: (*name).to_owned(), value }
            }
            [..] if within == Within::Other => Kind::Other,
            [..] => {
                let msg = format!("misplaced option {text} in line {}", at + 1);
                return Err(Failure::new(msg));
            }
        };
        file.push(Line { text, kind });
    }
    Ok((file, ifaces))
}

fn new_iface(rest: &[&str]) -> Map {
    let word = |at: usize| rest.get(at).map_or(Data::Null, |word| Data::from(*word));
    let mut map: Map =
        REPEATED.iter().map(|name| ((*name).to_owned(), Data::Array(Vec::new()))).collect();
    map.insert("address_family".into(), word(0));
    map.insert("method".into(), word(1));
    map
}

fn note(ifaces: &mut Map, iface: &str, name: &str, value: &str) {
    let Some(Data::Object(known)) = ifaces.get_mut(iface) else { return };
    match known.get_mut(name) {
        Some(Data::Array(values)) if REPEATED.contains(&name) => values.push(value.into()),
        _ => {
            known.insert(name.to_owned(), value.into());
        }
    }
}

/// What follows an option's name.
fn value_of(line: &str, name: &str) -> Result<String, Failure> {
    if !line.contains(char::is_whitespace) {
        return Err(Failure::crash("IndexError", "list index out of range"));
    }
    let at = line.find(name).unwrap_or_default() + name.len();
    Ok(line[at..].trim().to_owned())
}

struct Edit<'a> {
    iface: &'a str,
    family: Option<&'a str>,
    option: &'a str,
    value: &'a str,
}

impl Edit<'_> {
    /// Where the interface's lines are, and those of them that have the option.
    fn places(&self, file: &[Line]) -> Result<(Vec<usize>, Vec<usize>), Failure> {
        let all: Vec<usize> =
            (0..file.len()).filter(|at| file[*at].is_of(self.iface, self.family)).collect();
        if all.is_empty() {
            return Err(Failure::new(format!("Error: interface {} not found", self.iface)));
        }
        let is_option = |at: &usize| matches!(&file[*at].kind, Kind::Option { name, .. } if name == self.option);
        let with = all.iter().copied().filter(is_option).collect();
        Ok((all, with))
    }

    fn has_value(&self, line: &Line) -> bool {
        matches!(&line.kind, Kind::Option { value, .. } if value == self.value)
    }

    fn set(&self, file: &mut Vec<Line>) -> Result<bool, Failure> {
        let (all, with) = self.places(file)?;
        let Some(last) = with.last().copied() else {
            if self.option == "method" {
                return self.set_method(file);
            }
            let options = all.iter().any(|at| matches!(file[*at].kind, Kind::Option { .. }));
            // `places` gives no interface without a line.
            let Some(last) = all.last().copied() else { return Ok(false) };
            self.add(file, last, options);
            return Ok(true);
        };
        if REPEATED.contains(&self.option) {
            if with.iter().any(|at| self.has_value(&file[*at])) {
                return Ok(false);
            }
            self.add(file, last, true);
            return Ok(true);
        }
        if self.has_value(&file[last]) {
            return Ok(false);
        }
        let line = &mut file[last];
        let after = line.text.find(self.option).unwrap_or_default() + self.option.len();
        let (head, rest) = line.text.split_at(after);
        let old = rest.trim();
        let at = match old {
            "" => 0,
            old => rest.find(old).unwrap_or_default(),
        };
        line.text = format!("{head}{}{}{}", &rest[..at], self.value, &rest[at + old.len()..]);
        Ok(true)
    }

    /// A line behind another one, as far in as that one.
    fn add(&self, file: &mut Vec<Line>, behind: usize, options: bool) {
        let text = &file[behind].text;
        let inner = text.trim();
        let begin = text.len() - text.trim_start().len();
        let (prefix, suffix) = (&text[..begin], &text[begin + inner.len()..]);
        let more = if options { "" } else { "    " };
        let text = format!("{prefix}{more}{} {}{suffix}", self.option, self.value);
        file.insert(behind + 1, Line { text, kind: Kind::Other });
    }

    /// The method ends the interface's own line; all entries of the interface get it.
    fn set_method(&self, file: &mut [Line]) -> Result<bool, Failure> {
        let mut changed = false;
        for line in file {
            let Kind::Iface { iface, method, .. } = &line.kind else { continue };
            if iface != self.iface || method.as_deref() == Some(self.value) {
                continue;
            }
            let Some(method) = method else {
                let text = "unsupported operand type(s) for +: 'NoneType' and 'str'";
                return Err(Failure::crash("TypeError", text));
            };
            changed = true;
            let pattern = Pattern::new(&format!("{method}$"), Flags::default())?;
            line.text = pattern.sub(self.value, &line.text, 0)?;
        }
        Ok(changed)
    }

    fn remove(&self, file: &mut Vec<Line>) -> Result<bool, Failure> {
        let (_, with) = self.places(file)?;
        let one = REPEATED.contains(&self.option) && self.value != "None";
        let gone: Vec<usize> =
            with.into_iter().filter(|at| !one || self.has_value(&file[*at])).collect();
        for at in gone.iter().rev() {
            file.remove(*at);
        }
        Ok(!gone.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const FILE: &str = "auto eth0\niface eth0 inet dhcp\n\nallow-hotplug eth1\niface eth1 inet static\n  mtu  1500\n  up a\n  up b c\n# end\niface eth1 inet6 auto\n";

    fn edited(args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/f", FILE);
        let mut all = json!({"dest": "/f", "iface": "eth1"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let result = Call::new("interfaces_file", all).run_on(&mut fake).into();
        (result, fake.text("/f"))
    }

    #[test]
    fn options_come_and_go() {
        let cases = [
            (json!({"option": "mtu", "value": "9000"}), "  mtu  1500\n", "  mtu  9000\n"),
            (json!({"option": "up", "value": "d"}), "  up b c\n", "  up b c\n  up d\n"),
            (
                json!({"option": "mtu", "value": "1400", "address_family": "inet6"}),
                "inet6 auto\n",
                "inet6 auto\n    mtu 1400\n",
            ),
            (json!({"option": "up", "state": "absent"}), "  up a\n  up b c\n", ""),
            (json!({"option": "up", "value": "a", "state": "absent"}), "  up a\n", ""),
            (
                json!({"iface": "eth0", "option": "method", "value": "manual"}),
                "inet dhcp",
                "inet manual",
            ),
        ];
        for (args, old, new) in cases {
            let (result, text) = edited(args.clone());
            assert_eq!(result["changed"], true, "{args}: {result}");
            assert_eq!(text, FILE.replace(old, new), "{args}");
        }
        let (result, text) = edited(json!({"option": "up", "value": "b c"}));
        assert_eq!((&result["changed"], text.as_str()), (&json!(false), FILE));
        assert_eq!(result["ifaces"]["eth0"]["method"], "dhcp");
    }

    #[test]
    fn what_is_refused() {
        let msg = |args: Value| edited(args).0["msg"].clone();
        assert_eq!(
            msg(json!({"option": "mtu"})),
            "Value must be set if option is defined and state is 'present'"
        );
        let gone = msg(json!({"iface": "eth9", "option": "mtu", "value": "1"}));
        assert_eq!(gone, "Error: interface eth9 not found");
        let mut fake = Fake::new().file("/f", "mtu 5\n");
        let result = Call::new("interfaces_file", json!({"dest": "/f"})).run_on(&mut fake);
        assert_eq!(result["msg"], "misplaced option mtu 5\n in line 1");
    }
}
