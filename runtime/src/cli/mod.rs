//! The `pipeline` program: one file a command, the same settings for all.
//!
//! A command is a clap `Args` type with `async fn run::<R>(self, settings) -> Result<Outcome>`. Results go
//! to standard output, progress and errors to standard error. Exit codes: 0 done, 100 done and something was
//! found (a difference, a missing event), 1 could not be done, 2 wrong usage.
mod apply;
mod close;
#[cfg(feature = "embedded")]
mod demo;
mod dlq;
mod fallback;
mod ingest;
mod kpi;
mod outbox;
mod produce;
mod reconcile;
mod relay;
mod signals;
mod streams;
mod table;
mod time;
mod topics;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::Settings;
use crate::error::Result;
use crate::registry::EventRegistry;

/// The allocator of the program: a worker's batches grow and go, and this one gives the memory back.
pub use mimalloc::MiMalloc as Allocator;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as it should be.
    Clean,
    /// It ran, and found something that a person should look at.
    Findings,
}

/// Carries events through Kafka into ClickHouse
#[derive(Parser)]
#[command(name = "pipeline", version, arg_required_else_help = true)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create or alter topics, tables and views as the registry wants them
    Apply(apply::Apply),
    /// Close days: turn what views count of them into totals
    ///
    /// Workers do this by themselves. By hand it is done once and waited for; with `--again` closed days are counted
    /// anew from the raw events, as after a view changed.
    Close(close::Close),
    /// Simulate producers, ingest, and check every KPI against an oracle
    ///
    /// `--kafka mock` (the default) needs nothing installed, `--kafka real` starts Apache Kafka (needs Java and
    /// Maven), `--kafka BROKERS` and `--clickhouse URL` take servers of your own, which must hold no other data.
    #[cfg(feature = "embedded")]
    Demo(demo::Demo),
    /// Look at dead letters, and send those again that would pass today
    Dlq(dlq::Dlq),
    /// Look at a producer's fallback log, and send what waits in it
    Fallback(fallback::Fallback),
    /// Carry events from Kafka into ClickHouse until stopped
    Ingest(ingest::Ingest),
    /// Answer the registry's KPIs
    Kpi(kpi::Kpi),
    /// Set up and look after the outbox in PostgreSQL
    Outbox(outbox::Outbox),
    /// Check events and send them to Kafka
    Produce(produce::Produce),
    /// Compare the outbox with the fact table: what is missing there, what is extra
    Reconcile(reconcile::Reconcile),
    /// Carry events from the outbox to Kafka until stopped
    Relay(relay::Relay),
    /// List the topics, their keys, versions and settings
    Topics(topics::Topics),
}

/// Runs the program for a generated registry.
#[must_use]
pub fn main<R: EventRegistry>() -> ExitCode {
    // The embedded ClickHouse runs in a child process, which is this program again.
    #[cfg(feature = "embedded")]
    if let Some(code) = crate::engine::host_if_asked() {
        return code;
    }
    log_to_stderr();
    let command =
        CommandLine::command().about(format!("The event pipeline of `{}`", R::PROJECT.name));
    let parsed = CommandLine::from_arg_matches(&command.get_matches());
    let line = match parsed {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    match run::<R>(line) {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(100),
        Err(error) => {
            streams::say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Log targets that never speak: ClickHouse's client prints the server's message, which quotes a refused row. What
/// may be said of it stands in our own error.
const SILENT: [&str; 2] = ["clickhouse=off", "clickhouse::error=off"];

/// Warnings and errors, or what RUST_LOG asks for.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .from_env_lossy();
    let silent = SILENT.iter().filter_map(|directive| directive.parse().ok());
    let filter = silent.fold(filter, tracing_subscriber::EnvFilter::add_directive);
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    // Fails only where a logger is set already, as in tests.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_plain)
        // It would tell standard error that standard error is gone, and panic over it.
        .log_internal_errors(false)
        .try_init();
}

fn run<R: EventRegistry>(line: CommandLine) -> Result<Outcome> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        crate::error::Error::bug("cannot start the asynchronous runtime").why(error)
    })?;
    let result = runtime.block_on(async {
        match line.command {
            Command::Apply(command) => command.run::<R>(&line.settings).await,
            Command::Close(command) => command.run::<R>(&line.settings).await,
            #[cfg(feature = "embedded")]
            Command::Demo(command) => command.run::<R>(&line.settings).await,
            Command::Dlq(command) => command.run::<R>(&line.settings).await,
            Command::Fallback(command) => command.run::<R>(&line.settings).await,
            Command::Ingest(command) => command.run::<R>(&line.settings).await,
            Command::Kpi(command) => command.run::<R>(&line.settings).await,
            Command::Outbox(command) => command.run::<R>(&line.settings).await,
            Command::Produce(command) => command.run::<R>(&line.settings).await,
            Command::Reconcile(command) => command.run::<R>(&line.settings).await,
            Command::Relay(command) => command.run::<R>(&line.settings).await,
            Command::Topics(command) => command.run::<R>(&line.settings).await,
        }
    });
    // What a failed command left running on other threads may wait for what will never come.
    runtime.shutdown_background();
    result
}
