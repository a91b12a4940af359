//! The variables that a task sees on a host: the world's layers, with those of the play, its
//! roles, blocks and the task laid over them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::PlayContext;
use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::{Level, LevelKind, Role, Task},
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
        let mut stack = host.map_or_else(
            || self.run.world.play_layers(),
            |h| self.run.world.host_layers(h, self.basedirs(task)),
        );
        for role in self.roles() {
            push_defaults(&mut stack, &role);
        }
        let role = task.and_then(|t| t.level.role.as_ref());
        if let Some(role) = role {
            push_defaults(&mut stack, role);
            role.parents.iter().for_each(|p| stack.push(Layer::RoleDefaults, p.defaults.clone()));
            stack.push(Layer::RoleDefaults, role.defaults.clone());
        }
        stack.push(Layer::PlayVars, self.play.level.vars.clone());
        stack.push(Layer::PlayPrompt, self.prompted.clone());
        stack.push(Layer::ExtraVars, self.run.world.extra_vars());
        stack.push_lazy(Layer::Magic, self.magic(host, task));
        self.push_vars_files(&mut stack, host)?;
        for role in self.roles() {
            push_role_vars(&mut stack, &role);
        }
        if let Some(role) = role {
            role.parents.iter().for_each(|p| stack.push(Layer::RoleVars, p.vars.clone()));
            push_role_vars(&mut stack, role);
            for parent in &role.parents {
                stack.push(Layer::RoleParams, parent.params.clone());
            }
            stack.push(Layer::RoleParams, role.params.clone());
        }
        if let Some(task) = task {
            push_levels(&mut stack, &task.level);
        }
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
                if let Some(vars) = self.run.loader.load_vars_file(&name, &self.play)? {
                    stack.push(Layer::PlayVarsFiles, vars);
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

/// Defaults of a role's dependencies, then its own.
fn push_defaults(stack: &mut Stack, role: &Role) {
    role.dependencies.iter().for_each(|d| push_defaults(stack, d));
    stack.push(Layer::RoleDefaults, role.defaults.clone());
}

/// Variables of a role's dependencies, then its own.
fn push_role_vars(stack: &mut Stack, role: &Role) {
    role.dependencies.iter().for_each(|d| push_role_vars(stack, d));
    stack.push(Layer::RoleVars, role.vars.clone());
}

/// `vars:` of the levels around a task, outermost first, and the parameters of includes.
fn push_levels(stack: &mut Stack, level: &Arc<Level>) {
    let chain: Vec<&Level> = level.chain().filter(|l| l.kind != LevelKind::Play).collect();
    for level in chain.into_iter().rev() {
        if level.vars.is_empty() {
            continue;
        }
        match level.kind {
            // What an include is given wins over set_fact and register too.
            LevelKind::Include => stack.push(Layer::IncludeParams, level.vars.clone()),
            LevelKind::Task => stack.push(Layer::TaskVars, level.vars.clone()),
            _ => stack.push(Layer::BlockVars, level.vars.clone()),
        }
    }
}

/// A dict as names laid over a scope.
pub fn locals(dict: &Dict) -> IndexMap<Arc<str>, Value> {
    dict.read()
        .iter()
        .filter_map(|(k, v)| Some((Arc::from(k.as_str()?), v.clone())))
        .collect()
}
