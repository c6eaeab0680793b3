//! The binary: arguments, terminal guard, logs, run; nothing else. All of it stands in [`kscope::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    kscope::cli::main(std::env::args_os())
}
