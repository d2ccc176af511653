-- Made by `topicwright generate` from the view mission_completion; do not edit.
CREATE TABLE IF NOT EXISTS game.mission_completion_state
(
    event_date Date COMMENT 'Day of the event, UTC',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type',
    progress_updates AggregateFunction(uniqExact, UInt64) COMMENT 'Steps that players came further',
    claims AggregateFunction(uniqExact, UInt64) COMMENT 'Rewards claimed',
    players AggregateFunction(uniqExact, UInt64) COMMENT 'Players who came further',
    claimants AggregateFunction(uniqExact, UInt64) COMMENT 'Players who claimed'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(event_date)
ORDER BY (event_date, entity_id)
TTL event_date + toIntervalDay(400) DELETE
SETTINGS non_replicated_deduplication_window = 10000, merge_with_ttl_timeout = 86400
COMMENT 'States of mission_completion; read that view instead'
