//! `pipeline dlq`: dead letters counted, shown and replayed.
mod ls;
mod replay;
mod show;

use super::{Outcome, time};
use crate::config::Settings;
use crate::dlq::{FOREIGN, Selection};
use crate::error::{Error, Result};
use crate::ingest::Reason;
use crate::registry::EventRegistry;

/// Look at dead letters, and send those again that would pass today
#[derive(clap::Args)]
pub(super) struct Dlq {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Count letters by topic, reason and pointer
    Ls(ls::Ls),
    /// Show letters one by one, without what may be personal unless told to
    Show(show::Show),
    /// Check letters against today's schemas; with --yes, send those that pass to their source topics
    Replay(replay::Replay),
}

/// Flags that select letters.
#[derive(clap::Args)]
struct Filters {
    /// Letters of this topic, repeatable [default: all topics]
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Letters with this reason code, repeatable [default: all reasons]
    #[arg(long, value_name = "CODE")]
    reason: Vec<String>,
    /// From this time of the source record on: 2026-01-31, 2026-01-31T12:00:00Z, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this time, written like --since
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Filters {
    fn selection(&self) -> Result<Selection> {
        let codes = || {
            Reason::ALL
                .iter()
                .map(|reason| reason.code())
                .chain([FOREIGN])
        };
        if let Some(unknown) = self
            .reason
            .iter()
            .find(|code| !codes().any(|known| known == **code))
        {
            let known: Vec<&str> = codes().collect();
            return Err(Error::config("no letter has such a reason")
                .at("reason", unknown)
                .fix(format!("one of: {}", known.join(", "))));
        }
        let now = jiff::Timestamp::now();
        let moment = |flag, text: Option<&String>, end| {
            text.map(|text| time::moment(flag, text, now, end))
                .transpose()
        };
        Ok(Selection {
            topics: self.topic.clone(),
            reasons: self.reason.clone(),
            since: moment("--since", self.since.as_ref(), time::End::First)?,
            until: moment("--until", self.until.as_ref(), time::End::Last)?,
            with_replayed: false,
            limit: None,
        })
    }
}

impl Dlq {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        // librdkafka's consumers and transactions block.
        tokio::task::block_in_place(|| match self.command {
            Command::Ls(command) => command.run::<R>(&config),
            Command::Show(command) => command.run::<R>(&config),
            Command::Replay(command) => command.run::<R>(&config),
        })
    }
}
