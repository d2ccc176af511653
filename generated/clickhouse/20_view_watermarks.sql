-- Made by `topicwright generate` from the views that keep closed days; do not edit.
CREATE TABLE IF NOT EXISTS game.view_watermarks
(
    `view` LowCardinality(String) COMMENT 'Name of the view',
    closed_through Date COMMENT 'Days up to this one are read from the view\'s closed days, later ones from what is open',
    closed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was written'
)
ENGINE = ReplacingMergeTree(closed_through)
ORDER BY (`view`)
SETTINGS
    -- inserts remembered by their tokens, so that one sent again after a crash counts once
    non_replicated_deduplication_window = 10000
COMMENT 'How far each view is closed: the highest day of a view counts. Kept for ever, one row a view'
