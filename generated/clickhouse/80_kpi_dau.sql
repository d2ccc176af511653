-- Made by `topicwright generate` from the KPI dau; do not edit.
CREATE OR REPLACE VIEW game.kpi_dau
AS
SELECT
    result.event_date AS event_date,
    result.active_users AS active_users
FROM
(
    SELECT
        source.event_date AS event_date,
        uniqExact(source.user_id) AS active_users
    FROM game.user_daily AS source
    WHERE source.event_date > toDate(now64(3, 'UTC')) - 30
        AND source.event_date <= toDate(now64(3, 'UTC'))
        AND source.auth_events >= 1
    GROUP BY source.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
COMMENT 'Daily active users: Players who signed up, logged in or logged out, by day, for the last 30 days.'
