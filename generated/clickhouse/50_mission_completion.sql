-- Made by `topicwright generate` from the view mission_completion; do not edit.
CREATE OR REPLACE VIEW game.mission_completion
AS
SELECT
    source.event_date AS event_date,
    source.entity_id AS entity_id,
    source.progress_updates AS progress_updates,
    source.claims AS claims,
    source.players AS players,
    source.claimants AS claimants
FROM
(
    SELECT
        closed.event_date AS event_date,
        closed.entity_id AS entity_id,
        closed.progress_updates AS progress_updates,
        closed.claims AS claims,
        closed.players AS players,
        closed.claimants AS claimants
    FROM game.mission_completion_closed AS closed
    WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'mission_completion')
    UNION ALL
    SELECT
        event.event_date AS event_date,
        event.entity_id AS entity_id,
        countIf(event.event_type = 'mission.progress') AS progress_updates,
        countIf(event.event_type = 'mission.claim') AS claims,
        uniqExactIf(event.user_id, event.event_type = 'mission.progress') AS players,
        uniqExactIf(event.user_id, event.event_type = 'mission.claim') AS claimants
    FROM game.event_ledger AS event FINAL
    WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'mission_completion')
        AND event.event_type IN ('mission.progress', 'mission.claim')
        AND NOT event.is_copy
    GROUP BY event.event_date, event.entity_id
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS source
COMMENT 'How a mission went on one day.'
