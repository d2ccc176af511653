-- Made by `topicwright generate` from the KPI whales; do not edit.
CREATE TABLE IF NOT EXISTS game.kpi_whales_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    user_id UInt64 COMMENT 'Player who acted; a pseudonym' CODEC(Delta, ZSTD(1)),
    gold_bought Int64 COMMENT 'Gold bought' CODEC(T64, ZSTD(1)),
    revenue_cents Int64 COMMENT 'US cents paid' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date, user_id)
TTL event_date + toIntervalDay(1100) DELETE
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'What closed days contribute to kpi_whales; read that view instead. Kept for 1100 days (retention_days of the view)'
