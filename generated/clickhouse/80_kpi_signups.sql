-- Made by `topicwright generate` from the KPI signups; do not edit.
CREATE OR REPLACE VIEW game.kpi_signups
AS
SELECT
    result.event_date AS event_date,
    result.signups AS signups,
    result.logins AS logins,
    result.sessions AS sessions
FROM
(
    SELECT
        source.event_date AS event_date,
        toInt64(sum(source.signups)) AS signups,
        toInt64(sum(source.logins)) AS logins,
        toInt64(sum(source.sessions)) AS sessions
    FROM game.user_daily AS source
    WHERE source.event_date > toDate(now64(3, 'UTC')) - 30
        AND source.event_date <= toDate(now64(3, 'UTC'))
    GROUP BY source.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
COMMENT 'Sign-ups and play: Sign-ups, log-ins and play sessions by day, for the last 30 days.'
