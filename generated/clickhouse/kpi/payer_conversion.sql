-- Made by `topicwright generate` from the KPI payer_conversion; do not edit.
SELECT
    result.paying_users AS paying_users,
    result.active_users AS active_users,
    result.paying_users / nullIf(result.active_users, 0) AS paying_share
FROM
(
    SELECT
        uniqExactIf(source.user_id, source.purchases >= 1) AS paying_users,
        uniqExactIf(source.user_id, source.auth_events >= 1) AS active_users
    FROM game.user_daily AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 30
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
) AS result
