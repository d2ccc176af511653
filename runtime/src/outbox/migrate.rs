//! The outbox's tables and functions, and what the SQL function knows of the registry.
//!
//! The files below `runtime/migrations/` are plain SQL for any tool; each notes its version in
//! `event_outbox_migration` itself, so it does not matter who applied it.
use serde::Deserialize;
use serde_json::json;
use tokio_postgres::Client;

use super::connect::problem;
use crate::error::{Error, Result};
use crate::registry::EventRegistry;

/// Version, name and text of every migration, in order.
const MIGRATIONS: &[(i32, &str, &str)] = &[
    (
        1,
        "event_outbox",
        include_str!("../../migrations/0001_event_outbox.sql"),
    ),
    (
        2,
        "event_outbox_enqueue",
        include_str!("../../migrations/0002_event_outbox_enqueue.sql"),
    ),
];

/// Two that migrate at once wait for each other here. The number is of no meaning, only never another.
const LOCK: i64 = 0x746f_7069_6377_7269;

/// The oldest server with all that the migrations use.
const OLDEST: i32 = 130_000;

/// Broker's limit where a topic names none.
const MAX_MESSAGE_BYTES: i64 = 1 << 20;

/// What a run of [`migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations that it applied, by name.
    pub applied: Vec<&'static str>,
    /// Whether what the database knows of the registry changed.
    pub registry_changed: bool,
}

/// What the SQL function needs to know.
#[derive(Deserialize)]
struct Plan {
    envelope: Envelope,
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
struct Envelope {
    required: Vec<String>,
}

#[derive(Deserialize)]
struct Topic {
    name: String,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    version: i32,
    key: String,
    dedupe_key: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Text(String),
    Pointer(String),
}

/// Members of a JSON pointer.
fn path(pointer: &str) -> Vec<String> {
    let members = pointer.split('/').skip(1);
    members
        .map(|member| member.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The registry as the two JSON documents that [`KNOWN`] reads.
fn registry<R: EventRegistry>() -> Result<(String, String)> {
    let plan: Plan = serde_json::from_str(R::PROJECT.plan)
        .map_err(|error| Error::bug("the generated plan cannot be read").why(error))?;
    let fields = &R::PROJECT.envelope;
    let envelope = json!({
        "event_type": fields.event_type,
        "schema_version": fields.schema_version,
        "event_id": fields.event_id,
        "ts": fields.timestamp,
        "payload": fields.payload,
        "dedupe_key": fields.dedupe_key,
        "required": plan.envelope.required,
    });
    let mut versions = Vec::new();
    for topic in &plan.topics {
        let compiled = R::TOPICS.iter().find(|known| known.name == topic.name);
        let settings = compiled.map_or(&[][..], |topic| topic.config);
        let limit = settings
            .iter()
            .find(|(name, _)| *name == "max.message.bytes")
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or(MAX_MESSAGE_BYTES);
        for version in &topic.versions {
            let template: Vec<_> = version
                .dedupe_key
                .iter()
                .map(|part| match part {
                    Part::Text(text) => json!({"text": text}),
                    Part::Pointer(pointer) => json!({"path": path(pointer)}),
                })
                .collect();
            versions.push(json!({
                "event_type": topic.name,
                "version": version.version,
                "key_path": path(&version.key),
                "dedupe_key": template,
                "max_bytes": limit,
            }));
        }
    }
    Ok((
        envelope.to_string(),
        serde_json::Value::Array(versions).to_string(),
    ))
}

/// A text as an SQL literal.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Statements that bring the two tables to the registry's state and touch no row that has it; each reports the rows
/// that it changed.
fn known<R: EventRegistry>() -> Result<[String; 3]> {
    let (envelope, versions) = registry::<R>()?;
    let (envelope, versions) = (literal(&envelope), literal(&versions));
    Ok([
        format!(
            "INSERT INTO event_outbox_envelope \
             SELECT true, e.event_type, e.schema_version, e.event_id, e.ts, e.payload, e.dedupe_key, e.required \
             FROM jsonb_to_record({envelope}::jsonb) AS e (event_type text, schema_version text, event_id text, \
             ts text, payload text, dedupe_key text, required text[])\n\
             ON CONFLICT (is_only) DO UPDATE SET (event_type, schema_version, event_id, ts, payload, dedupe_key, required) = \
             (excluded.event_type, excluded.schema_version, excluded.event_id, excluded.ts, excluded.payload, \
             excluded.dedupe_key, excluded.required)\n\
             WHERE event_outbox_envelope.* IS DISTINCT FROM excluded.*"
        ),
        format!(
            "INSERT INTO event_outbox_topic \
             SELECT t.* FROM jsonb_to_recordset({versions}::jsonb) AS t (event_type text, version integer, \
             key_path text[], dedupe_key jsonb, max_bytes integer)\n\
             ON CONFLICT (event_type, version) DO UPDATE SET (key_path, dedupe_key, max_bytes) = \
             (excluded.key_path, excluded.dedupe_key, excluded.max_bytes)\n\
             WHERE event_outbox_topic.* IS DISTINCT FROM excluded.*"
        ),
        format!(
            "DELETE FROM event_outbox_topic WHERE NOT EXISTS (SELECT FROM jsonb_to_recordset({versions}::jsonb) \
             AS t (event_type text, version integer) \
             WHERE t.event_type = event_outbox_topic.event_type AND t.version = event_outbox_topic.version)"
        ),
    ])
}

/// Everything as one SQL text, for other tools to apply.
///
/// # Errors
/// The registry's plan cannot be read: a defect.
pub fn script<R: EventRegistry>() -> Result<String> {
    let mut text = String::new();
    for (_, _, migration) in MIGRATIONS {
        text.push_str(migration);
        text.push('\n');
    }
    text.push_str("-- What event_outbox_enqueue knows of the registry; apply it again with every new version of a schema.\n");
    for statement in known::<R>()? {
        text.push_str(&statement);
        text.push_str(";\n\n");
    }
    Ok(text)
}

/// Makes the tables and functions, and tells them the registry. Does nothing where nothing is to be done; runs that
/// overlap wait for each other.
///
/// # Errors
/// PostgreSQL is older than 13, away, or does not let the user create tables; nothing is changed then.
pub async fn migrate<R: EventRegistry>(client: &mut Client) -> Result<Migrated> {
    let what = "cannot migrate the outbox";
    let failed = |error: tokio_postgres::Error| problem(what, &error);
    let row = client
        .query_one("SELECT current_setting('server_version_num')::integer", &[])
        .await
        .map_err(failed)?;
    let server: i32 = row.get(0);
    if server < OLDEST {
        return Err(Error::config(what)
            .at("server", format!("{}.{}", server / 10_000, server % 10_000))
            .why("the outbox needs PostgreSQL 13 or newer"));
    }
    let transaction = client.transaction().await.map_err(failed)?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(failed)?;
    let is_there = "SELECT to_regclass('event_outbox_migration') IS NOT NULL";
    let row = transaction.query_one(is_there, &[]).await.map_err(failed)?;
    let mut done: Vec<i32> = Vec::new();
    if row.get(0) {
        let versions = "SELECT version FROM event_outbox_migration";
        let rows = transaction.query(versions, &[]).await.map_err(failed)?;
        done.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    let mut applied = Vec::new();
    for (version, name, sql) in MIGRATIONS {
        if !done.contains(version) {
            let applying = transaction.batch_execute(sql).await;
            applying.map_err(|error| problem(what, &error).at("migration", name))?;
            applied.push(*name);
        }
    }
    let mut changed = 0;
    for statement in known::<R>()? {
        changed += transaction
            .execute(statement.as_str(), &[])
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(Migrated {
        applied,
        registry_changed: changed > 0,
    })
}

/// Whether every migration is there.
pub(crate) async fn check(client: &Client) -> Result<()> {
    let what = "the outbox is not set up";
    let newest = "SELECT max(version) FROM event_outbox_migration";
    let row = client
        .query_one(newest, &[])
        .await
        .map_err(|error| problem(what, &error))?;
    let found: Option<i32> = row.get(0);
    let wanted = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    match found.unwrap_or(0) {
        found if found >= wanted => Ok(()),
        found => Err(Error::config(what)
            .at("migration", found)
            .why(format!("this build needs migration {wanted}"))
            .fix("run `pipeline outbox migrate`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_paths() {
        assert_eq!(path("/payload/a~1b~0c"), ["payload", "a/b~c"]);
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn migrations_are_numbered_and_note_themselves() {
        for (place, (version, name, sql)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(*version).ok(), Some(place + 1));
            let note = format!(
                "INSERT INTO event_outbox_migration (version, name) VALUES ({version}, '{name}')"
            );
            assert!(sql.contains(&note), "{name}");
        }
    }
}
