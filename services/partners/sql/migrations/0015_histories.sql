-- The histories of the streams. A backup that is brought back is an earlier state, after which other events take the positions that cursors
-- of before name: so each time begins a history of its own, which cursors are signed for, and which says where it begins.
CREATE TABLE history (
    number int PRIMARY KEY,                             -- in the order of this database's own past
    id bigint NOT NULL UNIQUE CHECK (id >= 0),          -- random, as the same backup may be brought back twice; 0: the first
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE history_beginning (
    number int NOT NULL REFERENCES history,
    stream text NOT NULL REFERENCES stream (name),
    position bigint NOT NULL,                           -- up to here the history before it is this one's too
    PRIMARY KEY (number, stream)
);
INSERT INTO history (number, id) VALUES (1, 0);

-- Begins a history where the streams are. The owner's: a restore does it.
CREATE FUNCTION begin_history() RETURNS void LANGUAGE sql AS $$
    WITH begun AS (
        INSERT INTO history (number, id)
        SELECT max(number) + 1, ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint & 9223372036854775807 FROM history
        RETURNING number
    )
    INSERT INTO history_beginning (number, stream, position) SELECT begun.number, s.name, s.last FROM begun CROSS JOIN stream s;
$$;
REVOKE ALL ON FUNCTION begin_history() FROM PUBLIC;

-- A backup of an earlier release, brought back just now: no relay has run since.
SELECT begin_history() FROM relay_cluster WHERE system_identifier = 'restored';

GRANT SELECT ON history, history_beginning TO ${app_role};
