//! `stat`: everything about a path.

use std::path::Path;

use crate::module::{Args, CheckMode, Context, Failure, Lit, Map, Module, Opt, Outcome, Returned};
use crate::python;
use crate::target::{Access, Algorithm, FileKind, Run, Stat};

const ALGORITHMS: &[Lit] = &[
    Lit::Str("md5"),
    Lit::Str("sha1"),
    Lit::Str("sha224"),
    Lit::Str("sha256"),
    Lit::Str("sha384"),
    Lit::Str("sha512"),
];

pub static MODULE: Module = Module {
    description: "Tells whether a path is there and what it is: type, owner, permissions, size, times, checksum.",
    options: &[
        Opt::path("path").required().aliases(&["dest", "name"]).doc("The path."),
        Opt::bool("follow").or(false).doc("Whether to look at what a link points to."),
        Opt::bool("get_md5").or(false).doc("Whether to tell the MD5 checksum too."),
        Opt::bool("get_checksum").or(true).doc("Whether to tell a file's checksum."),
        Opt::bool("get_mime")
            .or(true)
            .aliases(&["mime", "mime_type", "mime-type"])
            .doc("Whether to ask `file` for the MIME type."),
        Opt::bool("get_attributes")
            .or(true)
            .aliases(&["attr", "attributes"])
            .doc("Whether to ask `lsattr` for attributes."),
        Opt::str("checksum_algorithm")
            .or_str("sha1")
            .choices(ALGORITHMS)
            .aliases(&["checksum", "checksum_algo"])
            .doc("The kind of checksum."),
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("stat", "dict", "success", "What is known of the path.").contains(&[
        Returned::new("exists", "bool", "success", "Whether it is there."),
        Returned::new("path", "str", "it is there", "The path as asked for."),
        Returned::new("mode", "str", "it is there", "The permissions.").sample("'0644'"),
        Returned::new("isdir", "bool", "it is there", "Whether it is a folder."),
        Returned::new("isreg", "bool", "it is there", "Whether it is a regular file."),
        Returned::new("islnk", "bool", "it is there", "Whether it is a link."),
        Returned::new("size", "int", "it is there", "Its size in bytes."),
        Returned::new("checksum", "str", "it is a file that can be read", "Its checksum."),
        Returned::new("lnk_source", "str", "it is a link", "Where the link leads in the end."),
        Returned::new("lnk_target", "str", "it is a link", "What the link contains."),
    ])],
    examples: "- name: Look at a file\n  ansible.builtin.stat:\n    path: /etc/foo.conf\n  register: st\n",
    ..Module::builtin("stat", "Tells what a path is", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let looked = match args.bool("follow") {
        true => cx.target.stat(&path),
        false => cx.target.lstat(&path),
    };
    let stat = match looked {
        Ok(stat) => stat,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
            let mut nothing = Map::new();
            nothing.insert("exists".into(), false.into());
            return Ok(Outcome::new(false).with("stat", nothing));
        }
        Err(error) => return Err(Failure::new(python::strerror(&error))),
    };
    let mut facts = of_record(args.req("path"), &stat);
    let mut readable = false;
    for (key, access) in
        [("readable", Access::Read), ("writeable", Access::Write), ("executable", Access::Execute)]
    {
        let may = cx.target.access(&path, access);
        readable |= may && access == Access::Read;
        facts.insert(key.into(), may.into());
    }
    if stat.is_link() {
        let target = cx.target.read_link(&path).unwrap_or_default();
        facts.insert("lnk_source".into(), cx.target.realpath(&path).to_string_lossy().into());
        facts.insert("lnk_target".into(), target.to_string_lossy().into());
    }
    if let Some(user) = cx.target.user_by_id(stat.uid) {
        facts.insert("pw_name".into(), user.name.into());
    }
    if let Some(group) = cx.target.group_by_id(stat.gid) {
        facts.insert("gr_name".into(), group.name.into());
    }
    if stat.is_file() && readable {
        checksums(cx, args, &path, &mut facts)?;
    }
    if args.bool("get_mime") {
        let (kind, charset) = mime(cx, &path).unwrap_or(("unknown".into(), "unknown".into()));
        facts.insert("mimetype".into(), kind.into());
        facts.insert("charset".into(), charset.into());
    }
    if args.bool("get_attributes") {
        let flags = cx.attribute_flags(&path).unwrap_or_default();
        facts.insert("version".into(), flags.version.clone().into());
        facts.insert("attributes".into(), flags.names().into());
        facts.insert("attr_flags".into(), flags.flags.into());
    }
    Ok(Outcome::new(false).with("stat", facts))
}

fn checksums(
    cx: &mut Context<'_>,
    args: &Args,
    path: &Path,
    facts: &mut Map,
) -> Result<(), Failure> {
    let mut digest = |algorithm| {
        let done = cx.target.digest(path, algorithm);
        done.map_err(|e| Failure::new(python::os_error(&e, python::Subject::Bytes(path))))
    };
    if args.bool("get_md5") {
        facts.insert("md5".into(), digest(Algorithm::Md5)?.into());
    }
    if args.bool("get_checksum")
        && let Some(algorithm) = Algorithm::named(args.req("checksum_algorithm"))
    {
        facts.insert("checksum".into(), digest(algorithm)?.into());
    }
    Ok(())
}

/// What the file's record alone tells.
pub(super) fn of_record(path: &str, stat: &Stat) -> Map {
    let kind = stat.kind();
    let bit = |mask: u32| (stat.mode & mask != 0).into();
    let all = [
        ("exists", true.into()),
        ("path", path.into()),
        ("mode", format!("{:04o}", stat.permissions()).into()),
        ("isdir", (kind == FileKind::Directory).into()),
        ("ischr", (kind == FileKind::CharDevice).into()),
        ("isblk", (kind == FileKind::BlockDevice).into()),
        ("isreg", (kind == FileKind::Regular).into()),
        ("isfifo", (kind == FileKind::Fifo).into()),
        ("islnk", (kind == FileKind::Link).into()),
        ("issock", (kind == FileKind::Socket).into()),
        ("uid", stat.uid.into()),
        ("gid", stat.gid.into()),
        ("size", stat.size.into()),
        ("inode", stat.inode.into()),
        ("dev", stat.dev.into()),
        ("nlink", stat.nlink.into()),
        ("atime", stat.atime.as_f64().into()),
        ("mtime", stat.mtime.as_f64().into()),
        ("ctime", stat.ctime.as_f64().into()),
        ("wusr", bit(0o200)),
        ("rusr", bit(0o400)),
        ("xusr", bit(0o100)),
        ("wgrp", bit(0o020)),
        ("rgrp", bit(0o040)),
        ("xgrp", bit(0o010)),
        ("woth", bit(0o002)),
        ("roth", bit(0o004)),
        ("xoth", bit(0o001)),
        ("isuid", bit(0o4000)),
        ("isgid", bit(0o2000)),
        ("blocks", stat.blocks.into()),
        ("block_size", stat.block_size.into()),
        ("device_type", stat.rdev.into()),
    ];
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// MIME type and character set, as `file` tells them.
fn mime(cx: &mut Context<'_>, path: &Path) -> Option<(String, String)> {
    let program = cx.target.find_program("file", &[])?;
    let run = Run::argv([program.as_os_str()])
        .args(["--mime-type", "--mime-encoding"])
        .arg(path.as_os_str());
    let ran = cx.target.run(&run).ok().filter(|ran| ran.ok())?;
    let out = ran.out();
    let (kind, charset) = out.rsplit_once(':')?.1.split_once(';')?;
    // Something odd, such as an error's text, has more or other parts.
    if charset.contains(';') {
        return None;
    }
    let charset = charset.split('=').nth(1);
    Some((kind.trim().to_owned(), charset.unwrap_or("unknown").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::data::Data;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host() -> Fake {
        Fake::new()
            .file_with("/d/f", "hello\n", 0o4640, 1000, 4)
            .link("/d/l", "f")
            .link("/d/broken", "nowhere")
            .program("file")
            .program("lsattr")
            .on("/usr/bin/file", Ran::of(0, "/d/f: text/plain; charset=us-ascii\n", ""))
            .on("/usr/bin/lsattr", Ran::of(0, "123 ----i---e------- /d/f\n", ""))
    }

    fn stat(args: Value) -> Data {
        Call::new("stat", args).run_on(&mut host())["stat"].clone()
    }

    #[test]
    fn files() {
        let facts = stat(json!({"path": "/d/f"}));
        for (key, value) in [
            ("exists", json!(true)),
            ("mode", json!("4640")),
            ("isuid", json!(true)),
            ("wgrp", json!(false)),
            ("size", json!(6)),
            ("pw_name", json!("alice")),
            ("checksum", json!("f572d396fae9206628714fb2ce00f72e94f2258f")),
            ("mimetype", json!("text/plain")),
            ("charset", json!("us-ascii")),
            ("version", json!("123")),
            ("attr_flags", json!("ie")),
            ("attributes", json!(["immutable", "extents"])),
        ] {
            assert_eq!(facts[key], value, "{key}");
        }
        let facts = stat(json!({"path": "/d/f", "checksum": "md5", "mime": false, "attr": false}));
        assert_eq!(facts["checksum"], "b1946ac92492d2347c6235b4d2611184");
        assert_eq!((facts.get("mimetype"), facts.get("version")), (None, None));
    }

    #[test]
    fn links_and_what_is_not_there() {
        let facts = stat(json!({"path": "/d/l"}));
        assert_eq!((&facts["islnk"], &facts["lnk_source"]), (&json!(true), &json!("/d/f")));
        assert_eq!((&facts["lnk_target"], facts.get("checksum")), (&json!("f"), None));
        assert_eq!(stat(json!({"path": "/d/l", "follow": true}))["isreg"], true);
        assert_eq!(stat(json!({"path": "/d/broken"}))["lnk_source"], "/d/nowhere");
        let nothing = json!({"exists": false});
        assert_eq!(stat(json!({"path": "/d/broken", "follow": true})), nothing);
        assert_eq!(stat(json!({"path": "/x"})), nothing);
        let result = Call::new("stat", json!({"path": "/d/f/x"})).run_on(&mut host());
        assert_eq!((&result["failed"], &result["msg"]), (&json!(true), &json!("Not a directory")));
    }
}
