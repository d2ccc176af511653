-- Made by `topicwright generate` from the view daily; do not edit.
CREATE TABLE IF NOT EXISTS game.daily_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    active_users UInt64 COMMENT 'Players with account activity' CODEC(T64, ZSTD(1)),
    paying_users UInt64 COMMENT 'Players with a successful purchase' CODEC(T64, ZSTD(1)),
    signups Int64 COMMENT 'Sign-ups' CODEC(T64, ZSTD(1)),
    sessions Int64 COMMENT 'Play sessions' CODEC(T64, ZSTD(1)),
    purchases Int64 COMMENT 'Successful purchases' CODEC(T64, ZSTD(1)),
    revenue_cents Int64 COMMENT 'Revenue in US cents' CODEC(T64, ZSTD(1)),
    net_gold_delta Int64 COMMENT 'Gold from rewards and purchases' CODEC(T64, ZSTD(1)),
    event_claims Int64 COMMENT 'Rewards claimed in in-game events' CODEC(T64, ZSTD(1)),
    mission_claims Int64 COMMENT 'Rewards claimed in missions' CODEC(T64, ZSTD(1)),
    highest_balance Int64 COMMENT 'Most gold in one wallet' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY event_date
ORDER BY (event_date)
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000,
    -- a day past its retention goes at once
    ttl_only_drop_parts = 1
COMMENT 'What closed days contribute to daily; read that view instead. Kept for ever: the view states no retention_days'
