//! Playbooks and plays.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Loader, Place, document::not_found, error_at, paths};
use crate::{
    diagnostic::{Error, Kind, Result, Source, Span},
    playbook::{
        ADHOC, Item, Keyword, Level, LevelKind, Play, PlayBase, Playbook, Spanned,
        keywords::Place as In,
        python,
        resolve::{is_builtin, is_qualified},
        splitter::split_args,
    },
    value::{Dict, Value},
    yaml::{Node, NodeKind},
};

/// What an `import_playbook` lays around the plays that it brings.
struct Import {
    vars: Dict,
    tags: Vec<Spanned>,
    when: Option<Spanned>,
    /// The folder of the file that it named.
    folder: PathBuf,
    span: crate::diagnostic::Span,
}

impl Loader {
    /// Loads a playbook, and those that it imports.
    pub fn load_playbook(&self, path: &Path) -> Result<Playbook> {
        let collection = self.collection_around(path);
        if let Some(collection) = &collection {
            self.warn(format!("running playbook inside collection {collection}"));
        }
        *self.default_collection.write() = collection;
        let plays =
            self.remembering(|| self.load_plays(path, &paths::working_folder(), &mut Vec::new()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let basedir = paths::normalised(&paths::working_folder().join(folder));
        Ok(Playbook { path: path.to_path_buf(), basedir, plays })
    }

    /// The playbook of an ad-hoc command: one play that nobody wrote, so it has no place.
    pub fn load_adhoc(&self, play: &Dict, basedir: &Path) -> Result<Playbook> {
        let span = Span::new(&Source::new("", ""), 0, 0);
        let entry = super::include::node_of(&Value::Dict(play.clone()), &span);
        let play = self.load_play(&entry, Path::new(""), basedir, &[])?;
        Ok(Playbook {
            path: PathBuf::from(ADHOC),
            basedir: basedir.to_path_buf(),
            plays: vec![Arc::new(play)],
        })
    }

    /// The plays of a file; `imports` are those that led to it, outermost first.
    fn load_plays(
        &self,
        path: &Path,
        around: &Path,
        imports: &mut Vec<Import>,
    ) -> Result<Vec<Arc<Play>>> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let basedir = if path.is_absolute() {
            folder.to_path_buf()
        } else {
            paths::normalised(&around.join(folder))
        };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let file = paths::dwim(&basedir, &name);
        if imports.len() > super::MAX_DEPTH {
            return Err(Error::new(
                Kind::Parser,
                format!("playbooks are {}; does one import itself?", super::NESTED),
            )
            .at(imports.last().map(|i| i.span.clone())));
        }
        if !file.exists() {
            return Err(not_found(&file));
        }
        let document = self.load_file(&file)?;
        let shown = || paths::unfrack_path(path, true);
        let Some(document) = document else {
            return Err(Error::new(
                Kind::Parser,
                format!("Empty playbook, nothing to do: {}", shown().display()),
            ));
        };
        let Some(entries) = document.as_seq() else {
            let class = python::node_class(&document);
            return Err(Error::parser(
                format!(
                    "A playbook must be a list of plays, got a {class} instead: {}",
                    shown().display()
                ),
                super::node_span(&document),
            ));
        };
        if entries.is_empty() {
            return Err(Error::new(
                Kind::Parser,
                format!("A playbook must contain at least one play: {}", shown().display()),
            ));
        }
        let mut plays = Vec::new();
        for entry in entries {
            let loaded = self.load_playbook_entry(entry, &file, &basedir, imports);
            plays.extend(self.or_next(loaded)?.unwrap_or_default());
        }
        Ok(plays)
    }

    /// The play that an entry of a playbook is, or those that it imports.
    fn load_playbook_entry(
        &self,
        entry: &Node,
        file: &Path,
        basedir: &Path,
        imports: &mut Vec<Import>,
    ) -> Result<Vec<Arc<Play>>> {
        if entry.as_map().is_none() {
            return Err(Error::parser(
                "playbook entries must be either valid plays or 'import_playbook' statements",
                super::node_span(entry),
            ));
        }
        if !is_import(entry) {
            return Ok(vec![Arc::new(self.load_play(entry, file, basedir, imports)?)]);
        }
        let (imported, import) = self.read_import(entry, basedir, imports)?;
        if let Some(collection) = self.collection_around(&imported) {
            *self.default_collection.write() = Some(collection);
        }
        imports.push(import);
        let plays = self.load_plays(&imported, basedir, imports);
        imports.pop();
        plays
    }

    fn read_import(
        &self,
        entry: &Node,
        basedir: &Path,
        imports: &[Import],
    ) -> Result<(PathBuf, Import)> {
        let written = imported_name(entry)?;
        let (mut vars, mut tags, mut when) = (Dict::new(), Vec::new(), None);
        // A place for keywords' checks; nothing of it is kept.
        let place = self.bare_place(entry, basedir);
        for (key, value) in entry.as_map().unwrap_or_default() {
            let name = python::text(&key.to_value());
            if is_builtin(&name, "import_playbook") {
                continue;
            }
            let spanned = |value: Value| Spanned { value, span: entry.span.clone() };
            match Keyword::allowed(&name, In::ImportPlaybook) {
                Some(Keyword::Vars) => vars = self.vars(value, "PlaybookInclude")?,
                Some(keyword) => {
                    let checked = self.keyword_value(keyword, value, entry, &place)?;
                    match keyword {
                        Keyword::Tags => tags.push(spanned(checked)),
                        Keyword::When => when = Some(spanned(checked)),
                        _ => {}
                    }
                }
                None => {
                    return Err(error_at(
                        format!("'{name}' is not a valid attribute for a PlaybookInclude"),
                        entry,
                    ));
                }
            }
        }
        let name = self.import_name(&written, &vars, basedir, imports)?;
        let file = self.playbook_in_collection(&name, basedir).unwrap_or_else(|| {
            let path = PathBuf::from(&name);
            if path.is_absolute() { path } else { basedir.join(path) }
        });
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok((file, Import { vars, tags, when, folder, span: entry.span.clone() }))
    }

    /// The name of an imported playbook, rendered with the import's own variables and `-e`.
    fn import_name(
        &self,
        written: &str,
        vars: &Dict,
        basedir: &Path,
        _imports: &[Import],
    ) -> Result<String> {
        if !super::include::may_hold_template(written) {
            return Ok(written.to_owned());
        }
        let mut stack = (self.config.world)(basedir);
        stack.push(crate::vars::Layer::PlayVars, vars.clone());
        let rendered = self.config.templar.template(&Value::str(written), Arc::new(stack))?;
        Ok(python::text(&rendered))
    }

    /// The file of a playbook of a collection, `ns.col.name`.
    fn playbook_in_collection(&self, name: &str, basedir: &Path) -> Option<PathBuf> {
        let bare = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
        if !is_qualified(bare) {
            return None;
        }
        let mut parts = bare.splitn(3, '.');
        let (space, collection, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let relative = rest.replace('.', "/");
        self.collection_roots(basedir).iter().find_map(|root| {
            let folder =
                root.join("ansible_collections").join(space).join(collection).join("playbooks");
            ["yml", "yaml"]
                .iter()
                .map(|e| folder.join(format!("{relative}.{e}")))
                .find(|f| f.exists())
        })
    }

    /// The collection that a playbook lies in, if short names are to be looked for there: the one that
    /// is found by its name.
    fn collection_around(&self, path: &Path) -> Option<String> {
        let path = paths::normalised(&paths::working_folder().join(path));
        let parts: Vec<_> = path.iter().collect();
        let mut roots = (0..parts.len()).filter(|&at| parts[at] == "ansible_collections");
        let (Some(root), None) = (roots.next(), roots.next()) else { return None };
        let name = parts.get(root + 1..root + 3)?;
        let folder: PathBuf = parts[..root + 3].iter().collect();
        let mut known = self.collection_roots(path.parent()?).into_iter().map(|root| {
            let place = root.join("ansible_collections");
            paths::normalised(&place.join(name[0]).join(name[1]))
        });
        (known.find(|place| place.is_dir())? == folder)
            .then(|| format!("{}.{}", name[0].to_string_lossy(), name[1].to_string_lossy()))
    }

    fn bare_place(&self, entry: &Node, basedir: &Path) -> Place {
        let level = Arc::new(Level {
            kind: LevelKind::Play,
            name: None,
            keywords: Vec::new(),
            vars: Dict::new(),
            role: None,
            include: None,
            parent: None,
            span: entry.span.clone(),
        });
        let play = PlayBase::new(Arc::clone(&level), basedir.to_path_buf(), None);
        Place { play, parent: level, role: None, handlers: false, depth: 0 }
    }

    fn load_play(
        &self,
        entry: &Node,
        path: &Path,
        basedir: &Path,
        imports: &[Import],
    ) -> Result<Play> {
        let entry = &without_user(entry)?;
        let included_path = imports.last().map(|i| i.folder.clone());
        let basedir = included_path.clone().unwrap_or_else(|| basedir.to_path_buf());
        let bare = self.bare_place(entry, &basedir);
        let mut level = self.level(entry, LevelKind::Play, "Play", In::Play, &bare)?;
        level.parent = None;
        level.vars = play_vars(&level.vars, imports);
        level
            .keywords
            .extend(imports.iter().flat_map(|i| &i.tags).map(|tags| (Keyword::Tags, tags.clone())));
        merge_tags(&mut level);
        check_vars_prompt(&level)?;
        let level = Arc::new(level);
        let collection = self.default_collection.read().clone();
        let base = PlayBase::new(Arc::clone(&level), basedir.clone(), collection);
        let place = Place { play: Arc::clone(&base), parent: Arc::clone(&level), ..bare };
        let place = under_conditions(place, imports);
        let roles = match entry.get("roles") {
            Some(list) => self.load_roles(list, entry, &place)?,
            None => Vec::new(),
        };
        base.visible_roles.write().splice(0..0, roles.iter().cloned());
        let of_roles = base.take_handlers();
        let as_handlers = Place { handlers: true, parent: Arc::clone(&level), ..place.clone() };
        let mut handlers = self.section(entry, "handlers", &as_handlers)?;
        let pre_tasks = self.section(entry, "pre_tasks", &place)?;
        let post_tasks = self.section(entry, "post_tasks", &place)?;
        let tasks = self.section(entry, "tasks", &place)?;
        handlers.extend(of_roles);
        handlers.extend(base.take_handlers());
        check_hosts(entry)?;
        Ok(Play {
            level,
            base,
            basedir,
            path: path.to_path_buf(),
            included_conditional: conditions(imports),
            included_path,
            roles,
            pre_tasks,
            tasks,
            post_tasks,
            handlers,
        })
    }

    fn section(&self, play: &Node, name: &str, place: &Place) -> Result<Vec<Item>> {
        let items = self.load_blocks(play.get(name), place).map_err(|trouble| {
            let message = format!("A malformed block was encountered while loading {name}");
            match trouble {
                // Only for `tasks` does ansible's own text name what it found.
                super::tasks::Trouble::Malformed(what) if name == "tasks" => {
                    let text = format!("{message}: {}", what.0);
                    error_at(text, play).caused_by(Error::new(Kind::User, what.0))
                }
                other => other.into_error(&message, Some(play)),
            }
        });
        Ok(self.or_next(items)?.unwrap_or_default())
    }
}

fn is_import(entry: &Node) -> bool {
    let import = |name: &str| is_builtin(name, "import_playbook");
    entry.as_map().unwrap_or_default().iter().any(|(k, _)| k.as_str().is_some_and(import))
}

/// The name that an `import_playbook` is given; parameters behind it are dropped, as ansible does.
/// Of several, in whatever spelling, the last counts.
fn imported_name(entry: &Node) -> Result<String> {
    let mut name = String::new();
    for (key, value) in entry.as_map().unwrap_or_default() {
        let key = python::text(&key.to_value());
        if is_builtin(&key, "import_playbook") {
            name = imported_value(value, entry)?;
        } else if key == "vars" && value.as_map().is_none() {
            return Err(error_at(
                "vars for import_playbook statements must be specified as a dictionary",
                entry,
            ));
        }
    }
    Ok(name)
}

fn imported_value(value: &Node, entry: &Node) -> Result<String> {
    match &value.kind {
        NodeKind::Scalar(Value::Str(text)) => {
            let parts = split_args(text).map_err(|e| error_at(e.message(), entry))?;
            parts.first().map(|p| p.trim().to_owned()).ok_or_else(|| {
                error_at("import_playbook statements must specify the file name to import", entry)
            })
        }
        NodeKind::Scalar(Value::None) => {
            Err(error_at("playbook import parameter is missing", entry))
        }
        _ => Err(error_at(
            format!(
                "playbook import parameter must be a string indicating a file path, got {} instead",
                python::node_class(value)
            ),
            entry,
        )),
    }
}

/// The old name `user` of a play's `remote_user`.
fn without_user(entry: &Node) -> Result<Node> {
    if entry.get("user").is_none() {
        return Ok(entry.clone());
    }
    if entry.get("remote_user").is_some() {
        return Err(error_at(
            "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, \
             and should be removed",
            entry,
        ));
    }
    let renamed = entry.as_map().unwrap_or_default().iter().map(|(key, value)| {
        let mut key = key.clone();
        if key.as_str() == Some("user") {
            key.kind = NodeKind::Scalar(Value::from("remote_user"));
        }
        (key, value.clone())
    });
    Ok(Node { kind: NodeKind::Map(renamed.collect()), span: entry.span.clone() })
}

/// A play's variables under those of the imports around it; the outermost import wins.
fn play_vars(own: &Dict, imports: &[Import]) -> Dict {
    let vars = own.copy();
    for import in imports.iter().rev() {
        for (name, value) in import.vars.snapshot() {
            vars.write().insert(name, value);
        }
    }
    vars
}

/// A play's own tags and those of its imports as one keyword.
fn merge_tags(level: &mut Level) {
    let is_tags = |(k, _): &(Keyword, Spanned)| *k == Keyword::Tags;
    if level.keywords.iter().filter(|k| is_tags(k)).count() < 2 {
        return;
    }
    let (tags, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut level.keywords).into_iter().partition(is_tags);
    level.keywords = rest;
    let span = level.span.clone();
    let all = tags
        .iter()
        .flat_map(|(_, s)| s.value.as_list().map(crate::value::List::snapshot).unwrap_or_default())
        .collect();
    level.keywords.push((Keyword::Tags, Spanned { value: all, span }));
}

/// The conditions of all imports, outermost first.
fn conditions(imports: &[Import]) -> Option<Spanned> {
    let all: Vec<&Spanned> = imports.iter().filter_map(|i| i.when.as_ref()).collect();
    let span = all.first()?.span.clone();
    let value = all
        .iter()
        .flat_map(|s| match &s.value {
            Value::List(list) => list.snapshot(),
            one => vec![one.clone()],
        })
        .collect();
    Some(Spanned { value, span })
}

/// The place inside the conditions of the imports.
fn under_conditions(place: Place, imports: &[Import]) -> Place {
    let Some(when) = conditions(imports) else { return place };
    let level = Level {
        kind: LevelKind::Import,
        name: None,
        span: when.span.clone(),
        keywords: vec![(Keyword::When, when)],
        vars: Dict::new(),
        role: None,
        include: None,
        parent: Some(Arc::clone(&place.parent)),
    };
    place.within(&Arc::new(level))
}

fn check_hosts(entry: &Node) -> Result<()> {
    let Some(hosts) = entry.get("hosts") else { return Ok(()) };
    let wrong = |text: &str| Err(Error::new(Kind::Parser, text));
    let value = hosts.to_value();
    if super::include::is_empty(&value) {
        return wrong("Hosts list cannot be empty. Please check your playbook");
    }
    match &value {
        Value::List(list) => {
            for host in list.snapshot() {
                match host {
                    Value::None => {
                        return wrong(
                            "Hosts list cannot contain values of 'None'. Please check your \
                             playbook",
                        );
                    }
                    Value::Str(_) => {}
                    other => {
                        return wrong(&format!(
                            "Hosts list contains an invalid host value: '{}'",
                            python::text(&other)
                        ));
                    }
                }
            }
            Ok(())
        }
        Value::Str(_) | Value::Vaulted(_) => Ok(()),
        _ => wrong("Hosts list must be a sequence or string. Please check your playbook."),
    }
}

fn check_vars_prompt(level: &Level) -> Result<()> {
    const KEYS: &[&str] = &[
        "name",
        "prompt",
        "default",
        "private",
        "confirm",
        "encrypt",
        "salt_size",
        "salt",
        "unsafe",
    ];
    let Some(written) = level.own(Keyword::VarsPrompt) else { return Ok(()) };
    let prompts = match &written.value {
        Value::None => return Ok(()),
        Value::List(list) => list.snapshot(),
        one => vec![one.clone()],
    };
    for prompt in prompts {
        let Value::Dict(prompt) = &prompt else {
            return Err(Error::new(
                Kind::User,
                format!(
                    "variable files must contain either a dictionary of variables, or a list of \
                     dictionaries. Got: {} ({})",
                    python::text(&written.value),
                    python::yaml_class(&written.value)
                ),
            ));
        };
        if !prompt.contains("name") {
            return Err(Error::parser(
                "Invalid vars_prompt data structure, missing 'name' key",
                written.span.clone(),
            ));
        }
        for (key, _) in prompt.snapshot() {
            let key = python::text(key.value());
            if !KEYS.contains(&key.as_str()) {
                return Err(Error::parser(
                    format!("Invalid vars_prompt data structure, found unsupported key '{key}'"),
                    written.span.clone(),
                ));
            }
        }
    }
    Ok(())
}
