//! Which handlers answer to a name.

use super::PlayContext;
use crate::{
    event::Event,
    playbook::{Keyword, Task},
    template::RenderOptions,
    value::Value,
};

impl PlayContext {
    /// The names under which a handler can be notified: its own, and with its role before it.
    ///
    /// Rendered once, with the play's variables: host variables are not to be had.
    pub fn handler_names(&self, handler: &Task) -> Vec<String> {
        if let Some(names) = self.handler_names.lock().get(&handler.id) {
            return names.clone();
        }
        let names = self.render_handler_names(handler);
        self.handler_names.lock().insert(handler.id, names.clone());
        names
    }

    fn render_handler_names(&self, handler: &Task) -> Vec<String> {
        let Some(written) = handler.level.name.as_deref().filter(|n| !n.is_empty()) else {
            return Vec::new();
        };
        let rendered = self
            .templar(None, Some(handler))
            .and_then(|t| t.render(&Value::str(written), &RenderOptions::default()));
        let name = match rendered {
            Ok(name) => name.to_text(),
            Err(e) => {
                if handler.level.own(Keyword::Listen).is_none() {
                    self.run.events.send(Event::Warning(format!(
                        "Handler '{written}' is unusable because it has no listen topics and the \
                         name could not be templated (host-specific variables are not supported \
                         in handler names). The error: {e}"
                    )));
                }
                return Vec::new();
            }
        };
        let mut names = vec![name.clone()];
        if let Some(role) = &handler.level.role {
            names.push(format!("{} : {name}", role.name));
            names.push(format!("{} : {name}", role.full_name()));
        }
        names
    }

    /// Whether a handler listens to a topic.
    pub fn listens(&self, handler: &Task, topic: &str) -> bool {
        let Some(listen) = handler.level.own(Keyword::Listen) else { return false };
        let is_topic = |v: &Value| v.as_str() == Some(topic);
        match &listen.value {
            Value::List(items) => items.read().iter().any(is_topic),
            other => is_topic(other),
        }
    }
}
