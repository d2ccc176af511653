-- Made by `topicwright generate` from the KPI dau; do not edit.
SELECT
    result.event_date AS event_date,
    result.active_users AS active_users
FROM
(
    SELECT
        source.event_date AS event_date,
        uniqExact(source.user_id) AS active_users
    FROM game.user_daily AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        AND source.auth_events >= 1
    GROUP BY source.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
