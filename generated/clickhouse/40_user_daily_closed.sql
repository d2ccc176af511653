-- Made by `topicwright generate` from the view user_daily; do not edit.
CREATE TABLE IF NOT EXISTS game.user_daily_closed
(
    event_date Date COMMENT 'Day of the event, UTC',
    user_id UInt64 COMMENT 'Player who acted; a pseudonym' CODEC(Delta, ZSTD(1)),
    auth_events UInt64 COMMENT 'Sign-ups, log-ins and log-outs; above 0 the player counts as active that day' CODEC(T64, ZSTD(1)),
    signups UInt64 COMMENT 'Sign-ups' CODEC(T64, ZSTD(1)),
    logins UInt64 COMMENT 'Log-ins' CODEC(T64, ZSTD(1)),
    sessions UInt64 COMMENT 'Play sessions, each counted once for its start and end' CODEC(T64, ZSTD(1)),
    net_gold_delta Int64 COMMENT 'Gold from rewards and purchases, less what was taken back' CODEC(T64, ZSTD(1)),
    gold_granted Int64 COMMENT 'Gold given as a reward' CODEC(T64, ZSTD(1)),
    gold_bought Int64 COMMENT 'Gold credited by successful purchases' CODEC(T64, ZSTD(1)),
    session_gold Int64 COMMENT 'Gold won, less gold lost, in play sessions' CODEC(T64, ZSTD(1)),
    purchases UInt64 COMMENT 'Successful purchases' CODEC(T64, ZSTD(1)),
    revenue_cents Int64 COMMENT 'Price of successful purchases in US cents' CODEC(T64, ZSTD(1)),
    event_claims UInt64 COMMENT 'Rewards claimed in in-game events' CODEC(T64, ZSTD(1)),
    mission_claims UInt64 COMMENT 'Rewards claimed in missions' CODEC(T64, ZSTD(1)),
    highest_balance Int64 COMMENT 'Most gold in the wallet that an event reported' CODEC(T64, ZSTD(1))
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
COMMENT 'Closed days of user_daily; read that view instead. Kept for 1100 days (retention_days of the view)'
