//! Whether the live tables are those of the registry.
use std::collections::BTreeMap;

use crate::clickhouse::apply::object::{Engine, Kind, Object};
use crate::clickhouse::apply::{Plan, plan};
use crate::clickhouse::client::{Client, exception_code};
use crate::error::Result;
use crate::registry::{Definition, EventRegistry, FactBlock as _};

pub(super) async fn drift<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let apply = "run `pipeline apply`";
    match plan::<R>(client).await {
        Ok(Plan {
            steps,
            refusals,
            notes,
        }) => {
            for step in steps {
                let text = format!("{}: {} ({apply})", step.object, step.words);
                if step.needed {
                    problems.push(text);
                } else {
                    warnings.push(text);
                }
            }
            problems.extend(
                refusals.into_iter().map(|refusal| {
                    format!("{}: {}; {}", refusal.object, refusal.words, refusal.fix)
                }),
            );
            warnings.extend(notes);
            Ok(())
        }
        // A worker's user need not be allowed to create databases: compare what can be read.
        Err(error) if exception_code(&error) == Some(497) => {
            for statement in R::PROJECT.tables.iter().skip(1) {
                if !live.contains_key(statement.name) {
                    problems.push(format!("{}: create ({apply})", statement.name));
                }
            }
            fact_types::<R>(client, live, problems).await?;
            engines::<R>(client, live, problems).await?;
            view_queries::<R>(client, live, problems).await?;
            warnings.push(
                "this user may not create the scratch database in which tables are compared in full; engines, keys, the fact table's types and the views' queries were compared".to_owned(),
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Types of the fact table's columns, brought into one spelling by the server.
async fn fact_types<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    let table = R::PROJECT.fact_table;
    let Some(Object { columns, .. }) = live.get(table) else {
        return Ok(());
    };
    for (name, wanted) in R::Block::COLUMNS {
        // A missing one is told of where the columns are put together.
        let Some(column) = columns.iter().find(|column| column.name == *name) else {
            continue;
        };
        // Payload paths may be older than the registry: blocks are written in the live type.
        let are_json = [wanted, column.sql_type.as_str()]
            .iter()
            .all(|it| it.starts_with("JSON"));
        if !are_json
            && column.sql_type != *wanted
            && definition(client, wanted).await? != definition(client, &column.sql_type).await?
        {
            problems.push(format!(
                "{table}: column {name} is {}, the registry wants {wanted}; copy the rows into a new table, or change the registry",
                column.sql_type
            ));
        }
    }
    Ok(())
}

/// A table of one column of this type, as the server spells it.
async fn definition(client: &Client, sql_type: &str) -> Result<String> {
    spelled(
        client,
        &format!("CREATE TABLE t (c {sql_type}) ENGINE = Null"),
    )
    .await
}

/// A statement as the server spells it, in one line.
async fn spelled(client: &Client, statement: &str) -> Result<String> {
    let sql = "SELECT formatQuerySingleLine({statement:String})";
    let answer = client.query_json(sql, &[("statement", statement)]).await?;
    let text = answer.rows.first().and_then(|row| row.first()?.as_str());
    Ok(text.unwrap_or_default().to_owned())
}

/// Engines and keys of the tables, brought into one spelling by the server.
async fn engines<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    for statement in R::PROJECT.tables {
        let Some(Object {
            kind: Kind::Table(live),
            ..
        }) = live.get(statement.name)
        else {
            continue;
        };
        let Definition::Table { clauses, .. } = statement.definition else {
            continue;
        };
        let statement_of_clauses = format!("CREATE TABLE t (c UInt8) ENGINE = {clauses}");
        let spelled = spelled(client, &statement_of_clauses).await?;
        let wanted = spelled
            .split_once(" ENGINE = ")
            .map_or("", |(_, wanted)| wanted);
        let wanted = Engine::parse(wanted);
        for (what, wanted, live) in [
            (
                "engine",
                &wanted.engine,
                &alone(&wanted.engine, &live.engine),
            ),
            ("partition key", &wanted.partition_by, &live.partition_by),
            ("sorting key", &wanted.order_by, &live.order_by),
        ] {
            if wanted != live {
                problems.push(format!(
                    "{}: its {what} is {live}, the registry wants {wanted}; rename it, run `pipeline apply`, and copy the rows",
                    statement.name
                ));
            }
        }
    }
    Ok(())
}

/// A live engine without the replication that the server adds by itself, where nobody asked for it:
/// `SharedReplacingMergeTree('/path', '{replica}', version)` is `ReplacingMergeTree(version)`.
fn alone(wanted: &str, live: &str) -> String {
    let mut kinds = ["Shared", "Replicated"].into_iter();
    let Some(kind) = kinds.find(|kind| live.starts_with(kind) && !wanted.starts_with(kind)) else {
        return live.to_owned();
    };
    let (name, arguments) = live[kind.len()..]
        .split_once('(')
        .unwrap_or((&live[kind.len()..], ""));
    let own = arguments.trim_end_matches(')').splitn(3, ", ").nth(2);
    own.map_or_else(|| name.to_owned(), |own| format!("{name}({own})"))
}

/// What feeds the views, and their queries, brought into one spelling by the server.
async fn view_queries<R: EventRegistry>(
    client: &Client,
    live: &BTreeMap<String, Object>,
    problems: &mut Vec<String>,
) -> Result<()> {
    for statement in R::PROJECT.tables {
        let Definition::MaterializedView {
            target,
            query: wanted,
        } = statement.definition
        else {
            continue;
        };
        let live = match live.get(statement.name).map(|object| &object.kind) {
            None => continue,
            Some(Kind::MaterializedView {
                query,
                refresh,
                target: live,
            }) if *live == target.replace('`', "") && refresh.is_empty() => query,
            Some(_) => {
                problems.push(format!(
                    "{}: it is not the registry's view into {target}; stop the workers, drop it, then run `pipeline apply`",
                    statement.name
                ));
                continue;
            }
        };
        if spelled(client, wanted).await? != spelled(client, live).await? {
            problems.push(format!(
                "{}: its query is not the registry's (run `pipeline apply`)",
                statement.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::alone;

    #[test]
    fn replication_that_nobody_asked_for_is_no_difference() {
        let paths = "'/clickhouse/tables/{uuid}/{shard}', '{replica}'";
        for (wanted, live, seen) in [
            (
                "ReplacingMergeTree(version)",
                format!("SharedReplacingMergeTree({paths}, version)"),
                "ReplacingMergeTree(version)",
            ),
            (
                "AggregatingMergeTree",
                format!("ReplicatedAggregatingMergeTree({paths})"),
                "AggregatingMergeTree",
            ),
            (
                "AggregatingMergeTree",
                "SharedAggregatingMergeTree".to_owned(),
                "AggregatingMergeTree",
            ),
            ("AggregatingMergeTree", "MergeTree".to_owned(), "MergeTree"),
        ] {
            assert_eq!(alone(wanted, &live), seen, "{live}");
        }
        let own = "ReplicatedMergeTree('/a', 'b')";
        assert_eq!(alone(own, own), own);
    }
}
