-- Made by `topicwright generate` from the view user_daily; do not edit.
CREATE TABLE IF NOT EXISTS game.user_daily_state
(
    event_date Date COMMENT 'Day of the event, UTC',
    user_id UInt64 COMMENT 'Player who acted; a pseudonym',
    auth_events AggregateFunction(uniqExact, UInt64) COMMENT 'Sign-ups, log-ins and log-outs; above 0 the player counts as active that day',
    signups AggregateFunction(uniqExact, UInt64) COMMENT 'Sign-ups',
    logins AggregateFunction(uniqExact, UInt64) COMMENT 'Log-ins',
    sessions AggregateFunction(uniqExact, String) COMMENT 'Play sessions, each counted once for its start and end',
    net_gold_delta SimpleAggregateFunction(maxMap, Map(UInt64, Int64)) COMMENT 'Gold from rewards and purchases, less what was taken back',
    gold_granted SimpleAggregateFunction(maxMap, Map(UInt64, Int64)) COMMENT 'Gold given as a reward',
    gold_bought SimpleAggregateFunction(maxMap, Map(UInt64, Int64)) COMMENT 'Gold credited by successful purchases',
    session_gold SimpleAggregateFunction(maxMap, Map(UInt64, Int64)) COMMENT 'Gold won, less gold lost, in play sessions',
    purchases AggregateFunction(uniqExact, UInt64) COMMENT 'Successful purchases',
    revenue_cents SimpleAggregateFunction(maxMap, Map(UInt64, Int64)) COMMENT 'Price of successful purchases in US cents',
    event_claims AggregateFunction(uniqExact, UInt64) COMMENT 'Rewards claimed in in-game events',
    mission_claims AggregateFunction(uniqExact, UInt64) COMMENT 'Rewards claimed in missions',
    highest_balance AggregateFunction(max, Int64) COMMENT 'Most gold in the wallet that an event reported'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(event_date)
ORDER BY (event_date, user_id)
TTL event_date + toIntervalDay(400) DELETE
SETTINGS non_replicated_deduplication_window = 10000, merge_with_ttl_timeout = 86400
COMMENT 'States of user_daily; read that view instead'
