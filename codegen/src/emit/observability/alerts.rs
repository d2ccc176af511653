//! Prometheus alert rules: those of registry.toml, and those that every pipeline needs.
//!
//! A registry alert with the name of a standard one replaces it. Dead letters are watched by a rule for each
//! topic, labelled with the topic's owner, so that they reach the team that can correct the events.
use askama::Template;

use super::{metric, promql};
use crate::emit::{COMMAND, EmittedFile, yaml};
use crate::registry::manifest::Severity;
use crate::registry::{Registry, Topic};

/// Where each alert's section stands.
const RUNBOOK: &str = "docs/operations.md";
/// Records behind at which consumers are late: some minutes of a busy stream.
const LAG_RECORDS: u32 = 100_000;
/// Share of a fallback log's limit that leaves time to act.
const FALLBACK_SHARE: &str = "0.5";
/// Name of the rules on dead letters, one a topic.
const DEAD_LETTERS: &str = "DeadLettersGrowing";

struct Rule {
    name: String,
    expr: String,
    hold: Option<String>,
    severity: Severity,
    owner: Option<String>,
    topic: Option<String>,
    summary: String,
    action: String,
}

/// The rules: the registry's first, standard ones after them.
fn rules(registry: &Registry) -> Vec<Rule> {
    let mut rules: Vec<Rule> = registry
        .manifest
        .alerts
        .iter()
        .map(|alert| Rule {
            name: alert.name.clone(),
            expr: alert.expr.clone(),
            hold: alert.hold.clone(),
            severity: alert.severity,
            owner: None,
            topic: None,
            summary: alert.summary.clone(),
            action: alert.action.clone(),
        })
        .collect();
    let stated: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
    rules.extend(
        standard(registry)
            .into_iter()
            .filter(|rule| !stated.contains(&rule.name)),
    );
    rules
}

fn standard(registry: &Registry) -> Vec<Rule> {
    let mut rules = vec![
        Rule {
            name: "IngestDown".to_owned(),
            // Only a worker that holds partitions exports it; the relay's process has the other metrics too.
            expr: format!("absent({})", metric::LAG),
            hold: Some("2m".to_owned()),
            severity: Severity::Critical,
            owner: None,
            topic: None,
            summary: "No ingest worker reports.".to_owned(),
            action: "Start the workers; they go on where the last one stopped, and Kafka keeps the events meanwhile.".to_owned(),
        },
        Rule {
            name: "IngestLag".to_owned(),
            // Two workers may export one partition for a moment, while it moves between them.
            expr: format!(
                "sum by (topic) (max by (topic, partition) ({})) > {LAG_RECORDS}",
                metric::LAG
            ),
            hold: Some("10m".to_owned()),
            severity: Severity::Warning,
            owner: None,
            topic: None,
            summary: "{{ $labels.topic }}: {{ $value }} records wait to be ingested.".to_owned(),
            action: "Look at the insert latency, then add workers up to the topic's partitions.".to_owned(),
        },
        Rule {
            name: "IngestPaused".to_owned(),
            expr: format!("max({}) > 0", metric::PAUSED),
            hold: Some("5m".to_owned()),
            severity: Severity::Warning,
            owner: None,
            topic: None,
            summary: "A worker has stopped reading because its inserts do not keep up.".to_owned(),
            action: "Look at ClickHouse first: its log, free disk, parts of the fact table. Reading goes on by itself.".to_owned(),
        },
        Rule {
            name: "IngestRetrying".to_owned(),
            // At a low rate neither a full batch nor a backlog would tell.
            expr: format!("sum(increase({}[5m])) > 0", metric::INSERT_RETRIES),
            hold: Some("5m".to_owned()),
            severity: Severity::Critical,
            owner: None,
            topic: None,
            summary: "Inserts have been tried again for five minutes.".to_owned(),
            action: "The worker's log says what ClickHouse, or Kafka's dead letter topic, answers. Nothing is lost; the tables are late.".to_owned(),
        },
        Rule {
            name: "DaysNotClosed".to_owned(),
            // A day that was closed late is one that some worker could not close for hours.
            expr: format!(
                "max({}) > 1 or sum(increase({}[1h])) > 10",
                metric::DAYS_TO_CLOSE,
                metric::CLOSING_FAILURES
            ),
            hold: Some("1h".to_owned()),
            severity: Severity::Warning,
            owner: None,
            topic: None,
            summary: "Days that are over are not closed.".to_owned(),
            action: "KPIs are right and grow slow. The worker's log says why (`days are not closed`); `pipeline close` does it by hand.".to_owned(),
        },
        Rule {
            name: "EventsTooLate".to_owned(),
            expr: format!("max({}) > 0", metric::TOO_LATE),
            hold: Some("15m".to_owned()),
            severity: Severity::Warning,
            owner: None,
            topic: None,
            summary: "{{ $value }} events came too late for the KPIs.".to_owned(),
            action: "They are stored. Look at their types and days in the ledger; raise `late_days` of registry.toml where they are right, and count again with `pipeline close`.".to_owned(),
        },
        Rule {
            name: "FallbackFilling".to_owned(),
            // Processes without a log have no limit.
            expr: format!(
                "max({} / ({} > 0)) > {FALLBACK_SHARE}",
                metric::FALLBACK_BYTES,
                metric::FALLBACK_LIMIT
            ),
            hold: Some("1m".to_owned()),
            severity: Severity::Critical,
            owner: None,
            topic: None,
            summary: "A producer's fallback log is more than half full.".to_owned(),
            action: "Bring Kafka back before it is full; then the log drains by itself, in order.".to_owned(),
        },
        Rule {
            name: "FallbackRefused".to_owned(),
            expr: format!("max({}) > 0", metric::FALLBACK_REFUSED),
            hold: None,
            severity: Severity::Warning,
            owner: None,
            topic: None,
            summary: "Kafka refused events of a producer's fallback log; they stand aside.".to_owned(),
            action: "Read the reasons with `pipeline fallback ls`, correct the topic, then send them with `pipeline fallback replay --refused`.".to_owned(),
        },
    ];
    rules.extend(registry.topics.iter().map(|topic| dead_letters(topic)));
    rules
}

/// A counter that was not there before has grown from nothing, which `increase` does not see.
fn dead_letters(topic: &Topic) -> Rule {
    let series = format!("{}{{topic={}}}", metric::DLQ, promql::text(&topic.name));
    Rule {
        name: DEAD_LETTERS.to_owned(),
        expr: format!(
            "sum by (reason) (increase({series}[10m])) > 0 or sum by (reason) ({series} unless {series} offset 10m) > 0"
        ),
        hold: None,
        severity: Severity::Warning,
        owner: Some(topic.manifest.owner.clone()),
        topic: Some(topic.name.clone()),
        summary: format!(
            "{} got records that cannot be used, by reason {{{{ $labels.reason }}}}.",
            topic.dlq()
        ),
        action: "Read the dead letters' reason and pointer, correct the producer or the schema, then replay them.".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "observability/alerts.yaml.j2", escape = "none")]
struct RuleFile {
    command: &'static str,
    group: String,
    rules: Vec<PrintedRule>,
}

/// A rule with every text quoted.
struct PrintedRule {
    name: String,
    expr: String,
    hold: Option<String>,
    labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
}

impl PrintedRule {
    fn of(rule: &Rule) -> Self {
        let label = |value: &str| yaml::text(&promql::annotation(value));
        let mut labels = vec![(
            "severity",
            yaml::text(match rule.severity {
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            }),
        )];
        labels.extend(rule.owner.as_deref().map(|owner| ("owner", label(owner))));
        labels.extend(rule.topic.as_deref().map(|topic| ("topic", label(topic))));
        let mut annotations = vec![("summary", label(&rule.summary))];
        if !rule.action.is_empty() {
            annotations.push(("action", label(&rule.action)));
        }
        // GitHub's anchor of a heading is its text in lower case.
        annotations.push((
            "runbook_url",
            label(&format!("{RUNBOOK}#{}", rule.name.to_lowercase())),
        ));
        Self {
            name: yaml::text(&rule.name),
            expr: yaml::text(rule.expr.trim()),
            hold: rule.hold.as_deref().map(yaml::text),
            labels,
            annotations,
        }
    }
}

/// `alerts.yaml`.
pub(super) fn emit(registry: &Registry) -> EmittedFile {
    let file = RuleFile {
        command: COMMAND,
        group: yaml::text(&format!("{}-pipeline", registry.manifest.project.name)),
        rules: rules(registry).iter().map(PrintedRule::of).collect(),
    };
    EmittedFile {
        path: "generated/observability/alerts.yaml".to_owned(),
        contents: format!("{file}\n"),
    }
}
