//! YAML files that name the plugin which reads them.

use super::{Plugin, Reading, fail, plugin};
use crate::diagnostic::Result;

/// Hands a file to the plugin that its key `plugin` names.
pub(super) struct Auto;

impl Plugin for Auto {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        (source.ends_with(".yml") || source.ends_with(".yaml")) && cx.is_readable(source)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let config = cx.load(source)?;
        let named = config.as_dict().and_then(|d| d.get("plugin"));
        let Some(name) = named.as_ref().and_then(|v| v.as_str()).filter(|n| !n.is_empty()) else {
            return Err(fail(format!(
                "no root 'plugin' key found, '{source}' is not a valid YAML inventory plugin \
                 config file"
            )));
        };
        let Some(plugin) = plugin(name) else {
            return Err(fail(format!(
                "inventory config '{source}' specifies unknown plugin '{name}'"
            )));
        };
        if !plugin.accepts(source, cx) {
            return Err(fail(format!(
                "inventory source '{source}' could not be verified by inventory plugin '{name}'"
            )));
        }
        cx.verbose(
            1,
            format!(
                "Using inventory plugin '{}' to process inventory source '{source}'",
                plugin.name()
            ),
        );
        plugin.parse(source, cx)
    }
}
