-- Made by `topicwright generate` from the KPI weekly_actives; do not edit.
CREATE TABLE IF NOT EXISTS game.kpi_weekly_actives_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    chunk UInt64 COMMENT 'user_id / 65,536: each set has as many values at most' CODEC(Delta, ZSTD(1)),
    active_users AggregateFunction(groupBitmap, UInt64) COMMENT 'Distinct players, as a set of user_id'
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date, chunk)
TTL event_date + toIntervalDay(1100) DELETE
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'What closed days contribute to kpi_weekly_actives; read that view instead. Kept for 1100 days (retention_days of the view)'
