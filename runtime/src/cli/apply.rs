//! `pipeline apply`: topics and tables as the registry wants them. Shows the plan, asks before it alters what
//! exists, and says so when there is nothing to do.
use std::io::IsTerminal as _;

use super::Outcome;
use super::streams::{say_part, write_result};
use crate::clickhouse::Client;
use crate::clickhouse::apply::{self, Plan};
use crate::config::{Config, Settings};
use crate::error::{Error, Result};
use crate::kafka::topics::{CreateOptions, TopicOutcome, create_topics, topic_specs};
use crate::registry::EventRegistry;

/// Flags of `apply`.
#[derive(clap::Args)]
pub(super) struct Apply {
    /// Show what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Alter what exists without asking
    #[arg(long)]
    yes: bool,
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// What to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Kafka topics.
    Topics,
    /// ClickHouse tables and views.
    Tables,
}

impl Apply {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        let mut found = false;
        if self.only != Some(Part::Tables) {
            found |= self.topics::<R>(&config).await?;
        }
        if self.only != Some(Part::Topics) {
            found |= self.tables::<R>(&config).await?;
        }
        Ok(if found {
            Outcome::Findings
        } else {
            Outcome::Clean
        })
    }

    /// Whether a person should look at something.
    async fn topics<R: EventRegistry>(&self, config: &Config) -> Result<bool> {
        let options = CreateOptions {
            tolerate_no_admin: true,
            dry_run: self.dry_run,
        };
        let outcomes = create_topics(&config.kafka, &topic_specs::<R>(), options).await?;
        let (mut lines, mut unchanged, mut without_admin, mut drift) = (Vec::new(), 0, 0, false);
        for (topic, outcome) in &outcomes {
            match outcome {
                TopicOutcome::Created(remarks) => {
                    lines.push(format!("+ topic {topic}"));
                    lines.extend(remarks.iter().map(|remark| format!("    note: {remark}")));
                }
                TopicOutcome::Unchanged => unchanged += 1,
                TopicOutcome::Drift(differences) => {
                    drift = true;
                    lines.extend(
                        differences
                            .iter()
                            .map(|difference| format!("! topic {topic}: {difference}")),
                    );
                }
                TopicOutcome::NoAdmin => without_admin += 1,
            }
        }
        if unchanged > 0 {
            lines.push(format!("= {unchanged} topics as they should be"));
        }
        if without_admin > 0 {
            lines.push(format!(
                "= {without_admin} topics not created: this cluster has no admin API; they appear on first use"
            ));
        }
        print(&lines)?;
        Ok(drift)
    }

    async fn tables<R: EventRegistry>(&self, config: &Config) -> Result<bool> {
        let client = Client::new(&config.clickhouse);
        let plan = apply::plan::<R>(&client).await?;
        print(&describe(&plan, R::PROJECT.tables.len()))?;
        if !plan.refusals.is_empty() {
            print(&["nothing was done in ClickHouse".to_owned()])?;
            return Ok(true);
        }
        if self.dry_run || plan.steps.is_empty() {
            return Ok(false);
        }
        if plan.alters() && !self.yes && !confirmed()? {
            print(&["nothing was done in ClickHouse".to_owned()])?;
            return Ok(true);
        }
        apply::run(&client, &plan).await?;
        let rest = apply::plan::<R>(&client).await?;
        match rest.steps.first() {
            None => Ok(false),
            Some(step) => Err(Error::bug("after applying, something is still to be done")
                .at("object", &step.object)
                .why(&step.words)),
        }
    }
}

fn describe(plan: &Plan, objects: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut touched: Vec<&str> = Vec::new();
    for step in &plan.steps {
        let mark = if step.creates { '+' } else { '~' };
        lines.push(format!("{mark} {}: {}", step.object, step.words));
        touched.push(&step.object);
    }
    for refusal in &plan.refusals {
        lines.push(format!(
            "! {}: {}\n    {}",
            refusal.object, refusal.words, refusal.fix
        ));
        touched.push(&refusal.object);
    }
    lines.extend(plan.notes.iter().map(|note| format!("  note: {note}")));
    touched.sort_unstable();
    touched.dedup();
    let rest = objects.saturating_sub(touched.len());
    if rest > 0 {
        lines.push(format!("= {rest} tables and views as they should be"));
    }
    lines
}

fn print(lines: &[String]) -> Result<()> {
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    write_result(&text)
}

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(
            Error::config("existing tables would be altered, and there is nobody to ask")
                .fix("look at the plan above, then run again with --yes"),
        );
    }
    say_part("Alter what exists, as shown (~)? [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Error::config("cannot read the answer").why(error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
