//! SARIF 2.1.0, for code scanning: every rule with its help, every finding with its place, waivers as
//! suppressions.
use std::collections::BTreeMap;

use serde_json::json;
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, MultiformatMessageString,
    PhysicalLocation, Region, ReportingConfiguration, ReportingDescriptor, Result as Entry,
    ResultLevel, Run, Sarif, Suppression, Tool, ToolComponent,
};

use super::{Report, ReportError};
use crate::finding::{Finding, Position, Severity};
use crate::registry::waivers::Waiver;
use crate::rules::{self, Rule};
use crate::visible::{in_json, visible};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report as a SARIF log.
///
/// # Errors
/// A value cannot be written.
pub fn print(report: &Report<'_>) -> Result<String, ReportError> {
    let rules = rules::all();
    let driver = ToolComponent::builder()
        .name("topicwright")
        .version(env!("CARGO_PKG_VERSION"))
        .rules(
            rules
                .iter()
                .map(|rule| descriptor(rule))
                .collect::<Vec<_>>(),
        )
        .build();
    let open = report.outcome.findings.iter();
    let accepted = report.outcome.waived.iter();
    let results: Vec<Entry> = open
        .map(|finding| entry(report, finding, None))
        .chain(accepted.map(|waived| entry(report, &waived.finding, Some(&waived.waiver))))
        .collect();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .column_kind(json!("unicodeCodePoints"))
        .results(results)
        .build();
    let log = Sarif::builder()
        .schema(SCHEMA)
        .version(json!("2.1.0"))
        .runs(vec![run])
        .build();
    Ok(in_json(serde_json::to_string_pretty(&log)? + "\n"))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn descriptor(rule: &Rule) -> ReportingDescriptor {
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    let markdown = rule.doc.markdown();
    ReportingDescriptor::builder()
        .id(rule.id)
        .short_description(text(rule.purpose))
        .full_description(text(rule.doc.what))
        .help(
            MultiformatMessageString::builder()
                .text(markdown.as_str())
                .markdown(markdown.as_str())
                .build(),
        )
        .default_configuration(
            ReportingConfiguration::builder()
                .level(json!(level(rule.severity)))
                .build(),
        )
        .build()
}

fn entry(report: &Report<'_>, finding: &Finding, waiver: Option<&Waiver>) -> Entry {
    let mut text = finding.message.clone();
    if let Some(evidence) = &finding.evidence {
        text.push_str(&format!("\nwhy: {evidence}"));
    }
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\nfix: {fix}"));
    }
    let mut entry = Entry::builder()
        .rule_id(finding.rule)
        .level(match finding.severity {
            Severity::Error => ResultLevel::Error,
            Severity::Warning => ResultLevel::Warning,
            Severity::Note => ResultLevel::Note,
        })
        .message(Message::builder().text(visible(&text)).build())
        .locations(vec![location(
            report,
            &finding.file,
            finding.position,
            &finding.pointer,
        )])
        .partial_fingerprints(BTreeMap::from([(
            // Lines move; rule, file and pointer name a finding from one run to the next.
            "topicwright/v1".to_owned(),
            format!("{}:{}#{}", finding.rule, finding.file, finding.pointer),
        )]))
        .build();
    entry.related_locations = finding
        .old
        .as_ref()
        .map(|old| vec![location(report, &old.file, old.position, &old.pointer)]);
    entry.suppressions = waiver.map(|waiver| {
        let justification = format!(
            "{} (by {} until {})",
            waiver.reason, waiver.approver, waiver.expires
        );
        vec![
            Suppression::builder()
                .kind(json!("external"))
                .status(json!("accepted"))
                .justification(visible(&justification))
                .build(),
        ]
    });
    entry
}

fn location(report: &Report<'_>, file: &str, position: Position, pointer: &str) -> Location {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    Location::builder()
        .physical_location(
            PhysicalLocation::builder()
                .artifact_location(
                    ArtifactLocation::builder()
                        .uri(uri(&report.file(file)))
                        .build(),
                )
                .region(
                    Region::builder()
                        .start_line(number(position.line))
                        .start_column(number(position.column))
                        .build(),
                )
                .build(),
        )
        .logical_locations(vec![
            LogicalLocation::builder()
                .fully_qualified_name(format!("{file}#{pointer}"))
                .kind("value")
                .build(),
        ])
        .build()
}

/// A path as a relative URI reference: everything but unreserved characters and `/` in percent signs.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_become_uris() {
        assert_eq!(
            super::uri("my registry/ä%.json"),
            "my%20registry/%C3%A4%25.json"
        );
    }
}
