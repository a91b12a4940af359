//! Mounted file systems, with their sizes and ids.

use std::collections::HashMap;

use super::{Collector, lines, output};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "mounts", subsets: &["hardware"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let bound = bind_mounts(cx);
    let mut entries = Vec::new();
    for path in ["/etc/mtab", "/proc/mounts"] {
        entries = lines(cx, path);
        if !entries.is_empty() {
            break;
        }
    }
    let entries: Vec<[String; 4]> = entries.iter().filter_map(|line| fields(line)).collect();
    let wanted: Vec<&[String; 4]> = entries
        .iter()
        .filter(|[device, _, kind, _]| {
            (device.starts_with('/') || device.starts_with('\\') || device.contains(":/"))
                && kind != "none"
        })
        .collect();
    let paths: Vec<&str> = wanted.iter().map(|f| f[1].as_str()).collect();
    let (sizes, ids) = (sizes(cx, &paths), uuids(cx));
    let mut all = Vec::new();
    for [device, path, kind, options] in wanted {
        let mut options = options.clone();
        if bound.contains(path) && !options.contains("bind") {
            options.push_str(",bind");
        }
        let mut mount = Map::new();
        mount.insert("mount".into(), path.as_str().into());
        mount.insert("device".into(), device.as_str().into());
        mount.insert("fstype".into(), kind.as_str().into());
        mount.insert("options".into(), options.into());
        if let Some(size) = sizes.get(path) {
            mount.extend(size.clone());
        }
        let id = ids.get(device).map_or("N/A", String::as_str);
        mount.insert("uuid".into(), id.into());
        all.push(Data::from(mount));
    }
    facts.insert("mounts".into(), all.into());
}

fn fields(line: &str) -> Option<[String; 4]> {
    let mut words = line.split_whitespace().map(unescaped);
    Some([words.next()?, words.next()?, words.next()?, words.next()?])
}

/// Spaces and the like stand as `\040` in these files.
fn unescaped(word: &str) -> String {
    let mut bytes = Vec::new();
    let raw = word.as_bytes();
    let mut i = 0;
    while i < raw.len() {
        let digits = raw.get(i + 1..i + 4).filter(|d| d.iter().all(|b| (b'0'..=b'7').contains(b)));
        match digits {
            Some(digits) if raw[i] == b'\\' => {
                let code = digits.iter().fold(0_u32, |n, d| n * 8 + u32::from(d - b'0'));
                bytes.push(u8::try_from(code).unwrap_or(b'?'));
                i += 4;
            }
            _ => {
                bytes.push(raw[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Mount points that show a folder of another file system, not its root.
fn bind_mounts(cx: &mut Context<'_>) -> Vec<String> {
    lines(cx, "/proc/self/mountinfo")
        .iter()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(3);
            let (root, path) = (words.next()?, words.next()?);
            (root != "/").then(|| unescaped(path))
        })
        .collect()
}

/// Sizes in bytes and numbers of inodes, by mount point; one program for all of them.
fn sizes(cx: &mut Context<'_>, paths: &[&str]) -> HashMap<String, Map> {
    if paths.is_empty() {
        return HashMap::new();
    }
    let mut args = vec!["-f", "-c", "%S %b %f %a %c %d %n"];
    args.extend(paths);
    // One mount that can't be looked at must not hide the others, so the status is not asked for.
    let Some(program) = cx.target.find_program("stat", &[]) else { return HashMap::new() };
    let run = crate::target::Run::argv([program.into_os_string()]).args(args).c_locale();
    let Ok(ran) = cx.target.run(&run) else { return HashMap::new() };
    let mut all = HashMap::new();
    for line in ran.out().lines() {
        let mut words = line.splitn(7, ' ');
        let mut number = || words.next().and_then(|w| w.parse::<i64>().ok());
        let (Some(size), Some(total), Some(_), Some(available), Some(inodes), Some(free)) =
            (number(), number(), number(), number(), number(), number())
        else {
            continue;
        };
        let Some(path) = words.next() else { continue };
        let mut map = Map::new();
        for (name, value) in [
            ("size_total", size * total),
            ("size_available", size * available),
            ("block_size", size),
            ("block_total", total),
            ("block_available", available),
            ("block_used", total - available),
            ("inode_total", inodes),
            ("inode_available", free),
            ("inode_used", inodes - free),
        ] {
            map.insert(name.into(), value.into());
        }
        all.insert(path.to_owned(), map);
    }
    all
}

/// The ids of file systems, by device.
fn uuids(cx: &mut Context<'_>) -> HashMap<String, String> {
    let args = ["--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2"];
    let text = output(cx, "lsblk", &args).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(unescaped("/a\\040b"), "/a b");
        assert_eq!(unescaped("\\0"), "\\0");
    }
}
