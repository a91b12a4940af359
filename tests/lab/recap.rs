//! The recap at the end of a run's standard output.

use std::collections::BTreeMap;

/// host → counter → value, of the last recap in a text.
pub type Recap = BTreeMap<String, BTreeMap<String, u32>>;

pub fn parse(stdout: &str) -> Recap {
    let mut recap = Recap::new();
    let Some(start) = stdout.rfind("\nPLAY RECAP ") else { return recap };
    for line in stdout[start + 1..].lines().skip(1) {
        let Some((host, counters)) = line.split_once(" : ") else { break };
        let counters = counters.split_whitespace().filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_string(), value.parse().ok()?))
        });
        recap.insert(host.trim().to_string(), counters.collect());
    }
    recap
}

/// `name=value` pairs that the host's counters don't have.
pub fn missing(recap: &Recap, host: &str, wanted: &[(String, u32)]) -> Vec<String> {
    let Some(counters) = recap.get(host) else {
        return vec![format!("the recap has no host `{host}`")];
    };
    wanted
        .iter()
        .filter(|(name, value)| counters.get(name) != Some(value))
        .map(|(name, value)| {
            let found = counters.get(name).map_or("nothing".to_string(), u32::to_string);
            format!("{host}: {name} should be {value}, is {found}")
        })
        .collect()
}

/// Hosts that changed, failed or were not reached.
pub fn restless(recap: &Recap) -> Vec<String> {
    if recap.is_empty() {
        return vec!["there is no recap".to_string()];
    }
    let still = ["changed", "failed", "unreachable"].map(|name| (name.to_string(), 0));
    recap.keys().flat_map(|host| missing(recap, host, &still)).collect()
}
