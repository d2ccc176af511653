-- Made by `topicwright generate` from the view user_daily; do not edit.
SELECT
    event.event_date AS event_date,
    event.user_id AS user_id,
    countIf(event.event_type = 'auth.events') AS auth_events,
    countIf(event.event_type = 'auth.events' AND event.action = 'signup') AS signups,
    countIf(event.event_type = 'auth.events' AND event.action = 'login') AS logins,
    uniqExactIf(event.session_id, event.event_type = 'game.session') AS sessions,
    toInt64(sumIf(event.delta_gold, event.event_type IN ('reward.granted', 'shop.purchase'))) AS net_gold_delta,
    toInt64(sumIf(event.delta_gold, event.event_type = 'reward.granted' AND event.delta_gold >= 1)) AS gold_granted,
    toInt64(sumIf(event.delta_gold, event.event_type = 'shop.purchase')) AS gold_bought,
    toInt64(sumIf(event.delta_gold, event.event_type = 'game.session')) AS session_gold,
    countIf(event.event_type = 'shop.purchase' AND event.status = 'success') AS purchases,
    toInt64(sumIf(event.price_cents, event.event_type = 'shop.purchase' AND event.status = 'success')) AS revenue_cents,
    countIf(event.event_type = 'event.claim') AS event_claims,
    countIf(event.event_type = 'mission.claim') AS mission_claims,
    maxIf(event.balance_after, event.event_type IN ('event.claim', 'mission.claim', 'reward.granted')) AS highest_balance
FROM game.event_ledger AS event FINAL
WHERE event.event_date IN {days:Array(Date)}
    AND NOT event.is_copy
GROUP BY event.event_date, event.user_id
ORDER BY event_date, user_id
SETTINGS do_not_merge_across_partitions_select_final = 1
