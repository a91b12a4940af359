//! `hostvars`: the variables of every host, read when they are asked for.

use std::{any::Any, fmt, path::PathBuf, sync::Arc};

use super::World;
use crate::{
    template::ScopedVars,
    value::{Object, Undefined, Value},
};

/// `hostvars`: host names to [`ScopedVars`].
///
/// What another host sees is its inventory, facts, `include_vars`, `set_fact` and extra
/// variables; nothing of the play, and no `hostvars`.
#[derive(Clone)]
pub struct HostVars {
    world: Arc<World>,
    /// Where `group_vars/` and `host_vars/` beside the playbook are looked for.
    basedir: PathBuf,
}

impl HostVars {
    /// The hosts of `world`, seen from a playbook in `basedir`.
    pub fn new(world: Arc<World>, basedir: PathBuf) -> Self {
        Self { world, basedir }
    }

    fn host(&self, name: &str) -> Value {
        let Some(host) = self.world.inventory().find(name) else {
            let name = format!("hostvars['{name}']");
            return Value::Undefined(Arc::new(Undefined::named(name)));
        };
        match self.world.stack_for_others(&host, &self.basedir) {
            Ok(stack) => {
                let object: Arc<dyn Object> = Arc::new(ScopedVars::new("HostVarsVars", stack));
                Value::Object(object)
            }
            // A broken host_vars file of a host that no play has looked at yet.
            Err(error) => undefined(error.message().to_owned()),
        }
    }
}

fn undefined(hint: String) -> Value {
    Value::Undefined(Arc::new(Undefined::hinted(hint)))
}

impl fmt::Debug for HostVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostVars")
    }
}

impl Object for HostVars {
    fn type_name(&self) -> &str {
        "HostVars"
    }

    fn module(&self) -> &str {
        "ansible.vars.hostvars"
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        // Names of hosts are text; the hint names others as Python writes them.
        match key {
            Value::Str(name) => Some(self.host(name.as_str())),
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                Some(self.host(&key.to_text()))
            }
            _ => None,
        }
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.world.inventory().hosts().into_iter().map(Value::str).collect())
    }

    fn length(&self) -> Option<usize> {
        Some(self.world.inventory().len())
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        let name = needle.as_str();
        Some(name.is_some_and(|n| self.world.inventory().find(n).is_some()))
    }

    fn is_mapping(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        // Rendering every value needs a templar; one that meets this type renders it first.
        format!("<HostVars of {} hosts>", self.world.inventory().len())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
