-- Made by `topicwright generate` from the KPI gold_flow; do not edit.
SELECT
    source.event_date AS event_date,
    toInt64(sum(source.net_gold_delta)) AS net_gold_delta,
    toInt64(sum(source.gold_granted)) AS gold_granted,
    toInt64(sum(source.gold_bought)) AS gold_bought,
    toInt64(sum(source.session_gold)) AS session_gold,
    max(source.highest_balance) AS highest_balance
FROM game.user_daily_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date
