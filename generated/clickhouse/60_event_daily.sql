-- Made by `topicwright generate` from the view event_daily; do not edit.
CREATE OR REPLACE VIEW game.event_daily
AS
SELECT
    result.event_date AS event_date,
    result.entity_id AS entity_id,
    result.progress_updates AS progress_updates,
    result.claims AS claims,
    result.players AS players
FROM
(
    SELECT
        part.event_date AS event_date,
        part.entity_id AS entity_id,
        sum(part.progress_updates) AS progress_updates,
        sum(part.claims) AS claims,
        sum(part.players) AS players
    FROM
    (
        SELECT
            closed.event_date AS event_date,
            closed.entity_id AS entity_id,
            closed.progress_updates AS progress_updates,
            closed.claims AS claims,
            closed.players AS players
        FROM game.event_daily_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'event_daily')
        UNION ALL
        SELECT
            event.event_date AS event_date,
            event.entity_id AS entity_id,
            toInt64(countIf(event.event_type = 'event.progress')) AS progress_updates,
            toInt64(countIf(event.event_type = 'event.claim')) AS claims,
            toInt64(uniqExactIf(cityHash64(event.event_date, event.entity_id, event.user_id), event.event_type = 'event.progress')) AS players
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'event_daily')
            AND event.event_type IN ('event.progress', 'event.claim')
            AND NOT event.is_copy
        GROUP BY event.event_date, event.entity_id
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.event_date, part.entity_id
) AS result
COMMENT 'Each in-game event\'s day in one row. It outlives the raw events.'
