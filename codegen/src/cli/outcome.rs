//! How commands end: exit codes, lines on standard output, errors on standard error.
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::finding::Finding;
use crate::visible::visible;

/// Exit code where something was found.
pub const FINDINGS: u8 = 100;
/// Exit code where the job could not be done.
pub const FAILED: u8 = 1;

/// Prints a result line; a reader that went away is no error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a result that ends its own lines.
pub fn text(text: &str) {
    let _ = write!(std::io::stdout(), "{text}");
}

/// Prints an error and gives its exit code.
#[must_use]
pub fn failure(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {}", visible(text));
    ExitCode::from(FAILED)
}

/// Prints findings on standard error, their paths as seen from the current folder.
pub fn print_findings(findings: &[Finding], registry: &Path) {
    for finding in findings {
        let mut finding = finding.clone();
        finding.file = registry.join(&finding.file).display().to_string();
        let _ = writeln!(std::io::stderr(), "{finding}\n");
    }
}

/// `1 file`, `2 files`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
