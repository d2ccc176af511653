-- Made by `topicwright generate` from the KPI whales; do not edit.
SELECT
    result.user_id AS user_id,
    result.gold_bought AS gold_bought,
    result.revenue_cents AS revenue_cents
FROM
(
    SELECT
        source.user_id AS user_id,
        toInt64(sum(source.gold_bought)) AS gold_bought,
        toInt64(sum(source.revenue_cents)) AS revenue_cents
    FROM game.user_daily AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        AND source.purchases >= 1
    GROUP BY source.user_id
) AS result
WHERE result.gold_bought >= 50000
ORDER BY gold_bought DESC NULLS LAST, user_id ASC NULLS LAST
LIMIT 1000
