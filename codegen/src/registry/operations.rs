//! Checks what registry.toml says about operation: alerts, days, and names that Kubernetes and ClickHouse must take.
//!
//! One rule that Prometheus does not read keeps it from loading the whole file, so a slip here is a finding and
//! not an alert that never fires.
use super::load::Loader;
use super::manifest::{Alert, RegistryManifest};
use crate::clickhouse::Type;
use crate::fact::stated_type;

const FILE: &str = "registry.toml";
/// Longest label value of a Kubernetes resource.
const MAX_LABEL: usize = 63;

pub(super) fn check(loader: &mut Loader, manifest: &RegistryManifest) {
    for (index, alert) in manifest.alerts.iter().enumerate() {
        let others = manifest.alerts.get(..index).unwrap_or_default();
        check_alert(loader, &format!("/alerts/{index}"), alert, others);
    }
    let cluster = &manifest.kafka.strimzi_cluster;
    if !is_label(cluster) {
        loader.report(
            FILE,
            "invalid-setting",
            "/kafka/strimzi_cluster",
            format!("`{cluster}` is no label that Kubernetes takes"),
            Some("use letters, digits, `-`, `_` and `.`, at most 63".to_owned()),
        );
    }
    let days = [
        (
            "retention_days",
            manifest.clickhouse.retention_days,
            "rows kept for 0 days are never seen",
            "keep them for a day at least: retention_days = 400",
        ),
        (
            "late_days",
            manifest.clickhouse.late_days,
            "no event arrives in the moment in which it happens, and one of just before midnight would count nowhere",
            "allow a day at least: late_days = 31",
        ),
    ];
    for (setting, days, problem, fix) in days {
        if days == 0 {
            loader.report(
                FILE,
                "invalid-setting",
                &format!("/clickhouse/{setting}"),
                problem.to_owned(),
                Some(fix.to_owned()),
            );
        }
    }
    for (index, column) in manifest.clickhouse.columns.iter().enumerate() {
        let kind = stated_type(column.kind);
        let counts_up = matches!(&kind, Type::Integer(integer) if !integer.is_signed());
        if column.dense && !counts_up {
            loader.report(
                FILE,
                "invalid-column",
                &format!("/clickhouse/columns/{index}/dense"),
                format!(
                    "`{}` is {kind}, and only whole numbers from 0 on are given out one after the other",
                    column.name
                ),
                Some("make it an unsigned integer, or leave `dense` out".to_owned()),
            );
        }
        if let Some(codec) = &column.codec
            && !is_codec(codec)
        {
            loader.report(
                FILE,
                "invalid-column",
                &format!("/clickhouse/columns/{index}/codec"),
                format!("`{codec}` is not a list of codecs"),
                Some("write names with their arguments: \"Delta, ZSTD(3)\"".to_owned()),
            );
        }
    }
}

fn check_alert(loader: &mut Loader, at: &str, alert: &Alert, before: &[Alert]) {
    let mut wrong = |member: &str, message: String, fix: &str| {
        loader.report(
            FILE,
            "invalid-alert",
            &format!("{at}/{member}"),
            message,
            Some(fix.to_owned()),
        );
    };
    let mut characters = alert.name.chars();
    let named = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_');
    if !named {
        wrong(
            "name",
            format!("`{}` is no name of an alert", alert.name),
            "use letters and digits, a letter first: OutboxLag",
        );
    }
    if before.iter().any(|other| other.name == alert.name) {
        wrong(
            "name",
            format!("another alert is called `{}` too", alert.name),
            "rename one of them",
        );
    }
    if let Some(hold) = &alert.hold
        && !is_duration(hold)
    {
        wrong(
            "for",
            format!("`{hold}` is no duration"),
            "write numbers with units as Prometheus does: \"5m\", \"1h30m\"",
        );
    }
    if let Some(problem) = unbalanced(&alert.expr) {
        wrong(
            "expr",
            problem,
            "write a PromQL expression that is true when the alert should fire",
        );
    }
}

/// `1h30m`: whole numbers with units, each unit once, the longer first.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    let mut units = ["y", "w", "d", "h", "m", "s", "ms"].iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit_length = rest[digits..]
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let unit = &rest[digits..digits + unit_length];
        if digits == 0 || digits > 9 || !units.any(|known| *known == unit) {
            return false;
        }
        rest = &rest[digits + unit_length..];
    }
    !text.is_empty()
}

/// Why an expression cannot be read, as far as quotes and brackets tell.
fn unbalanced(expr: &str) -> Option<String> {
    if expr.trim().is_empty() {
        return Some("the expression is empty".to_owned());
    }
    let mut open = Vec::new();
    let mut quote = None;
    let mut characters = expr.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('"' | '\''), '\\') => {
                characters.next();
            }
            (Some(mark), _) if mark == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '(') => open.push(')'),
            (None, '[') => open.push(']'),
            (None, '{') => open.push('}'),
            (None, ')' | ']' | '}') if open.pop() != Some(character) => {
                return Some(format!("`{character}` closes nothing"));
            }
            (None, _) => {}
        }
    }
    if quote.is_some() {
        return Some("a text in the expression is left open".to_owned());
    }
    open.last()
        .map(|missing| format!("a `{missing}` is missing"))
}

pub(super) fn is_label(text: &str) -> bool {
    let alphanumeric = |character: char| character.is_ascii_alphanumeric();
    text.len() <= MAX_LABEL
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text
            .chars()
            .all(|character| alphanumeric(character) || "-_.".contains(character))
}

/// `Delta(8), ZSTD(3)`: names with plain arguments, so that a codec cannot end its clause.
fn is_codec(text: &str) -> bool {
    let mut depth = 0_u32;
    let fits = text.chars().all(|character| {
        match character {
            '(' => depth += 1,
            ')' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
        character.is_ascii_alphanumeric() || " ,._()'".contains(character)
    });
    fits && depth == 0
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.matches('\'').count().is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for good in ["5m", "1h30m", "90s", "500ms", "1d"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "5", "m", "5 m", "5min", "30m1h", "-5m", "1.5h"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn expressions() {
        assert_eq!(unbalanced("sum(rate(a{b=\"}\"}[5m])) > 1"), None);
        for bad in ["", " ", "sum(a", "a)", "a[5m}", "a{b=\"c}"] {
            assert!(unbalanced(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn codecs_and_labels() {
        for good in ["ZSTD(1)", "Delta, ZSTD(3)", "T64('bit'), LZ4HC(9)", "NONE"] {
            assert!(is_codec(good), "{good}");
        }
        for bad in ["", "ZSTD(1)) TTL x", "ZSTD(", "a;b", "ZSTD(1) --", "T64('"] {
            assert!(!is_codec(bad), "{bad}");
        }
        assert!(is_label("game-kafka.1"));
        for bad in ["", "-a", "a b", &"x".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
    }
}
