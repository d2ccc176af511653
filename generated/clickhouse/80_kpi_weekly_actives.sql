-- Made by `topicwright generate` from the KPI weekly_actives; do not edit.
CREATE OR REPLACE VIEW game.kpi_weekly_actives
AS
SELECT
    result.active_users AS active_users
FROM
(
    SELECT
        sum(chunks.active_users) AS active_users
    FROM
    (
        SELECT
            groupBitmapMerge(part.active_users) AS active_users
        FROM
        (
            SELECT
                closed.chunk AS chunk,
                closed.active_users AS active_users
            FROM game.kpi_weekly_actives_closed AS closed
            WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_weekly_actives')
                AND closed.event_date > toDate(now64(3, 'UTC')) - 7
                AND closed.event_date <= toDate(now64(3, 'UTC'))
            UNION ALL
            SELECT
                bitShiftRight(event.user_id, 16) AS chunk,
                groupBitmapState(event.user_id) AS active_users
            FROM game.event_ledger AS event FINAL
            WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_weekly_actives')
                AND event.event_date > toDate(now64(3, 'UTC')) - 7
                AND event.event_date <= toDate(now64(3, 'UTC'))
                AND event.event_type = 'auth.events'
                AND NOT event.is_copy
            GROUP BY bitShiftRight(event.user_id, 16)
            SETTINGS do_not_merge_across_partitions_select_final = 1
        ) AS part
        GROUP BY part.chunk
    ) AS chunks
) AS result
COMMENT 'Weekly active users: Players who signed up, logged in or logged out in the last seven days, each counted once.'
