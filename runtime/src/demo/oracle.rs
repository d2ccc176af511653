//! Every KPI recomputed from what was produced, by the manifests alone: no SQL, no generated code.
//!
//! Records are one event where topic, record key, sorting columns and deduplication key are equal; of such copies the
//! first counts. Measures over what then is left are plain.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::facts::{EVENT_KEY, Row};
use super::value::{Cell, day_number};
use crate::plan::{Condition, Kpi, Latest, Measure, Plan, View};

/// A KPI's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// Answers all KPIs as of a moment (`YYYY-MM-DD…`) over the rows of all valid events.
pub(crate) fn answers(plan: &Plan, facts: &[Row], as_of: &str) -> BTreeMap<String, Answer> {
    let mut known = HashSet::new();
    let is_first = |row: &&Row| known.insert(cell(row, EVENT_KEY).to_string());
    let facts: Vec<&Row> = facts.iter().filter(is_first).collect();
    let mut views: HashMap<&str, Vec<Row>> = HashMap::new();
    let mut answers = BTreeMap::new();
    for view in &plan.views {
        match view {
            View::Aggregate(view) => {
                let rows = grouped(
                    facts.iter().copied(),
                    &view.filter,
                    &view.group_by,
                    &view.measures,
                );
                views.insert(&view.name, rows);
            }
            View::Latest(view) => {
                views.insert(&view.name, latest(view, &facts));
            }
            View::Rollup(view) => {
                let source = views.get(view.from.as_str()).map_or(&[][..], Vec::as_slice);
                let rows = grouped(source.iter(), &[], &view.group_by, &view.measures);
                views.insert(&view.name, rows);
            }
            View::Kpi(kpi) => {
                let source = views.get(kpi.from.as_str()).map_or(&[][..], Vec::as_slice);
                answers.insert(kpi.name.clone(), answer(kpi, source, as_of));
            }
        }
    }
    answers
}

/// One row a group.
fn grouped<'r>(
    rows: impl Iterator<Item = &'r Row>,
    filter: &[Condition],
    group_by: &[String],
    measures: &[Measure],
) -> Vec<Row> {
    let mut groups: BTreeMap<Vec<Cell>, Vec<&Row>> = BTreeMap::new();
    for row in rows.filter(|row| all_hold(filter, row)) {
        let key = group_by.iter().map(|name| cell(row, name)).collect();
        groups.entry(key).or_default().push(row);
    }
    if group_by.is_empty() && groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    groups
        .into_iter()
        .map(|(key, rows)| {
            let mut result: Row = group_by.iter().cloned().zip(key).collect();
            for measure in measures {
                let value = measured(measure, &rows);
                result.extend(value.map(|value| (measure.name.clone(), value)));
            }
            for measure in measures {
                if let Some([over, under]) = &measure.ratio {
                    let (over, under) = (cell(&result, over), cell(&result, under));
                    let value = if under.as_float() == 0.0 {
                        Cell::Null
                    } else {
                        Cell::Float(over.as_float() / under.as_float())
                    };
                    result.insert(measure.name.clone(), value);
                }
            }
            result
        })
        .collect()
}

/// A measure over rows; `None` for a ratio, which is over measures.
fn measured(measure: &Measure, rows: &[&Row]) -> Option<Cell> {
    let rows = || rows.iter().filter(|row| all_hold(&measure.filter, row));
    if let Some(column) = &measure.count_distinct {
        let values: BTreeSet<Cell> = rows().map(|row| cell(row, column)).collect();
        return Some(Cell::Int(i128::try_from(values.len()).unwrap_or(i128::MAX)));
    }
    if let Some(column) = &measure.sum {
        return Some(Cell::Int(
            rows().map(|row| cell(row, column).as_int()).sum(),
        ));
    }
    let nothing = Cell::Int(0);
    if let Some(column) = &measure.max {
        return Some(rows().map(|row| cell(row, column)).max().unwrap_or(nothing));
    }
    let column = measure.min.as_ref()?;
    Some(rows().map(|row| cell(row, column)).min().unwrap_or(nothing))
}

fn latest(view: &Latest, facts: &[&Row]) -> Vec<Row> {
    let mut newest: BTreeMap<Vec<Cell>, (Vec<Cell>, &Row)> = BTreeMap::new();
    for row in facts
        .iter()
        .copied()
        .filter(|row| all_hold(&view.filter, row))
    {
        let key = view.key.iter().map(|name| cell(row, name)).collect();
        let mut rank: Vec<Cell> = view.newest_by.iter().map(|name| cell(row, name)).collect();
        rank.push(cell(row, "ts"));
        rank.extend(view.columns.iter().map(|name| cell(row, name)));
        let entry = newest.entry(key).or_insert_with(|| (rank.clone(), row));
        if rank > entry.0 {
            *entry = (rank, row);
        }
    }
    newest
        .into_values()
        .map(|(_, row)| {
            let columns = view.key.iter().chain(&view.columns);
            columns
                .map(|name| (name.clone(), cell(row, name)))
                .collect()
        })
        .collect()
}

fn answer(kpi: &Kpi, source: &[Row], as_of: &str) -> Answer {
    let today = day_number(as_of).unwrap_or(0);
    let in_window = |row: &&Row| {
        kpi.window_days.is_none_or(|days| {
            let day = row
                .get("event_date")
                .and_then(|date| day_number(&date.to_string()));
            day.is_some_and(|day| day > today - i64::from(days) && day <= today)
        })
    };
    let mut rows = grouped(
        source.iter().filter(in_window),
        &kpi.filter,
        &kpi.group_by,
        &kpi.measures,
    );
    rows.retain(|row| all_hold(&kpi.having, row));
    rows.sort_by(|left, right| {
        let stated = kpi
            .order_by
            .iter()
            .map(|name| match name.strip_prefix('-') {
                // Nulls stay last either way.
                Some(name) => match (cell(left, name), cell(right, name)) {
                    (Cell::Null, _) | (_, Cell::Null) => cell(left, name).cmp(&cell(right, name)),
                    (left, right) => right.cmp(&left),
                },
                None => cell(left, name).cmp(&cell(right, name)),
            });
        let closing = kpi
            .group_by
            .iter()
            .map(|name| cell(left, name).cmp(&cell(right, name)));
        stated
            .chain(closing)
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    rows.truncate(kpi.limit.unwrap_or(usize::MAX));
    let columns: Vec<String> = kpi
        .group_by
        .iter()
        .cloned()
        .chain(kpi.measures.iter().map(|measure| measure.name.clone()))
        .collect();
    Answer {
        rows: rows
            .iter()
            .map(|row| columns.iter().map(|name| cell(row, name)).collect())
            .collect(),
        columns,
    }
}

fn cell(row: &Row, name: &str) -> Cell {
    row.get(name).cloned().unwrap_or(Cell::Null)
}

fn all_hold(conditions: &[Condition], row: &Row) -> bool {
    conditions.iter().all(|condition| {
        let value = cell(row, &condition.column);
        let is = |constant: &serde_json::Value| value == Cell::of_json(constant);
        condition.equals.as_ref().is_none_or(is)
            && !condition.not_equals.as_ref().is_some_and(is)
            && condition
                .one_of
                .as_ref()
                .is_none_or(|list| list.iter().any(is))
            && condition
                .at_least
                .is_none_or(|least| value.as_float() >= least as f64)
            && condition
                .at_most
                .is_none_or(|most| value.as_float() <= most as f64)
    })
}
