//! Roles: of `roles:`, as dependencies, imported and included.

use std::{
    path::Path,
    sync::{Arc, OnceLock, atomic::Ordering},
};

use super::{
    Loaded, Loader, Place, RoleFiles, error_at,
    include::{check_apply, dynamic_level, is_empty},
    node_span,
    task::named_role,
};
use crate::{
    diagnostic::{Error, Kind, Result, Span},
    playbook::{
        ActionCall, Block, Dependencies, Include, Item, Keyword, Level, LevelKind, Play, Role,
        Spanned, Task,
        keywords::{self, Place as In, Type},
        next_task_id, python,
        resolve::is_builtin,
    },
    value::{Dict, Value},
    yaml::{Node, NodeKind},
};

/// A role to be loaded, and how it is used.
struct Use {
    written: String,
    name: String,
    path: std::path::PathBuf,
    collection: Option<String>,
    params: Dict,
    files: RoleFiles,
    /// Whether a task brings it.
    from_include: bool,
    /// Whether its argument specification is checked.
    validate: bool,
    /// What the task that brings it says about running it again.
    allow_duplicates: Option<bool>,
    level: Level,
    /// The roles that bring it in, outermost first.
    parents: Vec<Arc<Role>>,
    span: Option<Span>,
}

/// What a role's `meta/main.yml` tells.
#[derive(Default)]
struct Meta {
    allow_duplicates: bool,
    collections: Vec<String>,
    dependencies: Vec<Node>,
    argument_specs: Option<Value>,
    document: Option<Node>,
}

const FROM: &[&str] = &["tasks_from", "vars_from", "defaults_from", "handlers_from"];
const OTHER: &[&str] = &["apply", "public", "allow_duplicates", "rolespec_validate"];

impl Loader {
    /// Loads `roles:` of a play.
    pub(super) fn load_roles(
        &self,
        list: &Node,
        play: &Node,
        place: &Place,
    ) -> Result<Vec<Arc<Role>>> {
        if list.is_null() {
            return Ok(Vec::new());
        }
        let Some(entries) = list.as_seq() else {
            let value = list.to_value();
            return Err(error_at("A malformed role declaration was encountered.", play).caused_by(
                Error::new(
                    Kind::User,
                    format!(
                        "ds ({}) should be a list but was a {}",
                        python::text(&value),
                        python::yaml_class(&value)
                    ),
                ),
            ));
        };
        let collections = self.inherited_collections(place);
        let mut uses = Vec::new();
        for entry in entries {
            let read = self.role_use(entry, &collections, None, place);
            uses.extend(self.or_next(read)?);
        }
        let mut roles = Vec::new();
        for one in uses {
            let loaded = self.load_use(one, place);
            roles.extend(self.or_next(loaded)?);
        }
        Ok(roles)
    }

    /// Reads an entry of `roles:` or of a role's dependencies.
    fn role_use(
        &self,
        entry: &Node,
        collections: &[String],
        owner: Option<&Arc<Role>>,
        place: &Place,
    ) -> Result<Use> {
        let written = role_name(entry)?;
        let name = self.render_text(&written, place, None)?;
        let beside = owner.and_then(|o| o.path.parent());
        let found = self.find_role(&name, collections, beside, place, entry)?;
        let params = Dict::new();
        let mut keywords = Vec::new();
        for (key, value) in entry.as_map().unwrap_or_default() {
            let key = python::text(&key.to_value());
            match Keyword::allowed(&key, In::Role) {
                Some(keyword) => keywords.push((keyword, value.clone())),
                None if key == "role" => {}
                None => {
                    params.insert(key, value.to_value());
                }
            }
        }
        let level = self.level_of(entry, LevelKind::Role, "RoleInclude", keywords, place)?;
        Ok(Use {
            written,
            name: found.name,
            path: found.path,
            collection: found.collection,
            params,
            files: RoleFiles::default(),
            from_include: false,
            validate: true,
            allow_duplicates: None,
            level,
            parents: owner.map(Role::chain).unwrap_or_default(),
            span: node_span(entry),
        })
    }

    fn load_use(&self, using: Use, place: &Place) -> Result<Arc<Role>> {
        let identity = identity(&using);
        if using.parents.iter().any(|p| p.identity == identity) || place.depth > super::MAX_DEPTH {
            return Err(Error::new(
                Kind::User,
                "A recursion loop was detected with the roles specified. Make sure child roles do \
                 not have dependencies on parent roles",
            )
            .at(using.span));
        }
        let (path, name, files) = (&using.path, &using.name, &using.files);
        let vars = self.role_vars(path, name, "vars", files.vars.as_deref())?;
        let defaults = self.role_vars(path, name, "defaults", files.defaults.as_deref())?;
        let meta = self.role_meta(path, name)?;
        let specs = self.argument_specs(path, name, &meta)?;
        let entry_point = files.tasks.as_deref().unwrap_or("main");
        let argument_spec = specs
            .filter(|_| using.validate)
            .and_then(|s| s.as_dict().and_then(|d| d.get(entry_point)))
            .filter(|s| !is_empty(s));
        self.note_plugins(path);
        let role = Arc::new(Role {
            collections: role_collections(
                using.collection.as_deref(),
                place.play.default_collection.as_deref(),
                &meta.collections,
            ),
            written: using.written,
            name: using.name.clone(),
            collection: using.collection,
            path: using.path.clone(),
            defaults,
            vars,
            params: using.params,
            dependencies: Dependencies::default(),
            parents: using.parents,
            allow_duplicates: using.allow_duplicates.unwrap_or(meta.allow_duplicates),
            argument_spec,
            level: Arc::new(using.level),
            tasks: OnceLock::new(),
            handlers: OnceLock::new(),
            identity,
        });
        let inner = Place {
            parent: Arc::clone(&role.level),
            role: Some(Arc::clone(&role)),
            handlers: false,
            depth: place.depth + 1,
            play: Arc::clone(&place.play),
        };
        let dependencies = self.role_dependencies(&role, &meta, &inner)?;
        // The role was made just above: its cells are empty.
        let _ = role.dependencies.0.set(dependencies);
        self.fill_role(&role, &using.files, &inner)?;
        Ok(role)
    }

    fn fill_role(&self, role: &Arc<Role>, files: &RoleFiles, place: &Place) -> Result<()> {
        let document = |kind: &'static str, main: &Option<String>| {
            self.role_document(&role.path, &role.name, kind, main.as_deref())
        };
        let tasks = document("tasks", &files.tasks)?;
        let mut items = self.role_items(tasks, "tasks", role, place)?;
        if let Some(spec) = &role.argument_spec {
            let entry_point = files.tasks.as_deref().unwrap_or("main");
            items.insert(0, validation(role, spec, entry_point));
        }
        let _ = role.tasks.set(items);
        // No listing shows handlers: looking for mistakes in those of equal uses once is enough.
        let unseen = self.config.settings.listing && self.mistakes.lock().is_none();
        let key = (role.path.clone(), role.identity.clone());
        if unseen && (self.settled.lock().contains(&key) || !place.play.is_first_use(&key)) {
            return Ok(());
        }
        let rendered = self.rendered.load(Ordering::Relaxed);
        let handlers = document("handlers", &files.handlers)?;
        let as_handlers = Place { handlers: true, ..place.clone() };
        let handlers = self.role_items(handlers, "handlers", role, &as_handlers)?;
        let _ = role.handlers.set(handlers);
        // Without templates in names of files, the play makes no difference.
        if unseen && rendered == self.rendered.load(Ordering::Relaxed) {
            self.settled.lock().insert(key);
        }
        Ok(())
    }

    fn role_items(
        &self,
        document: Option<Node>,
        kind: &str,
        role: &Role,
        place: &Place,
    ) -> Result<Vec<Item>> {
        let Some(document) = document else { return Ok(Vec::new()) };
        self.load_blocks(Some(&document), place).map_err(|e| {
            let message = format!(
                "The {kind}/main.yml file for role '{}' must contain a list of tasks",
                role.name
            );
            e.into_error(&message, Some(&document))
        })
    }

    fn role_meta(&self, path: &Path, name: &str) -> Result<Meta> {
        let Some(document) = self.role_document(path, name, "meta", None)? else {
            return Ok(Meta::default());
        };
        let Some(entries) = document.as_map() else {
            return Err(Error::parser(
                format!("the 'meta/main.yml' for role {name} is not a dictionary"),
                None,
            ));
        };
        let mut meta = Meta::default();
        for (key, value) in entries {
            let key = python::text(&key.to_value());
            match key.as_str() {
                "dependencies" => meta.dependencies = dependency_list(value, &document)?,
                "argument_specs" => meta.argument_specs = Some(value.to_value()),
                "galaxy_info" => {}
                _ => match Keyword::allowed(&key, In::Meta) {
                    Some(Keyword::AllowDuplicates) => {
                        meta.allow_duplicates = !is_empty(&value.to_value());
                    }
                    Some(Keyword::Collections) => {
                        let list = keywords::coerce(Keyword::Collections, &value.to_value())?;
                        let list = list.as_list().map(crate::value::List::snapshot);
                        meta.collections =
                            list.unwrap_or_default().iter().map(python::text).collect();
                    }
                    Some(_) => {}
                    None => {
                        return Err(error_at(
                            format!("'{key}' is not a valid attribute for a RoleMetadata"),
                            &document,
                        ));
                    }
                },
            }
        }
        meta.document = Some(document);
        Ok(meta)
    }

    fn role_dependencies(
        &self,
        role: &Arc<Role>,
        meta: &Meta,
        place: &Place,
    ) -> Result<Vec<Arc<Role>>> {
        let mut collections: Vec<String> = role.collection.iter().cloned().collect();
        let declared = role.level.inherited(Keyword::Collections).map(|s| s.value.clone());
        let declared = declared.as_ref().and_then(Value::as_list).map(crate::value::List::snapshot);
        for name in declared.unwrap_or_default().iter().map(python::text) {
            if !collections.contains(&name) {
                collections.push(name);
            }
        }
        if !collections.iter().any(|c| c == "ansible.legacy") {
            collections.push("ansible.legacy".to_owned());
        }
        let uses: Vec<_> = meta
            .dependencies
            .iter()
            .map(|entry| self.role_use(entry, &collections, Some(role), place))
            .collect::<Result<_>>()?;
        uses.into_iter().map(|u| self.load_use(u, place)).collect()
    }

    /// The argument specifications of a role, by entry point.
    fn argument_specs(&self, path: &Path, name: &str, meta: &Meta) -> Result<Option<Value>> {
        if !self.has_specifications(path) {
            return Ok(meta.argument_specs.clone());
        }
        let document = self.role_document(path, name, "meta", Some("argument_specs"))?;
        Ok(document.and_then(|d| d.get("argument_specs").map(Node::to_value)))
    }

    // --- by tasks --------------------------------------------------------------------------

    /// Checks the arguments of `include_role` and `import_role`; gives the role's name and files
    /// as written.
    pub(super) fn check_role_include(
        &self,
        node: &Node,
        task: &Task,
    ) -> Result<(String, RoleFiles)> {
        let (args, action) = (&task.action.args, &task.action.written);
        let given = |key: &str| args.get(key);
        let name = given("name").or_else(|| given("role"));
        let Some(name) = name.filter(|n| !n.is_none()) else {
            return Err(error_at(format!("'name' is a required field for {action}."), node));
        };
        if args.contains("public") && !is_builtin(action, "include_role") {
            return Err(error_at(format!("Invalid options for {action}: public"), node));
        }
        let known =
            |k: &str| matches!(k, "name" | "role") || FROM.contains(&k) || OTHER.contains(&k);
        let names: Vec<_> = args.snapshot().iter().map(|(k, _)| python::text(k.value())).collect();
        let wrong: Vec<_> = names.iter().map(String::as_str).filter(|k| !known(k)).collect();
        if !wrong.is_empty() {
            return Err(error_at(
                format!("Invalid options for {action}: {}", wrong.join(",")),
                node,
            ));
        }
        let from = |key: &str| match given(key) {
            None => Ok(None),
            Some(Value::Str(text)) => {
                Ok(Some(text.rsplit('/').next().unwrap_or_default().to_owned()))
            }
            Some(other) => Err(Error::parser(
                format!(
                    "Expected a string for {key} but got {} instead",
                    python::yaml_class(&other)
                ),
                None,
            )),
        };
        let files = RoleFiles {
            tasks: from("tasks_from")?,
            vars: from("vars_from")?,
            defaults: from("defaults_from")?,
            handlers: from("handlers_from")?,
        };
        check_apply(args, action, "include_role", node)?;
        Ok((python::text(&name), files))
    }

    /// `import_role`: what it brings, as if it stood in its place.
    pub(super) fn import_role(&self, node: &Node, task: &Task, place: &Place) -> Result<Vec<Item>> {
        let (written, files) = self.check_role_include(node, task)?;
        if task.looped.is_some() {
            return Err(error_at(
                "You cannot use loops on 'import_role' statements. You should use 'include_role' \
                 instead.",
                node,
            ));
        }
        let place = place.deeper(&node.span)?;
        let level = Some(&task.level);
        let name = self.render_text(&written, &place, level)?;
        let render = |file: &Option<String>| {
            file.as_ref().map(|f| self.render_text(f, &place, level)).transpose()
        };
        let files = RoleFiles {
            tasks: render(&files.tasks)?,
            vars: render(&files.vars)?,
            defaults: render(&files.defaults)?,
            handlers: render(&files.handlers)?,
        };
        // Only a name as written has a place; one that was rendered has not.
        let at = name_node(node, task, name == written);
        let around = task.level.moved(LevelKind::Include, task.level.keywords.clone());
        let args = task.action.args.copy();
        for option in ["allow_duplicates", "rolespec_validate"] {
            if let Some(Value::Str(text)) = args.get(option) {
                args.insert(option, self.render_text(&text, &place, level)?);
            }
        }
        let with_args = Task { action: ActionCall { args, ..task.action.clone() }, ..copy(task) };
        let role = self.role_by_task(&name, files, &with_args, around, false, &at, &place)?;
        place.play.visible_roles.write().push(Arc::clone(&role));
        place.play.imported_handlers.lock().extend(role.all_handlers());
        Ok(role.run_list())
    }

    /// Loads the role of a dynamic `include_role` for the hosts that share `vars` (the loop's
    /// variables). `args` are the include's rendered arguments.
    pub fn include_role(
        &self,
        play: &Play,
        task: &Task,
        name: &str,
        files: RoleFiles,
        args: &Dict,
        vars: &Dict,
    ) -> Result<Loaded> {
        let place = Place {
            play: Arc::clone(&play.base),
            parent: task.level.parent.clone().unwrap_or_else(|| Arc::clone(&play.level)),
            role: task.level.role.clone(),
            handlers: false,
            depth: 0,
        };
        for option in ["allow_duplicates", "public", "rolespec_validate"] {
            if let Some(value) = args.get(option) {
                keywords::as_type(option, Type::Bool, false, &value)
                    .map_err(|e| e.at(task.level.span.clone()))?;
            }
        }
        let around = dynamic_level(task, vars, Some(std::path::PathBuf::new()));
        // Only a name as written has a place.
        let written = task.action.args.get("name").or_else(|| task.action.args.get("role"));
        let as_written = written.is_some_and(|w| w.as_str() == Some(name));
        let named = task.action.named.as_ref().filter(|_| as_written);
        let at = match named {
            Some(span) => Node { kind: NodeKind::Scalar(Value::str(name)), span: span.clone() },
            None => Node { kind: NodeKind::Scalar(Value::None), span: task.level.span.clone() },
        };
        let with_args =
            Task { action: ActionCall { args: args.clone(), ..task.action.clone() }, ..copy(task) };
        let role = self.role_by_task(name, files, &with_args, around, true, &at, &place)?;
        if args.get("public").is_some_and(|p| keywords::boolean(&p).unwrap_or(false)) {
            play.base.visible_roles.write().push(Arc::clone(&role));
        }
        let mut handlers = place.play.take_handlers();
        handlers.extend(role.all_handlers());
        Ok(Loaded { items: role.run_list(), handlers, role: Some(role), empty: false })
    }

    /// Loads the role that a task names; `around` is the level that the task makes.
    #[expect(clippy::too_many_arguments, reason = "what imports and includes share")]
    fn role_by_task(
        &self,
        name: &str,
        files: RoleFiles,
        task: &Task,
        mut around: Level,
        dynamic: bool,
        at: &Node,
        place: &Place,
    ) -> Result<Arc<Role>> {
        if name.contains(',') {
            return Err(Error::new(
                Kind::User,
                format!("Invalid old style role requirement: {name}"),
            ));
        }
        let args = &task.action.args;
        let flag = |key: &str| {
            args.get(key).map_or(Ok(true), |value| {
                keywords::to_bool(&value).map_err(|e| e.at(task.level.span.clone()))
            })
        };
        let collections = match task.level.own(Keyword::Collections) {
            Some(own) => {
                let list = own.value.as_list().map(crate::value::List::snapshot);
                list.unwrap_or_default().iter().map(python::text).collect()
            }
            None => self.inherited_collections(place),
        };
        let found = self.find_role(name, &collections, None, place, at)?;
        around.include = Some(Include {
            action: task.action.name.clone(),
            dynamic,
            file: None,
            role_path: Some(found.path.clone()),
            params: Dict::new(),
        });
        let vars = around.vars.clone();
        let around = place.within(&Arc::new(around));
        let around = if dynamic { self.applied(&around, args, task)? } else { around };
        let level = Level {
            kind: LevelKind::Role,
            name: None,
            keywords: Vec::new(),
            vars,
            role: place.role.clone(),
            include: None,
            parent: Some(Arc::clone(&around.parent)),
            span: task.level.span.clone(),
        };
        let using = Use {
            written: name.to_owned(),
            name: found.name,
            path: found.path,
            collection: found.collection,
            params: Dict::new(),
            files,
            from_include: true,
            validate: flag("rolespec_validate")?,
            allow_duplicates: Some(flag("allow_duplicates")?),
            level,
            parents: place.role.as_ref().map(Role::chain).unwrap_or_default(),
            span: node_span(at),
        };
        self.load_use(using, &around)
    }
}

fn copy(task: &Task) -> Task {
    Task {
        id: task.id,
        level: Arc::clone(&task.level),
        action: task.action.clone(),
        looped: task.looped.clone(),
        is_handler: task.is_handler,
        implicit: task.implicit,
    }
}

/// The name of a role as an entry has it.
fn role_name(entry: &Node) -> Result<String> {
    match &entry.kind {
        NodeKind::Scalar(Value::Str(text)) if text.contains(',') => {
            Err(Error::new(Kind::User, format!("Invalid old style role requirement: {text}")))
        }
        NodeKind::Scalar(Value::Str(text)) => Ok(text.as_str().to_owned()),
        NodeKind::Map(_) => {
            let name = entry.get("role").or_else(|| entry.get("name"));
            match name.and_then(Node::as_str).filter(|n| !n.is_empty()) {
                Some(name) => Ok(name.to_owned()),
                None => Err(Error::new(Kind::User, "role definitions must contain a role name")
                    .at(entry.span.clone())),
            }
        }
        NodeKind::Seq(_) => Err(Error::new(Kind::Internal, "")),
        NodeKind::Scalar(other) => {
            Err(Error::parser(format!("Invalid role definition: {}", python::text(other)), None))
        }
    }
}

/// The dependencies of a role; galaxy's form (`src: …`) gets its name.
fn dependency_list(node: &Node, document: &Node) -> Result<Vec<Node>> {
    if super::include::is_empty(&node.to_value()) {
        return Ok(Vec::new());
    }
    let Some(entries) = node.as_seq() else {
        return Err(error_at("Expected role dependencies to be a list.", document));
    };
    Ok(entries.iter().map(with_galaxy_name).collect())
}

fn with_galaxy_name(entry: &Node) -> Node {
    let Some(pairs) = entry.as_map() else { return entry.clone() };
    if entry.get("role").is_some() || entry.get("name").is_some() {
        return entry.clone();
    }
    let Some(source) = entry.get("src").and_then(Node::as_str) else { return entry.clone() };
    let scalar =
        |text: &str| Node { kind: NodeKind::Scalar(Value::str(text)), span: entry.span.clone() };
    let named = [(scalar("name"), scalar(&galaxy_name(source)))];
    let kind = NodeKind::Map(pairs.iter().cloned().chain(named).collect());
    Node { kind, span: entry.span.clone() }
}

/// The name of the role in a repository's address.
fn galaxy_name(source: &str) -> String {
    if !source.contains("://") && !source.contains('@') {
        return source.to_owned();
    }
    let last = source.rsplit('/').next().unwrap_or(source);
    let last = last.strip_suffix(".git").unwrap_or(last);
    let last = last.strip_suffix(".tar.gz").unwrap_or(last);
    last.split(',').next().unwrap_or(last).to_owned()
}

/// The collections that a role's short names are looked for in: never the play's, but that of the
/// playbook, `default`.
fn role_collections(own: Option<&str>, default: Option<&str>, declared: &[String]) -> Vec<String> {
    let mut all: Vec<String> = own.or(default).map(str::to_owned).into_iter().collect();
    for name in declared {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    let last = if own.is_some() { "ansible.builtin" } else { "ansible.legacy" };
    if !all.is_empty() && !all.iter().any(|c| c == "ansible.builtin" || c == "ansible.legacy") {
        all.push(last.to_owned());
    }
    all
}

/// Equal for uses of a role that ansible takes for the same.
fn identity(using: &Use) -> String {
    let name = using
        .collection
        .as_ref()
        .map_or_else(|| using.name.clone(), |collection| format!("{collection}.{}", using.name));
    let own = |keyword| using.level.own(keyword).map(|s| python::repr(&s.value));
    format!(
        "{name} {} {:?} {:?} {:?} {} {}",
        python::repr(&Value::Dict(using.params.clone())),
        own(Keyword::When),
        own(Keyword::Tags),
        using.files,
        python::repr(&Value::Dict(using.level.vars.clone())),
        using.from_include,
    )
}

/// The node that a missing role is reported at.
fn name_node(node: &Node, task: &Task, as_written: bool) -> Node {
    match named_role(node, &task.action.written) {
        Some(name) if as_written => name.clone(),
        _ => Node { kind: NodeKind::Scalar(Value::None), span: node.span.clone() },
    }
}

/// The task that checks a role's parameters against its specification.
fn validation(role: &Arc<Role>, spec: &Value, entry_point: &str) -> Item {
    let field = |key: &str| spec.as_dict().and_then(|d| d.get(key));
    let mut name = format!("Validating arguments against arg spec '{entry_point}'");
    if let Some(short) = field("short_description") {
        name += &format!(" - {}", python::text(&short));
    }
    let context: Dict = [
        ("type", Value::from("role")),
        ("name", Value::from(role.name.clone())),
        ("argument_spec_name", Value::from(entry_point)),
        ("path", Value::from(role.path.to_string_lossy().into_owned())),
    ]
    .into_iter()
    .collect();
    let args: Dict = [
        ("argument_spec", field("options").unwrap_or_else(|| Value::Dict(Dict::new()))),
        ("provided_arguments", Value::Dict(role.params.clone())),
        ("validate_args_context", Value::Dict(context)),
    ]
    .into_iter()
    .collect();
    let span = role.level.span.clone();
    let tags = Value::list(vec![Value::from("always")]);
    let level = Level {
        kind: LevelKind::Task,
        name: Some(name),
        keywords: vec![(Keyword::Tags, Spanned { value: tags, span: span.clone() })],
        vars: Dict::new(),
        role: Some(Arc::clone(role)),
        include: None,
        parent: Some(Arc::clone(&role.level)),
        span: span.clone(),
    };
    let action = "ansible.builtin.validate_argument_spec".to_owned();
    let task = Task {
        id: next_task_id(),
        level: Arc::new(level),
        action: ActionCall {
            written: action.clone(),
            name: action,
            args,
            span,
            named: None,
            missing: false,
        },
        looped: None,
        is_handler: false,
        implicit: false,
    };
    let body = vec![Item::Task(Arc::new(task))];
    let level = Arc::clone(&role.level);
    Item::Block(Arc::new(Block { level, body, rescue: Vec::new(), always: Vec::new() }))
}
