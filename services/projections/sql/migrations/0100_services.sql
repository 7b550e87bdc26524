-- Read models of what trainings, exhibitions, mentors, licences and brands tell. Facts of different streams have no order
-- between them, so each row is made of one stream alone, and what belongs together is joined when it is read. Like the
-- first ones each row shows how many facts stand behind it, and a rebuild swaps names of tables.

-- What other services tell of a business. Beside business_timeline, not in it: there the key is the sequence of the
-- business alone, and workers of the release before go on writing by that key. Both are read as one.
CREATE TABLE service_timeline (
    business_id uuid NOT NULL,                          -- the stream's own id if the fact is about no business
    stream_id uuid NOT NULL,
    sequence bigint NOT NULL,
    topic text NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    origin text NOT NULL,
    detail jsonb,
    PRIMARY KEY (business_id, stream_id, sequence)
);

-- One row per course, enrolment and certificate.
CREATE TABLE training_outcome (
    stream_id uuid NOT NULL,
    topic text NOT NULL,
    course_id uuid,
    batch_id uuid,
    enrolment_id uuid,                                  -- of a certificate
    business_id uuid,
    programme_id uuid,
    programme text,
    title text,
    batches jsonb,                                      -- of a course: batch id -> number, year, sessions, cancelled
    state text,
    seated boolean NOT NULL,
    present jsonb,                                      -- of an enrolment: numbers of the sessions they were at
    year int,
    facts bigint NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (stream_id)
) WITH (fillfactor = 85);

-- One row per exhibition and application. What one business sold is not here: totals are those that were published.
CREATE TABLE exhibition_turnover (
    stream_id uuid NOT NULL,
    topic text NOT NULL,
    exhibition_id uuid,
    business_id uuid,
    title text,
    place text,
    starts_on date,
    ends_on date,
    cancelled boolean NOT NULL,
    participants int,                                   -- NULL: no total was published
    reports int,
    total bigint,                                       -- rupiah
    state text,
    placed boolean NOT NULL,
    days_reported int NOT NULL,                         -- 0: belum lapor
    facts bigint NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (stream_id)
) WITH (fillfactor = 85);

-- Every fact of mentors and mentorings.
CREATE TABLE mentoring_activity (
    stream_id uuid NOT NULL,
    sequence bigint NOT NULL,
    topic text NOT NULL,
    name text NOT NULL,
    mentor_id uuid NOT NULL,
    business_id uuid,
    day date NOT NULL,                                  -- in WITA
    weekly_target int,
    at timestamptz NOT NULL,
    PRIMARY KEY (stream_id, sequence)
);

INSERT INTO projection_generation (projection, generation, state, swapped_at)
SELECT name, 1, 'live', now()
FROM unnest(ARRAY['service_timeline', 'training_outcome', 'exhibition_turnover', 'mentoring_activity']) AS t(name);

GRANT SELECT, INSERT, UPDATE, DELETE ON service_timeline, training_outcome, exhibition_turnover, mentoring_activity
TO ${app_role};

-- Every business with the one that it is counted as, which is another one after a merge, and where that one is. A function,
-- because a view would stay with a table that a rebuild has put aside; names are looked up when it runs.
CREATE FUNCTION counted_businesses() RETURNS TABLE (business_id uuid, counted_as uuid, kelurahan text, kecamatan text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $body$
    WITH RECURSIVE step AS (
        SELECT d.business_id, d.merged_into AS goal, 1 AS steps FROM district_dashboard d WHERE d.merged_into IS NOT NULL
        UNION ALL
        SELECT s.business_id, d.merged_into, s.steps + 1
        FROM step s JOIN district_dashboard d ON d.business_id = s.goal
        WHERE d.merged_into IS NOT NULL AND s.steps < 32
    ), goal AS (
        SELECT DISTINCT ON (s.business_id) s.business_id, s.goal FROM step s ORDER BY s.business_id, s.steps DESC
    )
    SELECT d.business_id, c.business_id, c.kelurahan, c.kecamatan
    FROM district_dashboard d
    LEFT JOIN goal g ON g.business_id = d.business_id
    JOIN district_dashboard c ON c.business_id = coalesce(g.goal, d.business_id)
$body$;
