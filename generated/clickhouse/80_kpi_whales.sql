-- Made by `topicwright generate` from the KPI whales; do not edit.
CREATE OR REPLACE VIEW game.kpi_whales
AS
SELECT
    result.user_id AS user_id,
    result.gold_bought AS gold_bought,
    result.revenue_cents AS revenue_cents
FROM
(
    SELECT
        part.user_id AS user_id,
        sum(part.gold_bought) AS gold_bought,
        sum(part.revenue_cents) AS revenue_cents
    FROM
    (
        SELECT
            closed.user_id AS user_id,
            closed.gold_bought AS gold_bought,
            closed.revenue_cents AS revenue_cents
        FROM game.kpi_whales_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_whales')
            AND closed.event_date > toDate(now64(3, 'UTC')) - 30
            AND closed.event_date <= toDate(now64(3, 'UTC'))
        UNION ALL
        SELECT
            source.user_id AS user_id,
            toInt64(sum(source.gold_bought)) AS gold_bought,
            toInt64(sum(source.revenue_cents)) AS revenue_cents
        FROM
        (
            SELECT
                event.user_id AS user_id,
                countIf(event.event_type = 'shop.purchase' AND event.status = 'success') AS purchases,
                toInt64(sumIf(event.delta_gold, event.event_type = 'shop.purchase')) AS gold_bought,
                toInt64(sumIf(event.price_cents, event.event_type = 'shop.purchase' AND event.status = 'success')) AS revenue_cents
            FROM game.event_ledger AS event FINAL
            WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_whales')
                AND event.event_date > toDate(now64(3, 'UTC')) - 30
                AND event.event_date <= toDate(now64(3, 'UTC'))
                AND event.event_type = 'shop.purchase'
                AND NOT event.is_copy
            GROUP BY event.event_date, event.user_id
            SETTINGS do_not_merge_across_partitions_select_final = 1
        ) AS source
        WHERE source.purchases >= 1
        GROUP BY source.user_id
    ) AS part
    GROUP BY part.user_id
) AS result
WHERE result.gold_bought >= 50000
ORDER BY gold_bought DESC NULLS LAST, user_id ASC NULLS LAST
LIMIT 1000
COMMENT 'Whales: Players who bought at least 50,000 gold in successful purchases in the last 30 days.'
