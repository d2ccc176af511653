//! Where fact columns are filled from, and who reads them.
use crate::fact::Origin;
use crate::gate::side::Side;
use crate::registry::ColumnMapping;
use crate::registry::manifest::{ColumnType, Condition, Measure, ViewManifest};

/// Where an `x-column` of a payload field stands: `/data/order_id` → `/properties/order_id/x-column`.
pub(super) fn declared(mapping: &ColumnMapping) -> String {
    let inner = mapping.source.from.get(1..).and_then(|rest| rest.find('/'));
    let field = inner.map_or("", |start| &mapping.source.from[start + 1..]);
    format!("{}/x-column", field.replace('/', "/properties/"))
}

/// A source in words.
pub(super) fn words(mapping: &ColumnMapping) -> String {
    let source = &mapping.source;
    let mut text = format!("`{}`", source.from);
    if source.negate {
        text = format!("-1 × {text}");
    }
    for (index, when) in source.when.iter().enumerate() {
        let word = if index == 0 { "where" } else { "and" };
        text.push_str(&format!(" {word} `{}` is {}", when.field, when.equals));
    }
    text
}

/// What a column holds where nothing fills it.
pub(super) fn zero(side: &Side, column: &str) -> &'static str {
    let layout = crate::fact::layout(&side.registry.manifest);
    let column = layout.iter().find(|known| known.name == column);
    match column.map(|column| column.origin) {
        Some(Origin::Mapped(ColumnType::Bool)) => "false",
        Some(Origin::Mapped(ColumnType::String | ColumnType::LowCardinalityString)) => {
            "the empty text"
        }
        Some(Origin::Mapped(ColumnType::DateTime64)) => "1970-01-01",
        _ => "0",
    }
}

/// Views over the fact table that read a column, and what is made from them.
pub(super) fn readers(side: &Side, column: &str) -> Vec<String> {
    let views = &side.registry.views;
    let mut found: Vec<&str> = Vec::new();
    for view in views {
        let reads = match view {
            ViewManifest::Aggregate(view) => {
                view.group_by.iter().any(|name| name == column)
                    || conditions(&view.filter, column)
                    || view
                        .measures
                        .iter()
                        .any(|measure| measures(measure, column))
            }
            ViewManifest::Latest(view) => {
                let names = view.key.iter().chain(&view.newest_by).chain(&view.columns);
                names.into_iter().any(|name| name == column) || conditions(&view.filter, column)
            }
            ViewManifest::Rollup(_) | ViewManifest::Kpi(_) => false,
        };
        if reads {
            found.push(view.name());
        }
    }
    let direct = found.len();
    for view in views {
        let from = match view {
            ViewManifest::Rollup(view) => &view.from,
            ViewManifest::Kpi(view) => &view.from,
            ViewManifest::Aggregate(_) | ViewManifest::Latest(_) => continue,
        };
        if found.iter().take(direct).any(|name| name == from) {
            found.push(view.name());
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

fn conditions(filter: &[Condition], column: &str) -> bool {
    filter.iter().any(|condition| condition.column == column)
}

fn measures(measure: &Measure, column: &str) -> bool {
    let Measure {
        count_distinct,
        sum,
        max,
        min,
        filter,
        name: _,
        description: _,
        ratio: _,
    } = measure;
    let mut columns = [count_distinct, sum, max, min].into_iter().flatten();
    columns.any(|name| name == column) || conditions(filter, column)
}
