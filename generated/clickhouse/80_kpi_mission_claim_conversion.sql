-- Made by `topicwright generate` from the KPI mission_claim_conversion; do not edit.
CREATE OR REPLACE VIEW game.kpi_mission_claim_conversion
AS
SELECT
    result.entity_id AS entity_id,
    result.progress_updates AS progress_updates,
    result.claims AS claims,
    result.claims / nullIf(result.progress_updates, 0) AS claim_rate
FROM
(
    SELECT
        source.entity_id AS entity_id,
        toInt64(sum(source.progress_updates)) AS progress_updates,
        toInt64(sum(source.claims)) AS claims
    FROM game.mission_completion AS source
    WHERE source.event_date > toDate(now64(3, 'UTC')) - 7
        AND source.event_date <= toDate(now64(3, 'UTC'))
    GROUP BY source.entity_id
) AS result
ORDER BY claim_rate DESC NULLS LAST, entity_id ASC NULLS LAST
LIMIT 20
COMMENT 'Mission claim conversion: Claims for each step of progress, by mission, over the last seven days; the 20 highest.'
