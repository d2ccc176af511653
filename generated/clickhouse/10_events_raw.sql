-- Made by `topicwright generate` from registry.toml and the topics' payload schemas; do not edit.
CREATE TABLE IF NOT EXISTS game.events_raw
(
    event_date Date DEFAULT toDate(ts) COMMENT 'Day of the event, UTC',
    ts DateTime64(3, 'UTC') COMMENT 'Time of the event' CODEC(Delta, ZSTD(3)),
    event_type LowCardinality(String) COMMENT 'Type of the event, its topic',
    schema_version UInt16 COMMENT 'Version of the payload schema',
    user_id UInt64 COMMENT 'Player who acted; a pseudonym',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type',
    session_id String COMMENT 'Play session (UUID)' CODEC(ZSTD(1)),
    progress_version UInt32 COMMENT 'Version of the player\'s progress; the highest is the newest' CODEC(T64, ZSTD(1)),
    delta_gold Int64 COMMENT 'Gold gained or lost; for a purchase, the gold credited, 0 unless it succeeded' CODEC(T64, ZSTD(1)),
    balance_after Int64 COMMENT 'Gold in the wallet after the event' CODEC(T64, ZSTD(1)),
    price_cents UInt32 COMMENT 'Price of the purchase in US cents, whatever its status' CODEC(T64, ZSTD(1)),
    product_id UInt64 COMMENT 'Product of the purchase' CODEC(T64, ZSTD(1)),
    action LowCardinality(String) COMMENT 'Account action: signup, login or logout',
    status LowCardinality(String) COMMENT 'Status of the purchase',
    source_type LowCardinality(String) COMMENT 'Cause of a grant: event, mission, session or support',
    game_type LowCardinality(String) COMMENT 'Rules of the play session',
    platform LowCardinality(String) COMMENT 'Platform of the client',
    user_hash UInt64 COMMENT 'Keyed hash of user_id, computed by the ingest worker',
    payload_json JSON(
        max_dynamic_paths = 16,
        action Nullable(String),
        amount_gold Nullable(Int64),
        app_version Nullable(String),
        balance Nullable(Int64),
        client Nullable(String),
        delta_gold Nullable(Int64),
        ended_at Nullable(String),
        event_id Nullable(Int64),
        game_mode Nullable(String),
        game_type Nullable(String),
        method Nullable(String),
        mission_id Nullable(Int64),
        platform Nullable(String),
        price_cents Nullable(Int64),
        product_id Nullable(Int64),
        progress_version Nullable(Int64),
        reason Nullable(String),
        session_id Nullable(String),
        source_id Nullable(Int64),
        source_type Nullable(String),
        started_at Nullable(String),
        status Nullable(String),
        store Nullable(String),
        tx_id Nullable(Int64),
        user_id Nullable(Int64)
    ) COMMENT 'The event\'s payload' CODEC(ZSTD(3)),
    dedupe_key String COMMENT 'Deduplication key, the event\'s own or made by its topic\'s template' CODEC(ZSTD(1)),
    event_key UInt64 COMMENT 'Hash of topic, record key, sorting columns and dedupe_key: what copies of one event share' CODEC(NONE),
    version UInt64 DEFAULT bitNot(toUInt64(kafka_offset)) COMMENT 'Of copies the highest counts: the first in Kafka' CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the ingest worker took the event' CODEC(Delta, ZSTD(1)),
    kafka_topic LowCardinality(String) COMMENT 'Topic of the record',
    kafka_partition Int32 COMMENT 'Partition of the record',
    kafka_offset Int64 COMMENT 'Offset of the record' CODEC(Delta, ZSTD(1)),
    partition_tag String ALIAS formatDateTime(ts, '%Y%m%d') COMMENT 'Day as text'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(event_date)
ORDER BY (event_type, user_id, event_key)
TTL event_date + toIntervalDay(400) DELETE
SETTINGS
    -- rows for each mark of the index
    index_granularity = 8192,
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- rows past their retention are deleted within parts once a day, which keeps that affordable
    merge_with_ttl_timeout = 86400,
    -- an insert writes one file; a file a column and payload path begins with merges
    min_bytes_for_wide_part = 134217728,
    -- large parts merge column by column, in bounded memory; small ones in one go, which costs a third less
    vertical_merge_algorithm_min_rows_to_activate = 5000000,
    -- rows are rewritten half as often as with 5, for up to four times as many parts
    merge_selector_base = 20
COMMENT 'One row an event: records are one event where topic, record key, user_id and dedupe_key are equal, and of such copies the first in Kafka counts. Kept for 400 days (retention_days of registry.toml)'
