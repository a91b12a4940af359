//! `plugin: generator`: hosts for every combination of the members of layers.

use super::{
    Plugin, Reading,
    constructed::{config_data, is_config},
    fail,
    templates::Renderer,
};
use crate::{
    diagnostic::Result,
    inventory::python,
    template::RenderOptions,
    value::{Dict, Value},
};

/// Hosts by combination.
pub(super) struct Generator;

impl Plugin for Generator {
    fn name(&self) -> &'static str {
        "generator"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        cx.is_readable(source) && is_config(source, cx)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let config = config_data(source, self.name(), cx)?;
        let part = |name: &str| {
            let part = config.get(name).and_then(|v| v.as_dict().cloned());
            part.ok_or_else(|| fail(python::quoted(name)))
        };
        let (layers, hosts) = (part("layers")?, part("hosts")?);
        let name = hosts.get("name").ok_or_else(|| fail("'name'"))?;
        let parents = hosts.get("parents");
        let renderer = Renderer::new(cx);
        for vars in combinations(&layers) {
            let host = text(&renderer, &name, &vars)?;
            cx.graph.add_host(&host, None, None)?;
            add_parents(&renderer, &host, parents.as_ref(), &vars, cx)?;
        }
        Ok(())
    }
}

/// Every choice of one member a layer, the last layer changing fastest.
fn combinations(layers: &Dict) -> Vec<Dict> {
    let mut all = vec![Dict::new()];
    for (layer, members) in layers.snapshot() {
        let members = members.as_list().map(|l| l.snapshot()).unwrap_or_default();
        all = all
            .iter()
            .flat_map(|before| {
                members.iter().map(|member| {
                    let vars = before.copy();
                    vars.write().insert(layer.clone(), member.clone());
                    vars
                })
            })
            .collect();
    }
    all
}

fn text(renderer: &Renderer, template: &Value, vars: &Dict) -> Result<String> {
    // What it renders stays text, whatever it looks like.
    let options = RenderOptions { convert_data: false, ..RenderOptions::default() };
    let rendered = renderer.render(&python::shown(template), vars.clone(), &options)?;
    Ok(python::shown(&rendered))
}

fn add_parents(
    renderer: &Renderer,
    child: &str,
    parents: Option<&Value>,
    vars: &Dict,
    cx: &mut Reading<'_>,
) -> Result<()> {
    for parent in parents.and_then(Value::as_list).map(|l| l.snapshot()).unwrap_or_default() {
        let parent = parent.as_dict().cloned().unwrap_or_default();
        let Some(name) = parent.get("name") else {
            return Err(fail("'name'"));
        };
        let group = cx.graph.add_group_named(&text(renderer, &name, vars)?)?;
        let more = parent.get("vars").and_then(|v| v.as_dict().cloned()).unwrap_or_default();
        for (key, value) in more.snapshot() {
            let value = text(renderer, &value, vars)?;
            cx.graph.set_variable(&group, key.value(), Value::from(value))?;
        }
        cx.graph.add_child(&group, child)?;
        add_parents(renderer, &group, parent.get("parents").as_ref(), vars, cx)?;
    }
    Ok(())
}
