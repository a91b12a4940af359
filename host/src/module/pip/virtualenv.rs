//! Making a virtual environment.

use super::Work;
use crate::module::{Args, Context, Failure};
use crate::python;

/// Make the environment; what that wrote is kept in `work`.
pub fn make(
    cx: &mut Context<'_>,
    args: &Args,
    work: &mut Work,
    environment: &str,
) -> Result<(), Failure> {
    let command = args.req("virtualenv_command");
    let mut cmd = python::shell_split(command).map_err(|e| Failure::crash("ValueError", e))?;
    let Some(program) = cmd.first_mut() else {
        return Err(Failure::crash("IndexError", "list index out of range"));
    };
    if !program.contains('/') {
        *program = cx.program(program)?.to_string_lossy().into_owned();
    }
    let program = program.clone();
    if args.bool("virtualenv_site_packages") {
        cmd.push("--system-site-packages".into());
    } else if options(cx, work, &program)?.iter().any(|word| word == "--no-site-packages") {
        cmd.push("--no-site-packages".into());
    }
    let wanted = args.str("virtualenv_python").filter(|python| !python.is_empty());
    let is_venv = ["pyvenv", "-m venv"].iter().any(|word| command.contains(word));
    match wanted {
        Some(_) if is_venv => {
            return Err(Failure::new(
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
            ));
        }
        Some(wanted) => cmd.push(format!("-p{wanted}")),
        None if work.python.is_3 && !is_venv => cmd.push(format!("-p{}", work.python.executable)),
        None => {}
    }
    cmd.push(environment.to_owned());
    let make = work.run_of(cx, &cmd);
    let ran = cx.run(&make)?;
    work.add(&ran);
    if ran.ok() { Ok(()) } else { Err(work.failure(&cmd)) }
}

/// The options that a program's help names.
fn options(cx: &mut Context<'_>, work: &Work, program: &str) -> Result<Vec<String>, Failure> {
    let line = format!("{program} --help");
    let mut help = cx.words(&line)?;
    help.umask = work.umask;
    let ran = cx.run(&help)?;
    if !ran.ok() {
        let said = format!("{}{}", ran.out(), ran.err());
        return Err(Failure::new(format!("Could not get output from {line}: {said}")));
    }
    let out = ran.out();
    Ok(out.split_whitespace().filter(|word| word.starts_with("--")).map(String::from).collect())
}
