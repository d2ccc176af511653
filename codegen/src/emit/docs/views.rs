//! KPIs and tables in words: what is counted, over which rows, for which days; Markdown.
use super::markdown::{code, text};
use super::words;
use crate::registry::manifest::{Condition, KpiQuery, Measure, ViewManifest};
use crate::registry::views::MeasureKind;

/// A KPI's section.
pub struct KpiPart {
    /// Heading.
    pub title: String,
    /// Name in commands.
    pub name: String,
    /// What it answers.
    pub description: String,
    /// Sentences on days, groups and order.
    pub facts: Vec<String>,
    /// View that always shows it.
    pub view: String,
    /// Its numbers.
    pub measures: Vec<MeasurePart>,
}

/// A number.
pub struct MeasurePart {
    /// Name.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// How it is computed.
    pub counted: String,
}

/// A table's section.
pub struct TablePart {
    /// Name.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// Sentences on rows and retention.
    pub facts: Vec<String>,
    /// Its numbers; empty for a latest view.
    pub measures: Vec<MeasurePart>,
}

/// A KPI in words.
#[must_use]
pub fn kpi(kpi: &KpiQuery, database: &str) -> KpiPart {
    let mut facts = vec![format!(
        "Counted over the table {}{}.",
        code(&kpi.from),
        filtered(&kpi.filter)
    )];
    facts.push(match kpi.window_days {
        Some(1) => "Only the day asked about.".to_owned(),
        Some(days) => format!("The last {days} days, the day asked about included."),
        None => "All days that are kept.".to_owned(),
    });
    if !kpi.group_by.is_empty() {
        facts.push(format!("One row for each {}.", names(&kpi.group_by)));
    }
    if !kpi.having.is_empty() {
        facts.push(format!("Only rows{}.", filtered(&kpi.having)));
    }
    if let Some(limit) = kpi.limit {
        facts.push(format!("At most {limit} rows."));
    }
    if !kpi.order_by.is_empty() {
        let order: Vec<String> = kpi
            .order_by
            .iter()
            .map(|entry| match entry.strip_prefix('-') {
                Some(name) => format!("{}, highest first", code(name)),
                None => format!("{}, lowest first", code(entry)),
            })
            .collect();
        facts.push(format!("Ordered by {}.", order.join("; then ")));
    }
    KpiPart {
        title: text(&kpi.title),
        name: code(&kpi.name),
        description: text(&kpi.description),
        facts,
        view: code(&format!("{database}.kpi_{}", kpi.name)),
        measures: kpi.measures.iter().map(measure).collect(),
    }
}

/// A table in words; `None` for a KPI.
#[must_use]
pub fn table(view: &ViewManifest) -> Option<TablePart> {
    let part =
        |name: &str, description: &str, facts: Vec<String>, measures: &[Measure]| TablePart {
            name: code(name),
            description: text(description),
            facts,
            measures: measures.iter().map(measure).collect(),
        };
    Some(match view {
        ViewManifest::Aggregate(view) => part(
            &view.name,
            &view.description,
            vec![
                format!(
                    "One row for each {}, over events{}.",
                    names(&view.group_by),
                    if view.filter.is_empty() {
                        " of every type".to_owned()
                    } else {
                        filtered(&view.filter)
                    }
                ),
                "Up to date with every insert; an event that arrives twice counts once.".to_owned(),
                format!("Kept for {} days.", view.retention_days),
            ],
            &view.measures,
        ),
        ViewManifest::Latest(view) => part(
            &view.name,
            &view.description,
            vec![
                format!(
                    "One row for each {}: the newest by {}, whatever order events arrive in{}.",
                    names(&view.key),
                    if view.newest_by.is_empty() {
                        code("ts")
                    } else {
                        names(&view.newest_by)
                    },
                    if view.filter.is_empty() {
                        String::new()
                    } else {
                        format!(", over events{}", filtered(&view.filter))
                    }
                ),
                format!("It shows {}.", names(&view.columns)),
                format!(
                    "Kept for {} days after the last change.",
                    view.retention_days
                ),
            ],
            &[],
        ),
        ViewManifest::Rollup(view) => part(
            &view.name,
            &view.description,
            vec![
                format!(
                    "One row for each {}, from the table {}.",
                    names(&view.group_by),
                    code(&view.from)
                ),
                view.retention_days.map_or_else(
                    || "Kept for ever.".to_owned(),
                    |days| format!("Kept for {days} days."),
                ),
            ],
            &view.measures,
        ),
        ViewManifest::Kpi(_) => return None,
    })
}

fn measure(measure: &Measure) -> MeasurePart {
    let counted = match MeasureKind::stated(measure).first() {
        Some(MeasureKind::CountDistinct("dedupe_key")) => "number of events".to_owned(),
        Some(MeasureKind::CountDistinct(column)) => {
            format!("number of different {}", code(column))
        }
        Some(MeasureKind::Sum(column)) => format!("sum of {}", code(column)),
        Some(MeasureKind::Max(column)) => format!("highest {}", code(column)),
        Some(MeasureKind::Min(column)) => format!("lowest {}", code(column)),
        Some(MeasureKind::Ratio(over, under)) => {
            format!("{} divided by {}", code(over), code(under))
        }
        None => String::new(),
    };
    MeasurePart {
        name: code(&measure.name),
        meaning: text(&measure.description),
        counted: format!("{counted}{}", filtered(&measure.filter)),
    }
}

fn names(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| code(column)).collect();
    match columns.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// ` where …`, or nothing.
fn filtered(conditions: &[Condition]) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    let all: Vec<String> = conditions.iter().map(condition).collect();
    format!(" where {}", all.join(" and "))
}

fn condition(condition: &Condition) -> String {
    let mut tests = Vec::new();
    if let Some(value) = &condition.equals {
        tests.push(format!("is {}", words::value(value)));
    }
    if let Some(value) = &condition.not_equals {
        tests.push(format!("is not {}", words::value(value)));
    }
    if let Some(values) = &condition.one_of {
        let values: Vec<String> = values.iter().map(words::value).collect();
        tests.push(format!("is {}", values.join(" or ")));
    }
    if let Some(least) = condition.at_least {
        tests.push(format!("is at least {least}"));
    }
    if let Some(most) = condition.at_most {
        tests.push(format!("is at most {most}"));
    }
    format!("{} {}", code(&condition.column), tests.join(" and "))
}
