//! Runs one module on this machine and prints its result, for comparisons by hand:
//! `cargo run -p vmstation-host --example call -- file '{"path": "/tmp/x", "state": "touch"}' --check --diff`.

use std::io::Write;

use vmstation_host::call::{Call, run_local};
use vmstation_host::data::Data;
use vmstation_host::files::AtHand;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let [module, rest @ ..] = words.as_slice() else {
        return Err("call MODULE [JSON] [--check] [--diff]".into());
    };
    let args: Data = serde_json::from_str(rest.first().map_or("{}", String::as_str))?;
    let flag = |name: &str| flags.iter().any(|flag| flag == name);
    let call = Call { check: flag("--check"), diff: flag("--diff"), ..Call::new(module, args) };
    let result = run_local(&call, &mut AtHand::default());
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&result)?)?;
    Ok(())
}
