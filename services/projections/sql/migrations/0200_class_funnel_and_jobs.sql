-- Two ledgers: a row for each fact that moved a business, with where it stands after it (docs/decisions/0025). Nothing
-- personal is kept here. A database that had facts before them is filled by a rebuild of both.

-- Every move between classes, kecamatan, and out of or into the count. Start and end of a year are sums of moves.
CREATE TABLE class_funnel (
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    ordinal int NOT NULL,                               -- from 1 for each business, without gaps
    event_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    year int NOT NULL,                                  -- when it was recorded, in WITA
    move text NOT NULL,
    was_in boolean NOT NULL,
    was_kecamatan text NOT NULL,
    was_kelas text NOT NULL,
    is_in boolean NOT NULL,
    kecamatan text NOT NULL,
    kelas text NOT NULL,
    PRIMARY KEY (business_id, sequence)
);

-- Workers of a business after each fact that moved it. NULL: not known; 0: none.
CREATE TABLE jobs (
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    ordinal int NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    day date NOT NULL,                                  -- when it was recorded, in WITA
    is_in boolean NOT NULL,
    kelurahan text NOT NULL,
    kecamatan text NOT NULL,
    kelas text NOT NULL,
    workers int,
    paid_men int,
    paid_women int,
    unpaid_men int,
    unpaid_women int,
    counted_on date,                                    -- the day the workers speak of; NULL: nobody ever told
    PRIMARY KEY (business_id, sequence)
);

INSERT INTO projection_generation (projection, generation, state, swapped_at)
VALUES ('class_funnel', 1, 'live', now()), ('jobs', 1, 'live', now());

GRANT SELECT, INSERT, UPDATE, DELETE ON class_funnel, jobs TO ${app_role};

-- Every business that was counted on a day, with its workers as they were on that day by what is known now: the row that was
-- recorded last, of those recorded by then, says where it stood; the one recorded last at all, of those that speak of
-- that day or an earlier one, how many worked there. With the rights of the caller, and by name, so that a swap of
-- generations needs no change here. Both look along the primary key from its end, so that nothing is sorted.
CREATE FUNCTION jobs_on(day date) RETURNS TABLE (
    business_id uuid, kelurahan text, kecamatan text, kelas text, workers int, paid_men int, paid_women int,
    unpaid_men int, unpaid_women int, counted_on date)
LANGUAGE sql STABLE AS $body$
    SELECT p.business_id, p.kelurahan, p.kecamatan, p.kelas, w.workers, w.paid_men, w.paid_women, w.unpaid_men,
           w.unpaid_women, w.counted_on
    FROM (SELECT DISTINCT ON (j.business_id) j.business_id, j.is_in, j.kelurahan, j.kecamatan, j.kelas FROM jobs j
          WHERE j.day <= $1 ORDER BY j.business_id DESC, j.sequence DESC) p
    LEFT JOIN (SELECT DISTINCT ON (j.business_id) j.business_id, j.workers, j.paid_men, j.paid_women, j.unpaid_men,
                      j.unpaid_women, j.counted_on FROM jobs j
               WHERE j.counted_on <= $1 ORDER BY j.business_id DESC, j.sequence DESC) w ON w.business_id = p.business_id
    WHERE p.is_in
$body$;

-- The position, if the moves of the business are without gap, each begins where the one before it ended, and the last one
-- ends where the dashboard sees the business; else -1. The same for its workers.
CREATE FUNCTION audit_ledger_effect() RETURNS TABLE (effect text, aggregate_id uuid, "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    WITH standing AS (
        SELECT coalesce(s.aggregate_id, d.business_id) AS business_id, d.version, d.kelurahan, d.kecamatan, d.kelas,
               d.status NOT IN ('tutup', 'ditolak', 'digabung') AS is_in, d.workers
        FROM (SELECT aggregate_id FROM stream_position
              WHERE consumer = 'projections' AND topic = 'umkm.business') s
        FULL JOIN district_dashboard d ON d.business_id = s.aggregate_id
    ), move AS (
        SELECT f.*, row_number() OVER w AS n, lead(f.sequence) OVER w IS NULL AS last,
               (f.was_in, f.was_kecamatan, f.was_kelas)
                   = (lag(f.is_in) OVER w, lag(f.kecamatan) OVER w, lag(f.kelas) OVER w) AS joined
        FROM class_funnel f WINDOW w AS (PARTITION BY f.business_id ORDER BY f.sequence)
    ), funnel AS (
        SELECT m.business_id, bool_and(m.ordinal = m.n AND (m.n = 1 OR m.joined)) AS whole,
               bool_or(m.is_in) FILTER (WHERE m.last) AS is_in, max(m.kecamatan) FILTER (WHERE m.last) AS kecamatan,
               max(m.kelas) FILTER (WHERE m.last) AS kelas
        FROM move m GROUP BY m.business_id
    ), numbered AS (
        SELECT j.*, row_number() OVER w AS n, lead(j.sequence) OVER w IS NULL AS last
        FROM jobs j WINDOW w AS (PARTITION BY j.business_id ORDER BY j.sequence)
    ), job AS (
        SELECT r.business_id, bool_and(r.ordinal = r.n) AS whole, bool_or(r.is_in) FILTER (WHERE r.last) AS is_in,
               max(r.kelurahan) FILTER (WHERE r.last) AS kelurahan, max(r.kelas) FILTER (WHERE r.last) AS kelas,
               max(r.workers) FILTER (WHERE r.last) AS workers
        FROM numbered r GROUP BY r.business_id
    )
    SELECT 'class_funnel', coalesce(s.business_id, f.business_id),
           CASE WHEN f.whole AND (f.is_in, f.kecamatan, f.kelas) = (s.is_in, s.kecamatan, s.kelas) THEN s.version
                ELSE -1 END
    FROM standing s FULL JOIN funnel f ON f.business_id = s.business_id
    UNION ALL
    SELECT 'jobs', coalesce(s.business_id, j.business_id),
           CASE WHEN j.whole AND (j.is_in, j.kelurahan, j.kelas) = (s.is_in, s.kelurahan, s.kelas)
                     AND j.workers IS NOT DISTINCT FROM s.workers THEN s.version
                ELSE -1 END
    FROM standing s FULL JOIN job j ON j.business_id = s.business_id
$body$;
REVOKE ALL ON FUNCTION audit_ledger_effect FROM public;
GRANT EXECUTE ON FUNCTION audit_ledger_effect TO ${audit_role};

-- The views of the audit, with what is new behind what they had.
DO $body$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW audit.effect_declared AS %s UNION ALL SELECT %L::text, e, %L::text FROM (VALUES (%L), (%L)) AS added(e)',
                   rtrim(pg_get_viewdef('audit.effect_declared'::regclass), ';'), 'projections', 'umkm.business',
                   'class_funnel', 'jobs');
    EXECUTE format('CREATE OR REPLACE VIEW audit.effect AS %s UNION ALL SELECT %L::text, e.effect, %L::text, e.aggregate_id, e.position FROM audit_ledger_effect() AS e',
                   rtrim(pg_get_viewdef('audit.effect'::regclass), ';'), 'projections', 'umkm.business');
END
$body$;

-- What an operator discarded is looked for while a swap keeps batches waiting.
CREATE INDEX parked_history_discarded ON parked_history (consumer) WHERE action = 'discarded';
