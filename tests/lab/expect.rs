//! What a run must have come to: the lines of an `--- expect` section.

use crate::hosts::Done;
use crate::recap;

#[derive(Debug, PartialEq)]
pub enum Expectation {
    Status(i32),
    /// `recap HOST name=value…`
    Recap(String, Vec<(String, u32)>),
    /// No host changed, failed or was unreachable.
    Unchanged,
    /// A piece of standard output or error, white space apart.
    Has(String),
    Lacks(String),
    /// Seconds that the run may take.
    Within(f32),
}

pub fn parse(line: &str) -> Result<Expectation, String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is not a number"));
    match word {
        "status" => {
            Ok(Expectation::Status(rest.parse().map_err(|_| format!("`{rest}` is not a status"))?))
        }
        "unchanged" if rest.is_empty() => Ok(Expectation::Unchanged),
        "has" if !rest.is_empty() => Ok(Expectation::Has(rest.to_string())),
        "lacks" if !rest.is_empty() => Ok(Expectation::Lacks(rest.to_string())),
        "within" => Ok(Expectation::Within(
            rest.parse().map_err(|_| format!("`{rest}` is not a number of seconds"))?,
        )),
        "recap" => {
            let mut words = rest.split_whitespace();
            let host = words.next().ok_or("recap of which host?")?;
            let counters: Vec<(String, u32)> = words
                .map(|pair| {
                    let (name, value) =
                        pair.split_once('=').ok_or(format!("`{pair}` is not name=value"))?;
                    Ok((name.to_string(), number(value)?))
                })
                .collect::<Result<_, String>>()?;
            if counters.is_empty() {
                return Err("recap of a host without a counter".to_string());
            }
            Ok(Expectation::Recap(host.to_string(), counters))
        }
        _ => Err(format!("no expectation is written `{line}`")),
    }
}

/// What of this a run did not come to.
pub fn unmet(expectations: &[Expectation], done: &Done, seconds: f32) -> Vec<String> {
    let recap = recap::parse(&done.stdout);
    let said = squeezed(&format!("{}\n{}", done.stdout, done.stderr));
    expectations
        .iter()
        .flat_map(|expectation| match expectation {
            Expectation::Status(wanted) if *wanted != done.status => {
                vec![format!("the status should be {wanted}, is {}", done.status)]
            }
            Expectation::Recap(host, counters) => recap::missing(&recap, host, counters),
            Expectation::Unchanged => recap::restless(&recap),
            Expectation::Has(text) if !said.contains(&squeezed(text)) => {
                vec![format!("it does not say `{text}`")]
            }
            Expectation::Lacks(text) if said.contains(&squeezed(text)) => {
                vec![format!("it says `{text}`")]
            }
            Expectation::Within(limit) if seconds > *limit => {
                vec![format!("it took {seconds:.1} s, more than {limit}")]
            }
            _ => Vec::new(),
        })
        .collect()
}

/// Messages are wrapped at the terminal's width, so spaces and line ends count the same.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
