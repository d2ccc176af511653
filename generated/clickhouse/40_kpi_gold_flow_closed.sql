-- Made by `topicwright generate` from the KPI gold_flow; do not edit.
CREATE TABLE IF NOT EXISTS game.kpi_gold_flow_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    net_gold_delta Int64 COMMENT 'From rewards and purchases, less what was taken back' CODEC(T64, ZSTD(1)),
    gold_granted Int64 COMMENT 'Given as a reward' CODEC(T64, ZSTD(1)),
    gold_bought Int64 COMMENT 'Bought' CODEC(T64, ZSTD(1)),
    session_gold Int64 COMMENT 'Won, less lost, in play' CODEC(T64, ZSTD(1)),
    highest_balance Int64 COMMENT 'Most gold in one wallet' CODEC(T64, ZSTD(1))
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
COMMENT 'What closed days contribute to kpi_gold_flow; read that view instead. Kept for 1100 days (retention_days of the view)'
