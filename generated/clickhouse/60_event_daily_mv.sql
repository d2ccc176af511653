-- Made by `topicwright generate` from the view event_daily; do not edit.
CREATE MATERIALIZED VIEW IF NOT EXISTS game.event_daily_mv
REFRESH EVERY 60 MINUTE APPEND
TO game.event_daily_state
AS
SELECT
    source.event_date AS event_date,
    source.entity_id AS entity_id,
    toInt64(sum(source.progress_updates)) AS progress_updates,
    toInt64(sum(source.claims)) AS claims,
    toInt64(sum(source.players)) AS players,
    now64(3, 'UTC') AS refreshed_at
FROM game.event_completion AS source
WHERE source.event_date > toDate(now64(3, 'UTC')) - 398
GROUP BY source.event_date, source.entity_id
COMMENT 'Recomputes event_daily_state'
