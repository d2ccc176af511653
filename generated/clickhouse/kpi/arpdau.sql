-- Made by `topicwright generate` from the KPI arpdau; do not edit.
SELECT
    result.event_date AS event_date,
    result.revenue_cents AS revenue_cents,
    result.active_users AS active_users,
    result.revenue_cents / nullIf(result.active_users, 0) AS arpdau_cents
FROM
(
    SELECT
        part.event_date AS event_date,
        sum(part.revenue_cents) AS revenue_cents,
        sum(part.active_users) AS active_users
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.revenue_cents AS revenue_cents,
            closed.active_users AS active_users
        FROM game.kpi_arpdau_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_arpdau')
            AND closed.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
            AND closed.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        UNION ALL
        SELECT
            event.event_date AS event_date,
            toInt64(sumIf(event.price_cents, event.event_type = 'shop.purchase' AND event.status = 'success')) AS revenue_cents,
            uniqExactIf(event.user_id, event.event_type = 'auth.events') AS active_users
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_arpdau')
            AND event.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
            AND event.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
            AND event.event_type IN ('auth.events', 'shop.purchase')
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
        UNION ALL
        SELECT
            event.event_date AS event_date,
            0 AS revenue_cents,
            0 AS active_users
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_arpdau')
            AND event.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
            AND event.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
