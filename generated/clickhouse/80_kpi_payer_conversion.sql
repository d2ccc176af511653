-- Made by `topicwright generate` from the KPI payer_conversion; do not edit.
CREATE OR REPLACE VIEW game.kpi_payer_conversion
AS
SELECT
    result.paying_users AS paying_users,
    result.active_users AS active_users,
    result.paying_users / nullIf(result.active_users, 0) AS paying_share
FROM
(
    SELECT
        sum(chunks.paying_users) AS paying_users,
        sum(chunks.active_users) AS active_users
    FROM
    (
        SELECT
            groupBitmapMerge(part.paying_users) AS paying_users,
            groupBitmapMerge(part.active_users) AS active_users
        FROM
        (
            SELECT
                closed.chunk AS chunk,
                closed.paying_users AS paying_users,
                closed.active_users AS active_users
            FROM game.kpi_payer_conversion_closed AS closed
            WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_payer_conversion')
                AND closed.event_date > toDate(now64(3, 'UTC')) - 30
                AND closed.event_date <= toDate(now64(3, 'UTC'))
            UNION ALL
            SELECT
                bitShiftRight(event.user_id, 16) AS chunk,
                groupBitmapStateIf(event.user_id, event.event_type = 'shop.purchase' AND event.status = 'success') AS paying_users,
                groupBitmapStateIf(event.user_id, event.event_type = 'auth.events') AS active_users
            FROM game.event_ledger AS event FINAL
            WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_payer_conversion')
                AND event.event_date > toDate(now64(3, 'UTC')) - 30
                AND event.event_date <= toDate(now64(3, 'UTC'))
                AND event.event_type IN ('auth.events', 'shop.purchase')
                AND NOT event.is_copy
            GROUP BY bitShiftRight(event.user_id, 16)
            SETTINGS do_not_merge_across_partitions_select_final = 1
        ) AS part
        GROUP BY part.chunk
    ) AS chunks
) AS result
COMMENT 'Paying share of active players: Players with a successful purchase, divided by players with account activity, over the last 30 days.'
