//! A play's own fields, rendered and checked.

use super::{Keyword, Play, keywords, python};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::{Dict, Value},
};

/// What stands in for keywords that a play does not have.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// `--force-handlers` or the configuration's.
    pub force_handlers: bool,
    /// `--check`.
    pub check: bool,
    /// The strategy.
    pub strategy: String,
    /// `gather_subset` of the configuration.
    pub gather_subset: Vec<String>,
    /// `gather_timeout` of the configuration.
    pub gather_timeout: Option<i64>,
    /// `fact_path` of the configuration.
    pub fact_path: Option<String>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            force_handlers: false,
            check: false,
            strategy: "linear".to_owned(),
            gather_subset: Vec::new(),
            gather_timeout: None,
            fact_path: None,
        }
    }
}

/// The final values of a play's own keywords.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// `name`; the hosts if it has none: joined by commas, or as the template gives them.
    pub name: String,
    /// `name` as given, rendered; empty if it has none.
    pub own_name: String,
    /// `name` as listings show it, where a template that gives nothing is `None`.
    pub listed_name: String,
    /// `hosts`; the one pattern `None` if a template gives nothing.
    pub hosts: Vec<String>,
    /// Whether the template of `hosts` gives nothing.
    pub hosts_null: bool,
    /// `order`.
    pub order: Option<String>,
    /// `serial`; empty for all hosts at once.
    pub serial: Vec<Value>,
    /// `strategy`.
    pub strategy: String,
    /// `check_mode`, as far as it can be told for the whole play.
    pub check_mode: bool,
    /// `vars_files` as written.
    pub vars_files: Vec<Value>,
    /// `force_handlers`.
    pub force_handlers: bool,
    /// `max_fail_percentage`.
    pub max_fail_percentage: Option<f64>,
    /// `gather_facts`, if the play says.
    pub gather_facts: Option<bool>,
    /// `gather_subset`, `gather_timeout` and `fact_path` as arguments of the setup module.
    pub gather_args: Dict,
}

/// Renders a value with the play's variables.
pub type Render<'a> = &'a dyn Fn(&Value) -> Result<Value>;

impl Fields {
    /// Renders and checks the fields of `play`.
    ///
    /// # Errors
    /// Undefined variables and values of the wrong type, in ansible's words.
    pub fn resolve(play: &Play, render: Render<'_>, defaults: &Defaults) -> Result<Self> {
        let reader = Reader { play, render };
        let given = reader.required(Keyword::Hosts)?;
        let hosts_null = given.is_none();
        let hosts = if hosts_null { vec!["None".to_owned()] } else { texts(&given) };
        // A template that gives a list is shown as Python shows lists.
        let unnamed = match play.level.own(Keyword::Hosts).map(|s| &s.value) {
            Some(Value::Str(written)) => reader.name(written.as_str())?,
            _ => Some(hosts.join(",")),
        };
        let own = match &play.level.name {
            Some(name) => Some(reader.name(name)?),
            None => None,
        };
        let own_name = own.clone().flatten().unwrap_or_default();
        // What a template makes nothing of has no name: listings say so, all else names the hosts.
        let shown = own.filter(|own| own.as_deref() != Some("")).unwrap_or(unnamed);
        let listed_name = shown.clone().unwrap_or_else(|| "None".to_owned());
        let of_hosts = || if hosts_null { String::new() } else { hosts.join(",") };
        let name = shown.unwrap_or_else(of_hosts);
        let written = |keyword| play.level.own(keyword).map(|s| s.value.clone());
        let check_mode = written(Keyword::CheckMode)
            .and_then(|v| keywords::boolean(&v).ok())
            .unwrap_or(defaults.check);
        Ok(Self {
            name,
            own_name,
            listed_name,
            hosts,
            hosts_null,
            order: reader.text(Keyword::Order)?,
            serial: reader.list(Keyword::Serial)?,
            strategy: reader.text(Keyword::Strategy)?.unwrap_or_else(|| defaults.strategy.clone()),
            check_mode,
            vars_files: match written(Keyword::VarsFiles) {
                None | Some(Value::None) => Vec::new(),
                Some(Value::List(list)) => list.snapshot(),
                Some(one) => vec![one],
            },
            force_handlers: reader.flag(Keyword::ForceHandlers)?.unwrap_or(defaults.force_handlers),
            max_fail_percentage: match reader.value(Keyword::MaxFailPercentage)? {
                Some(Value::Float(percent)) => Some(percent),
                _ => None,
            },
            gather_facts: reader.flag(Keyword::GatherFacts)?,
            gather_args: reader.gather_args(defaults)?,
        })
    }
}

struct Reader<'a> {
    play: &'a Play,
    render: Render<'a>,
}

impl Reader<'_> {
    /// The keyword's final value, if the play has it.
    fn value(&self, keyword: Keyword) -> Result<Option<Value>> {
        let Some(written) = self.play.level.own(keyword) else { return Ok(None) };
        if written.value.is_none() {
            return Ok(None);
        }
        let place = || self.play.level.span.clone();
        let rendered = (self.render)(&written.value).map_err(|e| match e.kind() {
            Kind::Undefined => Error::parser(
                format!(
                    "The field '{}' has an invalid value, which includes an undefined variable. \
                     The error was: {}",
                    keyword.name(),
                    e.message()
                ),
                place(),
            ),
            _ => e,
        })?;
        if rendered.is_none() {
            return Ok(None);
        }
        let value = keywords::coerce(keyword, &rendered).map_err(|e| e.at(place()))?;
        Ok((!value.is_none()).then_some(value))
    }

    /// The final value of a keyword that has to be there; null where a template makes nothing of it.
    fn required(&self, keyword: Keyword) -> Result<Value> {
        let value = self.value(keyword)?;
        let written = self.play.level.own(keyword).filter(|written| !written.value.is_none());
        value.or(written.map(|_| Value::None)).ok_or_else(|| {
            Error::new(
                Kind::Parser,
                format!("the field '{}' is required but was not set", keyword.name()),
            )
        })
    }

    /// A name that cannot be rendered stays as it is written.
    fn name(&self, written: &str) -> Result<Option<String>> {
        match (self.render)(&Value::str(written)) {
            Ok(Value::None) => Ok(None),
            Ok(name) => Ok(Some(python::text(&name))),
            Err(e) if e.kind() == Kind::Undefined => Ok(Some(written.to_owned())),
            Err(e) => Err(e),
        }
    }

    fn text(&self, keyword: Keyword) -> Result<Option<String>> {
        Ok(self.value(keyword)?.map(|v| python::text(&v)))
    }

    fn flag(&self, keyword: Keyword) -> Result<Option<bool>> {
        Ok(match self.value(keyword)? {
            Some(Value::Bool(flag)) => Some(flag),
            _ => None,
        })
    }

    fn list(&self, keyword: Keyword) -> Result<Vec<Value>> {
        let value = self.value(keyword)?;
        Ok(value.as_ref().and_then(Value::as_list).map(|l| l.snapshot()).unwrap_or_default())
    }

    fn gather_args(&self, defaults: &Defaults) -> Result<Dict> {
        let args = Dict::new();
        let subset = match self.value(Keyword::GatherSubset)? {
            Some(subset) => subset,
            None => defaults.gather_subset.iter().map(|s| Value::str(s.as_str())).collect(),
        };
        if subset.as_list().is_some_and(|l| !l.is_empty()) {
            args.insert("gather_subset", subset);
        }
        let timeout =
            self.value(Keyword::GatherTimeout)?.or(defaults.gather_timeout.map(Value::Int));
        if let Some(timeout) = timeout {
            args.insert("gather_timeout", timeout);
        }
        // ansible-core 2.14 renders it only with the setup task itself.
        let written = self.play.level.own(Keyword::FactPath).map(|s| s.value.clone());
        if let Some(path) = written.or(defaults.fact_path.as_deref().map(Value::str)) {
            args.insert("fact_path", path);
        }
        Ok(args)
    }
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_list().map(|l| l.snapshot()).unwrap_or_default();
    list.iter().map(python::text).collect()
}
