-- Made by `topicwright generate` from the view user_daily; do not edit.
CREATE OR REPLACE VIEW game.user_daily
AS
SELECT
    state.event_date AS event_date,
    state.user_id AS user_id,
    uniqExactMerge(state.auth_events) AS auth_events,
    uniqExactMerge(state.signups) AS signups,
    uniqExactMerge(state.logins) AS logins,
    uniqExactMerge(state.sessions) AS sessions,
    arraySum(mapValues(maxMap(state.net_gold_delta))) AS net_gold_delta,
    arraySum(mapValues(maxMap(state.gold_granted))) AS gold_granted,
    arraySum(mapValues(maxMap(state.gold_bought))) AS gold_bought,
    arraySum(mapValues(maxMap(state.session_gold))) AS session_gold,
    uniqExactMerge(state.purchases) AS purchases,
    arraySum(mapValues(maxMap(state.revenue_cents))) AS revenue_cents,
    uniqExactMerge(state.event_claims) AS event_claims,
    uniqExactMerge(state.mission_claims) AS mission_claims,
    maxMerge(state.highest_balance) AS highest_balance
FROM game.user_daily_state AS state
GROUP BY state.event_date, state.user_id
COMMENT 'What one player did on one day. Every event counts once, however often and however late it arrives.'
