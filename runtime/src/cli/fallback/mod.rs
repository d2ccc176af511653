//! `pipeline fallback`: a producer's fallback log counted, checked and sent.
mod ls;
mod replay;
mod verify;

use std::path::PathBuf;

use serde_json::Value;

use super::Outcome;
use super::table::table;
use crate::clickhouse::QueryResult;
use crate::config::Settings;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Look at a producer's fallback log, and send what waits in it
#[derive(clap::Args)]
pub(super) struct Fallback {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Count waiting and refused records by topic
    Ls(ls::Ls),
    /// Read every byte and report what is damaged
    Verify(verify::Verify),
    /// Say what would be sent; with --yes, send it in order. No process may use the log
    Replay(replay::Replay),
}

/// Which log.
#[derive(clap::Args)]
struct Place {
    /// The log's folder, as the producer was given it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

impl Fallback {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        match self.command {
            Command::Ls(command) => tokio::task::block_in_place(|| command.run()),
            Command::Verify(command) => tokio::task::block_in_place(|| command.run()),
            Command::Replay(command) => command.run::<R>(settings).await,
        }
    }
}

/// A titled table, nothing where it has no rows.
fn section(text: &mut String, title: &str, columns: &[&str], rows: Vec<Vec<Value>>) {
    if rows.is_empty() {
        return;
    }
    text.push_str(title);
    text.push('\n');
    let columns = columns
        .iter()
        .map(|name| ((*name).to_owned(), String::new()));
    let answer = QueryResult {
        columns: columns.collect(),
        rows,
    };
    table(&answer, text);
    text.push('\n');
}

/// `1 record`, `2 records`.
fn records(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}
