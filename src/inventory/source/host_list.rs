//! `-i web1,web2,`: hosts named on the command line.

use std::path::Path;

use super::{Plugin, Reading};
use crate::{
    diagnostic::{Error, Kind, Result},
    inventory::{
        address,
        range::{self, RangeError},
    },
};

fn is_list(source: &str) -> bool {
    source.contains(',') && !Path::new(source).exists()
}

fn names(source: &str) -> impl Iterator<Item = &str> {
    source.split(',').map(str::trim).filter(|h| !h.is_empty())
}

fn unparsed(cx: &Reading<'_>, why: &str) {
    cx.verbose(3, format!("Unable to parse address from hostname, leaving unchanged: {why}"));
}

fn add(cx: &mut Reading<'_>, host: &str, port: Option<u32>) -> Result<()> {
    if cx.graph.listed(host).is_none() {
        cx.graph.add_host(host, Some("ungrouped"), port)?;
    }
    Ok(())
}

/// Names as they are.
pub(super) struct HostList;

impl Plugin for HostList {
    fn name(&self) -> &'static str {
        "host_list"
    }

    fn accepts(&self, source: &str, _cx: &mut Reading<'_>) -> bool {
        is_list(source)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        for text in names(source) {
            match address::parse(text, false) {
                Ok((host, port)) => add(cx, &host, port)?,
                Err(why) => {
                    unparsed(cx, &why.to_string());
                    add(cx, text, None)?;
                }
            }
        }
        Ok(())
    }
}

/// Names that may hold ranges.
pub(super) struct AdvancedHostList;

impl Plugin for AdvancedHostList {
    fn name(&self) -> &'static str {
        "advanced_host_list"
    }

    fn accepts(&self, source: &str, _cx: &mut Reading<'_>) -> bool {
        is_list(source)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        for text in names(source) {
            match range::expand_pattern(text) {
                Ok((hosts, port)) => {
                    for host in hosts {
                        add(cx, &host, port)?;
                    }
                }
                Err(RangeError::Rule(why)) => {
                    unparsed(cx, &why);
                    add(cx, text, None)?;
                }
                Err(RangeError::Python(why)) => {
                    let text = format!("Invalid data from string, could not parse: {why}");
                    return Err(Error::new(Kind::Parser, text));
                }
            }
        }
        Ok(())
    }
}
