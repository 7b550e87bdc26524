-- What a consumer has applied, per aggregate: stored in the transaction of the effect, so that it is the fence
-- against duplicates, gaps and stale owners of a partition (docs/decisions/0002).
CREATE TABLE stream_position (
    consumer text NOT NULL,
    aggregate_id uuid NOT NULL,
    topic text NOT NULL,
    position bigint NOT NULL,                           -- sequence of the last fact applied
    PRIMARY KEY (consumer, aggregate_id)
) WITH (fillfactor = 80);

-- Events that could not be applied, or wait behind one of their aggregate. The body is kept as it came (personal
-- parts sealed); the reason never holds a value of it.
CREATE TABLE parked_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    aggregate_id uuid,                                  -- NULL: the record does not tell whose it is
    sequence bigint,
    type text,
    kind text NOT NULL CHECK (kind IN ('poison', 'gap', 'behind', 'unreadable')),
    reason text NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    headers json NOT NULL,                              -- [[name, base64 or null], …], as received
    key bytea,
    value bytea,
    parked_at timestamptz NOT NULL DEFAULT now(),
    redrive_requested_at timestamptz                    -- an operator asked; the worker does it within a second
);
CREATE UNIQUE INDEX parked_event_order ON parked_event (consumer, aggregate_id, sequence) WHERE aggregate_id IS NOT NULL AND sequence IS NOT NULL;
CREATE UNIQUE INDEX parked_event_record ON parked_event (consumer, topic, partition, "offset") WHERE aggregate_id IS NULL;

-- What became of parked events, so that a redrive or a discard leaves a trace.
CREATE TABLE parked_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    consumer text NOT NULL,
    aggregate_id uuid,
    sequence bigint,
    action text NOT NULL CHECK (action IN ('released', 'redriven', 'failed_again', 'discarded')),
    reason text
);

-- Counts of what was passed over, per consumer: duplicates by position, and types without a contract.
CREATE TABLE consumer_counter (
    consumer text NOT NULL,
    name text NOT NULL,
    value bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON stream_position, parked_event, consumer_counter TO ${app_role};
GRANT SELECT, INSERT ON parked_history TO ${app_role};
GRANT SELECT ON stream_position, parked_event, parked_history, consumer_counter TO ${audit_role};
