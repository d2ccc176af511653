-- Made by `topicwright generate` from the KPI claim_conversion; do not edit.
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
    FROM game.event_completion AS source
    WHERE source.event_date > toDate({as_of:DateTime64(3, 'UTC')}) - 7
        AND source.event_date <= toDate({as_of:DateTime64(3, 'UTC')})
    GROUP BY source.entity_id
) AS result
ORDER BY claim_rate DESC NULLS LAST, entity_id ASC NULLS LAST
LIMIT 20
