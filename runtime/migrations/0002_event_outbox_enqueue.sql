-- One call puts an event into the outbox from any language: SELECT event_outbox_enqueue($1::jsonb).
-- What it knows of the registry stands in two tables, which `pipeline outbox migrate` fills.
CREATE TABLE IF NOT EXISTS event_outbox_envelope (
    is_only BOOLEAN PRIMARY KEY DEFAULT true CHECK (is_only),
    -- Member names by role; empty where a closed envelope has no such member.
    event_type TEXT NOT NULL,
    schema_version TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ts TEXT NOT NULL,
    payload TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    -- Members that every event must have.
    required TEXT[] NOT NULL
);

CREATE TABLE IF NOT EXISTS event_outbox_topic (
    event_type TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- Where the record key stands in the event.
    key_path TEXT[] NOT NULL,
    -- Template of the deduplication key: an array of {"text": …} and {"path": […]}.
    dedupe_key JSONB NOT NULL,
    max_bytes INTEGER NOT NULL,
    PRIMARY KEY (event_type, version)
);

-- A text, number or boolean as the pipeline writes it into keys; NULL for all else.
CREATE OR REPLACE FUNCTION event_outbox_scalar(value JSONB) RETURNS TEXT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE jsonb_typeof(value)
        WHEN 'string' THEN value #>> '{}'
        WHEN 'boolean' THEN value #>> '{}'
        WHEN 'number' THEN trim_scale((value #>> '{}')::numeric)::text
    END
$$;

-- Puts an event into the outbox and returns the row's id.
-- event: the envelope with its payload. Event id, time, schema version (1) and deduplication key are filled in where
--     they are absent and the envelope has a place for them.
-- headers: further Kafka headers, names to texts, such as traceparent.
-- Checked here: type, version, members that every event must have, size. The relay checks all of the schema, and
-- parks what breaks it.
CREATE OR REPLACE FUNCTION event_outbox_enqueue(event JSONB, headers JSONB DEFAULT NULL) RETURNS BIGINT
    LANGUAGE plpgsql
    SET search_path FROM CURRENT
AS $$
DECLARE
    names event_outbox_envelope%ROWTYPE;
    topic event_outbox_topic%ROWTYPE;
    type_name TEXT;
    version_number INTEGER := 1;
    whole JSONB := event;
    dedupe TEXT;
    part JSONB;
    value TEXT;
    missing TEXT;
    known TEXT;
    bytes INTEGER;
    row_id BIGINT;
BEGIN
    SELECT * INTO names FROM event_outbox_envelope;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the outbox does not know the registry'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run `pipeline outbox migrate`.';
    END IF;
    IF jsonb_typeof(event) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'the event is no JSON object'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Give the whole envelope: {"%s": …, "%s": {…}, …}.', names.event_type, names.payload);
    END IF;
    IF headers IS NOT NULL AND (jsonb_typeof(headers) <> 'object' OR EXISTS (
        SELECT FROM jsonb_each(CASE jsonb_typeof(headers) WHEN 'object' THEN headers END) AS header
        WHERE jsonb_typeof(header.value) <> 'string'
    )) THEN
        RAISE EXCEPTION 'the headers are no JSON object of texts'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give e.g. {"traceparent": "00-…"}, or NULL.';
    END IF;

    IF jsonb_typeof(event -> names.event_type) = 'string' THEN
        type_name := event ->> names.event_type;
    END IF;
    IF NOT EXISTS (SELECT FROM event_outbox_topic AS t WHERE t.event_type = type_name) THEN
        SELECT string_agg(DISTINCT t.event_type, ', ') INTO known FROM event_outbox_topic AS t;
        RAISE EXCEPTION '"%" names no topic of the registry', names.event_type
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('The topics are: %s.', known),
                  HINT = 'Write one of them; if the topic is new, run `pipeline outbox migrate` of a build that has it.';
    END IF;

    IF names.schema_version <> '' AND whole ? names.schema_version THEN
        BEGIN
            version_number := event_outbox_scalar(event -> names.schema_version)::integer;
        EXCEPTION WHEN data_exception THEN
            version_number := NULL;
        END;
    ELSIF names.schema_version <> '' THEN
        whole := whole || jsonb_build_object(names.schema_version, 1);
    END IF;
    SELECT * INTO topic FROM event_outbox_topic AS t
        WHERE t.event_type = type_name AND t.version = version_number;
    IF NOT FOUND THEN
        SELECT string_agg(t.version::text, ', ' ORDER BY t.version) INTO known
            FROM event_outbox_topic AS t WHERE t.event_type = type_name;
        RAISE EXCEPTION '"%" is no version of topic %', names.schema_version, type_name
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('Its versions are: %s.', known),
                  HINT = 'Write one of them; if the version is new, run `pipeline outbox migrate` of a build that has it.';
    END IF;

    IF names.event_id <> '' AND NOT whole ? names.event_id THEN
        -- UUIDv7: ids rise with time.
        whole := whole || jsonb_build_object(names.event_id, encode(set_bit(set_bit(overlay(
            uuid_send(gen_random_uuid())
            PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid);
    END IF;
    IF NOT whole ? names.ts THEN
        whole := whole || jsonb_build_object(names.ts,
            to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
    END IF;
    SELECT string_agg(format('"%s"', member), ', ') INTO missing
        FROM unnest(names.required) AS member
        WHERE member <> names.dedupe_key AND NOT whole ? member;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'the event of topic % lacks %', type_name, missing
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Add what the envelope''s schema requires of every event.';
    END IF;
    IF jsonb_typeof(whole -> names.payload) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '"%" of the event of topic % is no JSON object', names.payload, type_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Put the fields of the topic''s schema there.';
    END IF;

    IF names.dedupe_key <> '' AND whole ? names.dedupe_key THEN
        IF jsonb_typeof(whole -> names.dedupe_key) <> 'string' OR whole ->> names.dedupe_key = '' THEN
            RAISE EXCEPTION '"%" of the event of topic % is no text', names.dedupe_key, type_name
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Leave it out: it is made by the topic''s template.';
        END IF;
        dedupe := whole ->> names.dedupe_key;
    ELSE
        dedupe := '';
        FOR part IN SELECT * FROM jsonb_array_elements(topic.dedupe_key) LOOP
            IF part ? 'text' THEN
                value := part ->> 'text';
            ELSE
                value := event_outbox_scalar(whole #> ARRAY(SELECT jsonb_array_elements_text(part -> 'path')));
            END IF;
            IF value IS NULL THEN
                RAISE EXCEPTION 'the deduplication key of the event of topic % cannot be made: /% is missing',
                        type_name, array_to_string(ARRAY(SELECT jsonb_array_elements_text(part -> 'path')), '/')
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = CASE names.dedupe_key
                              WHEN '' THEN 'Add that field.'
                              ELSE format('Add that field, or give the event a "%s" of its own.', names.dedupe_key)
                          END;
            END IF;
            dedupe := dedupe || value;
        END LOOP;
    END IF;

    bytes := octet_length(whole::text) + octet_length(names.dedupe_key) + octet_length(dedupe) + 8;
    IF bytes > topic.max_bytes THEN
        RAISE EXCEPTION 'the event of topic % is too large', type_name
            USING ERRCODE = 'program_limit_exceeded',
                  DETAIL = format('It has %s bytes; the topic takes %s.', bytes, topic.max_bytes),
                  HINT = 'Put large content elsewhere and its address into the event.';
    END IF;

    INSERT INTO event_outbox (event_type, payload, envelope, dedupe_key, key, headers)
        VALUES (
            type_name,
            whole -> names.payload,
            whole - ARRAY[names.event_type, names.payload, names.dedupe_key],
            dedupe,
            event_outbox_scalar(whole #> topic.key_path),
            event_outbox_enqueue.headers
        )
        RETURNING id INTO row_id;
    RETURN row_id;
END
$$;

COMMENT ON FUNCTION event_outbox_enqueue(JSONB, JSONB) IS
    'Puts an event (envelope with payload) into the outbox within the caller''s transaction; returns the row''s id.';

INSERT INTO event_outbox_migration (version, name) VALUES (2, 'event_outbox_enqueue')
    ON CONFLICT (version) DO NOTHING;
