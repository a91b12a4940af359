//! `random_string`: text drawn by lot.

use super::{
    Call, Lookup, lookup_error,
    options::{Default, Opt, Options, Type},
};
use crate::{
    template::filters::base64_encode,
    value::{PyResult, Value, random::Random},
};

pub(super) static LOOKUP: Lookup = Lookup::community(
    "random_string",
    "Text drawn by lot.",
    &[
        Opt::new("length", Type::Int).default(Default::Int(8)),
        Opt::new("upper", Type::Bool).default(Default::Bool(true)),
        Opt::new("lower", Type::Bool).default(Default::Bool(true)),
        Opt::new("numbers", Type::Bool).default(Default::Bool(true)),
        Opt::new("special", Type::Bool).default(Default::Bool(true)),
        Opt::new("min_numeric", Type::Int).default(Default::Int(0)),
        Opt::new("min_upper", Type::Int).default(Default::Int(0)),
        Opt::new("min_lower", Type::Int).default(Default::Int(0)),
        Opt::new("min_special", Type::Int).default(Default::Int(0)),
        Opt::new("override_special", Type::Text),
        Opt::new("override_all", Type::Text),
        Opt::new("base64", Type::Bool).default(Default::Bool(false)),
    ],
    run,
);

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const SPECIAL: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let mut lot = Random::System;
    let mut drawn = Vec::new();
    let chosen = options.text("override_all")?.filter(|all| !all.is_empty());
    let all = if let Some(all) = chosen { all } else { fixed(&options, &mut lot, &mut drawn)? };
    let rest = count(&options, "length").saturating_sub(drawn.len());
    draw(&mut lot, &all, rest, &mut drawn)?;
    lot.shuffle(&mut drawn)?;
    let text: String = drawn.into_iter().collect();
    let text = if options.is("base64") { base64_encode(text.as_bytes()) } else { text };
    Ok(vec![Value::from(text)])
}

/// Draws what there must be at least, and gives all that may be drawn.
fn fixed(options: &Options, lot: &mut Random, drawn: &mut Vec<char>) -> PyResult<String> {
    let special = options.text("override_special")?.filter(|given| !given.is_empty());
    let special = special.as_deref().unwrap_or(SPECIAL);
    for (least, characters) in [
        ("min_numeric", DIGITS),
        ("min_lower", LOWER),
        ("min_upper", UPPER),
        ("min_special", special),
    ] {
        match count(options, least) {
            0 => {}
            n => draw(lot, characters, n, drawn)?,
        }
    }
    let kinds = [("upper", UPPER), ("lower", LOWER), ("numbers", DIGITS), ("special", special)];
    Ok(kinds.iter().filter(|(name, _)| options.is(name)).map(|(_, text)| *text).collect())
}

/// A number of characters; below none is none.
fn count(options: &Options, name: &str) -> usize {
    match options.get(name) {
        Value::Int(n) => usize::try_from(n).unwrap_or(0),
        _ => 0,
    }
}

fn draw(lot: &mut Random, characters: &str, n: usize, drawn: &mut Vec<char>) -> PyResult<()> {
    let characters: Vec<char> = characters.chars().collect();
    if characters.is_empty() {
        return Err(lookup_error("Available characters cannot be None, please change constraints"));
    }
    for _ in 0..n {
        drawn.push(characters[lot.below(characters.len())?]);
    }
    Ok(())
}
