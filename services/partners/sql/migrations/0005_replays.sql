-- Replays: an agency lets a range of what was delivered be posted to one of its endpoints again (docs/decisions/0037).

-- One replay of an endpoint. Its version moves when its state does; progress does not move it.
CREATE TABLE webhook_replay (
    id uuid PRIMARY KEY,                                -- UUIDv7; what is posted again carries it as the attribute `replay`
    webhook_id uuid NOT NULL REFERENCES webhook,
    version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('berjalan', 'selesai', 'dibatalkan', 'dihentikan')),
    reason text,                                        -- why it was stopped
    rate int NOT NULL CHECK (rate > 0),                 -- events a second, at most
    since timestamptz,                                  -- as it was asked; NULL: from a cursor
    until timestamptz,
    posted bigint NOT NULL DEFAULT 0,                   -- so many were taken
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'dihentikan') = (reason IS NOT NULL)),
    CHECK ((state = 'berjalan') = (ended_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX webhook_replay_of ON webhook_replay (webhook_id, id);

-- One at a time of an endpoint: the second fence; the first is the lock of the endpoint's row.
CREATE UNIQUE INDEX webhook_replay_running ON webhook_replay (webhook_id) WHERE state = 'berjalan';

-- How far a replay is in a stream, as webhook_position says it of what is delivered for the first time.
CREATE TABLE webhook_replay_position (
    replay_id uuid NOT NULL REFERENCES webhook_replay,
    stream text NOT NULL,
    after_position bigint NOT NULL,                     -- it began after this one
    upto bigint NOT NULL,                               -- and goes up to this one: never beyond what was delivered when it began
    position bigint NOT NULL,                           -- everything up to here is posted or not granted
    done bigint[] NOT NULL DEFAULT '{}',                -- posted beyond it
    noted_upto bigint NOT NULL DEFAULT 0,               -- the disclosure log has told up to here of what is on its way,
    noted_revision int NOT NULL DEFAULT 0,              -- under this text of
    noted_agreement uuid,                               -- this agreement,
    noted_withheld bigint[] NOT NULL DEFAULT '{}',      -- without the names of these
    tries int NOT NULL DEFAULT 0,                       -- that failed since the last success
    failing_since timestamptz,
    due_at timestamptz NOT NULL DEFAULT 'epoch',        -- not to be tried before
    error text,                                         -- what the last try came to, a code; NULL: it was taken
    PRIMARY KEY (replay_id, stream),
    CHECK (after_position <= position AND position <= upto)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON webhook_replay, webhook_replay_position TO ${app_role};
