-- Made by `topicwright generate` from the view daily; do not edit.
CREATE OR REPLACE VIEW game.daily
AS
SELECT
    state.event_date AS event_date,
    state.active_users AS active_users,
    state.paying_users AS paying_users,
    state.signups AS signups,
    state.sessions AS sessions,
    state.purchases AS purchases,
    state.revenue_cents AS revenue_cents,
    state.net_gold_delta AS net_gold_delta,
    state.event_claims AS event_claims,
    state.mission_claims AS mission_claims,
    state.highest_balance AS highest_balance
FROM game.daily_state AS state FINAL
COMMENT 'The game\'s day in one row. It outlives the raw events.'
