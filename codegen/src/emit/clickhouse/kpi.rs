//! KPIs: a query with the parameter `as_of`, and a standing view of the same query as of now.
//!
//! The inner query is the question's answer for the window; the outer one divides, filters and orders the result, so
//! its names can only mean results.
use crate::clickhouse::{
    Definition, Expression, Object, Operator, Order, Output, Select, Source, Stage, View,
};
use crate::registry::manifest::{Condition, KpiQuery, ViewManifest};
use crate::registry::views::MeasureKind;

use super::question::Question;
use super::{Context, DayTest};

/// The moment asked about.
const AS_OF: Expression = Expression::Parameter {
    name: "as_of",
    kind: "DateTime64(3, 'UTC')",
};

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
    select(kpi, question, &AS_OF)
}

/// The view `kpi_<name>`.
pub(super) fn standing_view(kpi: &KpiQuery, question: &Question<'_>) -> Object {
    Object {
        name: question.name.clone(),
        file: question.name.clone(),
        stage: Stage::Kpi,
        view: Some(question.name.clone()),
        source: question.source.clone(),
        definition: Definition::View(View {
            name: question.context.table(&question.name),
            select: select(kpi, question, &super::now()),
            comment: format!("{}: {}", kpi.title, kpi.description),
        }),
    }
}

fn select(kpi: &KpiQuery, question: &Question<'_>, as_of: &Expression) -> Select {
    let last = Expression::call("toDate", [as_of.clone()]);
    let window: Vec<DayTest> = kpi.window_days.map_or_else(Vec::new, |days| {
        let days = Expression::number(days);
        vec![
            DayTest::after(last.clone().infix(Operator::Minus, days)),
            DayTest::through(last),
        ]
    });
    let outer = kpi
        .group_by
        .iter()
        .map(|name| Output::plain("result", name))
        .chain(kpi.measures.iter().map(|measure| {
            let value = match MeasureKind::stated(measure).first() {
                Some(MeasureKind::Ratio(over, under)) => ratio(over, under),
                Some(
                    MeasureKind::CountDistinct(_)
                    | MeasureKind::Sum(_)
                    | MeasureKind::Max(_)
                    | MeasureKind::Min(_),
                )
                | None => Expression::column("result", &measure.name),
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

fn ratio(over: &str, under: &str) -> Expression {
    let under = Expression::column("result", under);
    let under = Expression::call("nullIf", [under, Expression::number(0)]);
    Expression::column("result", over).infix(Operator::Divide, under)
}

/// A condition on the result; on a ratio it repeats the quotient, because the inner query has no such column.
fn having(kpi: &KpiQuery, condition: &Condition) -> Vec<Expression> {
    let mut measures = kpi.measures.iter();
    let quotient = measures
        .find(|measure| measure.name == condition.column)
        .and_then(|measure| measure.ratio.as_ref());
    match quotient {
        Some([over, under]) => ratio(over, under).tests(condition),
        None => Expression::column("result", &condition.column).tests(condition),
    }
}

/// The manifest's order, then the group columns, so that no two rows are equal in it. Nulls come last
/// both ways.
fn order(kpi: &KpiQuery) -> Vec<Order> {
    let stated = kpi
        .order_by
        .iter()
        .map(|entry| match entry.strip_prefix('-') {
            Some(name) => (name.to_owned(), true),
            None => (entry.clone(), false),
        });
    let mut keys: Vec<(String, bool)> = stated.collect();
    for group in &kpi.group_by {
        if !keys.iter().any(|(name, _)| name == group) {
            keys.push((group.clone(), false));
        }
    }
    keys.into_iter()
        .map(|(name, descending)| Order {
            by: Expression::own(&name),
            descending: Some(descending),
            nulls_last: true,
        })
        .collect()
}
