-- Made by `topicwright generate` from the view latest_progress; do not edit.
SELECT
    event.user_id AS user_id,
    event.entity_id AS entity_id,
    max(tuple(event.progress_version, event.ts, toString(event.event_type), event.balance_after)) AS newest,
    max(event.event_date) AS last_event_on
FROM
(
    SELECT
        event.event_date AS event_date,
        if(dateDiff('hour', event.ts, event.received_at) > 2, 24, toHour(event.ts)) AS event_hour,
        event.event_type AS event_type,
        event.user_id AS user_id,
        event.event_key AS event_key,
        event.entity_id AS entity_id,
        event.progress_version AS progress_version,
        event.ts AS ts,
        event.balance_after AS balance_after
    FROM game.events_raw AS event
    WHERE event.event_date IN {days:Array(Date)}
        AND event.event_type IN ('event.progress', 'event.claim')
    ORDER BY event.event_date, event.event_key, event.version DESC, if(dateDiff('hour', event.ts, event.received_at) > 2, 24, toHour(event.ts)) DESC
    LIMIT 1 BY event.event_date, event.event_key
) AS event
WHERE (event.event_date, event.event_hour, event.event_type, event.user_id, event.event_key) NOT IN
    (
        SELECT
            copy.event_date AS event_date,
            copy.event_hour AS event_hour,
            copy.event_type AS event_type,
            copy.user_id AS user_id,
            copy.event_key AS event_key
        FROM game.event_ledger AS copy
        WHERE copy.event_date IN {days:Array(Date)}
            AND copy.is_copy
    )
GROUP BY event.user_id, event.entity_id
