//! Whether every table that an insert reaches remembers its token.
use std::collections::BTreeMap;

use crate::clickhouse::apply::object::{self, Kind, Object};
use crate::clickhouse::client::{Client, exception_code};
use crate::clickhouse::quoted;
use crate::error::Result;
use crate::registry::EventRegistry;

/// Tokens that a table must remember: a batch leaves one a partition of the table, and a worker that died
/// may have its batch replayed only after others inserted theirs for a while.
const SMALLEST_WINDOW: u64 = 1000;

/// Seconds that a table of several replicas must remember them: a worker that dies on a Friday evening may be started
/// again after the weekend. Servers forget after an hour since 25.9, where the table does not say otherwise.
const SHORTEST_MEMORY: u64 = 7 * 86_400;

/// Deduplication windows of the fact table and of every target that an insert reaches, in any database.
pub(super) async fn windows<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let database = R::PROJECT.database;
    let defaults = defaults(client).await?;
    let mut waiting = vec![(
        database.to_owned(),
        R::PROJECT.fact_table.to_owned(),
        None::<String>,
    )];
    let mut seen = Vec::new();
    let mut foreign: BTreeMap<String, BTreeMap<String, Object>> = BTreeMap::new();
    while let Some((in_database, name, fed_by)) = waiting.pop() {
        if seen.contains(&(in_database.clone(), name.clone())) {
            continue;
        }
        seen.push((in_database.clone(), name.clone()));
        if in_database != database && !foreign.contains_key(&in_database) {
            let objects = object::read(client, &in_database, &in_database).await?;
            foreign.insert(in_database.clone(), objects);
        }
        let objects = foreign.get(&in_database).unwrap_or(live);
        let Some(object) = objects.get(&name) else {
            // What is missing of the registry's own is drift, reported there.
            if fed_by.is_some() || in_database != database {
                problems.push(unseen(&in_database, &name, fed_by.as_deref()));
            }
            continue;
        };
        match &object.kind {
            Kind::Table(engine) => {
                let from = format!("{in_database}.{name}");
                let views = object.feeds.iter().cloned();
                waiting.extend(
                    views.map(|(in_database, view)| (in_database, view, Some(from.clone()))),
                );
                problems.extend(window(&in_database, &name, engine, &defaults));
            }
            Kind::MaterializedView {
                target, refresh, ..
            } if refresh.is_empty() => {
                let from = format!("{in_database}.{name}");
                if let Some((target_database, target_name)) = target.split_once('.') {
                    let place = (target_database.to_owned(), target_name.to_owned());
                    waiting.push((place.0, place.1, Some(from)));
                }
            }
            Kind::MaterializedView { .. } | Kind::View { .. } => {}
        }
    }
    Ok(())
}

/// A table or view that an insert reaches and that this user cannot look at.
fn unseen(database: &str, name: &str, fed_by: Option<&str>) -> String {
    let place = format!("{}.{}", quoted(database), quoted(name));
    let from = fed_by.unwrap_or("the fact table");
    format!(
        "{place}: {from} feeds it and this user cannot see it, so it may count a replayed batch twice; run `GRANT SHOW TABLES, SHOW COLUMNS ON {}.* TO …`",
        quoted(database)
    )
}

/// Settings by name, as tables have them that do not set them.
type Defaults = BTreeMap<String, String>;

async fn defaults(client: &Client) -> Result<Defaults> {
    let sql = "SELECT name, value FROM system.merge_tree_settings WHERE name = 'non_replicated_deduplication_window' \
               UNION ALL SELECT name, value FROM system.replicated_merge_tree_settings WHERE name LIKE 'replicated_deduplication_window%'";
    let answer = match client.query_json(sql, &[]).await {
        // What this user may not read must stand in the table; the first has been 0 in every version.
        Err(error) if exception_code(&error) == Some(497) => {
            let never = (
                "non_replicated_deduplication_window".to_owned(),
                "0".to_owned(),
            );
            return Ok(Defaults::from([never]));
        }
        answer => answer?,
    };
    let settings = answer.rows.iter().filter_map(|row| {
        let text = |index: usize| Some(row.get(index)?.as_str()?.to_owned());
        Some((text(0)?, text(1)?))
    });
    Ok(settings.collect())
}

/// What is wrong with how a table remembers tokens.
fn window(database: &str, name: &str, engine: &object::Engine, defaults: &Defaults) -> Vec<String> {
    let place = format!("{}.{}", quoted(database), quoted(name));
    let has_replicas = ["Replicated", "Shared"];
    let needed = if has_replicas.iter().any(|it| engine.engine.starts_with(it)) {
        &[
            ("replicated_deduplication_window", SMALLEST_WINDOW, 10_000),
            (
                "replicated_deduplication_window_seconds",
                SHORTEST_MEMORY,
                SHORTEST_MEMORY,
            ),
        ][..]
    } else if engine.engine.contains("MergeTree") {
        &[(
            "non_replicated_deduplication_window",
            SMALLEST_WINDOW,
            10_000,
        )]
    } else {
        return vec![format!(
            "{place}: engine {} does not remember tokens, so a replayed batch would count twice there; use a MergeTree engine, or feed it otherwise",
            engine.engine
        )];
    };
    let mut problems = Vec::new();
    for (setting, least, good) in needed {
        let live = engine
            .settings
            .get(*setting)
            .or_else(|| defaults.get(*setting));
        let live = live.map_or("unknown", String::as_str);
        if live.parse().is_ok_and(|live: u64| live >= *least) {
            continue;
        }
        problems.push(format!(
            "{place}: {setting} is {live}, so a replayed batch would count twice there; run `ALTER TABLE {place} MODIFY SETTING {setting} = {good}`",
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an engine, on a server of today.
    fn said(engine_full: &str) -> String {
        let defaults = [
            ("non_replicated_deduplication_window", "0"),
            ("replicated_deduplication_window", "10000"),
            ("replicated_deduplication_window_seconds", "3600"),
        ];
        let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let engine = object::Engine::parse(engine_full);
        window("shop", "t", &engine, &Defaults::from(defaults)).join("\n")
    }

    #[test]
    fn windows_are_judged_by_engine() {
        let tree = "MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window =";
        let replicated = "ReplicatedMergeTree('/a', '{replica}') ORDER BY a SETTINGS replicated_deduplication_window_seconds =";
        for (engine, part) in [
            ("MergeTree ORDER BY a".to_owned(), "window is 0,"),
            (format!("{tree} 999"), "window is 999,"),
            (format!("{tree} 1000"), ""),
            (format!("{tree} many"), "window is many,"),
            // The other kind's setting does not count.
            ("ReplicatedMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10000".to_owned(), "window_seconds is 3600,"),
            (format!("{replicated} 604800"), ""),
            (format!("{replicated} 604800, replicated_deduplication_window = 100"), "replicated_deduplication_window is 100,"),
            ("Memory".to_owned(), "engine Memory does not remember"),
            ("Distributed('c', 'shop', 'u')".to_owned(), "does not remember"),
        ] {
            let said = said(&engine);
            let is_right = if part.is_empty() { said.is_empty() } else { said.contains(part) };
            assert!(is_right, "{engine}: {said}");
        }
    }
}
