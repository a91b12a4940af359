//! `vmstation-play`, and under their names the commands of ansible-core.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    vmstation_play::cli::main(&args)
}
