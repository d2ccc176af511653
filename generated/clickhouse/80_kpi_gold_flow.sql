-- Made by `topicwright generate` from the KPI gold_flow; do not edit.
CREATE OR REPLACE VIEW game.kpi_gold_flow
AS
SELECT
    result.event_date AS event_date,
    result.net_gold_delta AS net_gold_delta,
    result.gold_granted AS gold_granted,
    result.gold_bought AS gold_bought,
    result.session_gold AS session_gold,
    result.highest_balance AS highest_balance
FROM
(
    SELECT
        part.event_date AS event_date,
        sum(part.net_gold_delta) AS net_gold_delta,
        sum(part.gold_granted) AS gold_granted,
        sum(part.gold_bought) AS gold_bought,
        sum(part.session_gold) AS session_gold,
        max(part.highest_balance) AS highest_balance
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.net_gold_delta AS net_gold_delta,
            closed.gold_granted AS gold_granted,
            closed.gold_bought AS gold_bought,
            closed.session_gold AS session_gold,
            closed.highest_balance AS highest_balance
        FROM game.kpi_gold_flow_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_gold_flow')
            AND closed.event_date > toDate(now64(3, 'UTC')) - 30
            AND closed.event_date <= toDate(now64(3, 'UTC'))
        UNION ALL
        SELECT
            event.event_date AS event_date,
            toInt64(sumIf(event.delta_gold, event.event_type IN ('reward.granted', 'shop.purchase'))) AS net_gold_delta,
            toInt64(sumIf(event.delta_gold, event.event_type = 'reward.granted' AND event.delta_gold >= 1)) AS gold_granted,
            toInt64(sumIf(event.delta_gold, event.event_type = 'shop.purchase')) AS gold_bought,
            toInt64(sumIf(event.delta_gold, event.event_type = 'game.session')) AS session_gold,
            maxIf(event.balance_after, event.event_type IN ('event.claim', 'mission.claim', 'reward.granted')) AS highest_balance
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_gold_flow')
            AND event.event_date > toDate(now64(3, 'UTC')) - 30
            AND event.event_date <= toDate(now64(3, 'UTC'))
            AND event.event_type IN ('event.claim', 'game.session', 'mission.claim', 'reward.granted', 'shop.purchase')
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
        UNION ALL
        SELECT
            event.event_date AS event_date,
            0 AS net_gold_delta,
            0 AS gold_granted,
            0 AS gold_bought,
            0 AS session_gold,
            0 AS highest_balance
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_gold_flow')
            AND event.event_date > toDate(now64(3, 'UTC')) - 30
            AND event.event_date <= toDate(now64(3, 'UTC'))
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
COMMENT 'Gold flow: Gold that entered and left wallets by day, for the last 30 days.'
