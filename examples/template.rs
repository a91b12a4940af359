//! Renders templates given as JSON lines on standard input; see `template::serve_json_lines`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let done = vmstation_play::template::serve_json_lines(
        std::io::stdin().lock(),
        std::io::stdout().lock(),
    );
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
