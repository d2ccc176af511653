//! The game's pipeline as a program of this package, so that tests can run it as a user does.
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: topicwright_runtime::cli::Allocator = topicwright_runtime::cli::Allocator;

fn main() -> ExitCode {
    topicwright_runtime::cli::main::<subject::Registry>()
}
