-- Made by `topicwright generate` from the KPI arpdau; do not edit.
SELECT
    source.event_date AS event_date,
    toInt64(sum(source.revenue_cents)) AS revenue_cents,
    uniqExactIf(source.user_id, source.auth_events >= 1) AS active_users
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date
