//! Workflow commands: GitHub Actions turns each line into an annotation of the pull request.
use super::{Report, pointer, verdict};
use crate::finding::{Finding, Severity};
use crate::visible::visible;

/// One command a finding, and the verdict as a plain line. Accepted findings are notices.
#[must_use]
pub fn print(report: &Report<'_>) -> String {
    let mut lines: Vec<String> = Vec::new();
    for finding in &report.outcome.findings {
        let kind = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut parts = vec![format!("{}: {}", pointer(finding), finding.message)];
        if let Some(evidence) = &finding.evidence {
            parts.push(format!("why: {evidence}"));
        }
        if let Some(fix) = &finding.fix {
            parts.push(format!("fix: {fix}"));
        }
        lines.push(command(
            report,
            kind,
            finding,
            finding.rule,
            &parts.join("\n"),
        ));
    }
    for waived in &report.outcome.waived {
        let finding = &waived.finding;
        let title = format!("{} (waived)", finding.rule);
        let text = format!(
            "{}: {}\naccepted by {} until {}: {}",
            pointer(finding),
            finding.message,
            waived.waiver.approver,
            waived.waiver.expires,
            waived.waiver.reason
        );
        lines.push(command(report, "notice", finding, &title, &text));
    }
    // A line that starts with `::` would be a command; a sentence never does.
    lines.push(visible(&verdict::sentence(report)).replace(['`', '\n'], ""));
    lines.join("\n") + "\n"
}

fn command(
    report: &Report<'_>,
    kind: &str,
    finding: &Finding,
    title: &str,
    message: &str,
) -> String {
    format!(
        "::{kind} file={},line={},col={},title={}::{}",
        property(&report.file(&finding.file)),
        finding.position.line,
        finding.position.column,
        property(title),
        data(message)
    )
}

/// Escapes a message as the runner unescapes it (actions/toolkit, `command.ts`, `escapeData`).
fn data(text: &str) -> String {
    visible(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property's value (`escapeProperty` there).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(data("50 % of\r\nrows: a, b"), "50 %25 of%0Arows: a, b");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
        assert_eq!(data("%0A"), "%250A", "an escape in the text stays text");
    }
}
