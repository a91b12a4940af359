//! Processors, from `/proc/cpuinfo`.

use super::{Collector, lines};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "cpu", subsets: &["hardware"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let text = lines(cx, "/proc/cpuinfo");
    if text.is_empty() {
        return;
    }
    let architecture =
        facts.get("architecture").and_then(Data::as_str).unwrap_or_default().to_owned();
    let cpus = Cpus::read(&text, &architecture);
    let allowed = lines(cx, "/proc/self/status")
        .iter()
        .find_map(|l| l.strip_prefix("Cpus_allowed_list:").map(count));
    let cores = cpus.sockets.first().map_or(1, |(_, n)| (*n).max(1));
    let threads = cpus.cores.first().map_or(1, |(_, n)| *n) / cores;
    let sockets = if cpus.sockets.is_empty() { cpus.number } else { cpus.sockets.len() };
    facts.insert("processor".into(), cpus.words.into());
    facts.insert("processor_count".into(), sockets.into());
    facts.insert("processor_cores".into(), cores.into());
    facts.insert("processor_threads_per_core".into(), threads.into());
    facts.insert("processor_vcpus".into(), (threads * sockets * cores).into());
    facts.insert("processor_nproc".into(), allowed.unwrap_or(cpus.processors).into());
}

#[derive(Default)]
struct Cpus {
    words: Vec<String>,
    number: usize,
    processors: usize,
    /// A socket's id and how many cores it has.
    sockets: Vec<(String, usize)>,
    /// A core's id and how many siblings it has.
    cores: Vec<(String, usize)>,
}

impl Cpus {
    fn read(text: &[String], architecture: &str) -> Cpus {
        let mut cpus = Cpus::default();
        let (mut vendors, mut models) = (0, 0);
        let (mut socket, mut core) = ("0".to_owned(), "0".to_owned());
        for line in text {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            match key {
                "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                    vendors += usize::from(key == "vendor_id");
                    models += usize::from(key == "model name");
                    cpus.processors += usize::from(key == "processor");
                    cpus.number += 1;
                    cpus.words.push(value.to_owned());
                }
                "physical id" => {
                    value.clone_into(&mut socket);
                    if !cpus.sockets.iter().any(|(id, _)| *id == socket) {
                        cpus.sockets.push((socket.clone(), 1));
                    }
                }
                "core id" => {
                    value.clone_into(&mut core);
                    set(&mut cpus.cores, &core, 1);
                }
                "cpu cores" => set(&mut cpus.sockets, &socket, value.parse().unwrap_or(1)),
                "siblings" => set(&mut cpus.cores, &core, value.parse().unwrap_or(1)),
                _ => {}
            }
        }
        if vendors > 0 && vendors == models {
            cpus.number = vendors;
        }
        if ["armv", "aarch", "ppc"].iter().any(|a| architecture.starts_with(a)) {
            cpus.number = cpus.processors;
        }
        cpus
    }
}

fn set(list: &mut Vec<(String, usize)>, id: &str, n: usize) {
    match list.iter_mut().find(|(known, _)| known == id) {
        Some((_, value)) => *value = n,
        None => list.push((id.to_owned(), n)),
    }
}

/// How many processors a list such as `0-3,8` names.
fn count(list: &str) -> usize {
    list.trim()
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => {
                let number = |s: &str| s.trim().parse::<usize>().unwrap_or(0);
                number(to).saturating_sub(number(from)) + 1
            }
            None => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_counted() {
        assert_eq!(count(" 0-3,8\n"), 5);
        assert_eq!(count("0"), 1);
    }

    #[test]
    fn sockets_cores_and_threads() {
        let text = "processor\t: 0\nvendor_id\t: A\nmodel name\t: M\nphysical id\t: 0\nsiblings\t: 2\ncore id\t: 0\ncpu cores\t: 2\n";
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let cpus = Cpus::read(&lines, "x86_64");
        assert_eq!((cpus.number, cpus.processors), (1, 1));
        assert_eq!(cpus.words, ["0", "A", "M"]);
        assert_eq!(cpus.sockets, [("0".to_owned(), 2)]);
    }
}
