//! zip files, as far as `archive` needs them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use crate::clock;
use crate::context::Context;
use crate::target::FileKind;

/// A zip file that grows.
#[derive(Default)]
pub(super) struct Zip {
    out: Vec<u8>,
    /// The list of entries at the end.
    central: Vec<u8>,
    count: u16,
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Made on Unix, so that modes count; version 2.0 of the format.
const MADE_BY: u16 = 3 << 8 | 20;
const NEEDED: u16 = 20;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
const DEFLATED: u16 = 8;

impl Zip {
    /// Adds a file with its content, a folder with its name.
    pub(super) fn add(&mut self, cx: &mut Context<'_>, path: &Path, name: &str) -> io::Result<()> {
        // Links are followed, as Python's zipfile does.
        let stat = cx.target.stat(path)?;
        let is_dir = stat.kind() == FileKind::Directory;
        let plain = if is_dir { Vec::new() } else { cx.target.read(path)? };
        let name = format!("{}{}", name.trim_start_matches('/'), if is_dir { "/" } else { "" });
        let mut sum = flate2::Crc::new();
        sum.update(&plain);
        let (method, packed) = if is_dir {
            (0, Vec::new())
        } else {
            let mut packer =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(&plain)?;
            (DEFLATED, packer.finish()?)
        };
        let limit = |len: usize| {
            u32::try_from(len)
                .map_err(|_| io::Error::other("files of 4 GB and more don't fit into zip"))
        };
        let (size, small, at) = (limit(plain.len())?, limit(packed.len())?, limit(self.out.len())?);
        let flags = if name.is_ascii() { 0 } else { UTF8 };
        let mut common = Vec::new();
        for short in [NEEDED, flags, method] {
            common.extend(short.to_le_bytes());
        }
        common.extend(dos_time(cx, stat.mtime));
        for long in [sum.sum(), small, size] {
            common.extend(long.to_le_bytes());
        }
        let length = u16::try_from(name.len())
            .map_err(|_| io::Error::other("a name is too long for zip"))?;
        common.extend(length.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        self.out.extend(LOCAL.to_le_bytes());
        self.out.extend(&common);
        self.out.extend(name.as_bytes());
        self.out.extend(packed);
        self.central.extend(CENTRAL.to_le_bytes());
        self.central.extend(MADE_BY.to_le_bytes());
        self.central.extend(common);
        for short in [0_u16; 3] {
            self.central.extend(short.to_le_bytes());
        }
        let dos = if is_dir { 0x10 } else { 0 };
        self.central.extend((stat.mode << 16 | dos).to_le_bytes());
        self.central.extend(at.to_le_bytes());
        self.central.extend(name.as_bytes());
        self.count =
            self.count.checked_add(1).ok_or_else(|| io::Error::other("too many files for zip"))?;
        Ok(())
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        // Both fit: each entry's place was checked, and the list is shorter than what it is about.
        let (at, size) = (self.out.len() as u32, self.central.len() as u32);
        self.out.extend(self.central);
        self.out.extend(END.to_le_bytes());
        for short in [0, 0, self.count, self.count] {
            self.out.extend(short.to_le_bytes());
        }
        for long in [size, at] {
            self.out.extend(long.to_le_bytes());
        }
        self.out.extend(0_u16.to_le_bytes());
        self.out
    }
}

/// A time as zip has it: local, from 1980 on, in steps of two seconds.
fn dos_time(cx: &mut Context<'_>, at: crate::target::Time) -> [u8; 4] {
    let local = clock::local(cx.target, at);
    let year = u16::try_from((local.year - 1980).clamp(0, 127)).unwrap_or(0);
    let date = year << 9 | (local.month as u16) << 5 | local.day as u16;
    let time = (local.hour as u16) << 11 | (local.minute as u16) << 5 | ((local.second as u16) / 2);
    let [a, b] = time.to_le_bytes();
    let [c, d] = date.to_le_bytes();
    [a, b, c, d]
}

/// Names and checksums of a zip file; none of what is no zip file.
pub(super) fn content(bytes: &[u8]) -> BTreeSet<String> {
    let end = bytes.windows(4).rposition(|window| window == END.to_le_bytes());
    let long = |at: usize| {
        let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(four))
    };
    let short = |at: usize| {
        let two: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(u16::from_le_bytes(two)))
    };
    let mut all = BTreeSet::new();
    let mut read = || {
        let mut at = long(end? + 16)? as usize;
        while long(at)? == CENTRAL {
            let (name, extra, comment) = (short(at + 28)?, short(at + 30)?, short(at + 32)?);
            let shown = String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name)?);
            all.insert(format!("{} {shown}", long(at + 16)?));
            at += 46 + name + extra + comment;
        }
        Some(())
    };
    // It ends at what is no entry; what was read until then is the content.
    let _ = read();
    all
}
