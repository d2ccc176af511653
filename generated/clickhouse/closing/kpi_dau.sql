-- Made by `topicwright generate` from the KPI dau; do not edit.
SELECT
    source.event_date AS event_date,
    uniqExact(source.user_id) AS active_users
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
    AND source.auth_events >= 1
GROUP BY source.event_date
