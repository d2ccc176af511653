-- Made by `topicwright generate` from the view latest_mission_progress; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.latest_mission_progress_mv
TO game.latest_mission_progress_state
AS
SELECT
    event.user_id AS user_id,
    event.entity_id AS entity_id,
    argMaxState(tuple(event.progress_version, event.event_type, event.ts, event.balance_after), tuple(event.progress_version, event.ts, event.dedupe_key)) AS newest,
    max(event.ts) AS last_event_at
FROM game.events_raw AS event
WHERE event.event_type IN ('mission.progress', 'mission.claim')
GROUP BY event.user_id, event.entity_id
COMMENT 'Feeds latest_mission_progress_state on every insert'
