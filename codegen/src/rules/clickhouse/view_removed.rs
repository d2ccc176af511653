//! `view-removed`: a view or KPI is gone.
use crate::finding::{Plane, Severity};
use crate::registry::manifest::ViewManifest;
use crate::rules::pair::ViewPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "view-removed",
    plane: Plane::ClickHouse,
    severity: Severity::Error,
    purpose: "a view or KPI that people query is gone",
    doc: Doc {
        what: "A view of the base is gone, or has another name. For a KPI, whose closed days can be counted \
               again from those of its view, it is a warning.",
        why: "Queries and dashboards that name it fail. With the view go its closed days, which reach further \
              back than the raw rows where its retention is longer.",
        example: "`views/customer_daily.toml` is deleted.",
        fix: "Keep it until nothing asks for it any more; look at `system.query_log`.",
    },
    check: Check::View(check),
};

fn check(pair: &ViewPair<'_>) -> Vec<Problem> {
    let Some(gone) = pair.view.removed() else {
        return Vec::new();
    };
    let file = pair.around.old.view_file(gone.name());
    let (what, kept, severity) = match gone {
        ViewManifest::Aggregate(view) => (
            view.name.clone(),
            format!("its closed days, up to {} of them", view.retention_days),
            Severity::Error,
        ),
        ViewManifest::Latest(view) => (
            view.name.clone(),
            format!("its rows of up to {} days", view.retention_days),
            Severity::Error,
        ),
        ViewManifest::Rollup(view) => (
            view.name.clone(),
            view.retention_days.map_or_else(
                || "its rows, kept for ever until now".to_owned(),
                |days| format!("its rows of up to {days} days"),
            ),
            Severity::Error,
        ),
        ViewManifest::Kpi(kpi) => (
            format!("kpi_{}", kpi.name),
            "a few rows for each closed day: a KPI is counted from its view again".to_owned(),
            Severity::Warning,
        ),
    };
    vec![
        Problem::new(
            &file,
            "",
            format!("{what} is gone: queries and dashboards that name it fail"),
        )
        .old(&file, "")
        .evidence(kept)
        .fix("keep it until nothing asks for it any more")
        .severity(severity),
    ]
}
