-- Made by `topicwright generate` from the columns that views ask for; do not edit.
INSERT INTO game.event_ledger (event_date, event_hour, event_type, user_id, event_key, version, entity_id, session_id, delta_gold, balance_after, price_cents, action, status)
SELECT
    event.event_date AS event_date,
    if(dateDiff('hour', event.ts, event.received_at) > 2, 24, toHour(event.ts)) AS event_hour,
    event.event_type AS event_type,
    event.user_id AS user_id,
    event.event_key AS event_key,
    event.version AS version,
    if(event.event_type IN ('event.claim', 'event.progress', 'mission.claim', 'mission.progress'), event.entity_id, 0) AS entity_id,
    sipHash64(event.session_id) AS session_id,
    event.delta_gold AS delta_gold,
    event.balance_after AS balance_after,
    event.price_cents AS price_cents,
    event.action AS action,
    event.status AS status
FROM game.events_raw AS event
WHERE true
