-- Made by `topicwright generate` from the KPI payer_conversion; do not edit.
SELECT
    source.event_date AS event_date,
    bitShiftRight(source.user_id, 16) AS chunk,
    groupBitmapStateIf(source.user_id, source.purchases >= 1) AS paying_users,
    groupBitmapStateIf(source.user_id, source.auth_events >= 1) AS active_users
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date, bitShiftRight(source.user_id, 16)
