//! `pipeline close`: closes days now, and says which.
use super::Outcome;
use super::streams::write_result;
use crate::clickhouse::Client;
use crate::closing::{Closer, Options};
use crate::config::Settings;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Flags of `close`.
#[derive(clap::Args)]
pub(super) struct Close {
    /// Count closed days again, as far back as raw events go
    #[arg(long)]
    again: bool,
}

impl Close {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        let client = Client::new(&config.clickhouse);
        let options = Options {
            grace: config.closing.after,
            again: self.again,
        };
        let Some(mut closer) = Closer::new::<R>(&client, options) else {
            write_result("the registry has no view that keeps days\n")?;
            return Ok(Outcome::Clean);
        };
        let done = closer.close_now().await?;
        let mut text = String::new();
        for (word, days) in [
            ("closed", &done.closed),
            ("counted again", &done.counted_again),
        ] {
            for day in days {
                text.push_str(&format!("{day}: {word}\n"));
            }
        }
        if text.is_empty() {
            text.push_str("nothing to close\n");
        }
        write_result(&text)?;
        Ok(Outcome::Clean)
    }
}
