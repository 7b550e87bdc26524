-- The workers of a business are those of the newest count, whenever it was recorded (docs/decisions/0041): a count of an
-- earlier day that is brought in late completes the past and changes nothing of today.

ALTER TABLE district_dashboard ADD COLUMN workers_as_of date; -- the day they were counted on; NULL: nobody ever told

UPDATE district_dashboard d SET workers = c.workers, workers_as_of = c.counted_on
FROM (SELECT DISTINCT ON (business_id) business_id, workers, counted_on FROM jobs WHERE counted_on IS NOT NULL
      ORDER BY business_id, counted_on DESC, sequence DESC) c
WHERE c.business_id = d.business_id;

-- A generation that is not live has the shape and the numbers of before: no way leads back to it.
DROP TABLE IF EXISTS district_dashboard_standby;
UPDATE projection_generation SET state = 'dropped'
WHERE projection = 'district_dashboard' AND state IN ('building', 'ready', 'standby');

-- As before (migration 0200), but that of the counts that speak of that day or an earlier one the newest says how many worked.
CREATE OR REPLACE FUNCTION jobs_on(day date) RETURNS TABLE (
    business_id uuid, kelurahan text, kecamatan text, kelas text, workers int, paid_men int, paid_women int,
    unpaid_men int, unpaid_women int, counted_on date)
LANGUAGE sql STABLE AS $body$
    SELECT p.business_id, p.kelurahan, p.kecamatan, p.kelas, w.workers, w.paid_men, w.paid_women, w.unpaid_men,
           w.unpaid_women, w.counted_on
    FROM (SELECT DISTINCT ON (j.business_id) j.business_id, j.is_in, j.kelurahan, j.kecamatan, j.kelas FROM jobs j
          WHERE j.day <= $1 ORDER BY j.business_id DESC, j.sequence DESC) p
    LEFT JOIN (SELECT DISTINCT ON (j.business_id) j.business_id, j.workers, j.paid_men, j.paid_women, j.unpaid_men,
                      j.unpaid_women, j.counted_on FROM jobs j
               WHERE j.counted_on <= $1 ORDER BY j.business_id DESC, j.counted_on DESC, j.sequence DESC) w ON w.business_id = p.business_id
    WHERE p.is_in
$body$;

-- As before (migration 0201), but that a count goes on until the day of the next newer one. Of one day, the last recorded counts.
CREATE OR REPLACE FUNCTION job_pairs(since date, until date, kind text) RETURNS TABLE (
    business_id uuid, was_kelurahan text, was_kecamatan text, was_kelas text, kelurahan text, kecamatan text, kelas text,
    before int, after int, first int)
LANGUAGE sql STABLE AS $body$
    WITH step AS (
        SELECT j.business_id, j.sequence, j.day, j.is_in, j.kelurahan, j.kecamatan, j.kelas, j.counted_on,
               CASE $3 WHEN 'paid_men' THEN j.paid_men WHEN 'paid_women' THEN j.paid_women
                       WHEN 'unpaid_men' THEN j.unpaid_men WHEN 'unpaid_women' THEN j.unpaid_women ELSE j.workers END AS n,
               lead(j.day) OVER w AS next_day,
               lead(j.counted_on) OVER c AS next_count
        FROM jobs j WINDOW w AS (PARTITION BY j.business_id ORDER BY j.sequence),
                           c AS (PARTITION BY j.business_id ORDER BY j.counted_on, j.sequence)
    ), marked AS (
        SELECT s.*, s.is_in AND s.day <= $1 AND (s.next_day IS NULL OR s.next_day > $1) AS stood,
               s.is_in AND s.day <= $2 AND (s.next_day IS NULL OR s.next_day > $2) AS stands,
               s.counted_on <= $1 AND (s.next_count IS NULL OR s.next_count > $1) AS told,
               s.counted_on <= $2 AND (s.next_count IS NULL OR s.next_count > $2) AS tells
        FROM step s
    ), business AS (
        SELECT m.business_id, max(m.kelurahan) FILTER (WHERE m.stood) AS was_kelurahan,
               max(m.kecamatan) FILTER (WHERE m.stood) AS was_kecamatan, max(m.kelas) FILTER (WHERE m.stood) AS was_kelas,
               max(m.kelurahan) FILTER (WHERE m.stands) AS kelurahan,
               max(m.kecamatan) FILTER (WHERE m.stands) AS kecamatan, max(m.kelas) FILTER (WHERE m.stands) AS kelas,
               max(m.n) FILTER (WHERE m.told) AS told, max(m.n) FILTER (WHERE m.tells) AS tells,
               (array_agg(m.n ORDER BY m.counted_on, m.sequence DESC)
                FILTER (WHERE m.counted_on > $1 AND m.counted_on <= $2 AND m.n IS NOT NULL))[1] AS later
        FROM marked m GROUP BY m.business_id
    )
    SELECT b.business_id, b.was_kelurahan, b.was_kecamatan, b.was_kelas, b.kelurahan, b.kecamatan, b.kelas,
           CASE WHEN b.was_kelas IS NOT NULL THEN b.told END, CASE WHEN b.kelas IS NOT NULL THEN b.tells END,
           CASE WHEN b.kelas IS NOT NULL AND b.tells IS NOT NULL THEN coalesce(b.told, b.later) END
    FROM business b WHERE b.was_kelas IS NOT NULL OR b.kelas IS NOT NULL
$body$;

-- As before (migration 0200), but that the newest count of the ledger is what the dashboard sees.
CREATE OR REPLACE FUNCTION audit_ledger_effect() RETURNS TABLE (effect text, aggregate_id uuid, "position" bigint)
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
               (array_agg(r.workers ORDER BY r.counted_on DESC NULLS LAST, r.sequence DESC))[1] AS workers
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
