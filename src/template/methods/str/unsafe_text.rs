//! Arguments of the methods of unsafe text, which ansible defines anew in Python: these complain in
//! Python's words, not in those of C code.

use crate::template::{
    CallArgs,
    args::{missing_arguments, too_many},
};
use crate::value::{PyError, PyResult, repr::str_repr};

/// The parameters of some methods.
struct Signature {
    methods: &'static [&'static str],
    params: &'static [&'static str],
    /// How many of them have no default.
    required: usize,
    /// Whether they can't be given by name.
    by_place: bool,
}

const fn by_place(
    methods: &'static [&'static str],
    params: &'static [&'static str],
    required: usize,
) -> Signature {
    Signature { methods, params, required, by_place: true }
}

const fn by_name(methods: &'static [&'static str], params: &'static [&'static str]) -> Signature {
    Signature { methods, params, required: 0, by_place: false }
}

const SIGNATURES: &[Signature] = &[
    by_place(&["capitalize", "casefold", "lower", "swapcase", "title", "upper"], &[], 0),
    by_place(&["center", "ljust", "rjust"], &["width", "fillchar"], 1),
    by_place(&["removeprefix"], &["prefix"], 1),
    by_place(&["removesuffix"], &["suffix"], 1),
    by_place(&["format_map"], &["mapping"], 1),
    by_place(&["join"], &["iterable"], 1),
    by_place(&["strip", "lstrip", "rstrip"], &["chars"], 0),
    by_place(&["partition", "rpartition"], &["sep"], 1),
    by_place(&["replace"], &["old", "new", "count"], 2),
    by_place(&["translate"], &["table"], 1),
    by_place(&["zfill"], &["width"], 1),
    by_name(&["encode"], &["encoding", "errors"]),
    by_name(&["expandtabs"], &["tabsize"]),
    by_name(&["split", "rsplit"], &["sep", "maxsplit"]),
    by_name(&["splitlines"], &["keepends"]),
];

/// Fails as Python does if a method of unsafe text can't be called with `args`.
pub(super) fn check(name: &str, args: &CallArgs) -> PyResult<()> {
    let Some(signature) = SIGNATURES.iter().find(|s| s.methods.contains(&name)) else {
        return Ok(());
    };
    let function = format!("AnsibleUnsafeText.{name}");
    let given = args.positional.len();
    check_keywords(signature, &function, args)?;
    if given > signature.params.len() {
        return Err(too_many(&function, 1, signature.params.len(), signature.required, given));
    }
    match signature.params.get(given..signature.required) {
        Some(missing @ [_, ..]) => Err(missing_arguments(&function, missing)),
        _ => Ok(()),
    }
}

fn check_keywords(signature: &Signature, function: &str, args: &CallArgs) -> PyResult<()> {
    let given = args.positional.len();
    let only_by_place =
        |name: &str| name == "self" || signature.by_place && signature.params.contains(&name);
    for name in args.keyword.keys() {
        let place = signature.params.iter().position(|p| p == name);
        let why = match place {
            Some(_) if signature.by_place => None,
            Some(place) if place < given => Some("got multiple values for argument"),
            Some(_) => continue,
            None => Some("got an unexpected keyword argument"),
        };
        let misplaced: Vec<&str> =
            args.keyword.keys().map(String::as_str).filter(|name| only_by_place(name)).collect();
        return Err(PyError::type_error(match why {
            Some(why) if misplaced.is_empty() => format!("{function}() {why} {}", str_repr(name)),
            _ => format!(
                "{function}() got some positional-only arguments passed as keyword arguments: \
                 '{}'",
                misplaced.join(", ")
            ),
        }));
    }
    Ok(())
}
