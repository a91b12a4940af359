//! The resolver's configuration.

use super::{Collector, lines};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "dns", subsets: &["dns"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let mut dns = Map::new();
    for line in lines(cx, "/etc/resolv.conf") {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(key) = words.next() else { continue };
        let rest: Vec<&str> = words.collect();
        match key {
            "nameserver" => append(&mut dns, "nameservers", &rest),
            "domain" => {
                if let Some(domain) = rest.first() {
                    dns.insert("domain".into(), (*domain).into());
                }
            }
            "search" => {
                dns.insert("search".into(), rest.into());
            }
            "sortlist" => {
                dns.insert("sortlist".into(), rest.into());
            }
            "options" => {
                let mut options = Map::new();
                for option in rest {
                    let (name, value) = match option.split_once(':') {
                        Some((name, value)) => (name, Data::from(value)),
                        None => (option, Data::Bool(true)),
                    };
                    options.insert(name.into(), value);
                }
                dns.insert("options".into(), options.into());
            }
            _ => {}
        }
    }
    facts.insert("dns".into(), dns.into());
}

fn append(dns: &mut Map, key: &str, values: &[&str]) {
    let list = dns.entry(key).or_insert_with(|| Data::Array(Vec::new()));
    if let Data::Array(list) = list {
        list.extend(values.iter().map(|v| Data::from(*v)));
    }
}
