//! What is mounted, as the kernel tells it.

use std::collections::HashMap;
use std::path::Path;

use crate::module::{Context, Failure};
use crate::target::Run;

/// Sources by the places where they are mounted; of a bind mount, the folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mounts(HashMap<String, String>);

struct Record {
    id: i64,
    parent: i64,
    root: String,
    place: String,
    source: String,
}

impl Mounts {
    /// `None` if the kernel's table can't be read.
    pub fn read(cx: &mut Context<'_>) -> Option<Mounts> {
        cx.target.read_text("/proc/self/mountinfo".as_ref()).ok().map(|text| Mounts::of(&text))
    }

    fn of(text: &str) -> Mounts {
        let mut records: Vec<Record> = text.lines().filter_map(record).collect();
        let by_id: HashMap<i64, usize> =
            records.iter().enumerate().map(|(at, record)| (record.id, at)).collect();
        let mut mounts = HashMap::new();
        for at in 0..records.len() {
            let parent = by_id.get(&records[at].parent).filter(|_| records[at].parent != 1);
            let source = match parent.map(|parent| &records[*parent]) {
                None => records[at].source.clone(),
                Some(parent) => {
                    let mut root = records[at].root.clone();
                    if parent.root.len() > 1
                        && let Some(rest) = root.strip_prefix(&parent.root)
                        && rest.starts_with('/')
                    {
                        root = rest.to_owned();
                    }
                    if parent.place != "/" {
                        root = format!("{}{root}", parent.place);
                    }
                    // What is mounted below this one is told relative to the new root.
                    records[at].root.clone_from(&root);
                    root
                }
            };
            mounts.insert(records[at].place.clone(), source);
        }
        Mounts(mounts)
    }
}

fn record(line: &str) -> Option<Record> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let field = |at: usize| fields.get(at).copied();
    Some(Record {
        id: field(0)?.parse().ok()?,
        parent: field(1)?.parse().ok()?,
        root: field(3)?.to_owned(),
        place: field(4)?.to_owned(),
        source: field(fields.len().checked_sub(2)?)?.to_owned(),
    })
}

/// Whether another file system begins there.
pub fn is_mount(cx: &mut Context<'_>, name: &str) -> bool {
    let path = Path::new(name);
    let Ok(stat) = cx.target.lstat(path) else { return false };
    if stat.is_link() {
        return false;
    }
    let parent = cx.target.realpath(&path.join(".."));
    let Ok(above) = cx.target.lstat(&parent) else { return false };
    stat.dev != above.dev || stat.inode == above.inode
}

/// Whether something is mounted there; if a source and kind are given, from that.
pub fn is_bound(
    cx: &mut Context<'_>,
    mounts: Option<&Mounts>,
    name: &str,
    source: Option<(&str, &str)>,
) -> Result<bool, Failure> {
    if let Some(Mounts(mounts)) = mounts {
        let found = mounts.get(name);
        return Ok(found.is_some_and(|found| source.is_none_or(|(source, _)| found == source)));
    }
    let listed = list(cx, "-l")?;
    Ok(listed.iter().any(|fields| {
        let field = |at: usize| fields.get(at).map(String::as_str);
        field(2) == Some(name)
            && source
                .is_none_or(|(source, kind)| field(0) == Some(source) && field(4) == Some(kind))
    }))
}

/// Whether what is mounted there comes from this source.
pub fn comes_from(
    cx: &mut Context<'_>,
    mounts: Option<&Mounts>,
    source: &str,
    name: &str,
) -> Result<bool, Failure> {
    if !is_mount(cx, name) && !is_bound(cx, mounts, name, None)? {
        return Ok(false);
    }
    if let Some(Mounts(mounts)) = mounts
        && mounts.get(name).is_some_and(|found| found == source)
    {
        return Ok(true);
    }
    let listed = list(cx, "-v")?;
    if listed.is_empty() {
        let program = cx.program("mount")?;
        return Err(Failure::new(format!(
            "Unable to retrieve mount info with command '{} -v'",
            program.display()
        )));
    }
    Ok(listed.iter().any(|fields| {
        fields.first().is_some_and(|first| first == source)
            && fields.get(2).is_some_and(|third| third == name)
    }))
}

/// The words of what `mount` lists.
fn list(cx: &mut Context<'_>, flag: &str) -> Result<Vec<Vec<String>>, Failure> {
    let program = cx.program("mount")?;
    let ran = cx.run(&Run::argv([program.into_os_string()]).arg(flag))?;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Ok(ran.out().trim().lines().map(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_mounts_have_folders_as_sources() {
        let text = "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    42 25 0:35 / /tmp rw shared:1 - tmpfs tmpfs rw\n\
                    78 42 0:35 /aaa /tmp/bbb rw - tmpfs tmpfs rw\n\
                    90 25 8:1 /srv/a /mnt rw - ext4 /dev/sda1 rw\n\
                    99 1 8:2 / /data rw - xfs /dev/sdb rw\n";
        let Mounts(mounts) = Mounts::of(text);
        assert_eq!(mounts["/tmp/bbb"], "/tmp/aaa");
        assert_eq!(mounts["/mnt"], "/srv/a");
        assert_eq!(mounts["/data"], "/dev/sdb");
        assert_eq!(mounts["/tmp"], "/");
    }
}
