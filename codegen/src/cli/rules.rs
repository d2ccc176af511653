//! `topicwright rules`: what the gate checks.
use std::process::ExitCode;

use super::outcome;
use crate::rules;

/// Lists the rules of `topicwright check`.
#[derive(Debug, clap::Args)]
pub struct Rules {
    /// How to print.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A line a rule.
    Human,
    /// A JSON document.
    Json,
}

impl Rules {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let rules = rules::all();
        match self.format {
            Format::Human => {
                let widest = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
                for rule in rules {
                    outcome::line(&format!(
                        "{:widest$}  {:10}  {:7}  {}",
                        rule.id,
                        rule.plane.name(),
                        rule.severity.name(),
                        rule.purpose
                    ));
                }
            }
            Format::Json => {
                let listed: Vec<serde_json::Value> = rules
                    .iter()
                    .map(|rule| {
                        serde_json::json!({
                            "id": rule.id,
                            "plane": rule.plane,
                            "severity": rule.severity,
                            "purpose": rule.purpose,
                        })
                    })
                    .collect();
                let document =
                    serde_json::json!({"format": crate::report::FORMAT, "rules": listed});
                outcome::line(&format!("{document:#}"));
            }
        }
        ExitCode::SUCCESS
    }
}
