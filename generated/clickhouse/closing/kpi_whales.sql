-- Made by `topicwright generate` from the KPI whales; do not edit.
SELECT
    source.event_date AS event_date,
    source.user_id AS user_id,
    toInt64(sum(source.gold_bought)) AS gold_bought,
    toInt64(sum(source.revenue_cents)) AS revenue_cents
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
    AND source.purchases >= 1
GROUP BY source.event_date, source.user_id
