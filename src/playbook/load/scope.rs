//! The variables that templates see while a playbook is loaded: those that need no host.

use std::{path::PathBuf, sync::Arc};

use super::{Loader, paths};
use crate::{
    diagnostic::{Error, Kind, Notice, Result},
    playbook::{Keyword, Level, LevelKind, Play, PlayBase, Role, python},
    template::Scope,
    value::{Dict, Value},
    vars::{Layer, Stack},
};

impl Loader {
    /// The variables of a play, and of a level in it, without any host's.
    pub fn scope(&self, play: &PlayBase, level: Option<&Arc<Level>>) -> Result<Arc<dyn Scope>> {
        let mut stack = (self.config.world)(&play.basedir);
        let role = level.and_then(|l| l.role.as_ref());
        let visible = play.visible_roles();
        for seen in &visible {
            push_all(&mut stack, Layer::RoleDefaults, seen.default_layers(false));
        }
        if let Some(role) = role {
            push_all(&mut stack, Layer::RoleDefaults, role.default_layers(true));
        }
        stack.push(Layer::PlayVars, play.level.vars.clone());
        stack.push(Layer::Magic, role_magic(role));
        // What names the files of `vars_files` sees only what was pushed so far.
        let files = self.play_vars_files(play, &stack)?;
        push_all(&mut stack, Layer::PlayVarsFiles, files);
        if !self.config.settings.private_role_vars {
            for seen in &visible {
                push_all(&mut stack, Layer::RoleVars, seen.var_layers(false));
            }
        }
        if let Some(role) = role {
            push_all(&mut stack, Layer::RoleVars, role.var_layers(true));
            push_all(&mut stack, Layer::RoleParams, role.param_layers());
        }
        if let Some(level) = level {
            push_levels(&mut stack, level);
        }
        Ok(Arc::new(stack))
    }

    /// The contents of `vars_files:`; names that cannot be rendered without a host are passed over,
    /// and so are files that are not there.
    fn play_vars_files(&self, play: &PlayBase, stack: &Stack) -> Result<Vec<Dict>> {
        let Some(written) = play.level.own(Keyword::VarsFiles) else { return Ok(Vec::new()) };
        let entries = match &written.value {
            Value::None => return Ok(Vec::new()),
            Value::List(list) => list.snapshot(),
            one => vec![one.clone()],
        };
        let scope: Arc<dyn Scope> = Arc::new(stack.clone());
        let mut layers = Vec::new();
        for entry in entries {
            let choices = match &entry {
                Value::List(list) => list.snapshot(),
                one => vec![one.clone()],
            };
            match self.first_vars_file(play, &choices, &scope) {
                Ok(found) => layers.extend(found),
                Err(e) if e.kind() == Kind::Undefined => {
                    let text = format!(
                        "skipping vars_file '{}' due to an undefined variable",
                        python::text(&entry)
                    );
                    self.config.notices.notice(Notice::Verbose(3, text));
                }
                Err(e) => return Err(e),
            }
        }
        Ok(layers)
    }

    fn first_vars_file(
        &self,
        play: &PlayBase,
        choices: &[Value],
        scope: &Arc<dyn Scope>,
    ) -> Result<Vec<Dict>> {
        for choice in choices {
            let name = self.config.templar.template(choice, Arc::clone(scope))?;
            let Some(name) = name.as_str() else {
                return Err(Error::new(
                    Kind::User,
                    format!(
                        "Invalid vars_files entry found: {}\nvars_files entries should be either a \
                         string type or a list of string types after template expansion",
                        python::repr(&name)
                    ),
                ));
            };
            if let Some(path) = self.find_vars_file(play, name) {
                return Ok(self.read_vars_file(&path)?.unwrap_or_default());
            }
        }
        Ok(Vec::new())
    }

    /// The variables of the file that an entry of `vars_files`, rendered, names.
    pub fn load_vars_file(&self, name: &str, play: &Play) -> Result<Option<Vec<Dict>>> {
        match self.find_vars_file(&play.base, name) {
            Some(path) => Ok(Some(self.read_vars_file(&path)?.unwrap_or_default())),
            None => Ok(None),
        }
    }

    /// The file that an entry of `vars_files` names.
    fn find_vars_file(&self, play: &PlayBase, name: &str) -> Option<PathBuf> {
        let folder = play.level.span.path().parent()?.to_path_buf();
        paths::dwim_relative_stack(&play.basedir, &[folder], "vars", name).ok()
    }
}

/// What tasks of a role see of it.
fn role_magic(role: Option<&Arc<Role>>) -> Dict {
    let magic = Dict::new();
    if let Some(role) = role {
        magic.insert("role_name", Value::from(role.name.clone()));
        magic.insert("ansible_role_name", Value::from(role.full_name()));
        magic.insert("role_path", Value::from(role.path.to_string_lossy().into_owned()));
    }
    magic
}

fn push_all(stack: &mut Stack, layer: Layer, all: Vec<Dict>) {
    for vars in all {
        stack.push(layer, vars);
    }
}

/// The variables of blocks, includes and the task itself, outermost first.
fn push_levels(stack: &mut Stack, level: &Arc<Level>) {
    let mut levels: Vec<_> = level.chain().collect();
    levels.reverse();
    for level in levels {
        let dynamic = level.include.as_ref().is_some_and(|i| i.dynamic);
        let layer = match level.kind {
            LevelKind::Play | LevelKind::Role | LevelKind::Import => continue,
            LevelKind::Include if dynamic => Layer::IncludeParams,
            LevelKind::Block | LevelKind::Include => Layer::BlockVars,
            LevelKind::Task => Layer::TaskVars,
        };
        stack.push(layer, level.vars.clone());
    }
}
