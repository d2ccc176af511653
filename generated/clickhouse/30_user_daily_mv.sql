-- Made by `topicwright generate` from the view user_daily; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.user_daily_mv
TO game.user_daily_state
AS
SELECT
    event.event_date AS event_date,
    event.user_id AS user_id,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'auth.events') AS auth_events,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'auth.events' AND event.action = 'signup') AS signups,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'auth.events' AND event.action = 'login') AS logins,
    uniqExactStateIf(event.session_id, event.event_type = 'game.session') AS sessions,
    maxMapIf(map(sipHash64(event.dedupe_key), toInt64(event.delta_gold)), event.event_type IN ('reward.granted', 'shop.purchase')) AS net_gold_delta,
    maxMapIf(map(sipHash64(event.dedupe_key), toInt64(event.delta_gold)), event.event_type = 'reward.granted' AND event.delta_gold >= 1) AS gold_granted,
    maxMapIf(map(sipHash64(event.dedupe_key), toInt64(event.delta_gold)), event.event_type = 'shop.purchase') AS gold_bought,
    maxMapIf(map(sipHash64(event.dedupe_key), toInt64(event.delta_gold)), event.event_type = 'game.session') AS session_gold,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'shop.purchase' AND event.status = 'success') AS purchases,
    maxMapIf(map(sipHash64(event.dedupe_key), toInt64(event.price_cents)), event.event_type = 'shop.purchase' AND event.status = 'success') AS revenue_cents,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'event.claim') AS event_claims,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'mission.claim') AS mission_claims,
    maxState(event.balance_after) AS highest_balance
FROM game.events_raw AS event
GROUP BY event.event_date, event.user_id
COMMENT 'Feeds user_daily_state on every insert'
