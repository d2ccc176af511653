//! `pipeline topics`: what the registry holds, as a table or JSON. Reads nothing but the compiled registry.
use super::Outcome;
use super::streams::write_result;
use crate::config::Settings;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Flags of `topics`.
#[derive(clap::Args)]
pub(super) struct Topics {
    /// Table for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl Topics {
    pub(super) async fn run<R: EventRegistry>(self, _settings: &Settings) -> Result<Outcome> {
        let text = match self.format {
            Format::Human => human::<R>(),
            Format::Json => json::<R>(),
        };
        write_result(&text)?;
        Ok(Outcome::Clean)
    }
}

fn versions<B>(topic: &crate::registry::Topic<B>) -> Vec<u32> {
    topic
        .versions
        .iter()
        .map(|version| version.number)
        .collect()
}

fn human<R: EventRegistry>() -> String {
    let width = R::TOPICS
        .iter()
        .map(|topic| topic.name.len())
        .max()
        .unwrap_or(0)
        .max(5);
    let mut text = format!("{:width$}  partitions  versions\n", "topic");
    for topic in R::TOPICS {
        let list: Vec<String> = versions(topic).iter().map(u32::to_string).collect();
        text.push_str(&format!(
            "{:width$}  {:>10}  {}\n",
            topic.name,
            topic.partitions,
            list.join(", ")
        ));
    }
    text
}

fn json<R: EventRegistry>() -> String {
    let topics: Vec<serde_json::Value> = R::TOPICS
        .iter()
        .map(|topic| {
            let config: serde_json::Map<String, serde_json::Value> = topic
                .config
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            serde_json::json!({
                "name": topic.name,
                "dlq": topic.dlq,
                "partitions": topic.partitions,
                "replication_factor": topic.replication_factor,
                "config": config,
                "versions": versions(topic),
            })
        })
        .collect();
    format!("{}\n", serde_json::json!({"format": 1, "topics": topics}))
}
