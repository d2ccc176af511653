//! Tables with the view that each belongs to, and the columns that a change adds.
use std::collections::{BTreeMap, BTreeSet};

use super::side::Side;
use super::size;
use super::{NewColumn, NewPath};
use crate::clickhouse::print::{self, table_name};
use crate::clickhouse::{Column, Definition, JsonPath, Table, TableName};
use crate::emit::clickhouse::payload::typed_paths;
use crate::registry::manifest::ViewManifest;
use crate::rules::pair::RegistryPair;

/// Tables by `database.table`, each with the view that it belongs to.
pub(super) struct Tables<'r>(pub(super) BTreeMap<String, (&'r Table, Option<&'r ViewManifest>)>);

impl<'r> Tables<'r> {
    /// A registry's.
    pub(super) fn of(side: &'r Side) -> Self {
        let tables = side.database().iter().filter_map(|object| {
            let Definition::Table(table) = &object.definition else {
                return None;
            };
            let view = side
                .registry
                .views
                .iter()
                .find(|view| object.view.as_deref() == Some(&view.object()));
            Some((table_name(&table.name), (table, view)))
        });
        Self(tables.collect())
    }
}

/// Columns of tables that were there before.
pub(super) fn added(around: &RegistryPair<'_>) -> Vec<NewColumn> {
    let RegistryPair { old, new, .. } = *around;
    let before = Tables::of(old);
    let mut added = Vec::new();
    for (name, (table, _)) in Tables::of(new).0 {
        let Some((was, _)) = before.0.get(&name) else {
            continue;
        };
        for (index, column) in table.columns.iter().enumerate() {
            if was.columns.iter().any(|old| old.name == column.name) {
                continue;
            }
            let after = index.checked_sub(1).map(|index| &table.columns[index]);
            added.push(NewColumn {
                table: name.clone(),
                name: column.name.clone(),
                sql_type: print::type_and_default(column),
                bytes: size::a_row_of(new, column),
                sql: add_column(&table.name, column, after),
            });
        }
    }
    added
}

/// Scalar paths that only the new side's payloads declare, where topics of before got them; what a new topic
/// holds is told by the topic.
pub(super) fn added_paths(around: &RegistryPair<'_>) -> Vec<NewPath> {
    let RegistryPair { old, new, .. } = *around;
    let clickhouse = &new.registry.manifest.clickhouse;
    let before: BTreeSet<String> = typed_paths(&old.registry)
        .iter()
        .map(JsonPath::dotted)
        .collect();
    let grown = |path: &str| {
        let mut topics = new.registry.topics.iter();
        topics.any(|topic| {
            let known = old.topic(&topic.name);
            topic.payload_paths.0.contains_key(path)
                && known.is_some_and(|known| !known.payload_paths.0.contains_key(path))
        })
    };
    let table = table_name(&TableName {
        database: clickhouse.database.clone(),
        table: clickhouse.table.clone(),
    });
    typed_paths(&new.registry)
        .into_iter()
        .filter(|path| !before.contains(&path.dotted()) && grown(&path.dotted()))
        .map(|path| NewPath {
            table: table.clone(),
            path: format!("payload_json.{}", path.dotted()),
            sql_type: path.kind.spelled().to_owned(),
            bytes: size::in_an_event(new, &path),
        })
        .collect()
}

/// The statement that adds a column.
pub(crate) fn add_column(table: &TableName, column: &Column, after: Option<&Column>) -> String {
    let mut sql = format!(
        "ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}",
        table_name(table),
        print::column(column)
    );
    if let Some(after) = after {
        sql.push_str(&format!(" AFTER {}", print::name(&after.name)));
    }
    sql
}
