-- Made by `topicwright generate` from the view daily; do not edit.
CREATE TABLE IF NOT EXISTS game.daily_state
(
    event_date Date COMMENT 'Day of the event, UTC',
    active_users UInt64 COMMENT 'Players with account activity',
    paying_users UInt64 COMMENT 'Players with a successful purchase',
    signups Int64 COMMENT 'Sign-ups',
    sessions Int64 COMMENT 'Play sessions',
    purchases Int64 COMMENT 'Successful purchases',
    revenue_cents Int64 COMMENT 'Revenue in US cents',
    net_gold_delta Int64 COMMENT 'Gold from rewards and purchases',
    event_claims Int64 COMMENT 'Rewards claimed in in-game events',
    mission_claims Int64 COMMENT 'Rewards claimed in missions',
    highest_balance Int64 COMMENT 'Most gold in one wallet',
    refreshed_at DateTime64(3, 'UTC') COMMENT 'When the row was computed'
)
ENGINE = ReplacingMergeTree(refreshed_at)
ORDER BY (event_date)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every computed copy of daily; read that view instead'
