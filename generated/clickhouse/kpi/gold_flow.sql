-- Made by `topicwright generate` from the KPI gold_flow; do not edit.
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
        source.event_date AS event_date,
        toInt64(sum(source.net_gold_delta)) AS net_gold_delta,
        toInt64(sum(source.gold_granted)) AS gold_granted,
        toInt64(sum(source.gold_bought)) AS gold_bought,
        toInt64(sum(source.session_gold)) AS session_gold,
        max(source.highest_balance) AS highest_balance
    FROM game.user_daily AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
    GROUP BY source.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
