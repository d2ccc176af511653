-- Made by `topicwright generate` from the KPI mission_claim_conversion; do not edit.
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
        FROM game.kpi_mission_claim_conversion_closed AS closed
        WHERE closed.event_date <= (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_mission_claim_conversion')
            AND closed.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 7
            AND closed.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
        UNION ALL
        SELECT
            event.entity_id AS entity_id,
            toInt64(countIf(event.event_type = 'mission.progress')) AS progress_updates,
            toInt64(countIf(event.event_type = 'mission.claim')) AS claims
        FROM game.event_ledger AS event FINAL
        WHERE event.event_date > (SELECT max(mark.closed_through) FROM game.view_watermarks AS mark WHERE mark.`view` = 'kpi_mission_claim_conversion')
            AND event.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 7
            AND event.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
            AND event.event_type IN ('mission.progress', 'mission.claim')
            AND NOT event.is_copy
        GROUP BY event.entity_id
        SETTINGS do_not_merge_across_partitions_select_final = 1
    ) AS part
    GROUP BY part.entity_id
) AS result
ORDER BY claim_rate DESC NULLS LAST, entity_id ASC NULLS LAST
LIMIT 20
