-- Made by `topicwright generate` from the columns that aggregate views ask for; do not edit.
CREATE TABLE IF NOT EXISTS game.event_ledger
(
    event_date Date COMMENT 'Day of the event, UTC',
    event_hour UInt8 COMMENT 'Hour of the event, UTC; 24 for one that came more than 2 hours after its own',
    event_type LowCardinality(String) COMMENT 'Type of the event, its topic',
    user_id UInt64 COMMENT 'Player who acted; a pseudonym' CODEC(Delta, ZSTD(1)),
    event_key UInt64 COMMENT 'What copies of one event share' CODEC(NONE),
    version UInt64 COMMENT 'Of copies the highest counts: the first in Kafka' CODEC(T64, ZSTD(1)),
    is_copy Bool DEFAULT false COMMENT 'Whether the event counts in another partition',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type' CODEC(T64, ZSTD(1)),
    session_id UInt64 COMMENT 'Hash of: Play session (UUID)' CODEC(T64, ZSTD(1)),
    delta_gold Int64 COMMENT 'Gold gained or lost; for a purchase, the gold credited, 0 unless it succeeded' CODEC(T64, ZSTD(1)),
    balance_after Int64 COMMENT 'Gold in the wallet after the event' CODEC(T64, ZSTD(1)),
    price_cents UInt32 COMMENT 'Price of the purchase in US cents, whatever its status' CODEC(T64, ZSTD(1)),
    action LowCardinality(String) COMMENT 'Account action: signup, login or logout',
    status LowCardinality(String) COMMENT 'Status of the purchase'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY (event_date, event_hour)
ORDER BY (event_type, user_id, event_key, event_date)
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- an insert writes one file for each hour it touches, not one a column
    min_bytes_for_wide_part = 134217728,
    -- an hour that nothing comes for any more becomes one part, which is read without merging
    min_age_to_force_merge_seconds = 300,
    -- an hour that events still come for is left to the usual merges
    min_age_to_force_merge_on_partition_only = 1
COMMENT 'One row an event of the days that are not closed yet; views read it. Rows of closed days go once they are counted, so it has no retention of its own'
