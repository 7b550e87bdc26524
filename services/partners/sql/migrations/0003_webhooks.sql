-- Webhooks: where agencies want their events posted, how far each endpoint is in each stream, and what came of the last tries.

-- An endpoint of an agency. Its row is the lock of its secrets and of who serves it.
CREATE TABLE webhook (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- of what people change; delivering does not move it
    agency text NOT NULL,                               -- the agency's code, as it stands in its tokens
    url text NOT NULL,
    state text NOT NULL CHECK (state IN ('aktif', 'dijeda', 'dimatikan', 'dihapus')),
    reason text,                                        -- why it was disabled
    test_id uuid,                                       -- a test that waits to be sent
    holder text,                                        -- the worker that serves it
    epoch bigint NOT NULL DEFAULT 0,                    -- moves with each change of the holder: what an old one writes changes nothing
    held_until timestamptz NOT NULL DEFAULT 'epoch',
    tried bigint NOT NULL DEFAULT 0,                    -- how many tries were noted
    created_at timestamptz NOT NULL,
    CHECK ((state = 'dimatikan') = (reason IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX webhook_agency ON webhook (agency, id);
CREATE INDEX webhook_active ON webhook (agency) WHERE state = 'aktif';

-- Secrets that sign what is posted, wrapped under a key that is never stored. Those of an overlap end by themselves.
CREATE TABLE webhook_secret (
    id uuid PRIMARY KEY,                                -- what the wrapped secret is bound to
    webhook_id uuid NOT NULL REFERENCES webhook,
    wrapped bytea NOT NULL,
    kek_id text NOT NULL,                               -- which key wraps it
    created_at timestamptz NOT NULL,
    expires_at timestamptz                              -- NULL: the newest
);
CREATE INDEX webhook_secret_of ON webhook_secret (webhook_id);

-- How far an endpoint is in a stream. The events themselves are kept once, for all.
CREATE TABLE webhook_position (
    webhook_id uuid NOT NULL REFERENCES webhook,
    stream text NOT NULL,
    position bigint NOT NULL,                           -- everything up to here is delivered or not granted
    done bigint[] NOT NULL DEFAULT '{}',                -- delivered beyond it: a page at most
    noted_upto bigint NOT NULL DEFAULT 0,               -- the disclosure log has told up to here of what is on its way,
    noted_revision int NOT NULL DEFAULT 0,              -- under this text of
    noted_agreement uuid,                               -- this agreement,
    noted_withheld bigint[] NOT NULL DEFAULT '{}',      -- without the names of these
    tries int NOT NULL DEFAULT 0,                       -- that failed since the last success
    failing_since timestamptz,
    due_at timestamptz NOT NULL DEFAULT 'epoch',        -- not to be tried before
    PRIMARY KEY (webhook_id, stream)
) WITH (fillfactor = 50);

-- The last tries of each endpoint, in a ring: neither what was posted nor what was answered, which could be personal.
CREATE TABLE webhook_try (
    webhook_id uuid NOT NULL REFERENCES webhook,
    slot int NOT NULL,
    number bigint NOT NULL,
    stream text,                                        -- NULL: a test
    position bigint,
    event_id uuid NOT NULL,                             -- webhook-id
    type text NOT NULL,
    status int,                                         -- NULL: no answer
    error text,                                         -- a code
    millis int NOT NULL,
    tried_at timestamptz NOT NULL,
    PRIMARY KEY (webhook_id, slot)
) WITH (fillfactor = 70);

GRANT SELECT, INSERT, UPDATE ON webhook, webhook_position, webhook_try TO ${app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_secret TO ${app_role};
