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
        part.event_date AS event_date,
        sum(part.signups) AS signups,
        sum(part.logins) AS logins,
        sum(part.sessions) AS sessions
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.signups AS signups,
            closed.logins AS logins,
            closed.sessions AS sessions
        FROM game.kpi_signups_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_signups')
            AND closed.event_date > toDate(now64(3, 'UTC')) - 30
            AND closed.event_date <= toDate(now64(3, 'UTC'))
        UNION ALL
        SELECT
            event.event_date AS event_date,
            toInt64(countIf(event.event_type = 'auth.events' AND event.action = 'signup')) AS signups,
            toInt64(countIf(event.event_type = 'auth.events' AND event.action = 'login')) AS logins,
            toInt64(uniqExactIf(cityHash64(event.event_date, event.user_id, event.session_id), event.event_type = 'game.session')) AS sessions
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_signups')
            AND event.event_date > toDate(now64(3, 'UTC')) - 30
            AND event.event_date <= toDate(now64(3, 'UTC'))
            AND event.event_type IN ('auth.events', 'game.session')
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
        UNION ALL
        SELECT
            event.event_date AS event_date,
            0 AS signups,
            0 AS logins,
            0 AS sessions
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_signups')
            AND event.event_date > toDate(now64(3, 'UTC')) - 30
            AND event.event_date <= toDate(now64(3, 'UTC'))
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
COMMENT 'Sign-ups and play: Sign-ups, log-ins and play sessions by day, for the last 30 days.'
