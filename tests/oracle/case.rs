//! A case is one text file of sections; CONTRIBUTING.md describes them.

use std::path::{Path, PathBuf};

use regex::Regex;

use crate::terminal::Step;

#[derive(Clone)]
pub struct Case {
    /// `topic/name`, or `topic/name@way`.
    pub name: String,
    pub why: String,
    /// Of the case's text; an answer is stale when it names another.
    pub hash: String,
    pub commands: Vec<Command>,
    pub inputs: Vec<Input>,
    pub env: Vec<(String, String)>,
    pub compare: Compare,
    pub normalise: Vec<(Regex, String)>,
    /// Pieces that standard error must contain, white space apart.
    pub stderr_contains: Vec<String>,
    /// Whether the loopback web server is wanted.
    pub serve: bool,
    /// Whether the real ansible needs more than ansible-core: the collections of the package
    /// `ansible` 7.7.0.
    pub collections: bool,
    /// Of a case that is asked in another way (`ways.rs`): the case's own name, and the way.
    pub way: Option<(String, String)>,
}

/// One line for `sh -c`.
#[derive(Clone)]
pub struct Command {
    pub line: String,
    pub stdin: String,
    /// Run on a terminal, with this dialogue.
    pub terminal: Option<Vec<Step>>,
}

#[derive(Clone)]
pub struct Input {
    pub path: String,
    pub kind: InputKind,
}

#[derive(Clone)]
pub enum InputKind {
    File { mode: u32, content: Vec<u8> },
    Dir { mode: u32 },
    Link { target: String },
}

/// What is compared besides exit codes; standard output and files always are unless taken out.
#[derive(Clone, Copy)]
pub struct Compare {
    pub stdout: bool,
    pub files: bool,
    pub stderr: bool,
    /// Hosts' result lines may come in any order within a task.
    pub unordered: bool,
}

struct Section<'a> {
    word: &'a str,
    rest: &'a str,
    line: usize,
    lines: Vec<&'a str>,
}

pub fn load_all(root: &Path) -> Result<Vec<Case>, String> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "case"))
        .map(|f| load(root, f))
        .collect()
}

/// Every file under the cases' folder.
pub fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn load(root: &Path, file: &Path) -> Result<Case, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let name = file.strip_prefix(root).unwrap_or(file).with_extension("");
    parse(&name.to_string_lossy(), &text).map_err(|e| format!("{}: {e}", file.display()))
}

pub fn parse(name: &str, text: &str) -> Result<Case, String> {
    let mut case = Case {
        name: name.to_string(),
        why: why(text)?,
        hash: format!("{:016x}", fnv(text.as_bytes())),
        commands: Vec::new(),
        inputs: Vec::new(),
        env: Vec::new(),
        compare: Compare { stdout: true, files: true, stderr: false, unordered: false },
        normalise: Vec::new(),
        stderr_contains: Vec::new(),
        serve: false,
        collections: false,
        way: None,
    };
    let (mut group, mut dumps) = (0, 0);
    for section in sections(text)? {
        let at = |message: String| format!("line {}: {message}", section.line);
        match section.word {
            "command" => {
                group = case.commands.len();
                case.commands.extend(commands(&section));
            }
            "stdin" => {
                let text = body(&section, &mut dumps).map_err(at)?;
                for command in &mut case.commands[group..] {
                    command.stdin.clone_from(&text);
                }
            }
            "terminal" => {
                let steps = crate::terminal::steps(&section.lines).map_err(at)?;
                for command in &mut case.commands[group..] {
                    command.terminal = Some(steps.clone());
                }
            }
            "file" | "dir" | "link" => case.inputs.push(input(&section, &mut dumps).map_err(at)?),
            "env" => case.env.extend(environment(&section).map_err(at)?),
            "compare" => set_compare(&mut case.compare, section.rest).map_err(at)?,
            "normalise" => case.normalise.extend(filters(&section).map_err(at)?),
            "stderr-contains" => case.stderr_contains.extend(written(&section).map(str::to_string)),
            "serve" => case.serve = true,
            "collections" => case.collections = true,
            other => return Err(at(format!("no section is called `{other}`"))),
        }
    }
    if case.commands.is_empty() {
        return Err("no `--- command`".to_string());
    }
    Ok(case)
}

fn why(text: &str) -> Result<String, String> {
    let first: Vec<&str> = text
        .lines()
        .take_while(|l| l.starts_with('#'))
        .map(|l| l.trim_start_matches(['#', ' ']))
        .collect();
    if first.is_empty() {
        Err("the first line says why: `# …`".to_string())
    } else {
        Ok(first.join(" "))
    }
}

fn sections(text: &str) -> Result<Vec<Section<'_>>, String> {
    let mut found: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(head) = line.strip_prefix("--- ") {
            let (word, rest) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
            found.push(Section { word, rest: rest.trim(), line: index + 1, lines: Vec::new() });
        } else if let Some(section) = found.last_mut() {
            section.lines.push(line);
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            return Err(format!("line {}: text before the first section", index + 1));
        }
    }
    Ok(found)
}

/// The lines that are neither empty nor a comment.
fn written<'a>(section: &'a Section) -> impl Iterator<Item = &'a str> {
    section.lines.iter().map(|l| l.trim()).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

fn commands(section: &Section) -> Vec<Command> {
    written(section)
        .map(|line| Command { line: line.to_string(), stdin: String::new(), terminal: None })
        .collect()
}

/// A section's text: `\--- ` at a line's start stands for `--- `, empty lines before the next
/// section are not part of it, `# dump: a b` becomes a task that writes these variables.
fn body(section: &Section, dumps: &mut usize) -> Result<String, String> {
    let mut lines = section.lines.clone();
    while lines.last().is_some_and(|l| l.is_empty()) {
        lines.pop();
    }
    let mut text = String::new();
    for line in lines {
        let bare = line.trim_start();
        if let Some(names) = bare.strip_prefix("# dump: ") {
            *dumps += 1;
            let file = format!("dump{dumps}");
            text.push_str(&dump_task(&line[..line.len() - bare.len()], names, &file)?);
        } else {
            text.push_str(
                line.strip_prefix('\\').filter(|l| l.starts_with("--- ")).unwrap_or(line),
            );
            text.push('\n');
        }
    }
    Ok(text)
}

/// One JSON file a host with the named variables, written on the controller.
fn dump_task(indent: &str, names: &str, file: &str) -> Result<String, String> {
    let mut pairs = Vec::new();
    for name in names.split_whitespace() {
        if !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Err(format!("`# dump:` takes names, not `{name}`"));
        }
        pairs.push(format!("'{name}': {name} | default('<undefined>')"));
    }
    let content = format!("{{{{ {{{}}} | to_nice_json }}}}", pairs.join(", "));
    Ok(format!(
        "{indent}- name: dump\n{indent}  copy:\n{indent}    content: \"{content}\"\n\
         {indent}    dest: \"{{{{ playbook_dir }}}}/{file}.{{{{ inventory_hostname }}}}.json\"\n\
         {indent}  delegate_to: localhost\n{indent}  check_mode: false\n{indent}  diff: false\n\
         {indent}  tags: [always]\n"
    ))
}

fn input(section: &Section, dumps: &mut usize) -> Result<Input, String> {
    let mut words = section.rest.split_whitespace();
    let path = words.next().ok_or("a path is wanted")?.to_string();
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!("`{path}` leads out of the case's folder"));
    }
    let mut mode = if section.word == "dir" { 0o755 } else { 0o644 };
    let (mut newline, mut hex, mut target) = (true, false, None);
    for word in words {
        match word.split_once('=') {
            Some(("mode", value)) => {
                mode = u32::from_str_radix(value, 8).map_err(|_| format!("mode `{value}`"))?;
            }
            Some(("to", value)) => target = Some(value.to_string()),
            None if word == "no-newline" => newline = false,
            None if word == "hex" => hex = true,
            _ => return Err(format!("`{word}`: mode=, to=, hex or no-newline")),
        }
    }
    let kind = match section.word {
        "dir" => InputKind::Dir { mode },
        "link" => InputKind::Link { target: target.ok_or("a link wants to=target")? },
        _ if hex => InputKind::File { mode, content: unhex(&section.lines.concat())? },
        _ => {
            let mut content = body(section, dumps)?;
            if !newline && content.ends_with('\n') {
                content.pop();
            }
            InputKind::File { mode, content: content.into_bytes() }
        }
    };
    Ok(Input { path, kind })
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or(format!("`{c}`")))
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err("an odd number of hex digits".to_string());
    }
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).map_err(|e| e.to_string()))
        .collect()
}

fn environment(section: &Section) -> Result<Vec<(String, String)>, String> {
    written(section)
        .map(|line| match line.split_once('=') {
            Some((name, value)) => Ok((name.to_string(), value.to_string())),
            None => Err(format!("`{line}`: NAME=value")),
        })
        .collect()
}

fn set_compare(compare: &mut Compare, words: &str) -> Result<(), String> {
    for word in words.split_whitespace() {
        match word {
            "stderr" => compare.stderr = true,
            "unordered" => compare.unordered = true,
            "no-stdout" => compare.stdout = false,
            "no-files" => compare.files = false,
            _ => return Err(format!("`{word}`: stderr, unordered, no-stdout, no-files")),
        }
    }
    Ok(())
}

fn filters(section: &Section) -> Result<Vec<(Regex, String)>, String> {
    written(section)
        .map(|line| {
            let (pattern, text) =
                line.split_once(" =>").ok_or(format!("`{line}`: regex => text"))?;
            Ok((Regex::new(pattern).map_err(|e| e.to_string())?, text.trim_start().to_string()))
        })
        .collect()
}

/// FNV-1a: stable over builds and machines.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
