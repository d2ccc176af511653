//! Hosts ClickHouse's library for the tests: their own binaries belong to the test harness.
use std::process::ExitCode;

fn main() -> ExitCode {
    topicwright_runtime::engine::host_if_asked().unwrap_or(ExitCode::FAILURE)
}
