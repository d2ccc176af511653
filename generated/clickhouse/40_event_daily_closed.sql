-- Made by `topicwright generate` from the view event_daily; do not edit.
CREATE TABLE IF NOT EXISTS game.event_daily_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type' CODEC(Delta, ZSTD(1)),
    progress_updates Int64 COMMENT 'Steps that players came further' CODEC(T64, ZSTD(1)),
    claims Int64 COMMENT 'Rewards claimed' CODEC(T64, ZSTD(1)),
    players Int64 COMMENT 'Players who came further' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date, entity_id)
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'What closed days contribute to event_daily; read that view instead. Kept for ever: the view states no retention_days'
