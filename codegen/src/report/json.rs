//! For programs. Members are only added; a change that a reader would misread raises [`super::FORMAT`].
use serde_json::{Value, json};

use super::{FORMAT, Report, ReportError, verdict};
use crate::finding::Finding;
use crate::gate::Outcome;
use crate::rules::pair::Direction;

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
    let compared = compared.iter().map(|compared| {
        json!({
            "topic": compared.topic,
            "writer": compared.writer,
            "reader": compared.reader,
            "direction": match compared.direction {
                Direction::Backward => "backward",
                Direction::Forward => "forward",
            },
            "promised": compared.promised,
            "verdict": compared.answer.name(),
        })
    });
    let columns = columns.iter().map(|column| {
        json!({"table": column.table, "name": column.name, "type": column.sql_type, "bytes": column.bytes, "sql": column.sql})
    });
    let paths = paths.iter().map(|path| {
        json!({"table": path.table, "path": path.path, "type": path.sql_type, "bytes": path.bytes})
    });
    let document = json!({
        "format": FORMAT,
        "safe": !report.outcome.stops(),
        "summary": verdict::sentence(report),
        "base": report.base,
        "findings": findings.iter().map(place).collect::<Vec<_>>(),
        "waived": waived
            .iter()
            .map(|waived| json!({"finding": place(&waived.finding), "waiver": waived.waiver}))
            .collect::<Vec<_>>(),
        "notes": notes.iter().map(place).collect::<Vec<_>>(),
        "compared": compared.collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "payload_paths": paths.collect::<Vec<_>>(),
        "rust": api
            .as_ref()
            .map(|api| json!({"level": api.level.name(), "changes": api.changes})),
        "rollout": {"steps": rollout.steps, "together": rollout.together},
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
