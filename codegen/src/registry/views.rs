//! What a view manifest means: the kind of each measure, the columns a view offers, and what is wrong with it.
//!
//! Emitters rely on [`check_view`] having found nothing; the loader reports its results with positions.
use crate::clickhouse::Type;
use crate::fact::{Column, Origin};

use super::manifest::{Condition, Measure, ViewManifest};

mod check;

pub use check::{Problem, Surroundings, check_view};

/// What a measure computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasureKind<'a> {
    /// Number of distinct values of a column.
    CountDistinct(&'a str),
    /// Sum of a column.
    Sum(&'a str),
    /// Highest value of a column.
    Max(&'a str),
    /// Lowest value of a column.
    Min(&'a str),
    /// Quotient of two measures.
    Ratio(&'a str, &'a str),
}

impl MeasureKind<'_> {
    /// The kinds that a manifest states for a measure; exactly one in a checked registry.
    #[must_use]
    pub fn stated(measure: &Measure) -> Vec<MeasureKind<'_>> {
        let mut kinds = Vec::new();
        kinds.extend(
            measure
                .count_distinct
                .as_deref()
                .map(MeasureKind::CountDistinct),
        );
        kinds.extend(measure.sum.as_deref().map(MeasureKind::Sum));
        kinds.extend(measure.max.as_deref().map(MeasureKind::Max));
        kinds.extend(measure.min.as_deref().map(MeasureKind::Min));
        kinds.extend(
            measure
                .ratio
                .as_ref()
                .map(|[over, under]| MeasureKind::Ratio(over, under)),
        );
        kinds
    }
}

/// A column that views may use, with its ClickHouse type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewColumn {
    /// Name.
    pub name: String,
    /// ClickHouse type.
    pub kind: Type,
    /// What it means.
    pub description: String,
}

/// The fact columns that views may use: what the event says, not how it arrived, because that differs
/// between two arrivals of one event.
#[must_use]
pub fn fact_columns(columns: &[Column]) -> Vec<ViewColumn> {
    columns
        .iter()
        .filter(|column| match column.origin {
            Origin::Server => column.name == "event_date",
            Origin::Payload(_)
            | Origin::EventKey
            | Origin::ReceivedAt
            | Origin::KafkaTopic
            | Origin::KafkaPartition
            | Origin::KafkaOffset => false,
            Origin::Mapped(_)
            | Origin::EventType
            | Origin::Timestamp
            | Origin::SchemaVersion
            | Origin::DedupeKey
            | Origin::Hash(_) => true,
        })
        .map(|column| ViewColumn {
            name: column.name.clone(),
            kind: column.kind.clone(),
            description: column.description.clone(),
        })
        .collect()
}

/// The columns of a view's rows. A column or source that does not exist is left out; [`check_view`] reports it.
///
/// Shape: group or key columns first, then measures or kept columns, in the manifest's order.
#[must_use]
pub fn columns_of(
    view: &ViewManifest,
    fact: &[ViewColumn],
    views: &[ViewManifest],
) -> Vec<ViewColumn> {
    let source = source_columns(view, fact, views);
    let find = |name: &String| source.iter().find(|column| &column.name == name).cloned();
    match view {
        ViewManifest::Latest(latest) => latest
            .key
            .iter()
            .chain(&latest.columns)
            .filter_map(find)
            .collect(),
        ViewManifest::Aggregate(view) => with_measures(&view.group_by, &view.measures, &source),
        ViewManifest::Rollup(view) => with_measures(&view.group_by, &view.measures, &source),
        ViewManifest::Kpi(kpi) => with_measures(&kpi.group_by, &kpi.measures, &source),
    }
}

/// The columns that a view reads: the fact table's, or those of the view it names.
#[must_use]
pub fn source_columns(
    view: &ViewManifest,
    fact: &[ViewColumn],
    views: &[ViewManifest],
) -> Vec<ViewColumn> {
    let from = match view {
        ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => return fact.to_vec(),
        ViewManifest::Rollup(view) => &view.from,
        ViewManifest::Kpi(kpi) => &kpi.from,
    };
    // Only aggregate views can be read, so this goes one level deep.
    views
        .iter()
        .find(|other| matches!(other, ViewManifest::Aggregate(view) if &view.name == from))
        .map(|other| columns_of(other, fact, views))
        .unwrap_or_default()
}

fn with_measures(
    group_by: &[String],
    measures: &[Measure],
    source: &[ViewColumn],
) -> Vec<ViewColumn> {
    let type_of = |name: &str| {
        source
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.kind.clone())
    };
    let groups = group_by
        .iter()
        .filter_map(|name| source.iter().find(|column| &column.name == name).cloned());
    let measured = measures.iter().filter_map(|measure| {
        let kind = match *MeasureKind::stated(measure).first()? {
            MeasureKind::CountDistinct(_) => Type::UINT64,
            MeasureKind::Sum(_) => Type::INT64,
            MeasureKind::Max(column) | MeasureKind::Min(column) => type_of(column)?,
            MeasureKind::Ratio(..) => Type::NullableFloat64,
        };
        Some(ViewColumn {
            name: measure.name.clone(),
            kind,
            description: measure.description.clone(),
        })
    });
    groups.chain(measured).collect()
}

/// How many of the tests of a condition are stated; exactly one in a checked registry.
#[must_use]
pub fn stated_tests(condition: &Condition) -> usize {
    [
        condition.equals.is_some(),
        condition.not_equals.is_some(),
        condition.one_of.is_some(),
        condition.at_least.is_some(),
        condition.at_most.is_some(),
    ]
    .iter()
    .filter(|stated| **stated)
    .count()
}
