-- Made by `topicwright generate` from the view latest_progress; do not edit.
CREATE OR REPLACE VIEW game.latest_progress
AS
SELECT
    merged.user_id AS user_id,
    merged.entity_id AS entity_id,
    tupleElement(merged.newest, 1) AS progress_version,
    tupleElement(merged.newest, 3) AS event_type,
    tupleElement(merged.newest, 2) AS ts,
    tupleElement(merged.newest, 4) AS balance_after
FROM
(
    SELECT
        candidate.user_id AS user_id,
        candidate.entity_id AS entity_id,
        max(tuple(candidate.progress_version, candidate.ts, toString(candidate.event_type), candidate.balance_after)) AS newest
    FROM
    (
        SELECT
            closed.user_id AS user_id,
            closed.entity_id AS entity_id,
            tupleElement(closed.newest, 1) AS progress_version,
            tupleElement(closed.newest, 2) AS ts,
            tupleElement(closed.newest, 3) AS event_type,
            tupleElement(closed.newest, 4) AS balance_after
        FROM game.latest_progress_closed AS closed
        UNION ALL
        SELECT
            event.user_id AS user_id,
            event.entity_id AS entity_id,
            event.progress_version AS progress_version,
            event.ts AS ts,
            toString(event.event_type) AS event_type,
            event.balance_after AS balance_after
        FROM game.events_raw AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'latest_progress')
            AND event.event_type IN ('event.progress', 'event.claim')
    ) AS candidate
    GROUP BY candidate.user_id, candidate.entity_id
) AS merged
COMMENT 'Where each player stands in each in-game event: the highest progress version wins, whatever order events arrive in.'
