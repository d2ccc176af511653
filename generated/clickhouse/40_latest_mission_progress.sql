-- Made by `topicwright generate` from the view latest_mission_progress; do not edit.
CREATE OR REPLACE VIEW game.latest_mission_progress
AS
SELECT
    merged.user_id AS user_id,
    merged.entity_id AS entity_id,
    tupleElement(merged.newest, 1) AS progress_version,
    tupleElement(merged.newest, 2) AS event_type,
    tupleElement(merged.newest, 3) AS ts,
    tupleElement(merged.newest, 4) AS balance_after
FROM
(
    SELECT
        state.user_id AS user_id,
        state.entity_id AS entity_id,
        argMaxMerge(state.newest) AS newest
    FROM game.latest_mission_progress_state AS state
    GROUP BY state.user_id, state.entity_id
) AS merged
COMMENT 'Where each player stands in each mission: the highest progress version wins, whatever order events arrive in.'
