//! The modules that a file of the administrator's forbids (`plugin_filters_cfg`).

use std::path::{Path, PathBuf};

use crate::{
    config::{Settings, options},
    diagnostic::{Error, Kind, Notices, Result},
    value::Value,
    yaml,
};

/// The names that may not be used as modules or actions.
///
/// # Errors
/// `stat` is among them.
pub fn rejected(settings: &Settings, notices: &dyn Notices) -> Result<Vec<String>> {
    let set = settings.get(&options::PLUGIN_FILTERS_CFG);
    let file = set.clone().unwrap_or_else(|| PathBuf::from("/etc/ansible/plugin_filters.yml"));
    let names = match std::fs::read(&file) {
        Ok(content) => names(&file, &String::from_utf8_lossy(&content), notices),
        Err(_) => {
            if set.is_some() {
                let file = file.display();
                notices
                    .warning(format!("The plugin filter file, {file} does not exist. Skipping."));
            }
            Vec::new()
        }
    };
    if names.iter().any(|name| name == "stat") {
        return Err(Error::new(
            Kind::User,
            format!(
                "The stat module was specified in the module blacklist file, {}, but Ansible will \
                 not function without the stat module.  Please remove stat from the blacklist.",
                file.display()
            ),
        ));
    }
    Ok(names)
}

fn names(file: &Path, text: &str, notices: &dyn Notices) -> Vec<String> {
    let file = file.display();
    let loaded = yaml::load_one(
        &crate::diagnostic::Source::new(Path::new("<filters>"), text.to_owned()),
        None,
        yaml::Duplicates::default(),
    );
    let data = match loaded {
        Ok(loaded) => loaded.node.to_value(),
        Err(error) => {
            let why = error.message();
            notices.warning(format!(
                "The plugin filter file, {file} was not parsable. Skipping: {why}"
            ));
            return Vec::new();
        }
    };
    let get = |key: &str| data.as_dict().and_then(|d| d.get(key));
    let Some(version) = get("filter_version") else {
        notices.warning(format!("The plugin filter file, {file} was invalid. Skipping."));
        return Vec::new();
    };
    if version.to_text().trim() != "1.0" {
        notices.warning(format!(
            "The plugin filter file, {file} was a version not recognized by this version of \
             Ansible. Skipping."
        ));
        return Vec::new();
    }
    match get("module_rejectlist").or_else(|| get("module_blacklist")) {
        Some(Value::List(names)) => names.read().iter().map(Value::to_text).collect(),
        _ => {
            notices.warning(format!(
                "Unable to parse the plugin filter file {file} as module_blacklist is not a list. \
                 Skipping."
            ));
            Vec::new()
        }
    }
}
