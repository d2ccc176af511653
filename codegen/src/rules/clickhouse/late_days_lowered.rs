//! `late-days-lowered`: events that came late and counted no longer do.
use crate::finding::{Plane, Severity};
use crate::rules::pair::RegistryPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "late-days-lowered",
    plane: Plane::ClickHouse,
    severity: Severity::Warning,
    purpose: "fewer days remain for an event to come late and still count",
    doc: Doc {
        what: "`late_days` of `[clickhouse]` is lower than in the base.",
        why: "An event that comes later than that is stored and shown by a metric, and no KPI counts it. What a \
              phone sent after a week without a network was counted before and is not any more.",
        example: "`late_days = 31` becomes `late_days = 2`.",
        fix: "Ask the fact table first how many events come later than that; the finding has the query.",
    },
    check: Check::Registry(check),
};

fn check(pair: &RegistryPair<'_>) -> Vec<Problem> {
    let [old, new] = [pair.old, pair.new].map(|side| &side.registry.manifest.clickhouse);
    if new.late_days >= old.late_days {
        return Vec::new();
    }
    let days = new.late_days;
    let unit = if days == 1 { "day" } else { "days" };
    let pointer = "/clickhouse/late_days";
    vec![
        Problem::new(
            "registry.toml",
            pointer,
            format!(
                "late_days was {}, is now {days}: an event that comes more than {days} {unit} after its own day counts in no KPI",
                old.late_days
            ),
        )
        .old("registry.toml", pointer)
        .evidence(format!(
            "how many came so late: SELECT count() FROM {}.{} WHERE dateDiff('day', event_date, toDate(received_at)) > {days}",
            old.database, old.table
        ))
        .fix(format!(
            "keep late_days = {}, or ask first how many events come so late",
            old.late_days
        )),
    ]
}
