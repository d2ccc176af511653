-- Made by `topicwright generate` from the view mission_completion; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.mission_completion_mv
TO game.mission_completion_state
AS
SELECT
    event.event_date AS event_date,
    event.entity_id AS entity_id,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'mission.progress') AS progress_updates,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'mission.claim') AS claims,
    uniqExactStateIf(event.user_id, event.event_type = 'mission.progress') AS players,
    uniqExactStateIf(event.user_id, event.event_type = 'mission.claim') AS claimants
FROM game.events_raw AS event
WHERE event.event_type IN ('mission.progress', 'mission.claim')
GROUP BY event.event_date, event.entity_id
COMMENT 'Feeds mission_completion_state on every insert'
