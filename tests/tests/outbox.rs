//! The outbox on a real PostgreSQL: tables made once by any tool, events checked before they are inserted, rows that
//! hold what was sent, and a function for every language that says what is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::{Value, json};
use subject::Registry;
use subject::topics::shop_purchase::v1::ShopPurchase;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use topicwright_runtime::error::Kind;
use topicwright_runtime::outbox;
use topicwright_runtime::produce::{Draft, OutgoingRecord};
use topicwright_tests::outbox::{connect, migrated, number, purchase, record};
use topicwright_tests::postgres::{self, Version};
use topicwright_tests::{events, on_every_postgres, outbox as scene, program};

on_every_postgres!(
    migrations_run_once_whoever_runs_them,
    the_program_migrates_and_then_has_nothing_to_do,
    events_stand_in_the_transaction_and_are_checked_before,
    every_example_comes_out_as_it_went_in,
    what_jsonb_cannot_hold_is_refused_in_words,
    the_function_fills_in_what_is_missing_and_says_what_is_wrong,
    the_function_adds_nothing_that_a_closed_envelope_has_no_place_for,
    sqlx_enqueues_in_its_own_transactions,
);

async fn enqueue_sql(client: &Client, event: &Value) -> Result<i64, tokio_postgres::Error> {
    let query = "SELECT event_outbox_enqueue($1::text::jsonb)";
    let row = client.query_one(query, &[&event.to_string()]).await?;
    Ok(row.get(0))
}

/// A row as one document: what a relay makes of it, apart from the code under test.
async fn stored(client: &Client, id: i64) -> Value {
    let query = "SELECT (envelope || jsonb_build_object('event_type', event_type, 'dedupe_key', dedupe_key, \
        'payload', payload))::text FROM event_outbox WHERE id = $1";
    let row = client.query_one(query, &[&id]).await.unwrap();
    serde_json::from_str(row.get(0)).unwrap()
}

async fn migrations_run_once_whoever_runs_them(version: Version) {
    let (server, mut client) = postgres::start(version).await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = connect(&server.url()).await;
        runs.spawn(async move { outbox::migrate::<Registry>(&mut client).await.unwrap() });
    }
    let runs = runs.join_all().await;
    let applied = runs.iter().filter(|run| !run.applied.is_empty()).count();
    let changed = runs.iter().filter(|run| run.registry_changed).count();
    assert_eq!((applied, changed), (1, 1), "{runs:?}");

    let columns = "SELECT string_agg(column_name || ' ' || udt_name, ', ' ORDER BY ordinal_position) \
        FROM information_schema.columns WHERE table_name = 'event_outbox'";
    let before: String = client.query_one(columns, &[]).await.unwrap().get(0);
    assert!(
        before.starts_with(
            "id int8, event_type text, payload jsonb, created_at timestamptz, published_at timestamptz"
        ),
        "{before}"
    );
    // As psql would: the printed text, statement by statement and twice.
    let script = outbox::script::<Registry>().unwrap();
    for statement in statements(&script) {
        client.batch_execute(&statement).await.unwrap();
    }
    let after: String = client.query_one(columns, &[]).await.unwrap().get(0);
    assert_eq!(before, after);
    let again = outbox::migrate::<Registry>(&mut client).await.unwrap();
    assert_eq!((again.applied.len(), again.registry_changed), (0, false));
    // Another tool's run alone is enough, in a schema of its own.
    client
        .batch_execute(&format!(
            "CREATE SCHEMA other; SET search_path = other;\n{script}"
        ))
        .await
        .unwrap();
    let again = outbox::migrate::<Registry>(&mut client).await.unwrap();
    assert_eq!((again.applied.len(), again.registry_changed), (0, false));
    let id = enqueue_sql(&client, &purchase(1, 7)).await.unwrap();
    client
        .batch_execute("SET search_path = public")
        .await
        .unwrap();
    assert_eq!(
        number(&client, "SELECT count(*) FROM other.event_outbox").await,
        id
    );
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        0
    );
}

async fn the_program_migrates_and_then_has_nothing_to_do(version: Version) {
    let (server, client) = postgres::start(version).await;
    let migrate = || {
        let arguments = ["outbox", "migrate"];
        let done = program::command(env!("CARGO_BIN_EXE_pipeline-under-test"), &arguments)
            .env("DATABASE_URL", server.url())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", program::text(&done.stderr));
        program::text(&done.stdout)
    };
    let (first, second) = (migrate(), migrate());
    assert!(first.contains("event_outbox_enqueue"), "{first}");
    assert_eq!(second, "= the outbox is as it should be\n");
    let id = enqueue_sql(&client, &purchase(1, 7)).await.unwrap();
    assert_eq!(stored(&client, id).await, purchase(1, 7));
}

/// Splits at semicolons outside of dollar quotes, literals and comments.
fn statements(script: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut in_body = false;
    for line in script.lines() {
        in_body ^= line.matches("$$").count() % 2 == 1;
        let current = statements.last_mut().unwrap();
        current.push_str(line);
        current.push('\n');
        if !in_body && line.trim_end().ends_with(';') {
            statements.push(String::new());
        }
    }
    statements
}

async fn events_stand_in_the_transaction_and_are_checked_before(version: Version) {
    let (_server, mut client) = migrated(version).await;
    let draft = |transaction: i64| {
        let payload: ShopPurchase = serde_json::from_value(json!({
            "tx_id": transaction, "user_id": 7, "status": "success", "product_id": 2001,
            "amount_gold": 2600, "price_cents": 199
        }))
        .unwrap();
        Draft::new(&payload).with("user_id", 7)
    };
    let transaction = client.transaction().await.unwrap();
    outbox::enqueue::<Registry>(&transaction, draft(1))
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        0
    );

    let transaction = client.transaction().await.unwrap();
    let one = draft(2).traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let first = outbox::enqueue::<Registry>(&transaction, one)
        .await
        .unwrap();
    // Wrong: refused before the insert, so the transaction goes on.
    let error = outbox::enqueue_all::<Registry>(&transaction, [draft(3), draft(0)])
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Record);
    assert!(error.to_string().contains("/payload/tx_id"), "{error}");
    let many = (10..1010).map(draft);
    let ids = outbox::enqueue_all::<Registry>(&transaction, many)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert!(ids.len() == 1000 && ids.is_sorted() && ids[0] > first);
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        1001
    );
    let last = stored(&client, ids[999]).await;
    assert_eq!(last["payload"]["tx_id"], 1009);

    let row = client
        .query_one(
            "SELECT event_type, key, dedupe_key, headers::text, envelope ? 'event_id', envelope ? 'payload', \
             lane BETWEEN 0 AND 63, published_at IS NULL FROM event_outbox WHERE id = $1",
            &[&first],
        )
        .await
        .unwrap();
    let texts: Vec<String> = (0..4).map(|column| row.get(column)).collect();
    assert_eq!(
        texts[..3],
        ["shop.purchase", "7", "shop.purchase:7:2:success"]
    );
    assert!(texts[3].contains("traceparent"), "{}", texts[3]);
    let facts: Vec<bool> = (4..8).map(|column| row.get(column)).collect();
    assert_eq!(facts, [true, false, true, true]);
}

async fn every_example_comes_out_as_it_went_in(version: Version) {
    let (_server, client) = migrated(version).await;
    let mut records = Vec::new();
    let mut sent = Vec::new();
    let good = events::examples()
        .into_iter()
        .filter(|(.., wrong)| wrong.is_none());
    for (number, (topic, version, payload, _)) in good.enumerate() {
        let event = events::event(&topic, version, &payload, number);
        records.push(record(&event));
        sent.push(event);
    }
    let keys: Vec<Option<String>> = records
        .iter()
        .map(|record| {
            record
                .key
                .clone()
                .map(|key| String::from_utf8(key).unwrap())
        })
        .collect();
    let ids = outbox::enqueue_records::<Registry>(&client, records)
        .await
        .unwrap();
    for ((id, event), key) in ids.into_iter().zip(&sent).zip(keys) {
        assert_eq!(&stored(&client, id).await, event);
        // The function files it under the same key, in the same lane.
        let other = enqueue_sql(&client, event).await.unwrap();
        assert_eq!(&stored(&client, other).await, event);
        let query = "SELECT count(*) FROM event_outbox WHERE id = ANY($1) AND key IS NOT DISTINCT FROM $2 \
            GROUP BY lane";
        let rows = client
            .query_one(query, &[&vec![id, other], &key])
            .await
            .unwrap();
        assert_eq!(rows.get::<_, i64>(0), 2, "{event}");
    }
    // Its template makes the key that the ingest makes.
    for mut event in sent {
        let event_map = event.as_object_mut().unwrap();
        event_map.remove("dedupe_key");
        let expected = record(&event).dedupe_key;
        let id = enqueue_sql(&client, &event).await.unwrap();
        assert_eq!(stored(&client, id).await["dedupe_key"], expected);
    }
}

async fn what_jsonb_cannot_hold_is_refused_in_words(version: Version) {
    let (_server, client) = migrated(version).await;
    let nul = events::event(
        "reward.granted",
        1,
        &json!({"source_type": "event", "source_id": 55, "delta_gold": 1, "balance": 2, "reason": "a\u{0}b"}),
        1,
    );
    let made = OutgoingRecord::from_json::<Registry>(nul.to_string(), 1 << 20);
    let record_with_nul = made.unwrap_or_else(|_| {
        let mut record = record(&purchase(1, 7));
        record.value = purchase(1, 7)
            .to_string()
            .replace("\"api-1\"", "\"api\\u0000\"")
            .into();
        record
    });
    let error = outbox::enqueue_records::<Registry>(&client, vec![record_with_nul])
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Record);
    assert!(error.to_string().contains("NUL"), "{error}");
    let twice = record(&purchase(1, 7)).header("a", "1").header("a", "2");
    let error = outbox::enqueue_records::<Registry>(&client, vec![twice])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        0
    );
    // A look-alike passes and stays what it is.
    let mut event = purchase(1, 7);
    event["source"]["host"] = r"api\u0000".into();
    let ids = outbox::enqueue_records::<Registry>(&client, vec![record(&event)])
        .await
        .unwrap();
    assert_eq!(stored(&client, ids[0]).await, event);
}

async fn the_function_adds_nothing_that_a_closed_envelope_has_no_place_for(version: Version) {
    let (_server, client) = migrated(version).await;
    // As `pipeline outbox migrate` writes it for an envelope without these members.
    let closed =
        "UPDATE event_outbox_envelope SET event_id = '', schema_version = '', dedupe_key = ''";
    client.batch_execute(closed).await.unwrap();
    let event = json!({
        "event_type": "shop.purchase", "user_id": 7, "ts": "2026-01-01T00:00:00Z",
        "payload": {"tx_id": 5, "user_id": 7, "status": "failed", "product_id": 1, "amount_gold": 1, "price_cents": 9}
    });
    // What every event of the game must have is another envelope's business.
    client
        .batch_execute("UPDATE event_outbox_envelope SET required = '{event_type,ts,payload}'")
        .await
        .unwrap();
    let id = enqueue_sql(&client, &event).await.unwrap();
    let mut kept = stored(&client, id).await;
    let key = kept.as_object_mut().unwrap().remove("dedupe_key");
    assert_eq!(key, Some("shop.purchase:7:5:failed".into()));
    assert_eq!(kept, event);
}

async fn the_function_fills_in_what_is_missing_and_says_what_is_wrong(version: Version) {
    let (_server, client) = migrated(version).await;
    let least = json!({
        "event_type": "shop.purchase", "user_id": 7,
        "payload": {"tx_id": 5, "user_id": 7, "status": "failed", "product_id": 1, "amount_gold": 1, "price_cents": 9}
    });
    let id = enqueue_sql(&client, &least).await.unwrap();
    let event = stored(&client, id).await;
    assert_eq!(event["dedupe_key"], "shop.purchase:7:5:failed");
    assert_eq!(event["schema_version"], 1);
    let uuid: uuid::Uuid = event["event_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(uuid.get_version_num(), 7);
    // The ingest's own check takes it.
    assert_eq!(record(&event).key.as_deref(), Some(&b"7"[..]));

    let with = |member: &str, value: Value| {
        let mut event = purchase(1, 7);
        event[member] = value;
        event
    };
    let without = |member: &str| {
        let mut event = purchase(1, 7);
        event.as_object_mut().unwrap().remove(member);
        event
    };
    let mut no_key = without("dedupe_key");
    no_key["payload"].as_object_mut().unwrap().remove("tx_id");
    for (event, message, hint) in [
        (json!([]), "the event is no JSON object", "envelope"),
        (
            with("event_type", json!("shop.refund")),
            "\"event_type\" names no topic",
            "migrate",
        ),
        (
            with("event_type", json!(5)),
            "\"event_type\" names no topic",
            "migrate",
        ),
        (
            without("event_type"),
            "\"event_type\" names no topic",
            "migrate",
        ),
        (
            with("schema_version", json!(9)),
            "no version of topic shop.purchase",
            "migrate",
        ),
        (
            with("schema_version", json!("x")),
            "no version of topic shop.purchase",
            "migrate",
        ),
        (without("user_id"), "lacks \"user_id\"", "envelope"),
        (without("payload"), "lacks \"payload\"", "envelope"),
        (
            with("payload", json!("x")),
            "\"payload\" of the event of topic shop.purchase",
            "schema",
        ),
        (with("dedupe_key", json!(5)), "is no text", "template"),
        (no_key, "/payload/tx_id is missing", "dedupe_key"),
        (
            with("filler", json!("x".repeat(1 << 20))),
            "too large",
            "elsewhere",
        ),
    ] {
        let error = enqueue_sql(&client, &event).await.unwrap_err();
        let said = error.as_db_error().unwrap();
        assert!(
            said.message().contains(message),
            "{message}: {}",
            said.message()
        );
        assert!(
            said.hint().unwrap().contains(hint),
            "{message}: {:?}",
            said.hint()
        );
    }
    let headers = "SELECT event_outbox_enqueue($1::text::jsonb, $2::text::jsonb)";
    let event = purchase(1, 7).to_string();
    for wrong in [r#"{"a": 1}"#, "[]", "5"] {
        let error = client
            .query_one(headers, &[&event, &wrong])
            .await
            .unwrap_err();
        let message = error.as_db_error().unwrap().message().to_owned();
        assert!(message.contains("headers"), "{wrong}: {message}");
    }
    let row = client
        .query_one(headers, &[&event, &r#"{"a": "1"}"#])
        .await
        .unwrap();
    let id: i64 = row.get(0);
    let kept = format!(
        "SELECT count(*) FROM event_outbox WHERE id = {id} AND headers = '{{\"a\": \"1\"}}'"
    );
    assert_eq!(number(&client, &kept).await, 1);
    client
        .batch_execute("DELETE FROM event_outbox_envelope")
        .await
        .unwrap();
    let error = enqueue_sql(&client, &purchase(1, 7)).await.unwrap_err();
    assert_eq!(
        error.code(),
        Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)
    );
}

async fn sqlx_enqueues_in_its_own_transactions(version: Version) {
    let (server, client) = migrated(version).await;
    let pool = sqlx::PgPool::connect(&server.url()).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let two = vec![
        record(&purchase(1, 7)),
        record(&purchase(2, 8)).header("a", "1"),
    ];
    let ids = outbox::sqlx::enqueue_records::<Registry>(&mut *transaction, two)
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        0
    );
    let mut transaction = pool.begin().await.unwrap();
    let one = vec![record(&purchase(3, 9))];
    let ids = outbox::sqlx::enqueue_records::<Registry>(&mut *transaction, one)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(stored(&client, ids[0]).await, purchase(3, 9));
    client
        .batch_execute("DROP TABLE event_outbox")
        .await
        .unwrap();
    let one = vec![scene::record(&purchase(4, 9))];
    let error = outbox::sqlx::enqueue_records::<Registry>(&pool, one)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.to_string().contains("outbox migrate"), "{error}");
}
