//! The agent: reads requests on standard input, answers on standard output, until its channel closes.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = vmstation_host::job::take_over() {
        return ExitCode::from(code);
    }
    match vmstation_host::agent::serve_stdio() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the only way left to say it; that it is closed too can't be helped.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("vmstation-agent: {error}\n").as_bytes(),
            );
            ExitCode::FAILURE
        }
    }
}
