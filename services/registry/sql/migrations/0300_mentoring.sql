-- Mentors (pendamping), the businesses they look after, and their visits.
--
-- A business has one mentor at a time: whoever starts, hands over or ends a mentoring in a way that depends on the
-- business locks the business first, then the mentoring, then the mentors by id; the unique index is the second fence.

CREATE TABLE mentor (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.mentor fact
    account text NOT NULL,                              -- `sub` of the mentor's tokens
    kelurahan text[] NOT NULL DEFAULT '{}',             -- where they work; empty: everywhere in the city
    weekly_target smallint NOT NULL CHECK (weekly_target >= 0),     -- visits, Monday to Sunday (WITA); the one of now
    ended_on date,                                      -- set: no mentor any more
    registered_by text NOT NULL,                        -- `sub` of the officer's token
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX mentor_account ON mentor (account) WHERE ended_on IS NULL;

-- What the target was since when: a week is measured by the target of then.
CREATE TABLE mentor_target (
    mentor_id uuid NOT NULL,
    since date NOT NULL,
    weekly_target smallint NOT NULL CHECK (weekly_target >= 0),
    PRIMARY KEY (mentor_id, since)
);

CREATE TABLE mentoring (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.mentoring fact
    business_id uuid NOT NULL,
    mentor_id uuid NOT NULL,                            -- who looks after the business, or did last
    started_on date NOT NULL,
    since date NOT NULL,                                -- the day on which this mentor began
    last_visit_on date,                                 -- of this mentor
    ended_on date,
    cause text CHECK (cause IN ('selesai', 'permintaan_pemilik', 'usaha_tutup', 'pemilik_dihapus', 'lainnya')),
    started_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((ended_on IS NULL) = (cause IS NULL)),
    CHECK (since >= started_on AND last_visit_on >= since AND ended_on >= since)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX mentoring_live ON mentoring (business_id) WHERE ended_on IS NULL;
CREATE INDEX mentoring_business ON mentoring (business_id, id);
CREATE INDEX mentoring_mentor ON mentoring (mentor_id, id) WHERE ended_on IS NULL;

CREATE TABLE mentoring_visit (
    id uuid PRIMARY KEY,                                -- UUIDv7
    mentoring_id uuid NOT NULL,
    business_id uuid NOT NULL,
    mentor_id uuid NOT NULL,                            -- who looked after the business then: the visit is theirs for ever
    visited_on date NOT NULL,
    way text NOT NULL CHECK (way IN ('kunjungan', 'daring', 'telepon')),
    aspects text[] NOT NULL DEFAULT '{}',
    note text CHECK (length(note) BETWEEN 1 AND 4000),  -- personal: in no fact; emptied when an owner is erased
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mentoring_visit_mentoring ON mentoring_visit (mentoring_id, id);
CREATE INDEX mentoring_visit_week ON mentoring_visit (mentor_id, visited_on);
CREATE INDEX mentoring_visit_note ON mentoring_visit (business_id) WHERE note IS NOT NULL;

-- Whatever the view tells already, and mentors and mentorings too.
DO $$ BEGIN
    EXECUTE format(
        'CREATE OR REPLACE VIEW audit.source (topic, aggregate_id, version) AS %s UNION ALL '
        'SELECT ''umkm.mentor''::text, id, version FROM mentor UNION ALL '
        'SELECT ''umkm.mentoring''::text, id, version FROM mentoring',
        rtrim(pg_get_viewdef('audit.source'::regclass), '; '));
END $$;

GRANT SELECT, INSERT, UPDATE ON mentor, mentor_target, mentoring TO ${app_role};
GRANT SELECT, INSERT, UPDATE (note) ON mentoring_visit TO ${app_role};
GRANT SELECT ON audit.source TO ${audit_role};
