-- Made by `topicwright generate` from the view daily; do not edit.
CREATE OR REPLACE VIEW game.daily
AS
SELECT
    result.event_date AS event_date,
    result.active_users AS active_users,
    result.paying_users AS paying_users,
    result.signups AS signups,
    result.sessions AS sessions,
    result.purchases AS purchases,
    result.revenue_cents AS revenue_cents,
    result.net_gold_delta AS net_gold_delta,
    result.event_claims AS event_claims,
    result.mission_claims AS mission_claims,
    result.highest_balance AS highest_balance
FROM
(
    SELECT
        part.event_date AS event_date,
        sum(part.active_users) AS active_users,
        sum(part.paying_users) AS paying_users,
        sum(part.signups) AS signups,
        sum(part.sessions) AS sessions,
        sum(part.purchases) AS purchases,
        sum(part.revenue_cents) AS revenue_cents,
        sum(part.net_gold_delta) AS net_gold_delta,
        sum(part.event_claims) AS event_claims,
        sum(part.mission_claims) AS mission_claims,
        max(part.highest_balance) AS highest_balance
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.active_users AS active_users,
            closed.paying_users AS paying_users,
            closed.signups AS signups,
            closed.sessions AS sessions,
            closed.purchases AS purchases,
            closed.revenue_cents AS revenue_cents,
            closed.net_gold_delta AS net_gold_delta,
            closed.event_claims AS event_claims,
            closed.mission_claims AS mission_claims,
            closed.highest_balance AS highest_balance
        FROM game.daily_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'daily')
        UNION ALL
        SELECT
            event.event_date AS event_date,
            uniqExactIf(event.user_id, event.event_type = 'auth.events') AS active_users,
            uniqExactIf(event.user_id, event.event_type = 'shop.purchase' AND event.status = 'success') AS paying_users,
            toInt64(countIf(event.event_type = 'auth.events' AND event.action = 'signup')) AS signups,
            toInt64(uniqExactIf(cityHash64(event.event_date, event.user_id, event.session_id), event.event_type = 'game.session')) AS sessions,
            toInt64(countIf(event.event_type = 'shop.purchase' AND event.status = 'success')) AS purchases,
            toInt64(sumIf(event.price_cents, event.event_type = 'shop.purchase' AND event.status = 'success')) AS revenue_cents,
            toInt64(sumIf(event.delta_gold, event.event_type IN ('reward.granted', 'shop.purchase'))) AS net_gold_delta,
            toInt64(countIf(event.event_type = 'event.claim')) AS event_claims,
            toInt64(countIf(event.event_type = 'mission.claim')) AS mission_claims,
            maxIf(event.balance_after, event.event_type IN ('event.claim', 'mission.claim', 'reward.granted')) AS highest_balance
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'daily')
            AND event.event_type IN ('auth.events', 'event.claim', 'game.session', 'mission.claim', 'reward.granted', 'shop.purchase')
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
        UNION ALL
        SELECT
            event.event_date AS event_date,
            0 AS active_users,
            0 AS paying_users,
            0 AS signups,
            0 AS sessions,
            0 AS purchases,
            0 AS revenue_cents,
            0 AS net_gold_delta,
            0 AS event_claims,
            0 AS mission_claims,
            0 AS highest_balance
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'daily')
            AND NOT event.is_copy
        GROUP BY event.event_date
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date
) AS result
COMMENT 'The game\'s day in one row. It outlives the raw events.'
