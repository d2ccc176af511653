//! For a person at a terminal or in a log.
use clap::builder::styling::{AnsiColor, Style};

use super::{Report, count, pointer, verdict};
use crate::finding::{Finding, Plane, Severity};
use crate::gate::Waived;
use crate::visible::{on_one_line, visible};

/// The report as text; `colour` also shows the lines that findings are about.
#[must_use]
pub fn print(report: &Report<'_>, colour: bool) -> String {
    let printer = Printer { report, colour };
    let mut findings: Vec<&Finding> = report.outcome.findings.iter().collect();
    // What a change does to the registry's own examples and scenarios follows from what it does to readers.
    findings.sort_by_key(|finding| finding.plane == Plane::Registry);
    let mut parts: Vec<String> = findings
        .into_iter()
        .map(|finding| printer.finding(finding))
        .collect();
    let waived = report.outcome.waived.iter();
    parts.extend(waived.map(|waived| printer.waived(waived)));
    parts.push(printer.closing());
    parts.join("\n\n") + "\n"
}

/// Text from a schema: continued lines are indented.
fn clean(text: &str) -> String {
    visible(text).replace('\n', "\n    ")
}

struct Printer<'p> {
    report: &'p Report<'p>,
    colour: bool,
}

impl Printer<'_> {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn finding(&self, finding: &Finding) -> String {
        let colour = match finding.severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Note => AnsiColor::Cyan,
        };
        let mut text = format!(
            "{}  {}  {} ({})",
            self.place(
                &finding.file,
                finding.position.line,
                finding.position.column
            ),
            self.paint(Style::new().bold(), finding.rule),
            self.paint(colour.on_default(), finding.severity.name()),
            finding.plane.name()
        );
        text.push_str(&format!(
            "\n  {}: {}",
            on_one_line(pointer(finding)),
            clean(&finding.message)
        ));
        text.push_str(&self.excerpt(finding));
        if let Some(old) = &finding.old {
            let place = self.place(&old.file, old.position.line, old.position.column);
            text.push_str(
                format!("\n  old: {place} {}", on_one_line(&old.pointer)).trim_end_matches(' '),
            );
        }
        if let Some(evidence) = &finding.evidence {
            text.push_str(&format!("\n  why: {}", clean(evidence)));
        }
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("\n  fix: {}", clean(fix)));
        }
        text
    }

    fn place(&self, file: &str, line: usize, column: usize) -> String {
        format!("{}:{line}:{column}", clean(&self.report.file(file)))
    }

    fn excerpt(&self, finding: &Finding) -> String {
        let text = self.report.texts.get(&finding.file);
        let line = text.and_then(|text| text.lines().nth(finding.position.line - 1));
        match line.filter(|_| self.colour) {
            Some(line) => {
                let number = finding.position.line.to_string();
                let dim = Style::new().dimmed();
                let gutter = self.paint(dim, &format!("{number} |"));
                let caret = " ".repeat(number.len() + 2 + finding.position.column) + "^";
                format!(
                    "\n  {gutter} {}\n  {}",
                    clean(line),
                    self.paint(dim, &caret)
                )
            }
            None => String::new(),
        }
    }

    fn waived(&self, waived: &Waived) -> String {
        let Waived { finding, waiver } = waived;
        format!(
            "{}  {}  waived ({})\n  {}: {}\n  accepted by {} until {}: {}",
            self.place(
                &finding.file,
                finding.position.line,
                finding.position.column
            ),
            finding.rule,
            finding.plane.name(),
            on_one_line(pointer(finding)),
            clean(&finding.message),
            clean(&waiver.approver),
            clean(&waiver.expires),
            clean(&waiver.reason)
        )
    }

    fn closing(&self) -> String {
        let outcome = self.report.outcome;
        let colour = if outcome.stops() {
            AnsiColor::Red
        } else {
            AnsiColor::Green
        };
        let style = colour.on_default().bold();
        let mut lines = vec![format!(
            "{}",
            self.paint(
                style,
                &clean(&verdict::sentence(self.report)).replace('`', "")
            )
        )];
        for column in &outcome.columns {
            lines.push(format!(
                "  column: {}.{} {}, {}",
                clean(&column.table),
                clean(&column.name),
                clean(
                    &column
                        .sql_type
                        .lines()
                        .map(str::trim)
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
                clean(&column.bytes)
            ));
        }
        for path in &outcome.paths {
            lines.push(format!(
                "  payload: {}.{} {}, {}; no ALTER",
                clean(&path.table),
                clean(&path.path),
                clean(&path.sql_type),
                clean(&path.bytes)
            ));
        }
        if let Some(api) = &outcome.api {
            lines.push(format!(
                "  rust: {} change of the generated types",
                api.level.name()
            ));
        }
        for note in self.report.other_notes() {
            lines.push(format!(
                "  note: {} ({})",
                clean(&note.message).replace('`', ""),
                note.rule
            ));
        }
        for step in &outcome.rollout.steps {
            lines.push(format!("  roll out: {}", clean(step).replace('`', "")));
        }
        let mut counts = vec![count(self.report.count(Severity::Error), "error")];
        let warnings = self.report.count(Severity::Warning);
        if warnings > 0 {
            counts.push(count(warnings, "warning"));
        }
        if !outcome.waived.is_empty() {
            counts.push(format!("{} waived", outcome.waived.len()));
        }
        lines.push(format!(
            "{}; compared with {}",
            counts.join(", "),
            clean(self.report.base)
        ));
        lines.join("\n")
    }
}
