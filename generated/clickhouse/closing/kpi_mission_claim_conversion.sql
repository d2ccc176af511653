-- Made by `topicwright generate` from the KPI mission_claim_conversion; do not edit.
SELECT
    source.event_date AS event_date,
    source.entity_id AS entity_id,
    toInt64(sum(source.progress_updates)) AS progress_updates,
    toInt64(sum(source.claims)) AS claims
FROM game.mission_completion_closed AS source
WHERE source.event_date IN {days:Array(Date)}
GROUP BY source.event_date, source.entity_id
