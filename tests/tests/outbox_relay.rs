//! The relay between a real PostgreSQL and a real Kafka: what is committed arrives, in order and whole; what cannot
//! be published stands aside; what waits holds up nobody else; what dies is replaced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use serde_json::{Value, json};
use subject::Registry;
use tokio_postgres::Client;
use topicwright_runtime::config::{Config, Secret};
use topicwright_runtime::engine::kafka::Kafka;
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_runtime::kafka::topics::{CreateOptions, create_topics, topic_specs};
use topicwright_runtime::outbox::{self, RelayHandle, RelayLimits};
use topicwright_runtime::produce::header;
use topicwright_tests::outbox::{connect, drained, migrated, number, purchase, record, wait_until};
use topicwright_tests::postgres::Version;
use topicwright_tests::{events, kafka, on_every_postgres, program};

on_every_postgres!(
    committed_rows_arrive_whole_and_in_order,
    what_cannot_be_published_stands_aside_and_can_be_released,
    published_rows_go_and_the_table_does_not_grow,
    relays_share_the_lanes_and_take_over,
);

struct Scene {
    broker: Kafka,
    database: Postgres,
    client: Client,
    config: Config,
}

impl Scene {
    async fn start(version: Version) -> Self {
        let broker = tokio::task::block_in_place(|| Kafka::start().unwrap());
        let (database, client) = migrated(version).await;
        let mut config = Config::local(broker.brokers(), "http://localhost:1", "unused");
        config.postgres = Some(Secret::new(database.url()));
        create(&config).await;
        Self {
            broker,
            database,
            client,
            config,
        }
    }

    async fn relay(&self) -> RelayHandle {
        outbox::start::<Registry>(&self.config, RelayLimits::default())
            .await
            .unwrap()
    }

    async fn enqueue(&self, events: &[Value]) -> Vec<i64> {
        let records = events.iter().map(record).collect();
        outbox::enqueue_records::<Registry>(&self.client, records)
            .await
            .unwrap()
    }

    /// Values of a topic's records by key, in their order.
    fn arrived(&self, topic: &str) -> BTreeMap<String, Vec<Value>> {
        let brokers = self.broker.brokers();
        let count = usize::try_from(kafka::count(&brokers, topic)).unwrap();
        let mut keys: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in tokio::task::block_in_place(|| kafka::read(&brokers, topic, count)) {
            let key = String::from_utf8(record.key().unwrap().to_vec()).unwrap();
            let value = serde_json::from_slice(record.payload().unwrap()).unwrap();
            keys.entry(key).or_default().push(value);
        }
        keys
    }

    fn program(&self, arguments: &[&str]) -> std::process::Output {
        program::command(env!("CARGO_BIN_EXE_pipeline-under-test"), arguments)
            .env("DATABASE_URL", self.database.url())
            .output()
            .unwrap()
    }
}

async fn create(config: &Config) {
    let specs = topic_specs::<Registry>();
    create_topics(&config.kafka, &specs, CreateOptions::default())
        .await
        .unwrap();
}

/// Numbers of the purchases of a key.
fn transactions(events: &[Value]) -> Vec<u64> {
    let numbers = events
        .iter()
        .map(|event| event["payload"]["tx_id"].as_u64().unwrap());
    numbers.collect()
}

async fn committed_rows_arrive_whole_and_in_order(version: Version) {
    let scene = Scene::start(version).await;
    let relay = scene.relay().await;
    // Two transactions of long life hold the lowest ids; one of them rolls back.
    let mut others = [
        connect(&scene.database.url()).await,
        connect(&scene.database.url()).await,
    ];
    let [late, gone] = &mut others;
    let (late, gone) = (
        late.transaction().await.unwrap(),
        gone.transaction().await.unwrap(),
    );
    let of_late = (1..=3).map(|n| record(&purchase(n, 900))).collect();
    outbox::enqueue_records::<Registry>(&late, of_late)
        .await
        .unwrap();
    let of_gone = (1..=3).map(|n| record(&purchase(n, 901))).collect();
    outbox::enqueue_records::<Registry>(&gone, of_gone)
        .await
        .unwrap();

    let sent: Vec<Value> = (100..2100)
        .map(|n| purchase(n, n % 17))
        .filter(|e| e["user_id"] != 0)
        .collect();
    for some in sent.chunks(97) {
        scene.enqueue(some).await;
    }
    drained(&scene.client).await;
    gone.rollback().await.unwrap();
    late.commit().await.unwrap();
    wait_until("late rows are skipped", async || {
        let published =
            "SELECT count(*) FROM event_outbox WHERE key = '900' AND published_at IS NOT NULL";
        number(&scene.client, published).await == 3
    })
    .await;
    let with_header = record(&purchase(5000, 902)).header("traceparent", "00-abc");
    let schema_id = with_header.schema_id;
    outbox::enqueue_records::<Registry>(&scene.client, vec![with_header])
        .await
        .unwrap();
    drained(&scene.client).await;

    let arrived = scene.arrived("shop.purchase");
    for user in 1..17 {
        let expected: Vec<&Value> = sent
            .iter()
            .filter(|event| event["user_id"] == user)
            .collect();
        let found: Vec<&Value> = arrived[&user.to_string()].iter().collect();
        assert_eq!(found, expected, "user {user}");
    }
    assert_eq!(transactions(&arrived["900"]), [2, 3, 4]);
    assert!(!arrived.contains_key("901"), "what was rolled back is sent");
    assert_eq!(arrived.len(), 18);
    let total = i64::try_from(sent.len()).unwrap() + 4;
    assert_eq!(
        number(
            &scene.client,
            "SELECT count(*) FROM event_outbox WHERE published_at IS NOT NULL"
        )
        .await,
        total
    );
    assert_eq!(
        relay.metrics().outbox_published.get(),
        u64::try_from(total).unwrap()
    );
    let records = tokio::task::block_in_place(|| {
        kafka::read(
            &scene.broker.brokers(),
            "shop.purchase",
            usize::try_from(total).unwrap(),
        )
    });
    let last = records
        .iter()
        .find(|record| record.key() == Some(b"902"))
        .unwrap();
    for (name, expected) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::SCHEMA_ID, schema_id),
        (header::SCHEMA_VERSION, "1"),
        (header::TRACEPARENT, "00-abc"),
    ] {
        assert_eq!(kafka::header(last, name).as_deref(), Some(expected));
    }
    wait_until("the relay is ready", async || relay.health().is_ready()).await;
    wait_until("the gauge is set back", async || {
        relay.metrics().outbox_pending.get() == 0
    })
    .await;
    // One that waits is counted, and how long it has.
    let waiting = "INSERT INTO event_outbox (event_type, payload, dedupe_key, created_at, next_attempt_at) \
        VALUES ('shop.purchase', '{}', 'k', now() - interval '2 minutes', now() + interval '1 hour')";
    scene.client.batch_execute(waiting).await.unwrap();
    wait_until("the gauges tell of it", async || {
        let metrics = relay.metrics();
        metrics.outbox_pending.get() == 1 && metrics.outbox_oldest_age.get() >= 120.0
    })
    .await;
    relay.stop().await.unwrap();
}

async fn what_cannot_be_published_stands_aside_and_can_be_released(version: Version) {
    let scene = Scene::start(version).await;
    let relay = scene.relay().await;
    let insert = "INSERT INTO event_outbox (event_type, payload, envelope, dedupe_key, key) \
        VALUES ($1, $2::text::jsonb, $3::text::jsonb, $4, $5) RETURNING id";
    let good = purchase(1, 7);
    let payload = good["payload"].to_string();
    let envelope = json!({"user_id": 7, "ts": "2026-08-21T12:00:00Z"}).to_string();
    let mut ids = Vec::new();
    for (event_type, payload, envelope, key) in [
        ("shop.refund", &*payload, &*envelope, "7"),
        ("shop.purchase", "{}", &*envelope, "7"),
        ("shop.purchase", &*payload, "{}", "7"),
        (
            "shop.purchase",
            &*payload,
            r#"{"user_id": 7, "ts": "2026-08-21T12:00:00Z", "schema_version": 9}"#,
            "7",
        ),
        (
            "shop.purchase",
            &*payload,
            r#"{"user_id": 7, "ts": "2026-08-21T12:00:00Z", "payload": {}}"#,
            "7",
        ),
        ("shop.purchase", &*payload, &*envelope, "8"),
    ] {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&event_type, &payload, &envelope, &"k", &key];
        ids.push(
            scene
                .client
                .query_one(insert, &values)
                .await
                .unwrap()
                .get::<_, i64>(0),
        );
    }
    scene.enqueue(&[good.clone(), purchase(2, 7)]).await;
    drained(&scene.client).await;
    assert_eq!(transactions(&scene.arrived("shop.purchase")["7"]), [2, 3]);
    let parked = outbox::list(&scene.client, &outbox::Selected::default(), 100)
        .await
        .unwrap();
    let reasons: Vec<&str> = parked.iter().map(|row| &*row.reason).collect();
    assert_eq!(
        reasons,
        [
            "wrong-topic",
            "payload",
            "envelope",
            "unknown-version",
            "duplicate-member",
            "key"
        ]
    );
    assert_eq!(parked.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    let parkings = relay
        .metrics()
        .outbox_parkings
        .with_label_values(&["shop.purchase", "payload"]);
    assert_eq!(parkings.get(), 1);
    wait_until("the gauge counts parked rows", async || {
        relay.metrics().outbox_parked.get() == 6
    })
    .await;

    let listed = scene.program(&["outbox", "ls", "--format", "json", "--reason", "key"]);
    assert_eq!(
        listed.status.code(),
        Some(100),
        "{}",
        program::text(&listed.stderr)
    );
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["rows"][0]["id"], ids[5]);
    let status = scene.program(&["outbox", "status", "--format", "json"]);
    assert_eq!(status.status.code(), Some(100));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (&status["parked"], &status["pending"]),
        (&json!(6), &json!(0))
    );

    // Mended and released, it is published; one that was not is parked again.
    let mend = "UPDATE event_outbox SET key = '7' WHERE id = $1";
    scene.client.execute(mend, &[&ids[5]]).await.unwrap();
    let retried = scene.program(&["outbox", "retry", &ids[5].to_string(), &ids[0].to_string()]);
    assert!(
        retried.status.success(),
        "{}",
        program::text(&retried.stderr)
    );
    wait_until("the mended row is published", async || {
        let published = format!(
            "SELECT count(*) FROM event_outbox WHERE id = {} AND published_at IS NOT NULL",
            ids[5]
        );
        number(&scene.client, &published).await == 1
    })
    .await;
    wait_until("the other is parked again", async || {
        let again = format!(
            "SELECT attempts::bigint FROM event_outbox WHERE id = {}",
            ids[0]
        );
        number(&scene.client, &again).await == 2
    })
    .await;
    let unknown = scene.program(&["outbox", "retry", "99999"]);
    assert_eq!(unknown.status.code(), Some(1));
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_holds_up_its_own_rows_only() {
    let mut scene = Scene::start(Version::Installed).await;
    // How long a new topic may stay unknown before records for it fail.
    let settings = &mut scene.config.kafka.settings;
    settings.push((
        "topic.metadata.propagation.max.ms".to_owned(),
        Secret::new("200"),
    ));
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", scene.broker.brokers())
        .create()
        .unwrap();
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", scene.broker.brokers())
        .create()
        .unwrap();
    let is_listed = || {
        let metadata = client
            .fetch_metadata(None, Duration::from_secs(10))
            .unwrap();
        let mut topics = metadata.topics().iter();
        topics.any(|topic| topic.name() == "reward.granted")
    };
    // What a broker lists lags behind: a topic that it has not seen yet is not one that is gone.
    wait_until("the topic is there", async || is_listed()).await;
    let deleted = admin
        .delete_topics(&["reward.granted"], &AdminOptions::new())
        .await
        .unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    wait_until("the topic is gone", async || !is_listed()).await;
    let relay = scene.relay().await;
    let grant = |n: usize| {
        let payload = json!({"source_type": "event", "source_id": n, "delta_gold": 1, "balance": 2, "reason": "r"});
        let mut event = events::event("reward.granted", 1, &payload, n);
        event["user_id"] = 7.into();
        event
    };
    let mixed: Vec<Value> = (1..=200).flat_map(|n| [grant(n), purchase(n, 7)]).collect();
    scene.enqueue(&mixed).await;
    scene
        .enqueue(&(201..=300).map(|n| purchase(n, 7)).collect::<Vec<_>>())
        .await;
    let others = "SELECT count(*) FROM event_outbox WHERE event_type <> 'reward.granted' AND published_at IS NULL";
    wait_until("others get through", async || {
        number(&scene.client, others).await == 0
    })
    .await;
    let granted = "SELECT count(*) FROM event_outbox WHERE event_type = 'reward.granted' AND published_at IS NOT NULL";
    assert_eq!(number(&scene.client, granted).await, 0);
    create(&scene.config).await;
    drained(&scene.client).await;
    let granted = &scene.arrived("reward.granted")["7"];
    let first = first_occurrences(
        granted
            .iter()
            .map(|event| event["payload"]["source_id"].as_u64().unwrap()),
    );
    assert_eq!(first, (1..=200).collect::<Vec<_>>());
    let bought = first_occurrences(transactions(&scene.arrived("shop.purchase")["7"]).into_iter());
    assert_eq!(bought, (2..=301).collect::<Vec<_>>());
    relay.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafka_refuses_stands_aside_and_its_batch_does_not() {
    let scene = Scene::start(Version::Installed).await;
    // Brokers measure batches: small records fall with the large one, and with each other.
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", scene.broker.brokers())
        .create()
        .unwrap();
    let small = AlterConfig::new(ResourceSpecifier::Topic("shop.purchase"))
        .set("max.message.bytes", "1500");
    admin
        .alter_configs([&small], &AdminOptions::new())
        .await
        .unwrap();
    let mut events: Vec<Value> = (1..=120).map(|n| purchase(n, 1 + n % 3)).collect();
    let mut random = fastrand::Rng::with_seed(1);
    let noise: String = (0..2000).map(|_| random.alphanumeric()).collect();
    events[60]["noise"] = noise.into();
    let ids = scene.enqueue(&events).await;
    let relay = scene.relay().await;
    drained(&scene.client).await;
    let parked = outbox::list(&scene.client, &outbox::Selected::default(), 100)
        .await
        .unwrap();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!((parked[0].id, &*parked[0].reason), (ids[60], "kafka"));
    let arrived = scene.arrived("shop.purchase");
    for user in 1..=3 {
        let expected = events
            .iter()
            .enumerate()
            .filter(|(place, event)| *place != 60 && event["user_id"] == user);
        let expected: Vec<u64> = expected.map(|(place, _)| place as u64 + 2).collect();
        let found = first_occurrences(transactions(&arrived[&user.to_string()]).into_iter());
        assert_eq!(found, expected, "user {user}");
    }
    relay.stop().await.unwrap();
}

fn first_occurrences(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut seen = std::collections::BTreeSet::new();
    numbers.filter(|number| seen.insert(*number)).collect()
}

async fn relays_share_the_lanes_and_take_over(version: Version) {
    let mut scene = Scene::start(version).await;
    let lanes = "SELECT coalesce(max(lanes), 0)::bigint FROM ( \
        SELECT count(*) AS lanes FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND objid < 64 GROUP BY pid) AS p";
    let first = scene.relay().await;
    wait_until("one has all", async || {
        number(&scene.client, lanes).await == 64
    })
    .await;
    let second = scene.relay().await;
    let third = scene.relay().await;
    wait_until("three share", async || {
        number(&scene.client, lanes).await == 22
    })
    .await;
    let events: Vec<Value> = (1..=2000).map(|n| purchase(n, 1 + n % 50)).collect();
    for some in events.chunks(100) {
        scene.enqueue(some).await;
    }
    drained(&scene.client).await;
    let published = [&first, &second, &third].map(|relay| relay.metrics().outbox_published.get());
    assert_eq!(published.iter().sum::<u64>(), 2000, "{published:?}");
    assert!(published.iter().all(|count| *count > 0), "{published:?}");
    first.stop().await.unwrap();
    second.stop().await.unwrap();
    wait_until("the last has all", async || {
        number(&scene.client, lanes).await == 64
    })
    .await;
    let arrived = scene.arrived("shop.purchase");
    for (user, events) in arrived {
        assert!(transactions(&events).is_sorted(), "user {user}");
    }

    // The database dies under the relay and comes back.
    tokio::task::block_in_place(|| {
        scene.database.kill();
        scene.database.restart().unwrap();
    });
    scene.client = connect(&scene.database.url()).await;
    scene.enqueue(&[purchase(9000, 7)]).await;
    drained(&scene.client).await;
    assert_eq!(
        transactions(&scene.arrived("shop.purchase")["7"]).last(),
        Some(&9001)
    );
    third.stop().await.unwrap();
}

async fn published_rows_go_and_the_table_does_not_grow(version: Version) {
    let (_server, mut client) = migrated(version).await;
    client
        .batch_execute("ALTER TABLE event_outbox SET (autovacuum_enabled = off)")
        .await
        .unwrap();
    let waiting = vec![record(&purchase(1, 7)), record(&purchase(2, 7))];
    let ids = outbox::enqueue_records::<Registry>(&client, waiting)
        .await
        .unwrap();
    let park = "UPDATE event_outbox SET parked_at = now(), parked_reason = 'kafka' WHERE id = $1";
    client.execute(park, &[&ids[0]]).await.unwrap();
    let mut sizes = Vec::new();
    for cycle in 1..=8 {
        let records = (0..6000)
            .map(|n| record(&purchase(cycle * 10_000 + n, n % 90 + 1)))
            .collect();
        outbox::enqueue_records::<Registry>(&client, records)
            .await
            .unwrap();
        let publish =
            "UPDATE event_outbox SET published_at = now() WHERE id > $1 AND published_at IS NULL";
        client.execute(publish, &[&ids[1]]).await.unwrap();
        let kept = outbox::clean(&mut client, Duration::from_hours(1))
            .await
            .unwrap();
        assert_eq!(kept, 0, "too young");
        let deleted = outbox::clean(&mut client, Duration::ZERO).await.unwrap();
        assert_eq!(deleted, 6000);
        // What autovacuum does in its own time.
        client.batch_execute("VACUUM event_outbox").await.unwrap();
        sizes.push(number(&client, "SELECT pg_total_relation_size('event_outbox')").await);
    }
    assert_eq!(
        number(&client, "SELECT count(*) FROM event_outbox").await,
        2
    );
    let (second, last) = (sizes[1], sizes[7]);
    assert!(last <= second + second / 4, "{sizes:?}");
    // Counting reads what waits, whatever else the table holds.
    client
        .batch_execute("SET enable_seqscan = off; ANALYZE event_outbox")
        .await
        .unwrap();
    let plan = "EXPLAIN SELECT count(*) FROM (SELECT FROM event_outbox \
        WHERE published_at IS NULL AND parked_at IS NULL LIMIT 1000000) AS pending";
    let rows = client.query(plan, &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(plan.join("\n").contains("event_outbox_pending"), "{plan:?}");
}
