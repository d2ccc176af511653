-- Made by `topicwright generate` from the view event_completion; do not edit.
SELECT
    event.event_date AS event_date,
    event.entity_id AS entity_id,
    countIf(event.event_type = 'event.progress') AS progress_updates,
    countIf(event.event_type = 'event.claim') AS claims,
    uniqExactIf(event.user_id, event.event_type = 'event.progress') AS players,
    uniqExactIf(event.user_id, event.event_type = 'event.claim') AS claimants
FROM game.event_ledger AS event FINAL
WHERE event.event_date IN {days:Array(Date)}
    AND event.event_type IN ('event.progress', 'event.claim')
    AND NOT event.is_copy
GROUP BY event.event_date, event.entity_id
ORDER BY event_date, entity_id
SETTINGS do_not_merge_across_partitions_select_final = 1
