//! One task: its keywords checked, its action taken apart.

use std::sync::Arc;

use super::{
    Loader, Place,
    args::{Depth, Parsed},
    error_at, node_span,
};
use crate::{
    diagnostic::{Error, Kind, Result},
    playbook::{
        ActionCall, Keyword, Level, LevelKind, Loop, Spanned, Task,
        keywords::{self, Place as In, Type},
        next_task_id, python,
        resolve::{self, Meaning},
    },
    template::lookups,
    value::{Dict, Key, Value},
    yaml::Node,
};

/// Keywords that a dynamic include may have.
const INCLUDE_KEYWORDS: &[Keyword] = &[
    Keyword::Action,
    Keyword::Args,
    Keyword::Collections,
    Keyword::Debugger,
    Keyword::IgnoreErrors,
    Keyword::Loop,
    Keyword::LoopControl,
    Keyword::Name,
    Keyword::NoLog,
    Keyword::Register,
    Keyword::RunOnce,
    Keyword::Tags,
    Keyword::Timeout,
    Keyword::Vars,
    Keyword::When,
];

/// Fields of `loop_control`.
pub const LOOP_CONTROL: &[(&str, Type)] = &[
    ("loop_var", Type::Any),
    ("index_var", Type::Any),
    ("label", Type::Any),
    ("pause", Type::Any),
    ("extended", Type::Bool),
    ("extended_allitems", Type::Bool),
];

/// What `with_…` names, if that lookup exists.
fn lookup_of(key: &str) -> Option<&str> {
    let name = key.strip_prefix("with_")?;
    lookups::find(name).map(|_| name)
}

/// A keyword that takes text cannot take a list or a dict.
pub(super) fn check_text_field(name: &str, value: &Node, owner: &Node) -> Result<()> {
    if value.as_map().is_none() && value.as_seq().is_none() {
        return Ok(());
    }
    Err(error_at(
        format!(
            "The field '{name}' is supposed to be a string type, however the incoming data \
             structure is a {}",
            python::node_class(value)
        ),
        owner,
    ))
}

/// Whether text can name a variable.
pub fn is_variable_name(name: &str) -> bool {
    const KEYWORDS: &[&str] = &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield",
    ];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&name)
}

/// The name of the role that a task includes or imports, where it stands in its mapping.
pub(super) fn named_role<'n>(node: &'n Node, action: &str) -> Option<&'n Node> {
    let args = node
        .get(action)
        .filter(|_| resolve::is_builtin_of(action, &["include_role", "import_role"]));
    args.and_then(|a| a.get("name").or_else(|| a.get("role")))
}

/// The keywords and the loop of a task, taken from its mapping.
#[derive(Default)]
struct Fields {
    keywords: Vec<(Keyword, Node)>,
    terms: Option<Node>,
    lookup: Option<String>,
}

impl Loader {
    /// Loads a task or handler; `class` is ansible's name for what it is.
    pub(super) fn load_task(&self, node: &Node, class: &str, place: &Place) -> Result<Task> {
        let collections = self.collections_of(node, place)?;
        let parsed = self.parse_action(node, Depth::Resolve(place, &collections))?;
        // ansible reads `vars` before all other keywords.
        let vars = node.get("vars").map(|v| self.vars(v, class)).transpose()?;
        let fields = self.fields(node, class, &parsed.action, place)?;
        if class != "Task" && class != "Handler" {
            self.check_include_keywords(node, class, &parsed.action, &fields)?;
        }
        let mut level = self.level_of(node, LevelKind::Task, class, fields.keywords, place)?;
        if parsed.missing {
            self.judge_missing(&parsed, &level, place)?;
        }
        level.vars = vars.unwrap_or_default();
        if parsed.local {
            let local = Spanned { value: Value::from("localhost"), span: parsed.span.clone() };
            level.keywords.push((Keyword::DelegateTo, local));
        }
        let looped = fields.terms.filter(|t| !t.is_null()).map(|t| Loop {
            lookup: fields.lookup,
            terms: Spanned { value: t.to_value(), span: t.span.clone() },
        });
        let named = named_role(node, &parsed.action).map(|name| name.span.clone());
        Ok(Task {
            id: next_task_id(),
            level: Arc::new(level),
            action: ActionCall {
                written: parsed.action,
                name: parsed.resolved,
                args: parsed.args,
                span: parsed.span,
                named,
                missing: parsed.missing,
            },
            looped,
            is_handler: place.handlers,
            implicit: false,
        })
    }

    /// A task whose module exists, but not here, is refused if the play is sure to come to it; where
    /// it depends, where the play is on its way already, or where tasks are listed only, a warning
    /// tells of it.
    fn judge_missing(&self, parsed: &Parsed, level: &Level, place: &Place) -> Result<()> {
        let mut text = format!("the module '{}' is not supported yet", parsed.resolved);
        if let Some(file) = resolve::python_file(&parsed.resolved, &self.module_places(place)) {
            let file = file.display();
            text.push_str(&format!(" ({file} is in Python and needs ansible's own library)"));
        }
        let decides = |l: &Level| {
            l.own(Keyword::When).is_some() || l.include.as_ref().is_some_and(|i| i.dynamic)
        };
        let depends = place.handlers || level.chain().any(decides);
        if !depends && !self.config.settings.listing {
            return Err(Error::parser(text, parsed.span.clone()));
        }
        // Who looks for all mistakes hears of it from the review.
        if self.mistakes.lock().is_some() {
            return Ok(());
        }
        let (file, line) = (parsed.span.path().display(), parsed.span.position().line);
        self.warn(format!("{text}: the task at {file}:{line} fails if the play comes to it"));
        Ok(())
    }

    /// The collections that short names in a task are looked for in.
    fn collections_of(&self, node: &Node, place: &Place) -> Result<Vec<String>> {
        let own = node.get("collections").filter(|n| !n.is_null());
        let Some(own) = own else { return Ok(self.inherited_collections(place)) };
        let list = keywords::coerce(Keyword::Collections, &own.to_value())
            .map_err(|e| e.at(node.span.clone()))?;
        Ok(with_defaults(texts(&list), place))
    }

    /// The collections in force at a place.
    pub(super) fn inherited_collections(&self, place: &Place) -> Vec<String> {
        // Roles don't see the play's collections.
        if let Some(role) = &place.role {
            return role.collections.clone();
        }
        let declared = place.parent.inherited(Keyword::Collections);
        // The value was checked when its level was made.
        with_defaults(declared.map(|spanned| texts(&spanned.value)).unwrap_or_default(), place)
    }

    fn fields(&self, node: &Node, class: &str, action: &str, place: &Place) -> Result<Fields> {
        let allowed = if place.handlers { In::Handler } else { In::Task };
        let mut fields = Fields::default();
        for (key, value) in node.as_map().unwrap_or_default() {
            let name = python::text(&key.to_value());
            if matches!(name.as_str(), "action" | "local_action" | "args" | "shell" | "vars")
                || name == action
            {
                continue;
            }
            if let Some(lookup) = lookup_of(&name) {
                if fields.terms.as_ref().is_some_and(|t| !t.is_null()) {
                    return Err(user_error(format!("duplicate loop in task: {lookup}"), node));
                }
                if value.is_null() {
                    return Err(user_error(
                        format!("you must specify a value when using {name}"),
                        node,
                    ));
                }
                fields.terms = Some(value.clone());
                fields.lookup = Some(lookup.to_owned());
                continue;
            }
            match Keyword::allowed(&name, allowed) {
                Some(Keyword::Loop) => fields.terms = Some(value.clone()),
                Some(keyword) => fields.keywords.push((keyword, value.clone())),
                None if name == "loop_with" => {}
                None if class == "IncludeRole"
                    && matches!(
                        name.as_str(),
                        "allow_duplicates" | "public" | "rolespec_validate"
                    ) => {}
                None => self.unknown_keyword(&name, node, class)?,
            }
        }
        Ok(fields)
    }

    fn unknown_keyword(&self, name: &str, node: &Node, class: &str) -> Result<()> {
        if !self.config.settings.invalid_task_attribute_failed {
            self.warn(format!("Ignoring invalid attribute: {name}"));
            return Ok(());
        }
        let error = error_at(format!("'{name}' is not a valid attribute for a {class}"), node);
        // ansible-core 2.14 `Task._validate_attributes` adds to the text that has the place in it
        // already, and then the place is added once more.
        let text = format!(
            "{}\nThis error can be suppressed as a warning using the \
             \"invalid_task_attribute_failed\" configuration",
            crate::diagnostic::ansible::describe(&error)
        );
        let error = error_at(text, node);
        Err(match Keyword::similar(name, In::Task) {
            Some(similar) => error.hinted(format!("did you mean `{similar}`?")),
            None => error,
        })
    }

    /// A dynamic include takes few keywords.
    fn check_include_keywords(
        &self,
        node: &Node,
        class: &str,
        action: &str,
        fields: &Fields,
    ) -> Result<()> {
        if !resolve::is_builtin_of(action, &["include_tasks", "include_role"]) {
            return Ok(());
        }
        for (keyword, _) in &fields.keywords {
            let listen = *keyword == Keyword::Listen && class == "HandlerTaskInclude";
            // ansible overwrites `delegate_to` before it looks.
            if INCLUDE_KEYWORDS.contains(keyword) || listen {
                continue;
            }
            let name = keyword.name();
            if self.config.settings.invalid_task_attribute_failed {
                return Err(error_at(
                    format!("'{name}' is not a valid attribute for a {class}"),
                    node,
                ));
            }
            self.warn(format!("Ignoring invalid attribute: {name}"));
        }
        Ok(())
    }

    /// A keyword's value, checked as far as ansible checks before it is rendered.
    pub(super) fn keyword_value(
        &self,
        keyword: Keyword,
        node: &Node,
        owner: &Node,
        place: &Place,
    ) -> Result<Value> {
        if keyword.info().takes == Type::String {
            check_text_field(keyword.name(), node, owner)?;
        }
        match keyword {
            Keyword::Tags => tags(node),
            Keyword::LoopControl => {
                check_loop_control(node)?;
                Ok(node.to_value())
            }
            Keyword::Collections => {
                keywords::coerce(keyword, &node.to_value()).map_err(|e| e.at(owner.span.clone()))
            }
            Keyword::ModuleDefaults => self.module_defaults(node, place),
            _ => Ok(node.to_value()),
        }
    }

    /// `vars:`, a dict or a list of dicts.
    pub(super) fn vars(&self, node: &Node, class: &str) -> Result<Dict> {
        let entries = node.as_seq().map_or_else(|| vec![node.clone()], <[Node]>::to_vec);
        let vars = Dict::new();
        for entry in &entries {
            if entry.is_null() && node.as_seq().is_none() {
                return Ok(vars);
            }
            let Some(pairs) = entry.as_map() else {
                return Err(Error::parser(
                    format!(
                        "Vars in a {class} must be specified as a dictionary, or a list of \
                         dictionaries"
                    ),
                    node_span(node),
                )
                .caused_by(Error::new(Kind::User, "")));
            };
            for (key, value) in pairs {
                let Some(name) = key.as_str().filter(|name| is_variable_name(name)) else {
                    return Err(error_at(
                        format!(
                            "Invalid variable name in vars specified for {class}: '{}' is not a \
                             valid variable name",
                            python::text(&key.to_value())
                        ),
                        node,
                    ));
                };
                vars.insert(name, value.to_value());
            }
        }
        Ok(vars)
    }

    /// `module_defaults:` with the full names of modules; groups stay `group/…`.
    fn module_defaults(&self, node: &Node, place: &Place) -> Result<Value> {
        if node.is_null() {
            return Ok(Value::None);
        }
        let entries = node.as_seq().map_or_else(|| vec![node.clone()], <[Node]>::to_vec);
        let mut all = Vec::new();
        for entry in &entries {
            let Some(pairs) = entry.as_map() else {
                return Err(Error::parser(
                    "The field 'module_defaults' is supposed to be a dictionary or list of \
                     dictionaries, the keys of which must be static action, module, or group \
                     names. Only the values may contain templates. For example: {'ping': \"{{ \
                     ping_defaults }}\"}",
                    None,
                ));
            };
            let defaults = Dict::new();
            for (key, value) in pairs {
                let name = python::text(&key.to_value());
                let full = self.defaults_key(&name, place)?;
                defaults.write().insert(Key::from(full), value.to_value());
            }
            all.push(Value::Dict(defaults));
        }
        Ok(Value::list(all))
    }

    fn defaults_key(&self, name: &str, place: &Place) -> Result<String> {
        if let Some(group) = name.strip_prefix("group/") {
            let full = if resolve::is_qualified(group) {
                group.to_owned()
            } else {
                format!("ansible.builtin.{group}")
            };
            if !self.is_action_group(&full, place) {
                return Err(Error::parser(
                    format!(
                        "Error loading module_defaults: could not resolve the module_defaults \
                         group {full}"
                    ),
                    None,
                ));
            }
            return Ok(format!("group/{full}"));
        }
        match resolve::meaning(name, &[], &self.module_places(place)) {
            Meaning::Known(full) | Meaning::Missing(full) => Ok(full),
            Meaning::Unknown => {
                let written = if name.split('.').count() < 3 {
                    format!("ansible.legacy.{name}")
                } else {
                    name.to_owned()
                };
                Err(Error::parser(
                    format!("Could not resolve action {written} in module_defaults"),
                    None,
                ))
            }
        }
    }
}

/// The action groups of ansible-core itself. Its modules are in none of them.
const CORE_GROUPS: &[&str] = &[
    "acme",
    "aws",
    "azure",
    "cpm",
    "docker",
    "gcp",
    "k8s",
    "os",
    "ovirt",
    "testgroup",
    "testlegacy",
    "vmware",
];

impl Loader {
    /// Whether a group of `module_defaults` exists, by its full name.
    fn is_action_group(&self, full: &str, place: &Place) -> bool {
        if let Some(short) = full.strip_prefix("ansible.builtin.") {
            return CORE_GROUPS.contains(&short);
        }
        let mut parts = full.splitn(3, '.');
        let (Some(space), Some(collection), Some(short)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        self.collection_roots(&place.play.basedir).iter().any(|root| {
            let file = root
                .join("ansible_collections")
                .join(space)
                .join(collection)
                .join("meta/runtime.yml");
            let document = self.load_file(&file).ok().flatten();
            let groups = document.as_ref().and_then(|d| d.get("action_groups"));
            groups.is_some_and(|g| g.get(short).is_some() || g.get(full).is_some())
        })
    }
}

/// `tags:` as a list; text is split at commas.
fn tags(node: &Node) -> Result<Value> {
    match node.to_value() {
        list @ Value::List(_) => Ok(list),
        Value::Str(text) => {
            Ok(text.split(',').map(|part| Value::str(part.trim())).collect::<Value>())
        }
        _ => Err(Error::new(Kind::User, "tags must be specified as a list").at(node_span(node))),
    }
}

fn check_loop_control(node: &Node) -> Result<()> {
    let Some(pairs) = node.as_map() else {
        return Err(Error::parser(
            "the `loop_control` value must be specified as a dictionary and cannot be a variable \
             itself (though it can contain variables)",
            node_span(node),
        ));
    };
    for (key, _) in pairs {
        let name = python::text(&key.to_value());
        if !LOOP_CONTROL.iter().any(|(known, _)| *known == name) {
            return Err(error_at(
                format!("'{name}' is not a valid attribute for a LoopControl"),
                node,
            ));
        }
    }
    Ok(())
}

/// Declared collections with the playbook's before them and ansible's own behind them, unless they are there.
fn with_defaults(mut collections: Vec<String>, place: &Place) -> Vec<String> {
    if let Some(default) = &place.play.default_collection
        && !collections.contains(default)
    {
        collections.insert(0, default.clone());
    }
    let own = |c: &String| c == "ansible.builtin" || c == "ansible.legacy";
    if !collections.is_empty() && !collections.iter().any(own) {
        collections.push("ansible.legacy".to_owned());
    }
    collections
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_list().map(crate::value::List::snapshot).unwrap_or_default();
    list.iter().map(python::text).collect()
}

fn user_error(message: String, node: &Node) -> Error {
    Error::new(Kind::User, message).at(node.span.clone())
}

impl Level {
    /// A copy of this level with another parent, of another kind.
    pub(super) fn moved(&self, kind: LevelKind, keywords: Vec<(Keyword, Spanned)>) -> Self {
        Self {
            kind,
            name: self.name.clone(),
            keywords,
            vars: self.vars.clone(),
            role: self.role.clone(),
            include: self.include.clone(),
            parent: self.parent.clone(),
            span: self.span.clone(),
        }
    }
}
