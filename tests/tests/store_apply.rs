//! Tables on a real server: created once, altered where that is safe, refused where it is not, checked at start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod store;

use store::Store;
use subject::Registry;
use topicwright_runtime::clickhouse::apply::{Plan, apply, apply_tables, plan, plan_tables};
use topicwright_runtime::clickhouse::native::Encoder;
use topicwright_runtime::clickhouse::{Client, verify};
use topicwright_runtime::config::{ClickHouseConfig, Secret};
use topicwright_runtime::error::Kind;
use topicwright_runtime::registry::{EventRegistry, Statement};

const PROJECT: topicwright_runtime::registry::Project = Registry::PROJECT;

/// The registry's statements with some texts replaced; each must occur.
fn tables(replaced: &[(&str, &str, &str)]) -> Vec<Statement> {
    let mut statements = PROJECT.tables.to_vec();
    for (name, from, to) in replaced {
        let statement = statements
            .iter_mut()
            .find(|statement| statement.name == *name)
            .unwrap_or_else(|| panic!("no statement {name}"));
        assert!(statement.sql.contains(from), "{name} has no `{from}`");
        let moved = |place: usize| {
            let before = statement
                .sql
                .match_indices(from)
                .filter(|(at, _)| *at < place);
            let times = before.count();
            place + times * to.len() - times * from.len()
        };
        let places = statement.databases.iter();
        let places: Vec<(usize, usize)> = places
            .map(|(start, end)| (moved(*start), moved(*end)))
            .collect();
        statement.databases = Box::leak(places.into_boxed_slice());
        statement.sql = Box::leak(statement.sql.replace(from, to).into_boxed_str());
    }
    statements
}

fn words(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| format!("{}: {}", step.object, step.words))
        .collect()
}

#[test]
fn a_second_run_changes_nothing() {
    let store = Store::start("unused");
    let before = store.run(plan::<Registry>(&store.client)).unwrap();
    assert!(before.steps.iter().all(|step| step.creates));
    let done = store.run(apply::<Registry>(&store.client)).unwrap();
    assert_eq!(done, before);
    assert_eq!(done.steps.len(), PROJECT.tables.len());
    let described = || {
        store.ask(
            "SELECT name, uuid, metadata_modification_time, create_table_query FROM system.tables \
             WHERE database = 'game' ORDER BY name",
        )
    };
    let first = described();
    let again = store.run(apply::<Registry>(&store.client)).unwrap();
    assert_eq!(again, Plan::default());
    assert_eq!(described(), first);
    assert_eq!(
        store.ask("SELECT count() FROM system.databases WHERE name LIKE '%topicwright%'"),
        "0"
    );
    let verified = store.run(verify::<Registry>(&store.client)).unwrap();
    assert_eq!(verified.warnings, [""; 0]);
    Encoder::<<Registry as EventRegistry>::Block>::for_columns(&verified.columns).unwrap();
}

#[test]
fn an_older_state_is_brought_up() {
    let store = Store::start("unused");
    let old = tables(&[
        (
            "events_raw",
            "    platform LowCardinality(String) COMMENT 'Platform of the client',\n",
            "",
        ),
        ("events_raw", "'Time of the event'", "'When it was'"),
        ("events_raw", "Delta, ZSTD(3)", "Delta, ZSTD(1)"),
        ("events_raw", "toIntervalDay(400)", "toIntervalDay(100)"),
        (
            "events_raw",
            "non_replicated_deduplication_window = 10000",
            "non_replicated_deduplication_window = 50",
        ),
        ("events_raw", "        store Nullable(String),\n", ""),
        ("events_raw", "One row an event:", "A row an event:"),
        (
            "user_daily_closed",
            "    mission_claims UInt64 COMMENT 'Rewards claimed in missions' CODEC(T64, ZSTD(1)),\n",
            "",
        ),
        (
            "event_ledger",
            "    price_cents UInt32 COMMENT 'Price of the purchase in US cents, whatever its status' CODEC(T64, ZSTD(1)),\n",
            "",
        ),
        (
            "event_ledger_mv",
            "    event.price_cents AS price_cents,\n",
            "",
        ),
        (
            "user_daily",
            "toInt64(sumIf(event.price_cents, ",
            "toInt64(sumIf(event.delta_gold, ",
        ),
        (
            "daily",
            "sumIf(event.price_cents, ",
            "sumIf(event.delta_gold, ",
        ),
        (
            "kpi_arpdau",
            "sumIf(event.price_cents, ",
            "sumIf(event.delta_gold, ",
        ),
        (
            "kpi_whales",
            "sumIf(event.price_cents, ",
            "sumIf(event.delta_gold, ",
        ),
        (
            "user_daily",
            "        closed.mission_claims AS mission_claims,\n",
            "        0 AS mission_claims,\n",
        ),
    ]);
    let old: Vec<Statement> = old
        .into_iter()
        .filter(|statement| statement.name != "kpi_dau")
        .collect();
    store
        .run(apply_tables(&store.client, "game", &old))
        .unwrap();
    let insert = "INSERT INTO game.events_raw (ts, event_type, user_id, dedupe_key, payload_json) VALUES \
                  ('2026-11-01 00:00:00', 'mission.claim', 1, 'a', '{\"status\":\"x\",\"store\":7}')";
    store.ask(insert);
    // Of an open day, while the ledger has no column for its price.
    store.ask(
        "INSERT INTO game.events_raw (ts, event_type, user_id, event_key, status, price_cents, payload_json) VALUES \
         ('2026-11-01 00:00:00', 'shop.purchase', 2, 3, 'success', 50, '{}')",
    );
    // What drifted is a reason not to start.
    let refused = store.run(verify::<Registry>(&store.client)).unwrap_err();
    assert_eq!(refused.kind, Kind::Config);
    for part in [
        "add column platform",
        "event_ledger_mv: change the query",
        "deduplication_window: 50",
    ] {
        assert!(refused.to_string().contains(part), "{part} in {refused}");
    }
    let change = store.run(plan::<Registry>(&store.client)).unwrap();
    assert!(change.alters());
    assert_eq!(change.refusals, []);
    let words = words(&change);
    for expected in [
        "events_raw: add column platform LowCardinality(String)",
        "events_raw: column ts: change the comment",
        "events_raw: column ts: change the codec; merges apply it",
        "events_raw: retention: `event_date + toIntervalDay(100)` → `event_date + toIntervalDay(400)`",
        "events_raw: setting non_replicated_deduplication_window: 50 → 10000",
        "events_raw: change the comment",
        "user_daily_closed: add column mission_claims UInt64",
        "event_ledger: add column price_cents UInt32",
        "event_ledger: write its rows again, with what the fact table has for the added columns",
        "event_ledger_mv: change the query; rows inserted before keep what they were counted as",
        "user_daily: replace the view: its query or comment changed",
        "kpi_dau: create",
    ] {
        assert!(
            words.iter().any(|word| word == expected),
            "{expected} in {words:#?}"
        );
    }
    assert!(
        change
            .notes
            .iter()
            .any(|note| note.contains("payload_json")),
        "{:?}",
        change.notes
    );
    store.run(apply::<Registry>(&store.client)).unwrap();
    let rest = store.run(plan::<Registry>(&store.client)).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
    let order = store.ask(
        "SELECT arrayStringConcat(groupArray(name), ',') FROM system.columns \
         WHERE database = 'game' AND table = 'events_raw' AND name IN ('game_type', 'platform', 'user_hash')",
    );
    assert_eq!(order, "game_type,platform,user_hash");
    // The new query counts from now on, and rows go in under the older JSON type.
    let verified = store.run(verify::<Registry>(&store.client)).unwrap();
    assert_eq!(verified.warnings.len(), 1, "{:?}", verified.warnings);
    store.ask(
        "INSERT INTO game.events_raw (ts, event_type, user_id, event_key, status, price_cents, payload_json) VALUES \
         ('2026-11-01 00:00:00', 'shop.purchase', 1, 2, 'success', 199, '{}')",
    );
    assert_eq!(
        store.ask("SELECT mission_claims, revenue_cents FROM game.user_daily WHERE user_id = 1"),
        "1\t199"
    );
    assert_eq!(
        store.ask("SELECT purchases, revenue_cents FROM game.user_daily WHERE user_id = 2"),
        "1\t50"
    );
    let payload = verified
        .columns
        .iter()
        .find(|(name, _)| name == "payload_json")
        .unwrap();
    assert!(payload.1.contains("status Nullable(String)") && !payload.1.contains("store Null"));
}

#[test]
fn unsafe_differences_are_refused() {
    for (old, expected) in [
        (
            ("events_raw", "product_id UInt64", "product_id UInt32"),
            "column `product_id` is UInt32, the registry wants UInt64",
        ),
        (
            (
                "events_raw",
                "(event_type, user_id, event_key)",
                "(event_type, event_key)",
            ),
            "its sorting key is",
        ),
        (
            ("events_raw", "toYYYYMM(event_date)", "toYear(event_date)"),
            "its partition key is",
        ),
        (
            (
                "events_raw",
                "ReplacingMergeTree(version)",
                "ReplacingMergeTree",
            ),
            "its engine is",
        ),
        (
            ("events_raw", "toIntervalDay(400)", "toIntervalDay(500)"),
            "would delete rows",
        ),
        (
            (
                "events_raw",
                "UInt64 DEFAULT bitNot(toUInt64(kafka_offset))",
                "UInt64",
            ),
            "column `version` is `UInt64`",
        ),
    ] {
        check_refused(old, expected);
    }
}

fn check_refused(old: (&str, &str, &str), expected: &str) {
    thread_local! {
        static STORE: Store = Store::start("unused");
    }
    STORE.with(|store| {
        store.ask("DROP DATABASE IF EXISTS game SYNC");
        let client = &store.client;
        store
            .run(apply_tables(client, "game", &tables(&[old])))
            .unwrap();
        // A harmless change beside it is not done either.
        let wanted = tables(&[("user_daily", "What one player did", "What a player did")]);
        let change = store.run(plan_tables(client, "game", &wanted)).unwrap();
        assert_eq!(change.steps.len(), 1);
        assert!(
            change.refusals.iter().any(|refusal| refusal.words.contains(expected)),
            "{expected} in {change:?}"
        );
        let error = store
            .run(apply_tables(client, "game", &wanted))
            .unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.fix.is_some());
        assert_eq!(
            store.ask("SELECT count() FROM system.tables WHERE database = 'game' AND comment LIKE 'What a player%'"),
            "0"
        );
        assert!(store.run(verify::<Registry>(client)).is_err());
    });
}

#[test]
fn a_column_or_view_of_someone_else_stays() {
    let store = Store::start("unused");
    store.run(apply::<Registry>(&store.client)).unwrap();
    store.ask("ALTER TABLE game.events_raw ADD COLUMN note String");
    store.ask("CREATE VIEW game.mine AS SELECT 1");
    let change = store.run(plan::<Registry>(&store.client)).unwrap();
    assert!(change.is_empty(), "{change:?}");
    assert_eq!(change.notes.len(), 2, "{:?}", change.notes);
    assert!(store.run(verify::<Registry>(&store.client)).is_ok());
}

#[test]
fn the_start_up_check_lists_everything_at_once() {
    let store = Store::start("unused");
    store.run(apply::<Registry>(&store.client)).unwrap();
    // A view of someone else whose target remembers nothing, in another database.
    store.ask("CREATE TABLE unused.mine (user_id UInt64, n UInt64) ENGINE = SummingMergeTree ORDER BY user_id");
    store.ask(
        "CREATE MATERIALIZED VIEW unused.mine_mv TO unused.mine AS \
         SELECT user_id, count() AS n FROM game.events_raw GROUP BY user_id",
    );
    store.ask(
        "ALTER TABLE game.event_ledger MODIFY SETTING non_replicated_deduplication_window = 0",
    );
    store.ask("DROP VIEW game.latest_progress");
    // Views with a table of their own, which they do not name, and into one that remembers nothing.
    store.ask(
        "CREATE MATERIALIZED VIEW unused.inner_mv ENGINE = SummingMergeTree ORDER BY user_id AS \
         SELECT user_id, count() AS n FROM game.events_raw GROUP BY user_id",
    );
    store.ask(
        "CREATE MATERIALIZED VIEW unused.good_mv ENGINE = SummingMergeTree ORDER BY user_id \
         SETTINGS non_replicated_deduplication_window = 1000 AS \
         SELECT user_id, count() AS n FROM unused.mine GROUP BY user_id",
    );
    store.ask("CREATE TABLE unused.fleeting (user_id UInt64) ENGINE = Memory");
    store.ask("CREATE MATERIALIZED VIEW unused.fleeting_mv TO unused.fleeting AS SELECT user_id FROM game.events_raw");
    let refused = store.run(verify::<Registry>(&store.client)).unwrap_err();
    let text = refused.to_string();
    for part in [
        "`unused`.`mine`: non_replicated_deduplication_window is 0",
        "`game`.`event_ledger`: non_replicated_deduplication_window is 0",
        "latest_progress: create",
        "`unused`.`.inner_id.",
        "`unused`.`fleeting`: engine Memory does not remember",
        "problems 6",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// Users of the server of the next test; it reads them from its folder.
const USERS: &str = "<clickhouse>
  <user_directories><users_xml><path>config.xml</path></users_xml></user_directories>
  <profiles>
    <default/>
    <rigid>
      <async_insert>1</async_insert>
      <constraints><async_insert><const/></async_insert><max_insert_threads><max>0</max></max_insert_threads></constraints>
    </rigid>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>
    <rigid>
      <password>pw</password><networks><ip>::/0</ip></networks><profile>rigid</profile><quota>default</quota>
      <grants><query>GRANT SELECT ON game.*</query></grants>
    </rigid>
    <worker>
      <password>pw</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
      <grants><query>GRANT SELECT, INSERT ON game.*</query></grants>
    </worker>
  </users>
</clickhouse>";

#[test]
fn a_user_with_fewer_rights() {
    let store = Store::start_with("unused", &[("config.xml", USERS)]);
    store.run(apply::<Registry>(&store.client)).unwrap();
    let client = |user: &str, password: &str| {
        let mut config = ClickHouseConfig::new(store.server.url());
        config.user = Some(user.to_owned());
        config.password = Some(Secret::new(password));
        Client::new(&config)
    };
    let check = |client: &Client| store.run(verify::<Registry>(client));
    let refused = check(&client("worker", "wrong")).unwrap_err();
    assert!(refused.to_string().contains("code 516"), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
    let text = check(&client("rigid", "pw")).unwrap_err().to_string();
    for part in [
        "setting async_insert cannot be set to 0",
        "setting max_insert_threads cannot be set to 1",
        "GRANT INSERT ON",
        "problems 3",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // Without a right to create databases the check reads what it can.
    let worker = client("worker", "pw");
    let verified = check(&worker).unwrap();
    assert_eq!(verified.warnings.len(), 1, "{:?}", verified.warnings);
    // Payload paths of before are none of its business: blocks are written in the live type.
    store.ask("ALTER TABLE game.events_raw MODIFY COLUMN payload_json JSON(max_dynamic_paths = 16, tx_id Nullable(Int64))");
    assert!(check(&worker).is_ok());
    store.ask(
        "ALTER TABLE game.event_ledger_mv MODIFY QUERY SELECT event.event_date, event.user_id FROM game.events_raw AS event",
    );
    store.ask("DROP VIEW game.user_daily");
    store.ask("ALTER TABLE game.events_raw MODIFY COLUMN product_id UInt32");
    let state = store.ask("SELECT create_table_query FROM system.tables WHERE database = 'game' AND name = 'latest_progress_closed' FORMAT TSVRaw");
    store.ask("DROP TABLE game.latest_progress_closed");
    let other = state.replace("ENGINE = AggregatingMergeTree", "ENGINE = MergeTree");
    assert_ne!(state, other);
    store.ask(&other);
    // What this user does not see.
    store.ask("CREATE TABLE unused.mine (user_id UInt64) ENGINE = MergeTree ORDER BY user_id");
    store.ask("CREATE MATERIALIZED VIEW unused.mine_mv TO unused.mine AS SELECT user_id FROM game.events_raw");
    let text = check(&worker).unwrap_err().to_string();
    for part in [
        "event_ledger_mv: its query is not the registry's",
        "user_daily: create",
        "events_raw: column product_id is UInt32, the registry wants UInt64",
        "latest_progress_closed: its engine is MergeTree, the registry wants AggregatingMergeTree",
        "`unused`.`mine_mv`: game.events_raw feeds it and this user cannot see it",
        "problems 5",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // A view into another table.
    store.ask("CREATE TABLE game.other AS game.event_ledger");
    let view = store.ask("SELECT create_table_query FROM system.tables WHERE database = 'game' AND name = 'event_ledger_mv' FORMAT TSVRaw");
    store.ask("DROP VIEW game.event_ledger_mv");
    store.ask(&view.replace(" TO game.event_ledger ", " TO game.other "));
    let text = check(&worker).unwrap_err().to_string();
    let part = "event_ledger_mv: it is not the registry's view into game.event_ledger";
    assert!(text.contains(part), "{part} in {text}");
}
