-- Made by `topicwright generate` from the KPI arpdau; do not edit.
CREATE OR REPLACE VIEW game.kpi_arpdau
AS
SELECT
    result.event_date AS event_date,
    result.revenue_cents AS revenue_cents,
    result.active_users AS active_users,
    result.revenue_cents / nullIf(result.active_users, 0) AS arpdau_cents
FROM
(
    SELECT
        source.event_date AS event_date,
        toInt64(sum(source.revenue_cents)) AS revenue_cents,
        uniqExactIf(source.user_id, source.auth_events >= 1) AS active_users
    FROM game.user_daily AS source
    WHERE source.event_date > toDate(now64(3, 'UTC')) - 30
        AND source.event_date <= toDate(now64(3, 'UTC'))
    GROUP BY source.event_date
) AS result
ORDER BY event_date DESC NULLS LAST
COMMENT 'Revenue per daily active user: Revenue of successful purchases in US cents, divided by the day\'s active players, for the last 30 days.'
