-- Made by `topicwright generate` from the KPI dau; do not edit.
SELECT
    result.event_date AS event_date,
    result.active_users AS active_users
FROM
(
    SELECT
        part.event_date AS event_date,
        sum(part.active_users) AS active_users
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.active_users AS active_users
        FROM game.kpi_dau_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_dau')
            AND closed.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
            AND closed.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        UNION ALL
        SELECT
            event.event_date AS event_date,
            uniqExact(event.user_id) AS active_users
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_dau')
            AND event.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
            AND event.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
            AND event.event_type = 'auth.events'
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
