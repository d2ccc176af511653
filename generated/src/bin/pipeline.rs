//! The pipeline of the `game` registry; every command is the runtime's.
//!
//! Made from `schema_registry/` by `topicwright generate`; do not edit.

#[global_allocator]
static ALLOCATOR: topicwright_runtime::cli::Allocator = topicwright_runtime::cli::Allocator;

fn main() -> std::process::ExitCode {
    topicwright_runtime::cli::main::<game_events::GameEvents>()
}
