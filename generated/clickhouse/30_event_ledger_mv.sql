-- Made by `topicwright generate` from the columns that aggregate views ask for; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.event_ledger_mv
TO game.event_ledger
AS
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
COMMENT 'Feeds event_ledger on every insert'
