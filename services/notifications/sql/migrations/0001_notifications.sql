-- Whom to tell, and what was told. Personal fields stay sealed here (docs: ARCHITECTURE 8): names and addresses are
-- opened in memory when a message is sent, with a key that the registry gives for that purpose.

-- One row per owner. personal is NULL once the owner was erased.
CREATE TABLE recipient (
    owner_id uuid PRIMARY KEY,
    personal text,                                      -- sealed OwnerPersonal
    language text NOT NULL,
    channel text,                                       -- NULL: the owner chose none
    consent boolean NOT NULL,                           -- to notifications
    erased boolean NOT NULL DEFAULT false,
    version bigint NOT NULL                             -- sequence of the last fact of the owner that is in here
) WITH (fillfactor = 85);

-- Who stands behind a business. A business may be heard of before its owner, so nothing refers to recipient.
CREATE TABLE business_contact (
    business_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,                             -- the principal owner
    personal text,                                      -- sealed BusinessPersonal; NULL once the owner was erased
    version bigint NOT NULL                             -- sequence of the last fact of the business
) WITH (fillfactor = 85);
CREATE INDEX ON business_contact (owner_id);

-- Address book of officers: work addresses, given by the office, not by a fact.
CREATE TABLE officer (
    sub text PRIMARY KEY,                               -- the subject of their token
    address text NOT NULL,
    language text NOT NULL CHECK (language IN ('id', 'en')),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- One row per (event, recipient, template); its id is derived from the three, so that a replay finds it there.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    template text NOT NULL,
    language text,                                      -- NULL while waiting
    channel text,                                       -- NULL while waiting, or if there is none
    owner_id uuid,                                      -- the recipient: an owner,
    officer_sub text,                                   -- or an officer
    business_id uuid,
    params jsonb NOT NULL DEFAULT '{}',                 -- what the template needs and is not personal
    sealed_reason text,                                 -- sealed ReasonPersonal
    state text NOT NULL CHECK (state IN ('waiting', 'queued', 'sending', 'sent', 'delivered', 'failed', 'unknown',
                                         'suppressed')),
    reason text,                                        -- why it stands so: a code, never a value
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    leased_by text,                                     -- the sender that has it in hand
    lease_until timestamptz,
    handed_over_at timestamptz,                         -- just before the body went out: from here it may be on its way
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(owner_id, officer_sub) = 1)
) WITH (fillfactor = 80);
CREATE INDEX message_due ON message (channel, next_attempt_at, id) WHERE state = 'queued';
CREATE INDEX message_waiting ON message (owner_id) WHERE state = 'waiting';
CREATE INDEX message_leased ON message (lease_until) WHERE state = 'sending';
CREATE INDEX message_owner ON message (owner_id);
CREATE INDEX message_event ON message (event_id);
CREATE INDEX message_listing ON message (created_at, id);
CREATE INDEX message_by_state ON message (state, created_at, id);

-- What happened to a message, in order; never changed.
CREATE TABLE message_step (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES message,
    at timestamptz NOT NULL,
    state text NOT NULL,
    reason text,
    attempt int NOT NULL,
    actor text NOT NULL                                 -- a sender's name, or the operator's sub
);
CREATE INDEX ON message_step (message_id, id);

-- Tokens left per channel, shared by all senders.
CREATE TABLE rate_bucket (
    channel text PRIMARY KEY,
    tokens double precision NOT NULL,
    refilled_at timestamptz NOT NULL
);

-- The types that must have a message, by origin; the rule is services/notifications/domain/notices.py, and a test
-- holds the two against each other. Read by the audit.
CREATE TABLE notifying_type (
    type text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('command', 'import')),
    PRIMARY KEY (type, origin)
);
INSERT INTO notifying_type (type, origin)
SELECT 'id.go.balikpapan.umkm.' || name || '.v1', 'command'
FROM unnest(ARRAY['owner.registered', 'business.registered', 'business.submitted', 'business.verified',
                  'business.returned', 'business.rejected', 'business.deactivated', 'business.reactivated',
                  'business.closed', 'business.class_changed', 'business.merged', 'business.merge_undone',
                  'import.completed']) AS name
UNION ALL SELECT 'id.go.balikpapan.umkm.import.completed.v1', 'import';

GRANT SELECT, INSERT, UPDATE, DELETE ON recipient, business_contact, officer, rate_bucket TO ${app_role};
GRANT SELECT, INSERT, UPDATE ON message TO ${app_role};
GRANT SELECT, INSERT ON message_step TO ${app_role};
GRANT SELECT ON notifying_type TO ${app_role};
