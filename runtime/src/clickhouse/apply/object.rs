//! Tables and views as the server describes them.
use std::collections::BTreeMap;

use crate::clickhouse::{Client, literal};
use crate::error::{Error, Result};

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clickhouse) struct Object {
    pub(in crate::clickhouse) kind: Kind,
    pub(in crate::clickhouse) comment: String,
    pub(in crate::clickhouse) columns: Vec<Column>,
    /// Views that are fed by inserts into it, as `database.name`.
    pub(in crate::clickhouse) feeds: Vec<(String, String)>,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clickhouse) enum Kind {
    Table(Engine),
    MaterializedView {
        query: String,
        /// As the server spells it; empty for a view fed by inserts.
        refresh: String,
        /// `database.table`
        target: String,
    },
    View {
        query: String,
    },
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::clickhouse) struct Column {
    pub(in crate::clickhouse) name: String,
    pub(in crate::clickhouse) sql_type: String,
    /// `DEFAULT`, `ALIAS`…, empty without.
    pub(in crate::clickhouse) default_kind: String,
    pub(in crate::clickhouse) default: String,
    pub(in crate::clickhouse) comment: String,
    /// `CODEC(…)`, empty for the default.
    pub(in crate::clickhouse) codec: String,
}

impl Column {
    /// Type and default as a definition spells them.
    pub(super) fn type_and_default(&self) -> String {
        let mut text = self.sql_type.clone();
        if !self.default_kind.is_empty() {
            text = format!("{text} {} {}", self.default_kind, self.default);
        }
        text
    }

    /// The whole definition after the name.
    pub(super) fn definition(&self) -> String {
        let mut text = self.type_and_default();
        if !self.comment.is_empty() {
            text = format!("{text} COMMENT {}", literal(&self.comment));
        }
        if !self.codec.is_empty() {
            text = format!("{text} {}", self.codec);
        }
        text
    }
}

/// An engine with its clauses, as `engine_full` spells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::clickhouse) struct Engine {
    pub(in crate::clickhouse) engine: String,
    pub(in crate::clickhouse) partition_by: String,
    pub(in crate::clickhouse) primary_key: String,
    pub(in crate::clickhouse) order_by: String,
    pub(in crate::clickhouse) sample_by: String,
    pub(in crate::clickhouse) ttl: String,
    pub(in crate::clickhouse) settings: BTreeMap<String, String>,
}

impl Engine {
    pub(in crate::clickhouse) fn parse(text: &str) -> Self {
        let mut engine = Self::default();
        for (keyword, clause) in clauses(text) {
            let clause = clause.trim().to_owned();
            match keyword {
                "PARTITION BY" => engine.partition_by = clause,
                "PRIMARY KEY" => engine.primary_key = clause,
                "ORDER BY" => engine.order_by = clause,
                "SAMPLE BY" => engine.sample_by = clause,
                "TTL" => engine.ttl = clause,
                "SETTINGS" => {
                    engine.settings = split_top(&clause, ',')
                        .into_iter()
                        .filter_map(|setting| {
                            let (name, value) = setting.split_once('=')?;
                            Some((name.trim().to_owned(), value.trim().to_owned()))
                        })
                        .collect();
                }
                _ => engine.engine = clause,
            }
        }
        engine
    }
}

const KEYWORDS: &[&str] = &[
    "PARTITION BY",
    "PRIMARY KEY",
    "ORDER BY",
    "SAMPLE BY",
    "TTL",
    "SETTINGS",
];

/// Splits at clause keywords outside of parentheses and quotes; the part before the first has none.
fn clauses(text: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    let (mut keyword, mut start) = ("", 0);
    for index in top_level(text) {
        if index == 0 || !text[..index].ends_with(' ') {
            continue;
        }
        let next = KEYWORDS.iter().find(|next| {
            text[index..]
                .strip_prefix(**next)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        if let Some(next) = next {
            found.push((keyword, &text[start..index]));
            keyword = next;
            start = index + next.len();
        }
    }
    found.push((keyword, &text[start..]));
    found
}

/// Splits at a character outside of parentheses and quotes.
fn split_top(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for index in top_level(text) {
        if text[index..].starts_with(at) {
            parts.push(&text[start..index]);
            start = index + at.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Places of the characters outside of parentheses and quotes.
fn top_level(text: &str) -> Vec<usize> {
    let (mut depth, mut quote, mut escaped) = (0_i32, None, false);
    let mut places = Vec::new();
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`' | '"') => quote = Some(character),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, _) if depth == 0 => places.push(index),
            (None, _) => {}
        }
    }
    places
}

/// Everything in a database, by name. `called` replaces the database's name in all texts.
pub(in crate::clickhouse) async fn read(
    client: &Client,
    database: &str,
    called: &str,
) -> Result<BTreeMap<String, Object>> {
    let tables = client
        .query_json(
            "SELECT name, engine, engine_full, create_table_query, as_select, comment, \
                    arrayZip(dependencies_database, dependencies_table) AS feeds, toString(uuid) \
             FROM system.tables WHERE database = {database:String}",
            &[("database", database)],
        )
        .await?;
    let columns = client
        .query_json(
            "SELECT table, name, type, default_kind, default_expression, comment, compression_codec \
             FROM system.columns WHERE database = {database:String} ORDER BY table, position",
            &[("database", database)],
        )
        .await?;
    let text = |row: &[serde_json::Value], index: usize| -> Result<String> {
        row.get(index)
            .and_then(serde_json::Value::as_str)
            .map(|text| {
                if database == called {
                    text.to_owned()
                } else {
                    text.replace(database, called)
                }
            })
            .ok_or_else(|| {
                Error::bug("a system table of ClickHouse has another form than expected")
            })
    };
    let mut objects = BTreeMap::new();
    for row in &tables.rows {
        let name = text(row, 0)?;
        let create = text(row, 3)?;
        let kind = match text(row, 1)?.as_str() {
            "View" => Kind::View {
                query: text(row, 4)?,
            },
            "MaterializedView" => {
                let (refresh, mut target) = refresh_and_target(&create);
                if target.is_empty() {
                    // A view without `TO` has a table of its own, named after the view where the view has no UUID.
                    let (name, uuid) = (text(row, 0)?, text(row, 7)?);
                    let nobody = "00000000-0000-0000-0000-000000000000";
                    target = if uuid == nobody {
                        format!("{called}..inner.{name}")
                    } else {
                        format!("{called}..inner_id.{uuid}")
                    };
                }
                Kind::MaterializedView {
                    query: text(row, 4)?,
                    refresh,
                    target,
                }
            }
            _ => Kind::Table(Engine::parse(&text(row, 2)?)),
        };
        let feeds = row
            .get(6)
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|pair| {
                Some((
                    text(pair.as_array()?, 0).ok()?,
                    text(pair.as_array()?, 1).ok()?,
                ))
            })
            .collect();
        let object = Object {
            kind,
            comment: text(row, 5)?,
            columns: Vec::new(),
            feeds,
        };
        objects.insert(name, object);
    }
    for row in &columns.rows {
        if let Some(object) = objects.get_mut(&text(row, 0)?) {
            object.columns.push(Column {
                name: text(row, 1)?,
                sql_type: text(row, 2)?,
                default_kind: text(row, 3)?,
                default: text(row, 4)?,
                comment: text(row, 5)?,
                codec: text(row, 6)?,
            });
        }
    }
    Ok(objects)
}

/// From `CREATE MATERIALIZED VIEW a.b REFRESH EVERY 1 HOUR APPEND TO a.c (…) …`.
fn refresh_and_target(create: &str) -> (String, String) {
    // The columns begin behind the target; what stands in them and behind them may have the word as well.
    let before_columns = create.split(" (").next().unwrap_or_default();
    let Some((head, rest)) = before_columns.split_once(" TO ") else {
        return (String::new(), String::new());
    };
    let refresh = head
        .find(" REFRESH ")
        .map_or("", |start| head[start..].trim());
    let target = rest.split([' ', '(']).next().unwrap_or_default();
    (refresh.to_owned(), target.replace('`', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_split() {
        let engine = Engine::parse(
            "ReplacingMergeTree(version) PARTITION BY toYYYYMM(d) ORDER BY (a, b) TTL d + toIntervalDay(400) SETTINGS index_granularity = 8192, storage_policy = 'a, b'",
        );
        assert_eq!(engine.engine, "ReplacingMergeTree(version)");
        assert_eq!(engine.partition_by, "toYYYYMM(d)");
        assert_eq!(engine.order_by, "(a, b)");
        assert_eq!(engine.ttl, "d + toIntervalDay(400)");
        assert_eq!(
            engine.settings.get("storage_policy").map(String::as_str),
            Some("'a, b'")
        );
        assert_eq!(
            Engine::parse("MergeTree ORDER BY tuple()").order_by,
            "tuple()"
        );
    }

    #[test]
    fn refresh_and_target_are_found() {
        assert_eq!(
            refresh_and_target(
                "CREATE MATERIALIZED VIEW g.m REFRESH EVERY 1 HOUR APPEND TO g.t (`a` Date) AS SELECT"
            ),
            ("REFRESH EVERY 1 HOUR APPEND".to_owned(), "g.t".to_owned())
        );
        assert_eq!(
            refresh_and_target("CREATE MATERIALIZED VIEW g.m TO g.t (`a` Date) AS SELECT"),
            (String::new(), "g.t".to_owned())
        );
        let own = "CREATE MATERIALIZED VIEW g.m (`a` Date) ENGINE = MergeTree ORDER BY a TTL a TO VOLUME 'cold' AS SELECT";
        assert_eq!(refresh_and_target(own), (String::new(), String::new()));
    }
}
