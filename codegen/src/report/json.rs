//! For programs. Members are only added; a change that a reader would misread raises [`super::FORMAT`].
use serde::Serialize;
use serde_json::{Value, json};

use super::{FORMAT, Report, ReportError, verdict};
use crate::finding::Finding;
use crate::gate::{Compared, Outcome};
use crate::rules::pair::Direction;
use crate::visible::in_json;

/// The report as one JSON document.
///
/// # Errors
/// A value cannot be written.
pub fn print(report: &Report<'_>) -> Result<String, ReportError> {
    let Outcome {
        findings,
        waived,
        notes,
        compared,
        columns,
        paths,
        api,
        rollout,
    } = report.outcome;
    let place = |finding: &Finding| -> Value {
        let mut finding = finding.clone();
        finding.file = report.file(&finding.file);
        if let Some(old) = &mut finding.old {
            old.file = report.file(&old.file);
        }
        json!(finding)
    };
    let columns = columns.iter().map(|column| {
        json!({"table": column.table, "name": column.name, "type": column.sql_type, "bytes": column.bytes, "sql": column.sql})
    });
    let paths = paths.iter().map(|path| {
        json!({"table": path.table, "path": path.path, "type": path.sql_type, "bytes": path.bytes})
    });
    let document = Document {
        format: json!(FORMAT),
        safe: !report.outcome.stops(),
        summary: json!(verdict::sentence(report)),
        base: report.base,
        findings: findings.iter().map(place).collect(),
        waived: waived
            .iter()
            .map(|waived| json!({"finding": place(&waived.finding), "waiver": waived.waiver}))
            .collect(),
        notes: notes.iter().map(place).collect(),
        compared: compared.iter().map(Question::of).collect(),
        columns: columns.collect(),
        payload_paths: paths.collect(),
        rust: api
            .as_ref()
            .map(|api| json!({"level": api.level.name(), "changes": api.changes})),
        rollout: json!({"steps": rollout.steps, "together": rollout.together}),
    };
    Ok(in_json(serde_json::to_string_pretty(&document)? + "\n"))
}

/// The document, in the order of its members.
#[derive(Serialize)]
struct Document<'r> {
    format: Value,
    safe: bool,
    summary: Value,
    base: &'r str,
    findings: Vec<Value>,
    waived: Vec<Value>,
    notes: Vec<Value>,
    compared: Vec<Question<'r>>,
    columns: Vec<Value>,
    payload_paths: Vec<Value>,
    rust: Option<Value>,
    rollout: Value,
}

/// A question that the prover was asked: there are many of them.
#[derive(Serialize)]
struct Question<'r> {
    topic: Option<&'r str>,
    writer: &'r str,
    reader: &'r str,
    direction: &'static str,
    promised: bool,
    verdict: &'static str,
}

impl<'r> Question<'r> {
    fn of(compared: &'r Compared) -> Self {
        Self {
            topic: compared.topic.as_deref(),
            writer: &compared.writer,
            reader: &compared.reader,
            direction: match compared.direction {
                Direction::Backward => "backward",
                Direction::Forward => "forward",
            },
            promised: compared.promised,
            verdict: compared.answer.name(),
        }
    }
}
