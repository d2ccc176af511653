-- Made by `topicwright generate` from the columns that views ask for; do not edit.
INSERT INTO game.event_ledger (event_date, event_type, user_id, event_key, version, is_copy)
SELECT
    {day:Date} AS event_date,
    found.event_type AS event_type,
    found.user_id AS user_id,
    found.event_key AS event_key,
    toUInt64(18446744073709551615) AS version,
    true AS is_copy
FROM
(
    SELECT
        event.event_type AS event_type,
        event.user_id AS user_id,
        event.event_key AS event_key,
        argMax(event.event_date, event.version) AS first_date
    FROM game.events_raw AS event
    WHERE event.event_date BETWEEN {day:Date} - {late_days:UInt32} AND {day:Date} + {late_days:UInt32}
        AND event.event_key IN
        (
            SELECT
                other.event_key AS event_key
            FROM game.events_raw AS other
            WHERE other.event_date BETWEEN {day:Date} - {late_days:UInt32} AND {day:Date} + {late_days:UInt32}
                AND other.event_date != {day:Date}
                AND other.event_key IN
                (
                    SELECT
                        own.event_key AS event_key
                    FROM game.event_ledger AS own
                    WHERE own.event_date = {day:Date}
                )
        )
    GROUP BY event.event_type, event.user_id, event.event_key
) AS found
WHERE found.first_date != {day:Date}
