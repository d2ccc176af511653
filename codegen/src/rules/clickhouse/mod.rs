//! Rules on tables, columns and views.
pub mod column_added;
pub mod column_default_changed;
pub mod column_dropped;
pub mod column_narrowed;
pub mod column_source_changed;
mod column_type;
pub mod column_widened;
pub mod engine_changed;
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
use crate::emit::clickhouse::spec::TableSpec;
use crate::gate::side::Side;
use crate::registry::manifest::ViewManifest;

/// This folder's rules, by id.
pub static RULES: &[&Rule] = &[
    &column_added::RULE,
    &column_default_changed::RULE,
    &column_dropped::RULE,
    &column_narrowed::RULE,
    &column_source_changed::RULE,
    &column_widened::RULE,
    &engine_changed::RULE,
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
fn name(table: &TableSpec) -> String {
    crate::gate::table_name(&table.name)
}

/// How long rows of a table live, as the extent of what a migration touches.
fn extent(table: &TableSpec) -> String {
    table.ttl.as_ref().map_or_else(
        || "all rows, kept for ever".to_owned(),
        |ttl| format!("all rows (up to {} days)", ttl.days),
    )
}
