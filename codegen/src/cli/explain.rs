//! `topicwright explain`: one rule, with an example.
use std::process::ExitCode;

use super::outcome;
use crate::registry::shape::nearest;
use crate::rules;

/// Explains a rule: what it finds, why, an example, what to do.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Rule id, as findings show it: reader-breaks.
    rule: String,
}

impl Explain {
    /// Runs the command.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let Some(rule) = rules::named(&self.rule) else {
            let known: Vec<String> = rules::all().iter().map(|rule| rule.id.to_owned()).collect();
            let fix = nearest(&self.rule, &known).map_or_else(
                || {
                    "`topicwright rules` lists them; a finding of a registry that does not load says itself what is wrong and what to write, and cannot be waived".to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            return outcome::failure(&format!("there is no rule `{}`\n  fix: {fix}", self.rule));
        };
        outcome::text(&rule.page());
        ExitCode::SUCCESS
    }
}
