//! The `topicwright` binary.
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use topicwright::cli::bump::Bump;
use topicwright::cli::check::Check;
use topicwright::cli::compat::Compat;
use topicwright::cli::completions::Completions;
use topicwright::cli::diff::Diff;
use topicwright::cli::explain::Explain;
use topicwright::cli::generate::Generate;
use topicwright::cli::man::Man;
use topicwright::cli::new::New;
use topicwright::cli::rules::Rules;
use topicwright::cli::sample::Sample;
use topicwright::cli::schema::Schema;
use topicwright::cli::validate::Validate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One JSON Schema per Kafka topic and version; everything else is made from it.
#[derive(Debug, Parser)]
#[command(version, about)]
enum Command {
    Generate(Generate),
    Check(Check),
    Diff(Diff),
    Rules(Rules),
    Explain(Explain),
    Bump(Bump),
    Compat(Compat),
    New(New),
    Sample(Sample),
    Validate(Validate),
    Schema(Schema),
    Completions(Completions),
    Man(Man),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Generate(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Bump(command) => command.run(),
        Command::Compat(command) => command.run(),
        Command::New(command) => command.run(),
        Command::Sample(command) => command.run(),
        Command::Validate(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(Command::command()),
        Command::Man(command) => command.run(Command::command()),
    }
}
