-- Made by `topicwright generate` from the view event_daily; do not edit.
CREATE TABLE IF NOT EXISTS game.event_daily_state
(
    event_date Date COMMENT 'Day of the event, UTC',
    entity_id UInt64 COMMENT 'What the event is about: in-game event, mission, transaction or cause of a grant, by event type',
    progress_updates Int64 COMMENT 'Steps that players came further',
    claims Int64 COMMENT 'Rewards claimed',
    players Int64 COMMENT 'Players who came further',
    refreshed_at DateTime64(3, 'UTC') COMMENT 'When the row was computed'
)
ENGINE = ReplacingMergeTree(refreshed_at)
ORDER BY (event_date, entity_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every computed copy of event_daily; read that view instead'
