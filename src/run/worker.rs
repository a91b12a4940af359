//! One task on one host: its loop, conditions, attempts, and what its result means.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    AfterFields, ConnectionVars, Control, Fields, IncludeWish, PlayContext, Resolver, TaskResult,
    conditions,
    fields::{is_python_value_error, python_exception},
    looping,
    verdict::Verdict,
};
use crate::{
    action::{self, ActionContext, ActionError, Remote},
    diagnostic::{Error, Kind, Result, ansible_text},
    event::{Delegated, Event, Report, TaskInfo},
    playbook::{
        ActionCall, Keyword, Task, keywords,
        load::is_variable_name,
        resolve::{Meaning, Places, meaning},
    },
    template::{Locals, RenderOptions, Scope, Templar},
    value::{Dict, Key, Value},
    vars::Stack,
};

/// What a worker tells the driver.
#[derive(Debug)]
pub enum Message {
    /// Something for the callbacks, about a host.
    Event(Arc<str>, Event),
    /// The task is over on this host.
    Done(Box<Finished>),
}

impl Message {
    /// The host that it is about.
    pub fn host(&self) -> &Arc<str> {
        match self {
            Self::Event(host, _) => host,
            Self::Done(finished) => &finished.host,
        }
    }
}

/// A task that is over on a host.
#[derive(Debug)]
pub struct Finished {
    /// The host.
    pub host: Arc<str>,
    /// The task.
    pub task: Arc<Task>,
    /// What callbacks know of it.
    pub info: Arc<TaskInfo>,
    /// What it came to.
    pub result: TaskResult,
    /// The keywords that the driver acts on.
    pub after: AfterFields,
    /// Its arguments as they were rendered last.
    pub args: Option<Dict>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// One task to run on one host.
pub struct Worker {
    /// The play.
    pub play: Arc<PlayContext>,
    /// The host.
    pub host: Arc<str>,
    /// The task.
    pub task: Arc<Task>,
    /// What callbacks know of it.
    pub info: Arc<TaskInfo>,
    /// The host's variables for this task.
    pub stack: Stack,
    /// Where messages go.
    pub messages: UnboundedSender<Message>,
    /// When it began.
    pub began: Instant,
    /// The arguments as they were rendered last.
    pub rendered: Mutex<Option<Dict>>,
}

/// One turn of a task.
struct Execution {
    result: TaskResult,
    fields: Option<Fields>,
    /// An error ended it, and with it the whole loop: there is no result of turns then.
    raised: bool,
}

impl Worker {
    /// Runs the task to its end and reports to the driver.
    pub async fn run(mut self) {
        self.name_action();
        let (result, fields) = match self.run_task().await {
            Ok(done) => done,
            Err(e) => (self.error_result(&e), None),
        };
        let after = fields.map_or_else(
            || AfterFields::as_written(&self.task, &self.play.run.defaults),
            |f| AfterFields::of(&f),
        );
        let finished = Finished {
            host: Arc::clone(&self.host),
            task: Arc::clone(&self.task),
            info: Arc::clone(&self.info),
            result,
            after,
            args: self.rendered.lock().take(),
            seconds: self.began.elapsed().as_secs_f64(),
        };
        // The driver is gone only if the run was stopped; nobody is left to tell.
        let _ = self.messages.send(Message::Done(Box::new(finished)));
    }

    /// Finds the action of a task that names it by a template.
    fn name_action(&mut self) {
        let task = &self.task;
        if !task.action.name.contains("{{") {
            return;
        }
        let scope = Arc::new(self.stack.clone());
        let templar = Templar::new(Arc::clone(&self.play.run.templates), scope);
        let written = Value::str(task.action.name.as_str());
        // An undefined name stays, and is an action that nobody knows.
        let Ok(name) = templar.render(&written, &RenderOptions::default()) else { return };
        let name = name.to_text();
        let (name, missing) = match meaning(&name, &[], &Places::default()) {
            Meaning::Known(full) => (full, false),
            Meaning::Missing(full) => (full, true),
            Meaning::Unknown => (name, false),
        };
        let resolved = name.clone();
        let action = ActionCall { name, missing, ..task.action.clone() };
        self.info = Arc::new(TaskInfo { resolved, ..TaskInfo::clone(&self.info) });
        self.task = Arc::new(task.acting(action));
    }

    /// `no_log` where it is a template.
    fn rendered_no_log(&self) -> Option<bool> {
        let written = &self.task.level.inherited(Keyword::NoLog)?.value;
        written.as_str().filter(|text| text.contains("{{"))?;
        let templar = self.play.templar(Some(&self.host), Some(&self.task)).ok()?;
        let value = templar.render(written, &RenderOptions::default()).ok()?;
        keywords::to_bool(&value).ok()
    }

    fn error_result(&self, error: &Error) -> TaskResult {
        let after = AfterFields::as_written(&self.task, &self.play.run.defaults);
        // Whatever else can't be rendered: whether the result may be shown mostly can.
        let no_log = self.rendered_no_log().unwrap_or(after.no_log);
        let mut result = match python_exception(error) {
            None => TaskResult::failed(ansible_text(error)),
            Some(exception) => {
                let text =
                    format!("Unexpected failure during module execution: {}", error.message());
                let result = TaskResult::failed(text);
                result.data.insert("exception", Value::unsafe_str(exception));
                result.data.insert("stdout", "");
                result
            }
        };
        result.control.no_log = no_log;
        if let Some(host) = after.delegate_to.filter(|d| **d != *self.host) {
            result.control.delegated = Some(Delegated { host, address: None });
        }
        result
    }

    pub(super) fn send(&self, event: Event) {
        // As above: a closed channel means that the run was stopped.
        let _ = self.messages.send(Message::Event(Arc::clone(&self.host), event));
    }

    async fn run_task(&self) -> Result<(TaskResult, Option<Fields>)> {
        let scope: Arc<dyn Scope> = Arc::new(self.stack.clone());
        let mut names: IndexMap<Arc<str>, Value> = IndexMap::new();
        names.insert("ansible_search_path".into(), self.play.search_path(&self.task));
        let scope: Arc<dyn Scope> = Arc::new(Locals::new(names, scope));
        let templar = Templar::new(Arc::clone(&self.play.run.templates), Arc::clone(&scope));
        let (items, loop_error) = match looping::items(&self.task, &templar).await {
            Ok(items) => (items, None),
            // A loop over something undefined only fails if the task is not skipped.
            Err(e) if e.kind() == Kind::Undefined => (None, Some(e)),
            Err(e) => return Err(e),
        };
        let done = match items {
            None => self.execute(&templar, &scope, loop_error).await?,
            Some(items) if items.is_empty() => Execution {
                result: TaskResult::of([
                    ("changed", false.into()),
                    ("skipped", true.into()),
                    ("skipped_reason", "No items in the list".into()),
                    ("results", Value::list(Vec::new())),
                ]),
                fields: None,
                raised: false,
            },
            Some(items) => self.run_loop(items, &templar, &scope).await?,
        };
        if !done.raised && !done.result.data.contains("changed") {
            done.result.data.insert("changed", false);
        }
        Ok((done.result, done.fields))
    }

    async fn run_loop(
        &self,
        items: Vec<Value>,
        templar: &Templar,
        scope: &Arc<dyn Scope>,
    ) -> Result<Execution> {
        let control = looping::LoopControl::resolve(&self.task, templar)?;
        if scope.get(&control.loop_var).is_some() {
            self.send(Event::Warning(format!(
                "TASK: {}: The loop variable '{}' is already in use. You should set the \
                 `loop_var` value in the `loop_control` option for the task to something else to \
                 avoid variable collisions and unexpected behavior.",
                self.info.name, control.loop_var
            )));
        }
        let mut turns: Vec<TaskResult> = Vec::with_capacity(items.len());
        let mut fields = None;
        let mut no_log = false;
        let mut carried: IndexMap<Arc<str>, Value> = IndexMap::new();
        for index in 0..items.len() {
            if index > 0 && control.pause > 0.0 {
                tokio::time::sleep(Duration::from_secs_f64(control.pause)).await;
            }
            let mut names = carried.clone();
            control.bind(&mut names, &items, index);
            let turn_scope: Arc<dyn Scope> = Arc::new(Locals::new(names, Arc::clone(scope)));
            let turn_templar =
                Templar::new(Arc::clone(&self.play.run.templates), Arc::clone(&turn_scope));
            let done = self.execute(&turn_templar, &turn_scope, None).await?;
            if done.raised {
                return Ok(done);
            }
            let mut result = done.result;
            self.carry(&result, done.fields.as_ref(), &mut carried);
            if done.fields.is_some() {
                fields = done.fields;
            }
            no_log |= fields.as_ref().is_some_and(|f| f.no_log) || result.control.no_log;
            control.label(&mut result, &items[index], index, &turn_scope, &turn_templar);
            result.control.ignore_errors = fields.as_ref().map_or_else(
                || AfterFields::as_written(&self.task, &self.play.run.defaults).ignore_errors,
                |f| f.ignore_errors,
            );
            self.report_turn(&result, fields.as_ref());
            turns.push(result);
        }
        let (mut result, ignore) = looping::combine(turns);
        result.control.no_log = no_log;
        if let (Some(f), Some(ignore)) = (&mut fields, ignore) {
            f.ignore_errors = ignore;
        }
        Ok(Execution { result, fields, raised: false })
    }

    /// What one turn of a loop leaves for the next: the registered result, and facts that it set.
    fn carry(
        &self,
        result: &TaskResult,
        fields: Option<&Fields>,
        carried: &mut IndexMap<Arc<str>, Value>,
    ) {
        if result.data.get("skipped").is_some_and(|v| v.is_true()) && fields.is_none() {
            return;
        }
        if let Some(name) = fields.and_then(|f| f.register.as_deref()) {
            carried.insert(name.into(), Value::Dict(result.data.copy()));
        }
        for (name, value) in self.facts_as_names(result) {
            carried.insert(name, value);
        }
    }

    /// The variables that a result's facts become at once.
    fn facts_as_names(&self, result: &TaskResult) -> IndexMap<Arc<str>, Value> {
        let mut names = IndexMap::new();
        if self.task.action.name == "ansible.builtin.debug" {
            return names;
        }
        let Some(Value::Dict(facts)) = result.data.get("ansible_facts") else { return names };
        if result.control.set_fact || result.control.include_vars {
            for (k, v) in facts.snapshot() {
                if let Some(k) = k.as_str() {
                    names.insert(Arc::from(k), v);
                }
            }
        } else {
            let world = &self.play.run.world;
            names.extend(super::scope::locals(&world.vars_with_facts(&self.host, &facts)));
        }
        names
    }

    fn report_turn(&self, result: &TaskResult, fields: Option<&Fields>) {
        let report = self.report(result);
        if result.is_failed() || result.is_unreachable() {
            self.send(Event::ItemFailed(report));
        } else if result.is_skipped() {
            self.send(Event::ItemSkipped(report));
        } else {
            if fields.is_some_and(|f| f.diff) {
                self.send(Event::Diff(report.clone()));
            }
            let inventory = result.control.add_host.is_some() || result.control.add_group.is_some();
            if !inventory {
                self.send(Event::ItemOk(report));
            }
        }
    }

    pub(super) fn report(&self, result: &TaskResult) -> Report {
        report_of(&self.host, &self.info, result, self.began.elapsed().as_secs_f64())
    }

    async fn execute(
        &self,
        templar: &Templar,
        scope: &Arc<dyn Scope>,
        loop_error: Option<Error>,
    ) -> Result<Execution> {
        let vars = ConnectionVars::before(&self.play, &self.host, &self.task, scope);
        let vars = Arc::new(vars);
        let before: Arc<dyn Scope> = Arc::<ConnectionVars>::clone(&vars);
        let templar = &Templar::new(Arc::clone(templar.environment()), before);
        if let Some(skipped) = self.evaluate_when(templar, loop_error.as_ref())? {
            return Ok(Execution { result: skipped, fields: None, raised: false });
        }
        if let Some(e) = loop_error {
            return Err(e);
        }
        vars.check()?;
        if let Some(result) = self.include_wish(templar)? {
            return Ok(Execution { result, fields: None, raised: false });
        }
        let resolver = Resolver {
            task: &self.task,
            templar,
            defaults: &self.play.run.defaults,
            omit: self.play.run.world.omit(),
            events: &self.play.run.events,
        };
        let ready = resolver.fields().and_then(|f| {
            resolver.check_name()?;
            Ok((f, self.arguments(templar)?))
        });
        let (fields, args) = match ready {
            Ok(ready) => ready,
            Err(e) => {
                let Some(exception) = python_exception(&e) else { return Err(e) };
                let mut result = self.error_result(&e);
                result.data = Dict::new();
                result.data.insert("changed", false);
                result.data.insert("failed", true);
                result.data.insert("exception", Value::unsafe_str(exception));
                return Ok(Execution { result, fields: None, raised: false });
            }
        };
        let (result, raised) = match self.attempt_all(&fields, args, templar, scope).await {
            Ok(result) => (result, false),
            Err(e) => {
                let mut result = self.error_result(&e);
                result.control.no_log = fields.no_log;
                (result, true)
            }
        };
        Ok(Execution { result, fields: Some(fields), raised })
    }

    /// The result of a skipped task, or `None` if every condition holds.
    fn evaluate_when(
        &self,
        templar: &Templar,
        loop_error: Option<&Error>,
    ) -> Result<Option<TaskResult>> {
        for condition in conditions(&self.task.level, Keyword::When) {
            match templar.condition(&condition.value) {
                Ok(true) => {}
                Ok(false) => {
                    let mut result = TaskResult::of([
                        ("changed", false.into()),
                        ("skipped", true.into()),
                        ("skip_reason", "Conditional result was False".into()),
                    ]);
                    result.control.no_log =
                        AfterFields::as_written(&self.task, &self.play.run.defaults).no_log;
                    return Ok(Some(result));
                }
                // The loop's own error says more than a condition that tripped over it.
                Err(e) => {
                    return Err(loop_error
                        .cloned()
                        .unwrap_or_else(|| e.at(self.task.level.span.clone())));
                }
            }
        }
        Ok(None)
    }

    fn include_wish(&self, templar: &Templar) -> Result<Option<TaskResult>> {
        let (file, mut result) = match self.task.action.name.as_str() {
            "ansible.builtin.include_tasks" | "ansible.builtin.include" => {
                let args = self.task.action.args.copy();
                let Some(file) = args.remove("_raw_params").or_else(|| args.remove("file")) else {
                    return Ok(Some(TaskResult::failed(
                        "No include file was specified to the include",
                    )));
                };
                // What is wrong with the file's name is told without a place, as ansible does.
                let file = templar.render(&file, &RenderOptions::default())?.to_text();
                let result = TaskResult::of([
                    ("include", Value::str(file.as_str())),
                    ("include_args", Value::Dict(args)),
                ]);
                (Some(file), result)
            }
            "ansible.builtin.include_role" => (
                None,
                TaskResult::of([("include_args", Value::Dict(self.task.action.args.copy()))]),
            ),
            _ => return Ok(None),
        };
        let args = match result.data.get("include_args") {
            Some(Value::Dict(d)) => d.copy(),
            _ => Dict::new(),
        };
        result.control.include =
            Some(IncludeWish { file, args, locals: Dict::new(), item_label: None });
        Ok(Some(result))
    }

    async fn attempt_all(
        &self,
        fields: &Fields,
        args: Dict,
        templar: &Templar,
        scope: &Arc<dyn Scope>,
    ) -> Result<TaskResult> {
        let (remote, delegated) = Remote::connect(self, fields, templar, scope)?;
        let vars = ConnectionVars::before(&self.play, &self.host, &self.task, scope);
        let scope: &Arc<dyn Scope> = &(Arc::new(vars.connected(remote.transport())) as _);
        let templar = &Templar::new(Arc::clone(templar.environment()), Arc::clone(scope));
        let omit = Arc::clone(self.play.run.world.omit());
        let args = action::with_defaults(&self.task, args, templar, &omit)?;
        // Shared: every attempt has a copy of its own.
        *self.rendered.lock() = Some(args.clone());
        let retries = if fields.until.is_empty() {
            1
        } else {
            match fields.retries {
                None => 3,
                Some(n) if n <= 0 => 1,
                Some(n) => n + 1,
            }
        };
        let delay = if fields.delay < 0.0 { 1.0 } else { fields.delay };
        let mut result = TaskResult::default();
        for attempt in 1..=retries {
            let mut cx = ActionContext {
                worker: self,
                fields,
                args: args.copy(),
                templar: templar.clone(),
                scope: Arc::clone(scope),
                remote: remote.clone(),
            };
            result = match self.attempt(&mut cx).await {
                Ok(result) => result,
                Err(early) => return self.ended_early(early, fields),
            };
            if fields.r#async > 0 && fields.poll > 0 && !result.is_skipped() && !result.is_failed()
            {
                result = match self.await_job(&mut cx, &result).await {
                    Ok(result) => result,
                    Err(early) => return self.ended_early(early, fields),
                };
            }
            result.control.no_log |= fields.no_log;
            let judged = self.judge(&mut result, fields, scope, attempt)?;
            if retries > 1 {
                let done = fields
                    .until
                    .iter()
                    .try_fold(true, |all, c| Ok::<_, Error>(all && judged.condition(c)?));
                if done? {
                    break;
                }
                if attempt < retries {
                    result.data.insert("retries", retries);
                    self.send(Event::Retry(self.report(&result)));
                    tokio::time::sleep(Duration::from_secs_f64(delay)).await;
                } else {
                    result.data.insert("attempts", retries - 1);
                    result.data.insert("failed", true);
                }
            }
        }
        result.control.notify.clone_from(&fields.notify);
        result.control.delegated = delegated;
        result.control.stayed = fields.delegate_to.is_none();
        Ok(result)
    }

    /// The arguments, rendered.
    fn arguments(&self, templar: &Templar) -> Result<Dict> {
        let written = &self.task.action.args;
        let rendered = templar
            .render(&Value::Dict(written.clone()), &RenderOptions::default())
            .map_err(|e| {
                let place = self.task.level.span.clone();
                // Shown where the task has no place.
                let cause = Error::new(e.kind(), e.message().to_owned());
                if e.kind() == Kind::Undefined {
                    let text = format!(
                        "The task includes an option with an undefined variable. The error \
                         was: {}",
                        e.message()
                    );
                    Error::new(Kind::Parser, text).at(place).caused_by(cause)
                } else if is_python_value_error(&e) {
                    let text = format!(
                        "the field 'args' has an invalid value ({}), and could not be converted \
                         to an dict.The error was: {}",
                        Value::Dict(written.clone()).to_text(),
                        e.message()
                    );
                    Error::new(Kind::Parser, text).at(place).caused_by(cause)
                } else {
                    e
                }
            })?;
        let Value::Dict(args) = rendered else { return Ok(Dict::new()) };
        match args.remove("_variable_params") {
            None => Ok(args),
            Some(Value::Dict(params)) => {
                self.send(Event::Warning(
                    "Using a variable for a task's 'args' is unsafe in some situations (see \
                     https://docs.ansible.com/ansible/devel/reference_appendices/faq.html#\
                     argsplat-unsafe)"
                        .to_owned(),
                ));
                let all = params.copy();
                for (k, v) in args.snapshot() {
                    all.write().insert(k, v);
                }
                Ok(all)
            }
            Some(other) => Err(Error::new(
                Kind::Action,
                format!("invalid or malformed argument: '{}'", other.to_text()),
            )),
        }
    }

    async fn attempt(&self, cx: &mut ActionContext<'_>) -> Result<TaskResult, ActionError> {
        let timeout = cx.fields.timeout;
        let running = action::run(cx);
        if timeout <= 0 {
            return running.await;
        }
        let limit = Duration::from_secs(timeout.unsigned_abs());
        tokio::time::timeout(limit, running).await.unwrap_or_else(|_| {
            Err(ActionError::Done(Box::new(TaskResult::failed(format!(
                "The {} action failed to execute in the expected time frame ({timeout}) and was \
                 terminated",
                self.task.action.written
            )))))
        })
    }

    /// Results that neither `changed_when` nor `failed_when` sees.
    fn ended_early(&self, early: ActionError, fields: &Fields) -> Result<TaskResult> {
        let mut result = match early {
            ActionError::Done(result) => *result,
            ActionError::Unreachable(message) => {
                TaskResult::of([("unreachable", true.into()), ("msg", Value::unsafe_str(message))])
            }
            ActionError::Error(e) => return Err(e),
        };
        result.control.no_log |= fields.no_log;
        let elsewhere = fields.delegate_to.as_deref().filter(|d| **d != *self.host);
        result.control.delegated = elsewhere.map(|host| Self::delegated(host, None));
        result.control.stayed = fields.delegate_to.is_none();
        Ok(result)
    }

    /// Completes a result: marks it as data from outside, applies `changed_when` and
    /// `failed_when`. Gives the templar that sees the result, for `until`.
    fn judge(
        &self,
        result: &mut TaskResult,
        fields: &Fields,
        scope: &Arc<dyn Scope>,
        attempt: i64,
    ) -> Result<Templar> {
        let names = self.facts_as_names(result);
        if !result.data.contains("failed") {
            let rc = result.data.get("rc");
            let bad_rc = rc.is_some_and(|rc| match rc {
                Value::Int(n) => n != 0,
                Value::Str(s) => s.as_str() != "0",
                _ => true,
            });
            result.data.insert("failed", bad_rc);
        }
        if !fields.until.is_empty() {
            result.data.insert("attempts", attempt);
        }
        if !result.data.contains("changed") {
            result.data.insert("changed", false);
        }
        if !(result.control.set_fact || result.control.include_vars)
            && let Value::Dict(data) = Value::Dict(result.data.clone()).into_unsafe()
        {
            result.data = data;
        }
        if let Some(name) = &fields.register {
            check_identifier(name)?;
        }
        let verdict = Verdict::new(fields, Arc::clone(scope), Arc::clone(&self.play.run.templates));
        let templar = verdict.templar(names, &result.data);
        if !result.data.contains("skipped") {
            verdict.apply(result, &templar);
        }
        let of_inventory = result.control.add_host.is_some() || result.control.add_group.is_some();
        if of_inventory && !verdict.is_silent() {
            result.control.verdict = Some(verdict);
        }
        Ok(templar)
    }

    /// Where a delegated task runs, as results show it.
    pub fn delegated(host: &str, address: Option<String>) -> Delegated {
        Delegated { host: host.to_owned(), address }
    }
}

/// Refuses names that no variable can have.
pub fn check_identifier(name: &str) -> Result<()> {
    if is_variable_name(name) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Action,
        format!("Invalid variable name in 'register' specified: '{name}'"),
    ))
}

/// What callbacks see of a result.
pub fn report_of(
    host: &Arc<str>,
    info: &Arc<TaskInfo>,
    result: &TaskResult,
    seconds: f64,
) -> Report {
    let control: &Control = &result.control;
    let data = if control.no_log { censored(&result.data) } else { result.data.copy() };
    let task = if control.stayed && info.delegate_to.is_some() {
        Arc::new(TaskInfo { delegate_to: None, ..TaskInfo::clone(info) })
    } else {
        Arc::clone(info)
    };
    Report {
        host: Arc::clone(host),
        task,
        delegated: control.delegated.clone(),
        result: data,
        item_label: control.item_label.clone(),
        no_log: control.no_log,
        // Censoring takes these wishes of the action away too.
        verbose_always: control.verbose_always && !control.no_log,
        verbose_never: control.verbose_never && !control.no_log,
        seconds,
    }
}

/// A result that `no_log` hides: the counts of its attempts and whether it changed remain.
fn censored(data: &Dict) -> Dict {
    let hidden = Dict::new();
    hidden.insert(
        "censored",
        "the output has been hidden due to the fact that 'no_log: true' was specified for this \
         result",
    );
    for key in ["attempts", "changed", "retries"] {
        if let Some(value) = data.get(key) {
            hidden.write().insert(Key::from(key), value);
        }
    }
    hidden
}
