-- Made by `topicwright generate` from the view latest_mission_progress; do not edit.
CREATE TABLE IF NOT EXISTS game.latest_mission_progress_state
(
    user_id UInt64 COMMENT 'Player who acted; a pseudonym',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type',
    newest AggregateFunction(argMax, Tuple(UInt32, LowCardinality(String), DateTime64(3, 'UTC'), Int64), Tuple(UInt32, DateTime64(3, 'UTC'), String)) COMMENT 'The newest row',
    last_event_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Time of the latest event'
)
ENGINE = AggregatingMergeTree
ORDER BY (user_id, entity_id)
TTL toDate(last_event_at) + toIntervalDay(400) DELETE
SETTINGS non_replicated_deduplication_window = 10000, merge_with_ttl_timeout = 86400
COMMENT 'States of latest_mission_progress; read that view instead'
