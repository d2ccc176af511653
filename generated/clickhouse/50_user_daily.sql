-- Made by `topicwright generate` from the view user_daily; do not edit.
CREATE OR REPLACE VIEW game.user_daily
AS
SELECT
    source.event_date AS event_date,
    source.user_id AS user_id,
    source.auth_events AS auth_events,
    source.signups AS signups,
    source.logins AS logins,
    source.sessions AS sessions,
    source.net_gold_delta AS net_gold_delta,
    source.gold_granted AS gold_granted,
    source.gold_bought AS gold_bought,
    source.session_gold AS session_gold,
    source.purchases AS purchases,
    source.revenue_cents AS revenue_cents,
    source.event_claims AS event_claims,
    source.mission_claims AS mission_claims,
    source.highest_balance AS highest_balance
FROM
(
    SELECT
        closed.event_date AS event_date,
        closed.user_id AS user_id,
        closed.auth_events AS auth_events,
        closed.signups AS signups,
        closed.logins AS logins,
        closed.sessions AS sessions,
        closed.net_gold_delta AS net_gold_delta,
        closed.gold_granted AS gold_granted,
        closed.gold_bought AS gold_bought,
        closed.session_gold AS session_gold,
        closed.purchases AS purchases,
        closed.revenue_cents AS revenue_cents,
        closed.event_claims AS event_claims,
        closed.mission_claims AS mission_claims,
        closed.highest_balance AS highest_balance
    FROM game.user_daily_closed AS closed
    WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'user_daily')
    UNION ALL
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
    WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'user_daily')
        AND NOT event.is_copy
    GROUP BY event.event_date, event.user_id
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS source
COMMENT 'What one player did on one day. Every event counts once, however often and however late it arrives.'
