//! `config`: settings of ansible itself.

use super::{
    Call, Lookup, lookup_error,
    options::{Default, Opt, Type},
    options_error,
};
use crate::diagnostic::Kind;
use crate::value::{PyResult, Value, repr::to_text, types::class_repr};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "config",
    "The values of settings.",
    &[
        Opt::new("on_missing", Type::Text)
            .default(Default::Text("error"))
            .choices(&["error", "skip", "warn"]),
        Opt::new("plugin_type", Type::Text).choices(&[
            "become",
            "cache",
            "callback",
            "cliconf",
            "connection",
            "httpapi",
            "inventory",
            "lookup",
            "netconf",
            "shell",
            "vars",
        ]),
        Opt::new("plugin_name", Type::Text),
    ],
    run,
);

/// What stands beside the settings in ansible's module of them, and is none.
const FUNCTIONS: &[&str] =
    &["ConfigManager", "Sequence", "add_internal_fqcns", "set_constant", "to_text"];

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    let plugin = match (options.text("plugin_type")?, options.text("plugin_name")?) {
        (None, None) => None,
        (Some(kind), Some(name)) => Some((kind, name)),
        _ => {
            return Err(options_error(
                "Both plugin_type and plugin_name are required, cannot use one without the other",
            ));
        }
    };
    let world = &call.templar().environment().world;
    let mut found = Vec::new();
    for term in call.each()? {
        let Some(name) = term.as_str() else {
            return Err(options_error(format!(
                "Invalid setting identifier, \"{}\" is not a string, its a {}",
                to_text(&term)?,
                class_repr(&term)
            )));
        };
        let value = match &plugin {
            None if FUNCTIONS.contains(&name) => {
                return Err(lookup_error(format!("Invalid setting \"{name}\" attempted")));
            }
            None => world.config(name)?,
            Some((kind, plugin)) => {
                // As written: ansible-core 2.14 hands options the variables unrendered.
                let found = world.plugin_config(kind, plugin, name, &|v| call.scope().get(v));
                found.map_err(|e| match e.kind() {
                    Kind::NotFound => lookup_error(e.message()),
                    _ => options_error(e.message()),
                })?
            }
        };
        match (value, options.text("on_missing")?.as_deref()) {
            (Some(value), _) => found.push(value),
            (None, Some("error")) => {
                let why = match &plugin {
                    None => format!("module 'ansible.constants' has no attribute '{name}'"),
                    Some((kind, plugin)) => format!(
                        "Requested entry (plugin_type: {kind} plugin: {plugin} setting: {name} ) \
                         was not defined in configuration."
                    ),
                };
                return Err(lookup_error(format!("Unable to find setting {name}. {why}. {why}")));
            }
            (None, Some("warn")) => call.warn(format!("Skipping, did not find setting {name}")),
            (None, _) => {}
        }
    }
    Ok(found)
}
