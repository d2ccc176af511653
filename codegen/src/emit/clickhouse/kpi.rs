//! KPIs: a query with the parameter `as_of`, and a standing view of the same query as of now.
//!
//! The inner query is the question's answer for the window; the outer one divides, filters and orders the result, so
//! its names can only mean results.
use crate::registry::manifest::{KpiQuery, ViewManifest};
use crate::registry::views::MeasureKind;

use super::question::Question;
use super::spec::{Definition, Object, Output, Select, Source, Stage, ViewSpec};
use super::{Context, DayTest, sql};

/// The moment asked about, as a query parameter.
const AS_OF: &str = "{as_of:DateTime64(3, 'UTC')}";
/// The moment asked about, in a standing view.
const NOW: &str = "now64(3, 'UTC')";

/// The question that a KPI is; `None` where its view is not there.
pub(super) fn question<'a>(kpi: &'a KpiQuery, context: &'a Context<'a>) -> Option<Question<'a>> {
    let view = context.aggregate(&kpi.from)?;
    Some(Question {
        name: ViewManifest::Kpi(kpi.clone()).object(),
        source: format!("the KPI {}", kpi.name),
        view,
        filter: &kpi.filter,
        group_by: &kpi.group_by,
        measures: &kpi.measures,
        retention_days: Some(view.retention_days),
        context,
    })
}

/// The query with its parameter.
pub(super) fn query(kpi: &KpiQuery, question: &Question<'_>) -> Select {
    select(kpi, question, AS_OF)
}

/// The view `kpi_<name>`.
pub(super) fn standing_view(kpi: &KpiQuery, question: &Question<'_>) -> Object {
    Object {
        name: question.name.clone(),
        file: question.name.clone(),
        stage: Stage::Kpi,
        view: Some(question.name.clone()),
        source: question.source.clone(),
        definition: Definition::View(ViewSpec {
            name: question.context.table(&question.name),
            select: select(kpi, question, NOW),
            comment: format!("{}: {}", kpi.title, kpi.description),
        }),
    }
}

fn select(kpi: &KpiQuery, question: &Question<'_>, as_of: &str) -> Select {
    let window: Vec<DayTest> = kpi.window_days.map_or_else(Vec::new, |days| {
        vec![
            DayTest::after(format!("toDate({as_of}) - {days}")),
            DayTest::through(format!("toDate({as_of})")),
        ]
    });
    let outer = kpi
        .group_by
        .iter()
        .map(|name| Output::new(name, sql::column("result", name)))
        .chain(kpi.measures.iter().map(|measure| {
            let value = match MeasureKind::stated(measure).first() {
                Some(MeasureKind::Ratio(over, under)) => ratio(over, under),
                Some(
                    MeasureKind::CountDistinct(_)
                    | MeasureKind::Sum(_)
                    | MeasureKind::Max(_)
                    | MeasureKind::Min(_),
                )
                | None => sql::column("result", &measure.name),
            };
            Output::new(&measure.name, value)
        }))
        .collect();
    Select {
        filter: kpi
            .having
            .iter()
            .flat_map(|condition| having(kpi, condition))
            .collect(),
        order_by: order(kpi),
        limit: kpi.limit,
        ..Select::over(
            Source::Query(Box::new(question.answer(&window))),
            "result",
            outer,
        )
    }
}

fn ratio(over: &str, under: &str) -> String {
    format!(
        "{} / nullIf({}, 0)",
        sql::column("result", over),
        sql::column("result", under)
    )
}

/// A condition on the result; on a ratio it repeats the quotient, because the inner query has no such column.
fn having(kpi: &KpiQuery, condition: &crate::registry::manifest::Condition) -> Vec<String> {
    let mut measures = kpi.measures.iter();
    let quotient = measures
        .find(|measure| measure.name == condition.column)
        .and_then(|measure| measure.ratio.as_ref());
    match quotient {
        Some([over, under]) => sql::tests(&format!("({})", ratio(over, under)), condition),
        None => sql::condition("result", condition),
    }
}

/// The manifest's order, then the group columns, so that no two rows are equal in it. Nulls come last
/// both ways.
fn order(kpi: &KpiQuery) -> Vec<String> {
    let stated = kpi
        .order_by
        .iter()
        .map(|entry| match entry.strip_prefix('-') {
            Some(name) => (name.to_owned(), "DESC"),
            None => (entry.clone(), "ASC"),
        });
    let mut keys: Vec<(String, &str)> = stated.collect();
    for group in &kpi.group_by {
        if !keys.iter().any(|(name, _)| name == group) {
            keys.push((group.clone(), "ASC"));
        }
    }
    keys.into_iter()
        .map(|(name, direction)| format!("{} {direction} NULLS LAST", sql::name(&name)))
        .collect()
}
