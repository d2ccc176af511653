//! JUnit XML: one suite a plane; a case for each finding, and for each rule that found nothing.
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Report, ReportError, pointer};
use crate::finding::{Finding, Plane, Severity};
use crate::rules;
use crate::visible::visible;

/// The report as XML. Warnings pass with their text as output, accepted findings are skipped.
///
/// # Errors
/// The writer refuses.
pub fn print(report: &Report<'_>) -> Result<String, ReportError> {
    let mut document = quick_junit::Report::new("topicwright check");
    for plane in [
        Plane::Registry,
        Plane::Wire,
        Plane::Rust,
        Plane::ClickHouse,
        Plane::Kafka,
    ] {
        let mut suite = TestSuite::new(plane.name());
        let outcome = report.outcome;
        for finding in outcome
            .findings
            .iter()
            .filter(|finding| finding.plane == plane)
        {
            suite.add_test_case(case(report, finding));
        }
        for waived in outcome
            .waived
            .iter()
            .filter(|waived| waived.finding.plane == plane)
        {
            let mut status = TestCaseStatus::skipped();
            let accepted = format!(
                "accepted by {} until {}: {}",
                waived.waiver.approver, waived.waiver.expires, waived.waiver.reason
            );
            status.set_message(visible(&accepted));
            suite.add_test_case(named(report, &waived.finding, status));
        }
        for rule in rules::all() {
            let fired = |finding: &Finding| finding.rule == rule.id;
            if rule.plane == plane
                && !outcome.findings.iter().any(fired)
                && !outcome.waived.iter().any(|waived| fired(&waived.finding))
            {
                let mut case = TestCase::new(rule.id, TestCaseStatus::success());
                case.set_classname(plane.name());
                suite.add_test_case(case);
            }
        }
        document.add_test_suite(suite);
    }
    Ok(document.to_string()?)
}

fn case(report: &Report<'_>, finding: &Finding) -> TestCase {
    let text = text(finding);
    match finding.severity {
        Severity::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(finding.rule)
                .set_message(visible(&finding.message))
                .set_description(text);
            named(report, finding, status)
        }
        Severity::Warning | Severity::Note => {
            let mut case = named(report, finding, TestCaseStatus::success());
            case.set_system_out(text);
            case
        }
    }
}

fn named(report: &Report<'_>, finding: &Finding, status: TestCaseStatus) -> TestCase {
    let file = report.file(&finding.file);
    let name = format!("{} {file}:{}", finding.rule, finding.position.line);
    let mut case = TestCase::new(visible(&name), status);
    case.set_classname(finding.plane.name());
    case
}

fn text(finding: &Finding) -> String {
    let mut lines = vec![format!("{}: {}", pointer(finding), finding.message)];
    lines.extend(finding.evidence.iter().map(|text| format!("why: {text}")));
    lines.extend(finding.fix.iter().map(|text| format!("fix: {text}")));
    visible(&lines.join("\n")).into_owned()
}
