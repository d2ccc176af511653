-- Made by `topicwright generate` from the view event_completion; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.event_completion_mv
TO game.event_completion_state
AS
SELECT
    event.event_date AS event_date,
    event.entity_id AS entity_id,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'event.progress') AS progress_updates,
    uniqExactStateIf(sipHash64(event.dedupe_key), event.event_type = 'event.claim') AS claims,
    uniqExactStateIf(event.user_id, event.event_type = 'event.progress') AS players,
    uniqExactStateIf(event.user_id, event.event_type = 'event.claim') AS claimants
FROM game.events_raw AS event
WHERE event.event_type IN ('event.progress', 'event.claim')
GROUP BY event.event_date, event.entity_id
COMMENT 'Feeds event_completion_state on every insert'
