-- Made by `topicwright generate` from the view daily; do not edit.
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
    max(source.highest_balance) AS highest_balance
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date
