//! The check of given arguments against options and rules.
//!
//! The steps and their order are ansible-core's, because they decide which of
//! several mistakes is reported and which keys the checked arguments have:
//! fallbacks, aliases, secrets, unknown names, exclusions, defaults, required,
//! types, choices, the other rules, empty defaults, options of options.

use crate::data::{Data, Map};
use crate::outcome::Deprecation;
use crate::python;
use crate::spec::convert::{Expand, convert, words_of};
use crate::spec::{Kind, Lit, Opt, Rule, Secrets};

/// Arguments after the check: every option has a key.
#[derive(Debug, Default)]
pub struct Checked {
    pub values: Map,
    pub secrets: Secrets,
    pub warnings: Vec<String>,
    pub deprecations: Vec<Deprecation>,
    /// The first mistake, as the user sees it.
    pub error: Option<String>,
}

/// Check arguments. `module` is the name that the failure text shows.
pub fn check(
    module: &str,
    options: &[&'static Opt],
    rules: &[Rule],
    given: Map,
    host: &mut dyn Expand,
) -> Checked {
    let mut run = Run {
        host,
        errors: Vec::new(),
        unknown: Vec::new(),
        context: Vec::new(),
        out: Checked::default(),
    };
    let mut values = given;
    run.level(options, rules, &mut values, "");
    let error = match (run.errors.into_iter().next(), run.unknown.is_empty()) {
        (Some(error), _) => Some(error),
        (None, true) => None,
        (None, false) => Some(unsupported(module, &run.unknown)),
    };
    Checked { values, error, ..run.out }
}

struct Unknown {
    name: String,
    supported: Vec<&'static str>,
    aliases: Vec<&'static str>,
}

fn unsupported(module: &str, unknown: &[Unknown]) -> String {
    let mut names: Vec<&str> = unknown.iter().map(|unknown| unknown.name.as_str()).collect();
    names.sort_unstable();
    let mut message = format!(
        "Unsupported parameters for ({module}) module: {}. Supported parameters include: ",
        names.join(", ")
    );
    if let Some(last) = unknown.last() {
        let mut supported = last.supported.clone();
        supported.sort_unstable();
        message.push_str(&supported.join(", "));
        let mut aliases = last.aliases.clone();
        aliases.sort_unstable();
        if !aliases.is_empty() {
            message.push_str(&format!(" ({})", aliases.join(", ")));
        }
    }
    message.push('.');
    message
}

struct Run<'a> {
    host: &'a mut dyn Expand,
    errors: Vec<String>,
    unknown: Vec<Unknown>,
    /// The options whose options are being checked.
    context: Vec<&'static str>,
    out: Checked,
}

impl Run<'_> {
    /// One level of options: the module's, or those of a dictionary.
    fn level(&mut self, options: &[&'static Opt], rules: &[Rule], values: &mut Map, prefix: &str) {
        self.fallbacks(options, values);
        self.aliases(options, values, prefix);
        if let Err(error) = self.out.secrets.add_from(options, values) {
            self.errors.push(error);
        }
        if prefix.is_empty() {
            self.deprecated(options, values, "");
        }
        self.unknown(options, values);
        self.exclusions(rules, values);
        self.defaults(options, values, false);
        self.required(options, values);
        self.types(options, values);
        self.choices(options, values);
        self.other_rules(rules, values);
        self.defaults(options, values, true);
        self.nested(options, values, prefix);
    }

    fn fallbacks(&mut self, options: &[&'static Opt], values: &mut Map) {
        for opt in options {
            if values.contains_key(opt.name) {
                continue;
            }
            if let Some(value) = opt.fallback_env.iter().find_map(|name| self.host.env(name)) {
                let value = Data::from(value);
                if opt.no_log == Some(true) {
                    self.out.secrets.add(&value);
                }
                values.insert(opt.name.into(), value);
            }
        }
    }

    fn aliases(&mut self, options: &[&'static Opt], values: &mut Map, prefix: &str) {
        for opt in options {
            for (alias, version) in opt.deprecated_aliases {
                if values.contains_key(*alias) {
                    self.out.deprecations.push(Deprecation {
                        msg: format!("Alias '{prefix}{alias}' is deprecated. See the module docs for more information"),
                        version: Some((*version).into()),
                        ..Deprecation::default()
                    });
                }
            }
            for alias in opt.aliases {
                let Some(value) = values.get(*alias).cloned() else { continue };
                if values.contains_key(opt.name) {
                    self.out.warnings.push(format!(
                        "Both option {prefix}{} and its alias {prefix}{alias} are set.",
                        opt.name
                    ));
                }
                // The alias keeps its key beside the option's: ansible shows both.
                values.insert(opt.name.into(), value);
            }
        }
    }

    fn deprecated(&mut self, options: &[&'static Opt], values: &Map, prefix: &str) {
        for opt in options {
            let Some(value) = values.get(opt.name) else { continue };
            let name = if prefix.is_empty() {
                opt.name.to_owned()
            } else {
                format!("{prefix}[\"{}\"]", opt.name)
            };
            if let Some(version) = opt.removed_in {
                self.out.deprecations.push(Deprecation {
                    msg: format!(
                        "Param '{name}' is deprecated. See the module docs for more information"
                    ),
                    version: Some(version.into()),
                    ..Deprecation::default()
                });
            }
            let inner: Vec<&'static Opt> = opt.options.iter().collect();
            let items = match value {
                Data::Array(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            for item in items.iter().filter_map(Data::as_object) {
                self.deprecated(&inner, item, &name);
            }
        }
    }

    fn unknown(&mut self, options: &[&'static Opt], values: &Map) {
        let aliases: Vec<&'static str> =
            options.iter().flat_map(|opt| opt.aliases).copied().collect();
        for name in values.keys() {
            let name = name.as_str();
            if aliases.contains(&name) || options.iter().any(|opt| opt.name == name) {
                continue;
            }
            let path: Vec<&str> = self.context.iter().copied().chain([name]).collect();
            self.unknown.push(Unknown {
                name: path.join("."),
                supported: options
                    .iter()
                    .map(|opt| opt.name)
                    // Two underscores: between our controller and our host only.
                    .filter(|name| !aliases.contains(name) && !name.starts_with("__"))
                    .collect(),
                aliases: aliases.clone(),
            });
        }
    }

    fn fail(&mut self, message: String) {
        let message = match self.context.is_empty() {
            true => message,
            false => format!("{message} found in {}", self.context.join(" -> ")),
        };
        self.errors.push(message);
    }

    fn exclusions(&mut self, rules: &[Rule], values: &Map) {
        let broken: Vec<String> = rules
            .iter()
            .filter_map(|rule| match rule {
                Rule::MutuallyExclusive(names) if given(names, values) > 1 => Some(names.join("|")),
                _ => None,
            })
            .collect();
        if !broken.is_empty() {
            self.fail(format!("parameters are mutually exclusive: {}", broken.join(", ")));
        }
    }

    /// Defaults; those that are nothing only in the second go, so that "given" can be told from "not given" between.
    fn defaults(&mut self, options: &[&'static Opt], values: &mut Map, empty_too: bool) {
        for opt in options {
            if values.contains_key(opt.name) || (opt.default == Lit::None && !empty_too) {
                continue;
            }
            let default = opt.default.data();
            if opt.no_log == Some(true) {
                self.out.secrets.add(&default);
            }
            values.insert(opt.name.into(), default);
        }
    }

    fn required(&mut self, options: &[&'static Opt], values: &Map) {
        let mut missing: Vec<&str> = options
            .iter()
            .filter(|opt| opt.required && !values.contains_key(opt.name))
            .map(|opt| opt.name)
            .collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            self.fail(format!("missing required arguments: {}", missing.join(", ")));
        }
    }

    fn types(&mut self, options: &[&'static Opt], values: &mut Map) {
        for opt in options {
            let Some(value) = values.get(opt.name).filter(|value| !value.is_null()) else {
                continue;
            };
            match convert(opt.kind, value, self.host) {
                Ok(mut converted) => {
                    if let (Some(kind), Data::Array(items)) = (opt.elements, &mut converted) {
                        let taken = std::mem::take(items);
                        *items = self.elements(opt, kind, taken);
                    }
                    values.insert(opt.name.into(), converted);
                }
                Err(reason) => {
                    let place = match self.context.is_empty() {
                        true => String::new(),
                        false => format!(" found in '{}'.", self.context.join(" -> ")),
                    };
                    self.errors.push(format!(
                        "argument '{}' is of type {}{place} and we were unable to convert to {}: {reason}",
                        opt.name,
                        python::type_text(value),
                        opt.kind.name()
                    ));
                }
            }
        }
    }

    fn elements(&mut self, opt: &Opt, kind: Kind, items: Vec<Data>) -> Vec<Data> {
        let mut converted = Vec::with_capacity(items.len());
        for item in items {
            match convert(kind, &item, self.host) {
                Ok(item) => converted.push(item),
                Err(reason) => {
                    let place = match self.context.is_empty() {
                        true => String::new(),
                        false => format!(" found in '{}'", self.context.join(" -> ")),
                    };
                    self.errors.push(format!(
                        "Elements value for option '{}'{place} is of type {} and we were unable to convert to {}: {reason}",
                        opt.name,
                        python::type_text(&item),
                        kind.name()
                    ));
                }
            }
        }
        converted
    }

    fn choices(&mut self, options: &[&'static Opt], values: &mut Map) {
        for opt in options.iter().filter(|opt| !opt.choices.is_empty()) {
            let Some(value) = values.get_mut(opt.name) else { continue };
            let choices: Vec<Data> = opt.choices.iter().map(|choice| choice.data()).collect();
            let known = |value: &Data| choices.iter().any(|choice| same(choice, value));
            let listed = || choices.iter().map(python::text).collect::<Vec<_>>().join(", ");
            let message = match value {
                Data::Array(items) => {
                    let strange: Vec<String> =
                        items.iter().filter(|item| !known(item)).map(python::text).collect();
                    if strange.is_empty() {
                        continue;
                    }
                    format!(
                        "value of {} must be one or more of: {}. Got no match for: {}",
                        opt.name,
                        listed(),
                        strange.join(", ")
                    )
                }
                _ if known(value) => continue,
                _ => {
                    // YAML made `True` of a word: take the word back if only one choice can be meant.
                    if let Some(word) = only_word(value, &choices) {
                        *value = word;
                        continue;
                    }
                    format!(
                        "value of {} must be one of: {}, got: {}",
                        opt.name,
                        listed(),
                        python::text(value)
                    )
                }
            };
            self.fail(message);
        }
    }

    fn other_rules(&mut self, rules: &[Rule], values: &Map) {
        // ansible checks kind by kind and reports the first broken rule of each.
        let together = rules.iter().find_map(|rule| match rule {
            Rule::RequiredTogether(names) => {
                let count = given(names, values);
                (count > 0 && count < names.len())
                    .then(|| format!("parameters are required together: {}", names.join(", ")))
            }
            _ => None,
        });
        let one_of = rules.iter().find_map(|rule| match rule {
            Rule::RequiredOneOf(names) if given(names, values) == 0 => {
                Some(format!("one of the following is required: {}", names.join(", ")))
            }
            _ => None,
        });
        let required_if = rules.iter().find_map(|rule| match rule {
            Rule::RequiredIf { option, is, needs, any } => {
                required_if(option, *is, needs, *any, values)
            }
            _ => None,
        });
        let required_by = rules.iter().find_map(|rule| match rule {
            Rule::RequiredBy { option, needs } => {
                let there = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
                let missing: Vec<&str> =
                    needs.iter().copied().filter(|name| !there(name)).collect();
                (there(option) && !missing.is_empty()).then(|| {
                    format!("missing parameter(s) required by '{option}': {}", missing.join(", "))
                })
            }
            _ => None,
        });
        for message in [together, one_of, required_if, required_by].into_iter().flatten() {
            self.fail(message);
        }
    }

    fn nested(&mut self, options: &[&'static Opt], values: &mut Map, prefix: &str) {
        for opt in options {
            if (opt.kind != Kind::Dict && opt.elements != Some(Kind::Dict))
                || opt.options.is_empty()
            {
                continue;
            }
            if opt.apply_defaults && values.get(opt.name).is_none_or(Data::is_null) {
                values.insert(opt.name.into(), Map::new().into());
            }
            let Some(value) = values.get_mut(opt.name).filter(|value| !value.is_null()) else {
                continue;
            };
            let inner: Vec<&'static Opt> = opt.options.iter().collect();
            let items = match value {
                Data::Array(items) => items.as_mut_slice(),
                single => std::slice::from_mut(single),
            };
            self.context.push(opt.name);
            for (at, item) in items.iter_mut().enumerate() {
                let Data::Object(map) = item else {
                    self.errors.push(format!(
                        "value of '{}' must be of type dict or list of dicts",
                        opt.name
                    ));
                    continue;
                };
                let place = match opt.kind {
                    Kind::List => format!("{prefix}{}[{at}].", opt.name),
                    _ => format!("{prefix}{}.", opt.name),
                };
                self.level(&inner, opt.rules, map, &place);
            }
            self.context.pop();
        }
    }
}

fn required_if(option: &str, is: Lit, needs: &[&str], any: bool, values: &Map) -> Option<String> {
    if !values.get(option).is_some_and(|value| same(value, &is.data())) {
        return None;
    }
    let missing: Vec<&str> =
        needs.iter().copied().filter(|name| !values.contains_key(*name)).collect();
    if missing.is_empty() || (any && missing.len() < needs.len()) {
        return None;
    }
    let amount = if any { "any" } else { "all" };
    Some(format!(
        "{option} is {} but {amount} of the following are missing: {}",
        python::text(&is.data()),
        missing.join(", ")
    ))
}

fn given(names: &[&str], values: &Map) -> usize {
    names.iter().filter(|name| values.contains_key(**name)).count()
}

/// Python's equality of scalars: `1 == True == 1.0`.
fn same(left: &Data, right: &Data) -> bool {
    fn number(value: &Data) -> Option<f64> {
        match value {
            Data::Bool(value) => Some(f64::from(u8::from(*value))),
            Data::Number(number) => number.as_f64(),
            _ => None,
        }
    }
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn only_word(value: &Data, choices: &[Data]) -> Option<Data> {
    let words = match value.as_str()? {
        "True" => words_of(true),
        "False" => words_of(false),
        _ => return None,
    };
    let mut fitting = choices
        .iter()
        .filter(|choice| choice.as_str().is_some_and(|choice| words.contains(&choice)));
    let word = fitting.next()?;
    fitting.next().is_none().then(|| word.clone())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    struct Nowhere;

    impl Expand for Nowhere {
        fn expand(&mut self, text: &str) -> String {
            text.into()
        }

        fn env(&self, name: &str) -> Option<String> {
            (name == "GIVEN").then(|| "yes".into())
        }
    }

    static INNER: &[Opt] =
        &[Opt::str("name").required(), Opt::int("size").or_int(3), Opt::str("key").no_log()];
    static OPTIONS: &[Opt] = &[
        Opt::path("path").required().aliases(&["dest"]),
        Opt::str("state")
            .choices(&[Lit::Str("present"), Lit::Str("absent"), Lit::Str("yes")])
            .or_str("present"),
        Opt::list("items", Kind::Int),
        Opt::list("parts", Kind::Dict).options(INNER),
        Opt::bool("force").or(false).fallback_env(&["GIVEN"]),
        Opt::str("a"),
        Opt::str("b"),
        Opt::str("token").no_log(),
    ];
    static RULES: &[Rule] = &[
        Rule::MutuallyExclusive(&["a", "b"]),
        Rule::RequiredIf { option: "state", is: Lit::Str("absent"), needs: &["a", "b"], any: true },
        Rule::RequiredBy { option: "b", needs: &["items"] },
    ];

    fn checked(given: Data) -> Checked {
        let options: Vec<&'static Opt> = OPTIONS.iter().collect();
        check("demo", &options, RULES, given.as_object().unwrap().clone(), &mut Nowhere)
    }

    #[test]
    fn complete_arguments() {
        let out = checked(
            json!({"dest": "/x", "items": "1,2", "parts": [{"name": "n"}], "token": "s3cret"}),
        );
        assert_eq!(out.error, None);
        assert_eq!(
            Data::from(out.values),
            json!({
                "dest": "/x", "items": [1, 2], "parts": [{"name": "n", "size": 3, "key": null}], "token": "s3cret",
                "force": true, "path": "/x", "state": "present", "a": null, "b": null
            })
        );
        assert_eq!(out.secrets.hide_in("my s3cret"), "my ********");
    }

    #[test]
    fn failure_texts() {
        let cases = [
            (json!({}), "missing required arguments: path"),
            (
                json!({"path": "x", "state": "no"}),
                "value of state must be one of: present, absent, yes, got: no",
            ),
            (json!({"path": "x", "a": "1", "b": "2"}), "parameters are mutually exclusive: a|b"),
            (
                json!({"path": "x", "state": "absent"}),
                "state is absent but any of the following are missing: a, b",
            ),
            (json!({"path": "x", "b": "1"}), "missing parameter(s) required by 'b': items"),
            (
                json!({"path": "x", "items": ["x"]}),
                "Elements value for option 'items' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int",
            ),
            (
                json!({"path": "x", "items": {"a": 1}}),
                "argument 'items' is of type <class 'dict'> and we were unable to convert to list: <class 'dict'> cannot be converted to a list",
            ),
            (
                json!({"path": "x", "parts": [{}]}),
                "missing required arguments: name found in parts",
            ),
            (
                json!({"path": "x", "parts": [{"name": "n", "odd": 1}]}),
                "Unsupported parameters for (demo) module: parts.odd. Supported parameters include: key, name, size.",
            ),
            (
                json!({"path": "x", "odd": 1}),
                "Unsupported parameters for (demo) module: odd. Supported parameters include: a, b, force, items, parts, path, state, token (dest).",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(checked(given).error.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_boolean_goes_back_to_the_only_word() {
        let out = checked(json!({"path": "x", "state": "True"}));
        assert_eq!(out.error, None);
        assert_eq!(out.values["state"], json!("yes"));
    }

    #[test]
    fn both_name_and_alias_warn() {
        let out = checked(json!({"path": "x", "dest": "y"}));
        assert_eq!(out.warnings, ["Both option path and its alias dest are set."]);
        assert_eq!(out.values["path"], json!("y"));
    }
}
