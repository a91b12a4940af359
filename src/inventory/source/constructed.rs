//! `plugin: constructed`: groups and variables made by templates of the hosts read so far.

use std::sync::Arc;

use super::{Plugin, Reading, extension, fail, templates::Renderer};
use crate::{
    diagnostic::{Error, Kind, Result},
    inventory::{
        files::overlay,
        graph::{self, HostId},
        python,
    },
    template::RenderOptions,
    value::{Dict, Value},
};

/// Groups and variables by templates.
pub(super) struct Constructed;

impl Plugin for Constructed {
    fn name(&self) -> &'static str {
        "constructed"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        cx.is_readable(source) && is_config(source, cx)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let data = config_data(source, self.name(), cx)?;
        let config = Config::read(source, &data, cx)?;
        let hosts: Vec<HostId> = cx.graph.listed_ids().collect();
        for host in hosts {
            config.construct(host, cx).map_err(|e| {
                let why = e.to_string();
                fail(format!("failed to parse {source}: {why} ")).caused_by(e)
            })?;
        }
        Ok(())
    }
}

/// Whether a file may be a plugin's configuration by its name.
pub(super) fn is_config(source: &str, cx: &Reading<'_>) -> bool {
    let ext = extension(source);
    ext.is_empty() || ext == ".config" || cx.rules.vars_extensions.iter().any(|e| e == ext)
}

/// The configuration in a file that names this plugin.
pub(super) fn config_data(source: &str, plugin: &str, cx: &mut Reading<'_>) -> Result<Dict> {
    let data = cx.load(source)?;
    if !python::is_true(&data) {
        return Err(fail(format!("{source} is empty")));
    }
    let Value::Dict(config) = &data else {
        let kind = python::type_name(&data).rsplit('.').next().unwrap_or_default();
        return Err(fail(format!("'{kind}' object has no attribute 'get'")));
    };
    let named = config.get("plugin");
    let is_ours = |n: &str| n == plugin || n == format!("ansible.builtin.{plugin}");
    if !named.as_ref().and_then(|n| n.as_str()).is_some_and(is_ours) {
        let shown = named.map_or_else(|| "none found".to_owned(), |n| python::shown(&n));
        return Err(fail(format!("Incorrect plugin name in file: {shown}")));
    }
    Ok(config.clone())
}

struct Config {
    strict: bool,
    compose: Dict,
    groups: Dict,
    keyed: Vec<Value>,
    leading_separator: bool,
    vars_files: bool,
    extra: Option<Dict>,
    renderer: Renderer,
}

impl Config {
    fn read(source: &str, data: &Dict, cx: &Reading<'_>) -> Result<Self> {
        let flag = |name: &str, default: bool| match data.get(name) {
            None | Some(Value::None) => default,
            Some(Value::Bool(b)) => b,
            Some(other) => {
                let text = python::shown(&other).trim().to_lowercase();
                matches!(text.as_str(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0")
            }
        };
        let wrong = |name: &str, kind: &str, value: &Value| {
            Error::new(
                Kind::Options,
                format!(
                    "Invalid type for configuration option plugin_type: inventory plugin: \
                     constructed setting: {name} (from Direct): Invalid type provided for \"{kind}\": {}",
                    python::shown(value)
                ),
            )
            .hinted(format!("in {source}"))
        };
        let dict = |name: &str| match data.get(name) {
            None | Some(Value::None) => Ok(Dict::new()),
            Some(Value::Dict(d)) => Ok(d),
            Some(other) => Err(wrong(name, "dictionary", &other)),
        };
        let keyed = match data.get("keyed_groups") {
            None | Some(Value::None) => Vec::new(),
            Some(Value::List(items)) => items.snapshot(),
            Some(other) => return Err(wrong("keyed_groups", "list", &other)),
        };
        let extra = flag("use_extra_vars", cx.rules.use_extra_vars);
        Ok(Self {
            strict: flag("strict", false),
            compose: dict("compose")?,
            groups: dict("groups")?,
            keyed,
            leading_separator: flag("leading_separator", true),
            vars_files: flag("use_vars_plugins", false),
            extra: extra.then(|| cx.rules.extra_vars.clone()),
            renderer: Renderer::new(cx),
        })
    }

    /// What templates see of a host: its groups' variables and its own.
    fn vars(&self, host: HostId, cx: &Reading<'_>) -> Result<Dict> {
        let merge = cx.rules.merge;
        let all = cx.graph.host(host).groups.contains(&graph::ALL).then_some(graph::ALL);
        let groups: Vec<_> = all.into_iter().chain(cx.graph.ranked_groups(host)).collect();
        let mut vars = Dict::new();
        for group in &groups {
            vars = overlay(&vars, &cx.graph.group(*group).vars, merge);
        }
        if self.vars_files {
            let names = groups.iter().map(|g| Arc::clone(&cx.graph.group(*g).name)).collect();
            vars = overlay(&vars, &cx.vars_files(names, false)?, merge);
        }
        vars = overlay(&vars, &cx.graph.host_vars(host), merge);
        if self.vars_files {
            let name = vec![Arc::clone(&cx.graph.host(host).name)];
            vars = overlay(&vars, &cx.vars_files(name, true)?, merge);
        }
        Ok(vars)
    }

    fn construct(&self, host: HostId, cx: &mut Reading<'_>) -> Result<()> {
        let name = Arc::clone(&cx.graph.host(host).name);
        let vars = self.vars(host, cx)?;
        for (key, expression) in self.compose.snapshot() {
            match self.expression(&expression, &vars, cx) {
                Ok(value) => cx.graph.set_variable(&name, key.value(), value)?,
                Err(e) if self.strict => {
                    let key = python::shown(key.value());
                    let text = format!("Could not set {key} for host {name}: {e}");
                    return Err(Error::new(Kind::User, text));
                }
                // Without `strict` a host that lacks a variable goes without this one.
                Err(_) => {}
            }
        }
        let vars = self.vars(host, cx)?;
        for (group, condition) in self.groups.snapshot() {
            self.conditional(&name, &python::shown(group.value()), &condition, &vars, cx)?;
        }
        for keyed in &self.keyed {
            self.keyed(&name, keyed, &vars, cx)?;
        }
        Ok(())
    }

    fn expression(&self, expression: &Value, vars: &Dict, cx: &Reading<'_>) -> Result<Value> {
        let vars = match &self.extra {
            Some(extra) => overlay(vars, extra, cx.rules.merge),
            None => vars.clone(),
        };
        let text = format!("{{{{{}}}}}", python::shown(expression));
        let options = RenderOptions { disable_lookups: true, ..RenderOptions::default() };
        self.renderer.render(&text, vars, &options)
    }

    fn conditional(
        &self,
        host: &str,
        group: &str,
        condition: &Value,
        vars: &Dict,
        cx: &mut Reading<'_>,
    ) -> Result<()> {
        let group = graph::replace_invalid_characters(group);
        let condition = python::shown(condition);
        let text = format!("{{% if {condition} %}} True {{% else %}} False {{% endif %}}");
        let result = self.renderer.render(&text, vars.clone(), &RenderOptions::default());
        match result {
            Ok(value) if python::shown(&value).trim() == "True" => {
                let group = cx.graph.add_group_named(&group)?;
                cx.graph.add_child(&group, host)?;
            }
            Ok(_) => {}
            Err(e) if self.strict => {
                return Err(fail(format!("Could not add host {host} to group {group}: {e}")));
            }
            // As above.
            Err(_) => {}
        }
        Ok(())
    }

    fn keyed(&self, host: &str, keyed: &Value, vars: &Dict, cx: &mut Reading<'_>) -> Result<()> {
        let Some(entry) = keyed.as_dict().filter(|d| !d.is_empty()) else {
            let shown = python::shown(keyed);
            return Err(fail(format!(
                "Invalid keyed group entry, it must be a dictionary: {shown} "
            )));
        };
        let expression = entry.get("key").unwrap_or(Value::None);
        let key = match self.expression(&expression, vars, cx) {
            Ok(key) => key,
            Err(e) if self.strict => {
                let expression = python::shown(&expression);
                return Err(fail(format!(
                    "Could not generate group for host {host} from {expression} entry: {e}"
                )));
            }
            Err(_) => return Ok(()),
        };
        let default = entry.get("default_value").filter(|v| !v.is_none());
        let trailing = entry.get("trailing_separator").filter(|v| !v.is_none());
        if default.is_some() && trailing.is_some() {
            return Err(fail(
                "parameters are mutually exclusive for keyed groups: \
                 default_value|trailing_separator",
            ));
        }
        if !python::is_true(&key) && (key.as_str() != Some("") || default.is_none()) {
            let empty = matches!(&key, Value::List(_) | Value::Dict(_));
            if self.strict && !empty {
                let expression = python::shown(&expression);
                return Err(fail(format!(
                    "No key or key resulted empty for {expression} in host {host}, invalid entry"
                )));
            }
            return Ok(());
        }
        let parent = match entry.get("parent_group").filter(python::is_true) {
            None => None,
            Some(raw) => {
                let options = RenderOptions::default();
                match self.renderer.render(&python::shown(&raw), vars.clone(), &options) {
                    Ok(parent) => Some(python::shown(&parent)),
                    Err(e) if self.strict => {
                        let (raw, key) = (python::shown(&raw), python::shown(&key));
                        return Err(fail(format!(
                            "Could not generate parent group {raw} for group {key}: {e}"
                        )));
                    }
                    Err(_) => return Ok(()),
                }
            }
        };
        let text = |name: &str, otherwise: &str| {
            entry.get(name).map_or_else(|| otherwise.to_owned(), |v| python::shown(&v))
        };
        let (prefix, mut separator) = (text("prefix", ""), text("separator", "_"));
        for bare in group_names(&key, &separator, default.as_ref(), trailing.as_ref())? {
            if prefix.is_empty() && !self.leading_separator {
                separator.clear();
            }
            let name = graph::replace_invalid_characters(&format!("{prefix}{separator}{bare}"));
            let group = cx.graph.add_group_named(&name)?;
            cx.graph.add_host(host, Some(&group), None)?;
            if let Some(parent) = &parent {
                let parent = graph::replace_invalid_characters(parent);
                let parent = cx.graph.add_group_named(&parent)?;
                cx.graph.add_child(&parent, &group)?;
            }
        }
        Ok(())
    }
}

/// The last parts of the groups' names that a key makes.
fn group_names(
    key: &Value,
    separator: &str,
    default: Option<&Value>,
    trailing: Option<&Value>,
) -> Result<Vec<String>> {
    let or_default = |v: &Value| match default {
        Some(default) if v.as_str() == Some("") => python::shown(default),
        _ => python::shown(v),
    };
    Ok(match key {
        Value::Str(_) => vec![or_default(key)],
        Value::List(items) => items.snapshot().iter().map(or_default).collect(),
        Value::Dict(entries) => entries
            .snapshot()
            .iter()
            .map(|(name, value)| {
                let name = python::shown(name.value());
                let no_trail = matches!(trailing, Some(Value::Bool(false)));
                if value.as_str() == Some("") && default.is_none() && no_trail {
                    return name;
                }
                format!("{name}{separator}{}", or_default(value))
            })
            .collect(),
        other => {
            return Err(fail(format!(
                "Invalid group name format, expected a string or a list of them or dictionary, \
                 got: {}",
                crate::value::types::class_repr(other)
            )));
        }
    })
}
