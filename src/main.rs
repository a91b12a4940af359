//! `vmstation-play`, and under their names the commands of ansible-core.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = vmstation_host::job::take_over() {
        return ExitCode::from(code);
    }
    let args: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    vmstation_play::cli::main(&args)
}
