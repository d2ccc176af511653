-- Made by `topicwright generate` from the view event_completion; do not edit.
CREATE OR REPLACE VIEW game.event_completion
AS
SELECT
    state.event_date AS event_date,
    state.entity_id AS entity_id,
    uniqExactMerge(state.progress_updates) AS progress_updates,
    uniqExactMerge(state.claims) AS claims,
    uniqExactMerge(state.players) AS players,
    uniqExactMerge(state.claimants) AS claimants
FROM game.event_completion_state AS state
GROUP BY state.event_date, state.entity_id
COMMENT 'How an in-game event went on one day.'
