//! The variables that a task sees on a host: the world's layers, with those of the play, its
//! roles, blocks and the task laid over them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::PlayContext;
use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::{Keyword, Level, LevelKind, Role, Task},
    template::{RenderOptions, Scope, Templar},
    value::{Dict, Value},
    vars::{Layer, Stack},
};

impl PlayContext {
    /// Everything that a task (or, without one, the play) sees on a host.
    ///
    /// # Errors
    /// A `vars_files` entry that is missing, or cannot be read.
    pub fn stack(&self, host: Option<&str>, task: Option<&Task>) -> Result<Stack> {
        let world = &self.run.world;
        let mut stack = match host {
            Some(host) => {
                let along = task.filter(|_| world.looks_along_tasks());
                let dirs = along.map(Task::search_dirs).unwrap_or_default();
                world.stack_along(host, &self.view, &dirs)?
            }
            None => world.play_stack(&self.view),
        };
        let push_all = |stack: &mut Stack, layer: Layer, all: Vec<Dict>| {
            all.into_iter().for_each(|vars| stack.push(layer, vars));
        };
        let visible = self.roles();
        for role in &visible {
            push_all(&mut stack, Layer::RoleDefaults, role.default_layers(false));
        }
        let role = task.and_then(|t| t.level.role.as_ref());
        if let Some(role) = role {
            push_all(&mut stack, Layer::RoleDefaults, role.default_layers(true));
            stack.push(Layer::Magic, role_magic(role));
        }
        stack.push(Layer::PlayVars, self.play.level.vars.clone());
        stack.push(Layer::PlayPrompt, self.prompted.clone());
        self.push_vars_files(&mut stack, host)?;
        if !self.run.loader.settings().private_role_vars {
            for role in &visible {
                push_all(&mut stack, Layer::RoleVars, role.var_layers(false));
            }
        }
        if let Some(role) = role {
            push_all(&mut stack, Layer::RoleVars, role.var_layers(true));
            push_all(&mut stack, Layer::RoleParams, role.param_layers());
        }
        if let Some(task) = task {
            push_levels(&mut stack, &task.level);
            let environment = environment(&task.level);
            stack.push(Layer::Magic, [("environment", environment)].into_iter().collect());
        }
        stack.push_itself();
        Ok(stack)
    }

    /// A templar over [`stack`](Self::stack).
    pub fn templar(&self, host: Option<&str>, task: Option<&Task>) -> Result<Templar> {
        let stack = self.stack(host, task)?;
        Ok(Templar::new(Arc::clone(&self.run.templates), Arc::new(stack)))
    }

    fn push_vars_files(&self, stack: &mut Stack, host: Option<&str>) -> Result<()> {
        for entry in &self.vars_files {
            let candidates = match entry {
                Value::List(items) => items.snapshot(),
                other => vec![other.clone()],
            };
            let scope: Arc<dyn Scope> = Arc::new(stack.clone());
            let templar = Templar::new(Arc::clone(&self.run.templates), scope);
            let mut found = false;
            for candidate in candidates {
                let name = match templar.render(&candidate, &RenderOptions::default()) {
                    Ok(Value::Str(name)) => name,
                    Ok(other) => {
                        return Err(Error::new(
                            Kind::User,
                            format!(
                                "Invalid vars_files entry found: {}\nvars_files entries should be \
                                 either a string type or a list of string types after template \
                                 expansion",
                                other.repr()
                            ),
                        ));
                    }
                    // A name that depends on facts that are not there yet is left out for now.
                    Err(e) if e.kind() == Kind::Undefined => {
                        found = true;
                        break;
                    }
                    Err(e) => return Err(e),
                };
                if let Some(all) = self.run.loader.load_vars_file(&name, &self.play)? {
                    all.into_iter().for_each(|vars| stack.push(Layer::PlayVarsFiles, vars));
                    found = true;
                    break;
                }
            }
            if !found && host.is_some() {
                return Err(Error::new(
                    Kind::NotFound,
                    format!("vars file {} was not found", entry.to_text()),
                ));
            }
        }
        Ok(())
    }
}

/// `environment` as the levels of a task have it, outermost first.
fn environment(level: &Level) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for written in level.extended(Keyword::Environment) {
        let parts = match &written.value {
            Value::List(parts) => parts.snapshot(),
            other => vec![other.clone()],
        };
        all.extend(parts.into_iter().filter(|v| !v.is_none()));
    }
    // ansible takes out what follows itself.
    all.dedup_by(|a, b| a.equals(b));
    Value::list(all)
}

/// What the tasks of a role see of it.
fn role_magic(role: &Role) -> Dict {
    let collection = role.collection.as_deref().map_or(Value::None, Value::str);
    [
        ("role_name", Value::str(role.name.as_str())),
        ("role_path", Value::str(role.path.display().to_string())),
        ("role_uuid", Value::str(role.identity.as_str())),
        ("ansible_collection_name", collection),
        ("ansible_role_name", Value::str(role.full_name())),
    ]
    .into_iter()
    .collect()
}

/// `vars:` of the levels around a task, outermost first, and the parameters of includes.
fn push_levels(stack: &mut Stack, level: &Arc<Level>) {
    let outside = [LevelKind::Play, LevelKind::Role, LevelKind::Import];
    let chain: Vec<&Level> = level.chain().filter(|l| !outside.contains(&l.kind)).collect();
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    for level in chain.into_iter().rev() {
        if let Some(role) = brought_by(level) {
            role.param_layers().into_iter().for_each(|l| stack.push(Layer::IncludeParams, l));
            names.insert(0, Value::str(role.full_name()));
            paths.insert(0, Value::str(role.path.display().to_string()));
        }
        if let Some(include) = level.include.as_ref().filter(|i| !i.params.is_empty()) {
            stack.push(Layer::IncludeParams, include.params.clone());
        }
        if level.vars.is_empty() {
            continue;
        }
        match level.kind {
            // What a dynamic include is given wins over set_fact and register too.
            LevelKind::Include if level.include.as_ref().is_some_and(|i| i.dynamic) => {
                stack.push(Layer::IncludeParams, level.vars.clone())
            }
            LevelKind::Task => stack.push(Layer::TaskVars, level.vars.clone()),
            _ => stack.push(Layer::BlockVars, level.vars.clone()),
        }
    }
    if !names.is_empty() {
        let parents = [
            ("ansible_parent_role_names", Value::list(names)),
            ("ansible_parent_role_paths", Value::list(paths)),
        ];
        stack.push(Layer::IncludeParams, parents.into_iter().collect());
    }
}

/// The role that includes or imports the role of this level.
fn brought_by(level: &Level) -> Option<&Arc<Role>> {
    let action = level.include.as_ref()?.action.as_str();
    let of_role = matches!(action, "ansible.builtin.include_role" | "ansible.builtin.import_role");
    level.role.as_ref().filter(|_| of_role)
}

/// A dict as names laid over a scope.
pub fn locals(dict: &Dict) -> IndexMap<Arc<str>, Value> {
    dict.read().iter().filter_map(|(k, v)| Some((Arc::from(k.as_str()?), v.clone()))).collect()
}
