//! `pipeline outbox`: makes the outbox's tables, tells how it stands, lists parked rows and releases them.
use serde_json::json;

use super::Outcome;
use super::streams::{say, write_result};
use super::table::table;
use super::time;
use super::topics::Format;
use crate::config::{Config, Settings};
use crate::error::{Error, Result};
use crate::outbox::{self, Database, Parked, Selected};
use crate::registry::EventRegistry;

/// Set up and look after the outbox in PostgreSQL
#[derive(clap::Args)]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Create or update the outbox's tables and functions, and tell them the registry
    Migrate(Migrate),
    /// Tell how many rows wait, since when, and how many are parked
    Status(Status),
    /// List parked rows, which cannot be published, with their reasons
    Ls(Ls),
    /// Let parked rows be tried again
    Retry(Retry),
}

#[derive(clap::Args)]
struct Migrate {
    /// Print the SQL for other tools, and connect to nothing
    #[arg(long)]
    print: bool,
}

#[derive(clap::Args)]
struct Status {
    /// Text for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
struct Ls {
    /// Rows of this topic [default: all topics]
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Rows with this reason code [default: all reasons]
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// List at most so many rows, oldest first
    #[arg(long, value_name = "ROWS", default_value_t = 50)]
    limit: u32,
    /// Table for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "all", "topic", "reason"])))]
struct Retry {
    /// Ids of parked rows
    #[arg(value_name = "ID", conflicts_with_all = ["all", "topic", "reason"])]
    ids: Vec<i64>,
    /// All parked rows
    #[arg(long)]
    all: bool,
    /// Parked rows of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Parked rows with this reason code
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
}

impl Outbox {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        if let Command::Migrate(Migrate { print: true }) = self.command {
            write_result(&outbox::script::<R>()?)?;
            return Ok(Outcome::Clean);
        }
        let config = settings.check(R::PROJECT.name, false)?;
        let mut client = connect(&config).await?;
        match self.command {
            Command::Migrate(_) => {
                let migrated = outbox::migrate::<R>(&mut client).await?;
                for name in &migrated.applied {
                    write_result(&format!("+ migration {name}\n"))?;
                }
                if migrated.registry_changed {
                    write_result("~ what event_outbox_enqueue knows of the registry\n")?;
                }
                if migrated.applied.is_empty() && !migrated.registry_changed {
                    write_result("= the outbox is as it should be\n")?;
                }
                Ok(Outcome::Clean)
            }
            Command::Status(command) => command.run(&client).await,
            Command::Ls(command) => command.run(&client).await,
            Command::Retry(command) => command.run(&mut client).await,
        }
    }
}

pub(super) async fn connect(config: &Config) -> Result<tokio_postgres::Client> {
    let database = Database::parse(config.postgres.as_ref())?;
    Ok(database.connect().await?.client)
}

impl Status {
    async fn run(self, client: &tokio_postgres::Client) -> Result<Outcome> {
        outbox::housekeeping::prepare(client).await?;
        let waiting = outbox::housekeeping::count(client).await?;
        let most = outbox::housekeeping::MOST_COUNTED;
        write_result(&match self.format {
            Format::Human => {
                let number = |count: i64| match count >= most {
                    true => format!("{most} or more"),
                    false => count.to_string(),
                };
                format!(
                    "pending         {}\noldest pending  {:.1} s\nparked          {}\n",
                    number(waiting.pending),
                    waiting.oldest_seconds,
                    number(waiting.parked)
                )
            }
            Format::Json => format!(
                "{}\n",
                json!({
                    "format": 1,
                    "pending": waiting.pending,
                    "oldest_seconds": waiting.oldest_seconds,
                    "parked": waiting.parked,
                    "counted_up_to": most,
                })
            ),
        })?;
        Ok(match waiting.parked {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }
}

impl Ls {
    async fn run(self, client: &tokio_postgres::Client) -> Result<Outcome> {
        let selected = Selected {
            ids: Vec::new(),
            topic: self.topic,
            reason: self.reason,
        };
        let parked = outbox::list(client, &selected, self.limit.into()).await?;
        write_result(&match self.format {
            Format::Human => human(&parked),
            Format::Json => listed(&parked),
        })?;
        Ok(match parked.is_empty() {
            true => Outcome::Clean,
            false => Outcome::Findings,
        })
    }
}

fn human(parked: &[Parked]) -> String {
    if parked.is_empty() {
        return "no parked rows\n".to_owned();
    }
    let columns = [
        "id", "topic", "reason", "detail", "attempts", "inserted", "parked",
    ];
    let rows = parked.iter().map(|row| {
        vec![
            row.id.into(),
            row.event_type.as_str().into(),
            row.reason.as_str().into(),
            row.detail.as_str().into(),
            row.attempts.into(),
            time::shown(Some(row.created_ms)).into(),
            time::shown(Some(row.parked_ms)).into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let mut text = String::new();
    table(&columns, &rows, &mut text);
    text
}

fn listed(parked: &[Parked]) -> String {
    let rows = parked.iter().map(|row| {
        json!({
            "id": row.id,
            "topic": row.event_type,
            "reason": row.reason,
            "detail": row.detail,
            "attempts": row.attempts,
            "inserted": time::shown(Some(row.created_ms)),
            "parked": time::shown(Some(row.parked_ms)),
        })
    });
    let rows: Vec<serde_json::Value> = rows.collect();
    format!("{}\n", json!({"format": 1, "rows": rows}))
}

impl Retry {
    async fn run(self, client: &mut tokio_postgres::Client) -> Result<Outcome> {
        let asked = self.ids.len();
        let selected = Selected {
            ids: self.ids,
            topic: self.topic,
            reason: self.reason,
        };
        let released = outbox::release(client, &selected).await?;
        say(&format!("released {released} rows"));
        if usize::try_from(released).is_ok_and(|released| released < asked) {
            return Err(Error::config("some of these rows are not parked")
                .at("asked", asked)
                .at("released", released)
                .fix("`pipeline outbox ls` lists parked rows"));
        }
        Ok(Outcome::Clean)
    }
}
