-- Made by `topicwright generate` from the view event_daily; do not edit.
CREATE OR REPLACE VIEW game.event_daily
AS
SELECT
    state.event_date AS event_date,
    state.entity_id AS entity_id,
    state.progress_updates AS progress_updates,
    state.claims AS claims,
    state.players AS players
FROM game.event_daily_state AS state FINAL
COMMENT 'Each in-game event\'s day in one row. It outlives the raw events.'
