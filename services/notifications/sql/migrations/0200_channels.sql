-- Several channels: each hand-over of a message is an attempt, providers tell later what became of it, and a message whose
-- channel failed for good goes on by the next.

-- What is there fits the narrower check, so nothing has to be read again.
ALTER TABLE message
    DROP CONSTRAINT message_state_check,
    ADD CONSTRAINT message_state_check CHECK (state IN ('waiting', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed',
                                                        'unknown', 'suppressed')) NOT VALID,
    ADD COLUMN failed_channels text[] NOT NULL DEFAULT '{}',  -- these have failed for good for this message
    ADD COLUMN current_attempt uuid;                    -- the last hand-over by the channel that it is on
CREATE INDEX message_sealed ON message (updated_at) WHERE sealed_reason IS NOT NULL;

-- One row per hand-over. Its id is the reference that the provider gets. Nothing personal: a provider's own id may hold the
-- number that the message went to, so a digest stands for it.
CREATE TABLE message_attempt (
    id uuid PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES message,
    channel text NOT NULL,
    number int NOT NULL,                                -- which try it was on this channel
    state text NOT NULL CHECK (state IN ('handed_over', 'unknown', 'refused', 'accepted', 'sent', 'failed', 'delivered', 'read')),
    reason text,                                        -- a code, never a value
    provider_key text,
    handed_over_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX ON message_attempt (message_id);
CREATE INDEX ON message_attempt (channel, provider_key) WHERE provider_key IS NOT NULL;

-- What providers told, each thing once. attempt_id NULL: it came before we knew what it speaks of, or of somebody else's message.
CREATE TABLE receipt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    provider_key text NOT NULL,
    state text NOT NULL,
    reason text,
    told_at timestamptz NOT NULL,                       -- the provider's time
    received_at timestamptz NOT NULL,
    attempt_id uuid REFERENCES message_attempt,
    UNIQUE (channel, provider_key, state)
);
CREATE INDEX ON receipt (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX receipt_unmatched ON receipt (received_at) WHERE attempt_id IS NULL;

GRANT SELECT, INSERT, UPDATE ON message_attempt TO ${app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON receipt TO ${app_role};
