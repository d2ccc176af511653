-- Made by `topicwright generate` from the view latest_progress; do not edit.
CREATE TABLE IF NOT EXISTS game.latest_progress_closed
(
    user_id UInt64 COMMENT 'Player who acted; a pseudonym' CODEC(Delta, ZSTD(1)),
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type' CODEC(Delta, ZSTD(1)),
    newest SimpleAggregateFunction(max, Tuple(progress_version UInt32, ts DateTime64(3, 'UTC'), event_type String, balance_after Int64)) COMMENT 'The newest row' CODEC(ZSTD(1)),
    last_event_on SimpleAggregateFunction(max, Date) COMMENT 'Day of the latest event' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (user_id, entity_id)
TTL last_event_on + toIntervalDay(400) DELETE
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000
COMMENT 'The newest row of each key of latest_progress up to its last closed day; read that view instead. Kept for 400 days after the last event (retention_days of the view)'
