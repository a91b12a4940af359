//! What can be typed into the debugger.

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    Nothing,
    Print(&'a str),
    UpdateTask,
    Redo,
    Continue,
    Quit,
    Help(&'a str),
    /// Anything else is Python for ansible.
    Statement(&'a str),
}

/// Takes a line apart as Python's `cmd` does: the first word is the command.
pub fn parse(line: &str) -> Command<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Command::Nothing;
    }
    if let Some(topic) = line.strip_prefix('?') {
        return Command::Help(topic.trim());
    }
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    match word {
        "p" | "pprint" => Command::Print(rest.trim()),
        "u" | "update_task" => Command::UpdateTask,
        "r" | "redo" => Command::Redo,
        "c" | "continue" => Command::Continue,
        "q" | "quit" | "EOF" => Command::Quit,
        "h" | "help" => Command::Help(rest.trim()),
        _ => Command::Statement(line),
    }
}

/// What `help` says.
pub fn help(topic: &str) -> String {
    match topic {
        "" => "\nDocumented commands (type help <topic>):\n\
               ========================================\n\
               EOF  c  continue  h  help  p  pprint  q  quit  r  redo  u  update_task\n\n"
            .to_owned(),
        "p" | "pprint" => "Pretty Print".to_owned(),
        "q" | "quit" | "EOF" => "Quit".to_owned(),
        "c" | "continue" => "Continue to next result".to_owned(),
        "r" | "redo" => "Schedule task for re-execution. The re-execution may not be the next \
                         result"
            .to_owned(),
        "u" | "update_task" => {
            "Recreate the task from ``task._ds``, and template with updated ``task_vars``"
                .to_owned()
        }
        "h" | "help" => {
            "List available commands with \"help\" or detailed help with \"help cmd\".".to_owned()
        }
        other => format!("*** No help on {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_command() {
        assert_eq!(parse(" p task.args "), Command::Print("task.args"));
        assert_eq!(parse("p"), Command::Print(""));
        assert_eq!(parse("pprint(1)"), Command::Print("(1)"));
        assert_eq!(parse("? c"), Command::Help("c"));
        assert_eq!(parse("redo"), Command::Redo);
        assert_eq!(parse("task.args['a'] = 1"), Command::Statement("task.args['a'] = 1"));
        assert_eq!(parse("  "), Command::Nothing);
    }
}
