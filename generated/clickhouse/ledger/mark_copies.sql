-- Made by `topicwright generate` from the columns that views ask for; do not edit.
INSERT INTO game.event_ledger (event_date, event_hour, event_type, user_id, event_key, version, is_copy)
SELECT
    {day:Date} AS event_date,
    place.event_hour AS event_hour,
    place.event_type AS event_type,
    place.user_id AS user_id,
    place.event_key AS event_key,
    toUInt64(18446744073709551615) AS version,
    true AS is_copy
FROM
(
    SELECT
        arrayJoin(found.hours) AS event_hour,
        found.first AS first,
        found.event_type AS event_type,
        found.user_id AS user_id,
        found.event_key AS event_key
    FROM
    (
        SELECT
            event.event_type AS event_type,
            event.user_id AS user_id,
            event.event_key AS event_key,
            max((event.version, event.event_date, event.event_hour)) AS first,
            groupUniqArrayIf(event.event_hour, event.event_date = {day:Date}) AS hours
        FROM
        (
            SELECT
                event.event_date AS event_date,
                if(dateDiff('hour', event.ts, event.received_at) > 2, 24, toHour(event.ts)) AS event_hour,
                event.version AS version,
                event.event_type AS event_type,
                event.user_id AS user_id,
                event.event_key AS event_key
            FROM game.events_raw AS event
            WHERE event.event_date BETWEEN {day:Date} - {late_days:UInt32} AND {day:Date} + {late_days:UInt32}
                AND event.event_key % {passes:UInt64} = {pass:UInt64}
            UNION ALL
            SELECT
                own.event_date AS event_date,
                own.event_hour AS event_hour,
                own.version AS version,
                own.event_type AS event_type,
                own.user_id AS user_id,
                own.event_key AS event_key
            FROM game.event_ledger AS own
            WHERE own.event_date = {day:Date}
                AND NOT own.is_copy
                AND own.event_key % {passes:UInt64} = {pass:UInt64}
        ) AS event
        WHERE event.event_key IN
            (
                SELECT
                    several.event_key AS event_key
                FROM
                (
                    SELECT
                        other.event_key AS event_key
                    FROM game.events_raw AS other
                    WHERE other.event_date BETWEEN {day:Date} - {late_days:UInt32} AND {day:Date} + {late_days:UInt32}
                        AND other.event_date != {day:Date}
                        AND other.event_key % {passes:UInt64} = {pass:UInt64}
                        AND other.event_key IN
                        (
                            SELECT
                                own.event_key AS event_key
                            FROM game.event_ledger AS own
                            WHERE own.event_date = {day:Date}
                                AND NOT own.is_copy
                                AND own.event_key % {passes:UInt64} = {pass:UInt64}
                        )
                    UNION ALL
                    SELECT
                        own.event_key AS event_key
                    FROM game.event_ledger AS own
                    WHERE own.event_date = {day:Date}
                        AND NOT own.is_copy
                        AND own.event_key % {passes:UInt64} = {pass:UInt64}
                    GROUP BY own.event_key
                    HAVING min(own.event_hour) != max(own.event_hour)
                ) AS several
            )
        GROUP BY event.event_type, event.user_id, event.event_key
    ) AS found
) AS place
WHERE (tupleElement(place.first, 2), tupleElement(place.first, 3)) != ({day:Date}, place.event_hour)
    AND (place.event_hour, place.event_key) NOT IN
    (
        SELECT
            marked.event_hour AS event_hour,
            marked.event_key AS event_key
        FROM game.event_ledger AS marked
        WHERE marked.event_date = {day:Date}
            AND marked.is_copy
    )
