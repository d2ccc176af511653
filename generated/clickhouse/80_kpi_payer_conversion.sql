-- Made by `topicwright generate` from the KPI payer_conversion; do not edit.
CREATE OR REPLACE VIEW game.kpi_payer_conversion
AS
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
    WHERE source.event_date > toDate(now64(3, 'UTC')) - 30
        AND source.event_date <= toDate(now64(3, 'UTC'))
) AS result
COMMENT 'Paying share of active players: Players with a successful purchase, divided by players with account activity, over the last 30 days.'
