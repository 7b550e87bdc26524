-- Erasure at agencies: whose data was erased, which agencies are told of it, and what each has answered; and owners whose data
-- may not be used meanwhile.

ALTER TABLE owner_copy ADD COLUMN restricted boolean;      -- asked to stop using their data; NULL: nobody told of it

UPDATE owner_copy o SET restricted = true
FROM (SELECT DISTINCT ON (e.subject) e.subject, b.data FROM event e JOIN event_body b USING (stream, position)
      WHERE e.stream = 'owner' AND e.type = 'id.go.balikpapan.umkm.owner.consent_changed.v1'
      ORDER BY e.subject, e.sequence DESC) told
WHERE told.subject = o.owner_id AND (told.data::jsonb ->> 'restricted')::boolean;

-- An owner who was erased. The disclosure log is looked at twice: at once, and when pages that were on their way stand in it.
CREATE TABLE erasure (
    owner_id uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    look_at timestamptz                                 -- NULL: every agency that was given anything has its notice
) WITH (fillfactor = 85);
CREATE INDEX erasure_due ON erasure (look_at) WHERE look_at IS NOT NULL;
INSERT INTO erasure (owner_id, recorded_at, look_at) SELECT owner_id, now(), now() FROM owner_copy WHERE erased;

-- What an agency must be told: that it erases what it holds of an owner. Ids alone; never deleted, since it proves who was told.
CREATE TABLE erasure_notice (
    id uuid PRIMARY KEY,                                -- UUIDv7, the same each time that it is told
    agency text NOT NULL,
    owner_id uuid NOT NULL,
    subjects jsonb NOT NULL,                            -- [{"stream": …, "id": …}], as the agency knows them
    made_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,                        -- to be acknowledged until then
    tell_at timestamptz NOT NULL,                       -- to be told, or told again, from then on
    round_done text[] NOT NULL DEFAULT '{}',            -- endpoints and topic that took it in the round that goes on
    tells int NOT NULL DEFAULT 0,                       -- rounds that reached the agency
    told_at timestamptz,                                -- first
    told_ways text[] NOT NULL DEFAULT '{}',
    obstacle text,                                      -- why the last round did not reach it, a code
    letter text,                                        -- by which an officer told it,
    letter_by text,                                     -- who is this one: `sub` of the token
    overdue_noted_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,                               -- `sub` of the token
    outcome text CHECK (outcome IN ('dihapus', 'tidak_disimpan', 'wajib_disimpan')),
    reference text,
    UNIQUE (agency, owner_id),
    CHECK ((told_at IS NULL) = (told_ways = '{}')),
    CHECK ((letter IS NULL) = (letter_by IS NULL)),
    CHECK (num_nulls(acknowledged_at, acknowledged_by, outcome) IN (0, 3))
) WITH (fillfactor = 70);
CREATE INDEX erasure_notice_open ON erasure_notice (agency) WHERE acknowledged_at IS NULL;
CREATE INDEX erasure_notice_due ON erasure_notice (tell_at) WHERE acknowledged_at IS NULL;
CREATE INDEX erasure_notice_owner ON erasure_notice (owner_id);

GRANT SELECT, INSERT, UPDATE ON erasure, erasure_notice TO ${app_role};
