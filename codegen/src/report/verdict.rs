//! The one sentence that a reviewer reads first.
use std::collections::BTreeSet;

use super::{Report, count};
use crate::finding::Severity;
use crate::gate::Answer;

/// Whether the change is safe, in a sentence without a full stop. Names of topics are in backticks.
pub(super) fn sentence(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let errors = || {
        let findings = outcome.findings.iter();
        findings.filter(|finding| finding.severity == Severity::Error)
    };
    let of = |rule: &str| -> Vec<String> {
        let found = errors().filter(|finding| finding.rule == rule);
        let subjects: BTreeSet<String> = found
            .map(|finding| match &finding.topic {
                Some(topic) => format!("`{topic}`"),
                None => "the envelope".to_owned(),
            })
            .collect();
        subjects.into_iter().collect()
    };
    let (broken, unproved) = (of("reader-breaks"), of("reader-unproved"));
    let rules: BTreeSet<&str> = errors().map(|finding| finding.rule).collect();
    let mut rest: Vec<&str> = rules.into_iter().collect();
    rest.retain(|rule| !matches!(*rule, "reader-breaks" | "reader-unproved"));
    let mut parts = Vec::new();
    if !broken.is_empty() {
        parts.push(format!("breaks readers of {}", broken.join(", ")));
    }
    if !unproved.is_empty() {
        parts.push(format!("not proved for readers of {}", unproved.join(", ")));
    }
    if !rest.is_empty() {
        parts.push(format!("stopped by {}", rest.join(", ")));
    }
    if !parts.is_empty() {
        return capital(&parts.join("; "));
    }
    let warnings = report.count(Severity::Warning);
    let mut text = safe(report);
    if !outcome.waived.is_empty() {
        text.push_str(&format!(
            ", but for {} accepted",
            count(outcome.waived.len(), "finding")
        ));
    }
    if warnings > 0 {
        text.push_str(&format!("; {}", count(warnings, "warning")));
    }
    text
}

fn safe(report: &Report<'_>) -> String {
    let compared = &report.outcome.compared;
    if compared.is_empty() {
        return "Nothing changes for any reader".to_owned();
    }
    let all = compared
        .iter()
        .all(|compared| compared.answer == Answer::Compatible);
    if all {
        "Safe for every reader, proved".to_owned()
    } else if compared.iter().any(|compared| compared.promised) {
        "Safe for every reader that the compatibility levels protect, proved".to_owned()
    } else {
        "No compatibility level protects a reader here".to_owned()
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + characters.as_str()
    })
}
