//! The one comment on the pull request: the verdict first, then what else a reviewer must know; nothing that
//! takes longer than a glance unless it is unfolded.
use super::{Report, verdict};
use crate::finding::{Finding, Plane, Severity};
use crate::gate::{Answer, Outcome};
use crate::visible::visible;

/// More findings of a plane than this are counted, not shown; a comment has a limit, and so has attention.
const MAX_ROWS: usize = 20;

/// The comment.
#[must_use]
pub fn print(report: &Report<'_>) -> String {
    let outcome = report.outcome;
    let mark = if outcome.stops() {
        "❌"
    } else if outcome.findings.is_empty() {
        "✅"
    } else {
        "⚠️"
    };
    let mut blocks = vec![
        format!("### {mark} {}", text(&verdict::sentence(report))),
        compared(report),
    ];
    // What breaks someone comes first; what a change does to the registry's own examples and scenarios follows from it.
    for plane in [
        Plane::Wire,
        Plane::Rust,
        Plane::ClickHouse,
        Plane::Kafka,
        Plane::Registry,
    ] {
        blocks.extend(findings(report, plane));
    }
    blocks.extend(accepted(report));
    blocks.extend(columns(outcome));
    let notes: Vec<String> = report
        .other_notes()
        .take(MAX_ROWS)
        .map(|note| format!("- {}", text(&note.message)))
        .collect();
    blocks.push(notes.join("\n"));
    blocks.extend(api(outcome));
    blocks.extend(rollout(outcome));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

fn compared(report: &Report<'_>) -> String {
    let pairs = &report.outcome.compared;
    let proved = pairs
        .iter()
        .filter(|pair| pair.answer == Answer::Compatible)
        .count();
    let base = text(report.base);
    if pairs.is_empty() {
        format!("Compared with {base}.")
    } else {
        format!(
            "Compared with {base}: {proved} of {} pairs of writer and reader proved compatible.",
            pairs.len()
        )
    }
}

fn findings(report: &Report<'_>, plane: Plane) -> Vec<String> {
    let found: Vec<&Finding> = report
        .outcome
        .findings
        .iter()
        .filter(|finding| finding.plane == plane)
        .collect();
    if found.is_empty() {
        return Vec::new();
    }
    let mut table = format!("| {} | where | what |\n|---|---|---|", title(plane));
    for finding in found.iter().take(MAX_ROWS) {
        let mark = match finding.severity {
            Severity::Error => "❌",
            Severity::Warning => "⚠️",
            Severity::Note => "ℹ️",
        };
        let place = format!("{}:{}", report.file(&finding.file), finding.position.line);
        let mut what = cell(&text(&finding.message));
        if let Some(fix) = &finding.fix {
            what.push_str(&format!("<br>**Fix:** {}", cell(&text(fix))));
        }
        table.push_str(&format!(
            "\n| {mark} `{}` | {} | {what} |",
            finding.rule,
            cell(&code(&place))
        ));
    }
    let mut blocks = vec![table];
    if found.len() > MAX_ROWS {
        blocks.push(format!("… and {} more.", found.len() - MAX_ROWS));
    }
    let evidence: Vec<String> = found
        .iter()
        .take(MAX_ROWS)
        .filter_map(|finding| {
            let evidence = finding.evidence.as_ref()?;
            // Two versions may have a finding at one pointer.
            let place = format!("{} {}", report.file(&finding.file), finding.pointer);
            Some(format!(
                "`{}` at {}:\n\n{}",
                finding.rule,
                code(&place),
                fenced(evidence)
            ))
        })
        .collect();
    if !evidence.is_empty() {
        blocks.push(format!(
            "<details><summary>Evidence</summary>\n\n{}\n\n</details>",
            evidence.join("\n\n")
        ));
    }
    blocks
}

const fn title(plane: Plane) -> &'static str {
    match plane {
        Plane::Registry => "Registry",
        Plane::Wire => "Messages",
        Plane::Rust => "Rust",
        Plane::ClickHouse => "ClickHouse",
        Plane::Kafka => "Kafka",
    }
}

fn accepted(report: &Report<'_>) -> Vec<String> {
    let waived = &report.outcome.waived;
    if waived.is_empty() {
        return Vec::new();
    }
    let lines: Vec<String> = waived
        .iter()
        .map(|waived| {
            format!(
                "- `{}` at {}: {} (accepted by {} until {})",
                waived.finding.rule,
                code(&format!(
                    "{}#{}",
                    report.file(&waived.finding.file),
                    waived.finding.pointer
                )),
                text(&waived.waiver.reason),
                text(&waived.waiver.approver),
                text(&waived.waiver.expires)
            )
        })
        .collect();
    vec![format!("**Accepted**\n\n{}", lines.join("\n"))]
}

fn columns(outcome: &Outcome) -> Vec<String> {
    if outcome.columns.is_empty() && outcome.paths.is_empty() {
        return Vec::new();
    }
    let mut table = "| New in ClickHouse | type | cost |\n|---|---|---|".to_owned();
    for column in outcome.columns.iter().take(MAX_ROWS) {
        let name = format!("{}.{}", column.table, column.name);
        let sql_type = column
            .sql_type
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        table.push_str(&format!(
            "\n| {} | {} | {}; nothing is rewritten, stored rows read the default |",
            cell(&code(&name)),
            cell(&code(&sql_type)),
            cell(&text(&column.bytes))
        ));
    }
    for path in outcome.paths.iter().take(MAX_ROWS) {
        table.push_str(&format!(
            "\n| {} | {} | {}; no `ALTER`, the payload column takes it |",
            cell(&code(&format!("{}.{}", path.table, path.path))),
            cell(&code(&path.sql_type)),
            cell(&text(&path.bytes))
        ));
    }
    let more =
        [outcome.columns.len(), outcome.paths.len()].map(|many| many.saturating_sub(MAX_ROWS));
    let more: usize = more.iter().sum();
    let mut blocks = vec![table];
    if more > 0 {
        blocks.push(format!("… and {more} more."));
    }
    blocks
}

fn api(outcome: &Outcome) -> Vec<String> {
    let Some(api) = &outcome.api else {
        return Vec::new();
    };
    let shown = api.changes.iter().take(MAX_ROWS);
    let mut lines: Vec<String> = shown.map(|change| format!("- {}", text(change))).collect();
    if api.changes.len() > MAX_ROWS {
        lines.push(format!("- … and {} more", api.changes.len() - MAX_ROWS));
    }
    vec![format!(
        "<details><summary>Rust API: <b>{}</b> change</summary>\n\n{}\n\n</details>",
        api.level.name(),
        lines.join("\n")
    )]
}

fn rollout(outcome: &Outcome) -> Vec<String> {
    let rollout = &outcome.rollout;
    if rollout.steps.is_empty() {
        return Vec::new();
    }
    let steps: Vec<String> = rollout
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| format!("{}. {}", index + 1, text(step)))
        .collect();
    let mut block = format!("**Rollout**\n\n{}", steps.join("\n"));
    if !rollout.together.is_empty() {
        let pairs: Vec<String> = rollout.together.iter().map(|pair| text(pair)).collect();
        block.push_str(&format!("\n\nSafe side by side: {}.", pairs.join("; ")));
    }
    vec![block]
}

/// A line of text whose backticks stay code, and in which nothing else is markup or a mention.
///
/// Messages put names between backticks, and a name may have some itself.
fn text(value: &str) -> String {
    let value = visible(value).replace('\n', " ");
    let mut result = String::new();
    let mut rest = value.as_str();
    while let Some((before, behind)) = rest.split_once('`') {
        result.push_str(&plain(before));
        // Right behind other code it would make that one's fence longer.
        let touches = before.is_empty() && result.ends_with('`');
        let end = closing(behind).filter(|_| !touches && !before.ends_with(is_of_word));
        match end {
            // Code without anything in it is none.
            Some(end) if end > 0 => {
                result.push_str(&code(&behind[..end]));
                rest = &behind[end + 1..];
            }
            _ => {
                result.push_str("&#96;");
                rest = behind;
            }
        }
    }
    result + &plain(rest)
}

/// Where code ends that has begun: at the first backtick that no part of a name follows, or at the next one.
fn closing(text: &str) -> Option<usize> {
    let ends = |(end, _): &(usize, &str)| {
        let next = text[end + 1..].chars().next();
        *end > 0 && next.is_none_or(|next| next.is_whitespace() || ",.;:!?)]'\"".contains(next))
    };
    let mut ticks = text.match_indices('`');
    let found = ticks.clone().find(ends).or_else(|| ticks.next());
    found.map(|(end, _)| end)
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn plain(text: &str) -> String {
    let mut result = String::new();
    for character in text.chars() {
        match character {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            // No mention and no reference to an issue from what a schema says.
            '@' => result.push_str("&#64;"),
            '#' => result.push_str("&#35;"),
            '*' | '_' | '[' | ']' | '~' | '\\' | '$' => {
                result.push('\\');
                result.push(character);
            }
            other => result.push(other),
        }
    }
    result
}

/// A code span around any text.
fn code(text: &str) -> String {
    let text = visible(text).replace('\n', " ");
    let longest = longest_run(&text);
    let ticks = "`".repeat(longest + 1);
    if longest > 0 || text.trim().is_empty() {
        format!("{ticks} {text} {ticks}")
    } else {
        format!("{ticks}{text}{ticks}")
    }
}

fn fenced(text: &str) -> String {
    let text = visible(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}text\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// Inside a table a pipe ends the cell, even in a code span.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::{cell, code, fenced, text};

    #[test]
    fn nothing_from_a_schema_becomes_markup() {
        assert_eq!(
            text("`a_b` < @team #1 *x*"),
            "`a_b` &lt; &#64;team &#35;1 \\*x\\*"
        );
        assert_eq!(text("one ` alone"), "one &#96; alone");
        assert_eq!(text("two\nlines"), "two lines");
        assert_eq!(code("a`b"), "`` a`b ``");
        // Names with backticks, as messages show them.
        assert_eq!(text("at `/``<b>`: no"), "at ``` /``<b> ```: no");
        assert_eq!(text("``<b>` and `c`"), "`` `<b> `` and `c`");
        assert_eq!(text("`a`<b>`, `a`<b>`"), "`` a`<b> ``, `` a`<b> ``");
        assert_eq!(text("``` is"), "`` ` `` is");
        assert_eq!(text("`a`b`c`d <i>"), "`a`b&#96;c&#96;d &lt;i>");
        assert_eq!(text("`a``b <i>"), "`a`&#96;b &lt;i>");
        assert_eq!(cell(&text("`a`|b`")), "`` a`\\|b ``");
        assert_eq!(cell(&code("^(a|b)$")), "`^(a\\|b)$`");
        assert_eq!(fenced("```"), "````text\n```\n````");
    }
}
