//! `pipeline fallback`: a producer's fallback log counted, checked and sent.
mod ls;
mod replay;
mod verify;

use std::path::PathBuf;

use super::Outcome;
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

/// `1 record`, `2 records`.
fn records(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}
