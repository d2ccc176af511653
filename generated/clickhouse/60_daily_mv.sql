-- Made by `topicwright generate` from the view daily; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.daily_mv
REFRESH EVERY 60 MINUTE APPEND
TO game.daily_state
AS
SELECT
    source.event_date AS event_date,
    uniqExactIf(source.user_id, source.auth_events >= 1) AS active_users,
    uniqExactIf(source.user_id, source.purchases >= 1) AS paying_users,
    toInt64(sum(source.signups)) AS signups,
    toInt64(sum(source.sessions)) AS sessions,
    toInt64(sum(source.purchases)) AS purchases,
    toInt64(sum(source.revenue_cents)) AS revenue_cents,
    toInt64(sum(source.net_gold_delta)) AS net_gold_delta,
    toInt64(sum(source.event_claims)) AS event_claims,
    toInt64(sum(source.mission_claims)) AS mission_claims,
    max(source.highest_balance) AS highest_balance,
    now64(3, 'UTC') AS refreshed_at
FROM game.user_daily AS source
WHERE source.event_date > toDate(now64(3, 'UTC')) - 398
GROUP BY source.event_date
COMMENT 'Recomputes daily_state'
