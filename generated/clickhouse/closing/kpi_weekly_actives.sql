-- Made by `topicwright generate` from the KPI weekly_actives; do not edit.
SELECT
    source.event_date AS event_date,
    bitShiftRight(source.user_id, 16) AS chunk,
    groupBitmapState(source.user_id) AS active_users
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
    AND source.auth_events >= 1
GROUP BY source.event_date, bitShiftRight(source.user_id, 16)
