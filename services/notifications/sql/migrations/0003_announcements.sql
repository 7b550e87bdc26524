-- Announcements to many owners, what owners stopped of them, and what their audiences ask of a business.

-- Told by the facts of a business. NULL: no fact told it yet to this database.
ALTER TABLE business_contact
    ADD COLUMN kelurahan text,
    ADD COLUMN sector text,
    ADD COLUMN kelas text,
    ADD COLUMN status text;

-- One row per announcement. Its text is in no message: a sender reads it here.
CREATE TABLE announcement (
    id uuid PRIMARY KEY,
    topic text NOT NULL,
    texts jsonb NOT NULL,                               -- language to subject and body; 'id' is always there
    audience jsonb NOT NULL,                            -- as it was asked for
    places text[],                                      -- the kelurahan that it comes to; NULL asks nothing
    classes text[],
    sectors text[],
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'cancelling', 'cancelled')),
    total int NOT NULL,                                 -- owners in the audience when it was made; in the end, as it came to
    done int NOT NULL DEFAULT 0,                        -- of these, how many have their message
    last_owner uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',  -- up to which owner, in order of their ids
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,                            -- when the last message was made
    cancelled_by text,
    cancelled_at timestamptz,
    cancel_reason text
);
CREATE INDEX announcement_listing ON announcement (created_at, id);
CREATE INDEX announcement_open ON announcement (created_at, id) WHERE state IN ('queued', 'running', 'cancelling');

-- Topics of announcements that an owner stopped.
CREATE TABLE topic_opt_out (
    owner_id uuid NOT NULL,
    topic text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (owner_id, topic)
);

-- 0: somebody waits for it; 1: one of many, goes out when nothing else is due. event_id of the latter is the announcement.
ALTER TABLE message ADD COLUMN priority smallint NOT NULL DEFAULT 0;
DROP INDEX message_due;
CREATE INDEX message_due ON message (channel, priority, next_attempt_at, id) WHERE state = 'queued';

-- The id of the one message that tells an owner an announcement: UUIDv8 (RFC 9562), 112 bits of it
-- SHA-256 over both ids. The rule is
-- services/notifications/domain/announcements.py, and a test holds the two against each other. One expression without a
-- table, so that the planner puts it into the statement: as a call it cost a quarter of a fan-out.
CREATE FUNCTION announcement_message_id(announcement uuid, owner uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(set_byte(set_byte(substr(sha256(uuid_send(announcement) || uuid_send(owner)), 1, 16), 6, 128), 8, 128),
                  'hex')::uuid
$$;

-- Why an owner, not erased, is not told; NULL: is told. The rule is decide() in services/notifications/domain/messages.py.
CREATE FUNCTION suppression_of(consent boolean, opted_out boolean, channel text, available text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT consent THEN 'no_consent' WHEN opted_out THEN 'opted_out' WHEN channel IS NULL THEN 'no_channel'
                WHEN channel <> ALL (available) THEN 'channel_unavailable' END
$$;

GRANT SELECT, INSERT, UPDATE ON announcement TO ${app_role};
GRANT SELECT, INSERT, DELETE ON topic_opt_out TO ${app_role};

-- An announcement is no event: the audit compares messages with events.
CREATE OR REPLACE VIEW audit.message AS
    SELECT event_id, count(*) AS messages, string_agg(DISTINCT state, ',' ORDER BY state) AS states
    FROM message WHERE template <> 'announcement' GROUP BY event_id;
