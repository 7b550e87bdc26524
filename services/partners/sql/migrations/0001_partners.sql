-- Agreements with agencies, the events that they may read, each kept once, and who was given what.

-- An agreement. Its row is the lock of all its texts.
CREATE TABLE agreement (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of its last umkm.agreement fact
    agency text NOT NULL,                               -- the agency's code, as it stands in its tokens
    state text NOT NULL CHECK (state IN ('draf', 'ditandatangani', 'aktif', 'ditangguhkan', 'kedaluwarsa', 'berakhir')),
    revision int NOT NULL CHECK (revision >= 0),        -- of the text that two have signed; 0: none
    latest int NOT NULL CHECK (latest >= revision),     -- of the last text that was written
    drafted boolean NOT NULL,                           -- whether that one waits for signatures
    starts_at timestamptz,                              -- of the signed text
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((revision = 0) = (expires_at IS NULL)),
    CHECK (state IN ('draf', 'berakhir') OR revision > 0)
);

-- One agreement of an agency at a time: the second fence; the first is the lock of the agency's code.
CREATE UNIQUE INDEX agreement_live ON agreement (agency) WHERE state NOT IN ('kedaluwarsa', 'berakhir');
CREATE INDEX agreement_agency ON agreement (agency, id);
CREATE INDEX agreement_due ON agreement (expires_at) WHERE state IN ('ditandatangani', 'aktif', 'ditangguhkan');

-- What was agreed, word by word. A text is never changed and never deleted: the disclosure log points to it.
CREATE TABLE agreement_text (
    agreement_id uuid NOT NULL,
    revision int NOT NULL CHECK (revision > 0),
    terms jsonb NOT NULL,                               -- as services.partners.domain.models.Terms
    drafted_by text NOT NULL,                           -- `sub` of the token
    drafted_at timestamptz NOT NULL,
    PRIMARY KEY (agreement_id, revision)
);

CREATE TABLE signature (
    agreement_id uuid NOT NULL,
    revision int NOT NULL,
    signer text NOT NULL,                               -- `sub` of the token
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (agreement_id, revision, signer)        -- nobody signs a text twice
);

-- The streams that agencies read. All rows are the lock of who records: positions come in the order of commits, so that a
-- reader who has seen a position has seen all before it (docs/decisions/0031).
CREATE TABLE stream (
    name text PRIMARY KEY,
    first bigint NOT NULL DEFAULT 1,                    -- the first position whose event is still kept
    last bigint NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL DEFAULT 'epoch',
    CHECK (first BETWEEN 1 AND last + 1)
) WITH (fillfactor = 50);
INSERT INTO stream (name) VALUES ('owner'), ('business'), ('import'), ('licence'), ('organisation'), ('brand'), ('mentor'),
    ('mentoring'), ('course'), ('enrolment'), ('certificate'), ('exhibition'), ('application'), ('outlet');

-- What an event was about. Kept when its body is gone, so that the disclosure log stays exact.
CREATE TABLE event (
    stream text NOT NULL,
    position bigint NOT NULL,                           -- gapless in its stream, from 1
    event_id uuid NOT NULL,
    type text NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    recorded_at timestamptz NOT NULL,                   -- never goes back in a stream
    business_id uuid,                                   -- the business that it names, with its label at that time
    owner_ids uuid[] NOT NULL,
    kelurahan text,
    sector text,
    kelas text,
    PRIMARY KEY (stream, position)
);
CREATE INDEX event_time ON event (stream, recorded_at, position);
CREATE INDEX event_owner ON event USING gin (owner_ids);

-- The event itself, until the retention ends. Personal fields are sealed in it, as they are on the topic.
CREATE TABLE event_body (
    stream text NOT NULL,
    position bigint NOT NULL,
    source text NOT NULL,
    occurred_at timestamptz NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (stream, position)
);

-- Events of a business of which the registry has not told yet; they are given a position when it has.
CREATE TABLE waiting_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of coming
    business_id uuid NOT NULL,
    stream text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    source text NOT NULL,
    subject uuid NOT NULL,
    sequence bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    data text NOT NULL
);
CREATE INDEX waiting_event_business ON waiting_event (business_id, id);

-- The copy of the registry, from its facts alone.
CREATE TABLE business_copy (
    business_id uuid PRIMARY KEY,
    owner_ids uuid[] NOT NULL,
    kelurahan text NOT NULL,
    sector text NOT NULL,
    kelas text NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE owner_copy (
    owner_id uuid PRIMARY KEY,
    sharing boolean,                                    -- consents to sharing of personal data; NULL: nobody told of it
    erased boolean NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 85);

-- Which agency was given which events under which text: a row for each page that held any. What is in the range and passes the
-- text is what was given, with the fields that the text grants; `withheld` are those of it whose personal part was not.
CREATE TABLE disclosure (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agency text NOT NULL,
    agreement_id uuid NOT NULL,
    revision int NOT NULL,
    way text NOT NULL,
    stream text NOT NULL,
    after_position bigint NOT NULL,
    upto_position bigint NOT NULL,
    events int NOT NULL CHECK (events > 0),
    withheld bigint[] NOT NULL,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (after_position < upto_position)
);
CREATE INDEX disclosure_time ON disclosure (given_at);
CREATE INDEX disclosure_range ON disclosure (stream, after_position, upto_position);

GRANT SELECT, INSERT, UPDATE ON agreement, business_copy, owner_copy TO ${app_role};
GRANT SELECT, UPDATE ON stream TO ${app_role};
GRANT SELECT, INSERT ON agreement_text, signature, event, disclosure TO ${app_role};
GRANT SELECT, INSERT, DELETE ON event_body, waiting_event TO ${app_role};
