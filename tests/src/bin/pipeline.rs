//! The game's pipeline as a program of this package, so that tests can run it as a user does.
use std::process::ExitCode;

fn main() -> ExitCode {
    topicwright_runtime::cli::main::<subject::Registry>()
}
