-- Made by `topicwright generate` from the view event_completion; do not edit.
CREATE TABLE IF NOT EXISTS game.event_completion_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type' CODEC(Delta, ZSTD(1)),
    progress_updates UInt64 COMMENT 'Steps that players came further' CODEC(T64, ZSTD(1)),
    claims UInt64 COMMENT 'Rewards claimed' CODEC(T64, ZSTD(1)),
    players UInt64 COMMENT 'Players who came further' CODEC(T64, ZSTD(1)),
    claimants UInt64 COMMENT 'Players who claimed' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date, entity_id)
TTL event_date + toIntervalDay(1100) DELETE
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'Closed days of event_completion; read that view instead. Kept for 1100 days (retention_days of the view)'
