//! The program as people and scripts call it, on one of the registries of this repository.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The web shop's registry, as tests see it.
pub const WEBSHOP: &str = "../tests/registries/webshop";

/// Exit code, standard output, standard error.
pub type Ended = (i32, String, String);

/// `topicwright` with arguments, on a registry.
pub fn command(registry: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topicwright"));
    command
        .env("TOPICWRIGHT_REGISTRY", registry)
        .args(arguments);
    command
}

/// Runs it with an input.
pub fn run(registry: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = command(registry, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A program that ends early does not read all.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().expect("ended by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// Golden files of what the program prints.
pub fn golden(asserts: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("fixtures/program");
    settings.set_omit_expression(true);
    settings.bind(asserts);
}
