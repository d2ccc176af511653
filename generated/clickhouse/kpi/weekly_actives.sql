-- Made by `topicwright generate` from the KPI weekly_actives; do not edit.
SELECT
    result.active_users AS active_users
FROM
(
    SELECT
        uniqExact(source.user_id) AS active_users
    FROM game.user_daily AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 7
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        AND source.auth_events >= 1
) AS result
