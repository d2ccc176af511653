-- Made by `topicwright generate` from the KPI claim_conversion; do not edit.
CREATE OR REPLACE VIEW game.kpi_claim_conversion
AS
SELECT
    result.entity_id AS entity_id,
    result.progress_updates AS progress_updates,
    result.claims AS claims,
    result.claims / nullIf(result.progress_updates, 0) AS claim_rate
FROM
(
    SELECT
        part.entity_id AS entity_id,
        sum(part.progress_updates) AS progress_updates,
        sum(part.claims) AS claims
    FROM
    (
        SELECT
            closed.entity_id AS entity_id,
            closed.progress_updates AS progress_updates,
            closed.claims AS claims
        FROM game.kpi_claim_conversion_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_claim_conversion')
            AND closed.event_date > toDate(now64(3, 'UTC')) - 7
            AND closed.event_date <= toDate(now64(3, 'UTC'))
        UNION ALL
        SELECT
            event.entity_id AS entity_id,
            toInt64(countIf(event.event_type = 'event.progress')) AS progress_updates,
            toInt64(countIf(event.event_type = 'event.claim')) AS claims
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_claim_conversion')
            AND event.event_date > toDate(now64(3, 'UTC')) - 7
            AND event.event_date <= toDate(now64(3, 'UTC'))
            AND event.event_type IN ('event.progress', 'event.claim')
            AND NOT event.is_copy
        GROUP BY event.entity_id
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.entity_id
) AS result
ORDER BY claim_rate DESC NULLS LAST, entity_id ASC NULLS LAST
LIMIT 20
COMMENT 'Event claim conversion: Claims for each step of progress, by in-game event, over the last seven days; the 20 highest.'
