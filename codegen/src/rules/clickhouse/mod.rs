//! Rules on tables, columns and views.
pub mod column_added;
pub mod column_dropped;
pub mod column_narrowed;
mod column_source;
pub mod column_source_changed;
pub mod column_source_moved;
mod column_type;
pub mod column_widened;
pub mod engine_changed;
pub mod late_days_lowered;
pub mod partition_key_changed;
pub mod payload_path_retyped;
pub mod payload_storage_changed;
pub mod sorting_key_changed;
pub mod table_replaced;
pub mod ttl_shortened;
pub mod view_changed;
pub mod view_removed;

use super::Rule;
use super::pair::TablePair;
use super::problem::Place;
use crate::clickhouse::{Column, Definition, Table};
use crate::gate::side::Side;
use crate::gate::size;
use crate::registry::manifest::ViewManifest;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[
    &column_added::RULE,
    &column_dropped::RULE,
    &column_narrowed::RULE,
    &column_source_changed::RULE,
    &column_source_moved::RULE,
    &column_widened::RULE,
    &engine_changed::RULE,
    &late_days_lowered::RULE,
    &partition_key_changed::RULE,
    &payload_path_retyped::RULE,
    &payload_storage_changed::RULE,
    &sorting_key_changed::RULE,
    &table_replaced::RULE,
    &ttl_shortened::RULE,
    &view_changed::RULE,
    &view_removed::RULE,
];

/// The new and the old place of what a table is made from; `setting` is a member of `[clickhouse]` or of the
/// view's manifest.
fn places(pair: &TablePair<'_>, setting: (&str, &str)) -> (Place, Place) {
    let place = |side: &Side, view: Option<&ViewManifest>| match view {
        Some(view) => Place::new(&side.view_file(view.name()), setting.1),
        None => Place::new("registry.toml", setting.0),
    };
    (
        place(pair.around.new, pair.view.new.or(pair.view.old)),
        place(pair.around.old, pair.view.old.or(pair.view.new)),
    )
}

/// Where a column of a table is written.
fn column_place(side: &Side, view: Option<&ViewManifest>, column: &str) -> Place {
    if let Some(view) = view {
        let file = side.view_file(view.name());
        let measures = match view {
            ViewManifest::Aggregate(view) => view.measures.as_slice(),
            ViewManifest::Rollup(view) => view.measures.as_slice(),
            ViewManifest::Latest(_) | ViewManifest::Kpi(_) => &[],
        };
        let measure = measures.iter().position(|measure| measure.name == column);
        let pointer = measure.map_or_else(String::new, |index| format!("/measures/{index}"));
        return Place::new(&file, pointer);
    }
    let manifest = &side.registry.manifest;
    let shared = manifest
        .clickhouse
        .columns
        .iter()
        .position(|shared| shared.name == column);
    let hash = manifest
        .privacy
        .hash
        .iter()
        .position(|hash| hash.into == column);
    let pointer = match (shared, hash) {
        (Some(index), _) => format!("/clickhouse/columns/{index}"),
        (None, Some(index)) => format!("/privacy/hash/{index}"),
        (None, None) => "/clickhouse".to_owned(),
    };
    Place::new("registry.toml", pointer)
}

/// `database.table`, as in SQL.
fn name(table: &Table) -> String {
    crate::clickhouse::print::table_name(&table.name)
}

/// Rows that a migration touches and what they hold, of a whole table or of one of its columns, and the query
/// that tells it exactly. The side is the one that has the rows.
fn extent(side: &Side, table: &Table, column: Option<&Column>) -> String {
    let rows = table.ttl.as_ref().map_or_else(
        || "all rows, kept for ever".to_owned(),
        |ttl| format!("all rows (up to {} days)", ttl.days),
    );
    format!("{rows}, {}", bytes(side, table, column))
}

/// What a row of a table or column holds, and the query that tells the sum.
fn bytes(side: &Side, table: &Table, column: Option<&Column>) -> String {
    let a_row = match column {
        Some(column) => size::a_row_of(side, column),
        None => size::a_row(side, table),
    };
    let exactly = size::query(table, column.map(|column| column.name.as_str()));
    format!("{a_row}\nrows and bytes on disk: {exactly}")
}

/// The same of the fact table.
fn fact_extent(side: &Side) -> String {
    let table = fact_table(side);
    table.map_or_else(String::new, |table| extent(side, table, None))
}

/// The same of the fact table's payload.
fn payload_extent(side: &Side) -> String {
    let Some(table) = fact_table(side) else {
        return String::new();
    };
    let mut columns = table.columns.iter();
    let payload = columns.find(|column| column.name == "payload_json");
    extent(side, table, payload)
}

fn fact_table(side: &Side) -> Option<&Table> {
    let fact = &side.registry.manifest.clickhouse.table;
    let mut objects = side.database().iter();
    objects.find_map(|object| match &object.definition {
        Definition::Table(table) if table.name.table == *fact => Some(table),
        Definition::Database(_)
        | Definition::Table(_)
        | Definition::MaterializedView(_)
        | Definition::View(_) => None,
    })
}
