-- Made by `topicwright generate` from the KPI arpdau; do not edit.
CREATE TABLE IF NOT EXISTS game.kpi_arpdau_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    revenue_cents Int64 COMMENT 'Revenue in US cents' CODEC(T64, ZSTD(1)),
    active_users UInt64 COMMENT 'Players with account activity' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date)
TTL event_date + toIntervalDay(1100) DELETE
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'What closed days contribute to kpi_arpdau; read that view instead. Kept for 1100 days (retention_days of the view)'
