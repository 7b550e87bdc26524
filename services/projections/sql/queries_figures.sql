-- Counts over what the other services told. Each is one statement, so that all numbers of an answer speak of one moment.
-- $1 of each: the only kelurahan that the caller may see, or NULL. A merged business counts as the one it went into.

-- name: counted_enrolments
-- Every enrolment with where it counts; others put this in where its name stands. NULL: not known yet. certificate_id is
-- that of a valid one. Who had to leave because the batch was cancelled did not withdraw.
SELECT e.business_id, e.stream_id, c.programme_id, c.programme, e.course_id, c.title, e.batch_id, b.number,
       coalesce(b.year, e.year) AS year, nullif(p.kecamatan, 'TIDAK_DIKETAHUI') AS kecamatan,
       nullif(p.kelurahan, 'TIDAK_DIKETAHUI') AS kelurahan, e.seated, e.state,
       e.state = 'mengundurkan_diri' AND e.cause IS DISTINCT FROM 'angkatan_dibatalkan' AS withdrawn,
       e.state = 'mengundurkan_diri' AND e.cause = 'angkatan_dibatalkan' AS cancelled,
       e.state = 'lulus' OR e.present <> '[]' AS attended, v.stream_id AS certificate_id, e.changed_at
FROM training_outcome e
LEFT JOIN training_outcome c ON c.stream_id = e.course_id AND c.programme_id IS NOT NULL
LEFT JOIN (
    SELECT b.key::uuid AS batch_id, (b.value ->> 'number')::int AS number, (b.value ->> 'year')::int AS year
    FROM training_outcome c CROSS JOIN jsonb_each(c.batches) b WHERE c.topic = 'umkm.course'
) b ON b.batch_id = e.batch_id
LEFT JOIN counted_businesses() p ON p.business_id = e.business_id
LEFT JOIN (
    SELECT DISTINCT ON (enrolment_id) enrolment_id, stream_id FROM training_outcome
    WHERE topic = 'umkm.certificate' AND state = 'berlaku' ORDER BY enrolment_id, stream_id
) v ON v.enrolment_id = e.stream_id
WHERE e.topic = 'umkm.enrolment';

-- name: count_outcomes
-- Enrolments by programme, course, batch, year of the first session, kecamatan, kelurahan, and all. level tells these
-- apart: a bit per column from programme (32) to kelurahan (1), set if the column is not grouped by. NULL: not known yet.
WITH enrolment AS MATERIALIZED (
    counted_enrolments
)
SELECT GROUPING(programme_id, course_id, batch_id, year, kecamatan, kelurahan) AS level,
       coalesce(programme_id::text, course_id::text, batch_id::text, year::text, kecamatan, kelurahan) AS code,
       min(programme) AS programme, min(title) AS title, min(number) AS number,
       count(*) AS enrolled, count(*) FILTER (WHERE seated) AS accepted, count(*) FILTER (WHERE attended) AS attended,
       count(*) FILTER (WHERE state = 'lulus') AS passed, count(*) FILTER (WHERE state = 'tidak_lulus') AS failed,
       count(*) FILTER (WHERE withdrawn) AS withdrawn, count(*) FILTER (WHERE cancelled) AS cancelled,
       count(certificate_id) AS certificates,
       max(changed_at) AS changed_at
FROM enrolment
WHERE $1::text IS NULL OR kelurahan = $1
GROUP BY GROUPING SETS ((programme_id), (course_id), (batch_id), (year), (kecamatan), (kelurahan), ());

-- name: list_turnover
-- Exhibitions after the id $2 in the order of ids, or backwards before it ($4), with what came of their applications. An exhibition of which nothing but
-- applications was heard has no title yet. The turnover is what was published, else NULL. Where businesses are counted is asked only
-- for a kelurahan: nobody else's answer shows it.
WITH place AS MATERIALIZED (
    SELECT * FROM counted_businesses() WHERE $1::text IS NOT NULL
), seen AS (
    SELECT a.*, $1::text IS NULL OR p.kelurahan = $1 AS visible
    FROM exhibition_turnover a LEFT JOIN place p ON p.business_id = a.business_id
    WHERE a.topic = 'umkm.application' AND a.exhibition_id IS NOT NULL
), application AS (
    SELECT exhibition_id, count(*) FILTER (WHERE visible) AS applications,
           count(*) FILTER (WHERE visible AND placed) AS placed,
           count(*) FILTER (WHERE visible AND state = 'ikut') AS took_part,
           count(*) FILTER (WHERE visible AND state = 'tidak_hadir') AS no_show,
           count(*) FILTER (WHERE visible AND state = 'ikut' AND days_reported > 0) AS reported,
           count(*) FILTER (WHERE state = 'ikut' AND days_reported > 0) AS reported_by_all,
           max(changed_at) AS changed_at
    FROM seen GROUP BY exhibition_id
), exhibition AS (
    SELECT exhibition_id, title, place, starts_on, ends_on, cancelled, participants, reports, total, changed_at
    FROM exhibition_turnover WHERE topic = 'umkm.exhibition' AND exhibition_id IS NOT NULL
)
SELECT exhibition_id, x.title, x.place, x.starts_on, x.ends_on, coalesce(x.cancelled, false) AS cancelled,
       coalesce(a.applications, 0) AS applications, coalesce(a.placed, 0) AS placed,
       coalesce(a.took_part, 0) AS took_part, coalesce(a.no_show, 0) AS no_show, coalesce(a.reported, 0) AS reported,
       coalesce(a.reported_by_all, 0) AS reported_by_all, x.participants AS published_participants, x.reports AS published_reports, x.total AS published_total,
       greatest(x.changed_at, a.changed_at) AS changed_at
FROM exhibition x FULL JOIN application a USING (exhibition_id)
WHERE CASE WHEN $4 THEN exhibition_id < $2 ELSE exhibition_id > $2 END
ORDER BY CASE WHEN $4 THEN exhibition_id END DESC, exhibition_id LIMIT $3;

-- name: list_mentoring
-- Weeks, Monday to Sunday, from $2 to $3 (Mondays) by mentor: visits, the target that held at the end of the week, and
-- businesses that the mentor looked after on at least one day of it. After the week $4 and the mentor $5, $6 rows. Where businesses
-- are counted is asked only for a kelurahan.
WITH place AS MATERIALIZED (
    SELECT * FROM counted_businesses() WHERE $1::text IS NOT NULL
), week AS (
    SELECT monday::date AS monday, monday::date + 6 AS sunday FROM generate_series($2::date, $3::date, '7 days') AS monday
), care AS (
    SELECT m.mentor_id, m.business_id, m.name, m.day AS since,
           lead(m.day) OVER (PARTITION BY m.stream_id ORDER BY m.sequence) AS until
    FROM mentoring_activity m LEFT JOIN place p ON p.business_id = m.business_id
    WHERE m.topic = 'umkm.mentoring' AND m.name NOT IN ('', 'mentoring.visited') AND ($1::text IS NULL OR p.kelurahan = $1)
), looked_after AS (
    SELECT w.monday, c.mentor_id, count(DISTINCT c.business_id) AS businesses
    FROM week w JOIN care c ON c.name <> 'mentoring.ended' AND c.since <= w.sunday
                            AND (c.until IS NULL OR (c.until > w.monday AND c.until > c.since))
    GROUP BY w.monday, c.mentor_id
), visit AS (
    SELECT w.monday, m.mentor_id, count(*) AS visits, count(DISTINCT m.business_id) AS visited
    FROM week w
    JOIN mentoring_activity m ON m.name = 'mentoring.visited' AND m.day BETWEEN w.monday AND w.sunday
    LEFT JOIN place p ON p.business_id = m.business_id
    WHERE $1::text IS NULL OR p.kelurahan = $1
    GROUP BY w.monday, m.mentor_id
), target AS (
    SELECT DISTINCT ON (w.monday, m.mentor_id) w.monday, m.mentor_id, m.weekly_target, m.name = 'mentor.ended' AS ended,
           m.day AS since
    FROM week w JOIN mentoring_activity m ON m.topic = 'umkm.mentor' AND m.name <> '' AND m.day <= w.sunday
    ORDER BY w.monday, m.mentor_id, m.sequence DESC
), active AS (
    SELECT monday, mentor_id FROM looked_after UNION SELECT monday, mentor_id FROM visit
    UNION SELECT monday, mentor_id FROM target WHERE $1::text IS NULL AND (NOT ended OR since >= monday)
)
SELECT a.monday, a.mentor_id, coalesce(v.visits, 0) AS visits, coalesce(v.visited, 0) AS visited,
       coalesce(l.businesses, 0) AS looked_after,
       (SELECT m.weekly_target FROM mentoring_activity m
        WHERE m.stream_id = a.mentor_id AND m.weekly_target IS NOT NULL AND m.day <= a.monday + 6
        ORDER BY m.sequence DESC LIMIT 1) AS weekly_target
FROM active a
LEFT JOIN visit v USING (monday, mentor_id)
LEFT JOIN looked_after l USING (monday, mentor_id)
WHERE (a.monday, a.mentor_id) > ($4, $5) ORDER BY a.monday, a.mentor_id LIMIT $6;

-- name: counted_help
-- Every business that counts, as in the ledgers (decision 28), and whether it was ever trained, placed at an exhibition,
-- mentored; others put this in where its name stands. Nobody can help one that closed or was rejected. A place is help also
-- for who did not come, but not at an exhibition that was cancelled: places are given long before the first day.
WITH place AS MATERIALIZED (
    SELECT * FROM counted_businesses()
), trained AS (
    SELECT DISTINCT p.counted_as FROM training_outcome e JOIN place p USING (business_id)
    WHERE e.topic = 'umkm.enrolment' AND (e.state = 'lulus' OR e.present <> '[]')
), placed AS (
    SELECT DISTINCT p.counted_as FROM exhibition_turnover a JOIN place p USING (business_id)
    WHERE a.topic = 'umkm.application' AND a.placed
      AND NOT EXISTS (SELECT FROM exhibition_turnover x WHERE x.stream_id = a.exhibition_id AND x.cancelled)
), mentored AS (
    SELECT DISTINCT p.counted_as FROM mentoring_activity m JOIN place p USING (business_id)
    WHERE m.topic = 'umkm.mentoring'
)
SELECT d.business_id, d.kecamatan, d.kelurahan, d.changed_at, t.counted_as IS NOT NULL AS trained,
       x.counted_as IS NOT NULL AS placed, m.counted_as IS NOT NULL AS mentored
FROM district_dashboard d
LEFT JOIN trained t ON t.counted_as = d.business_id
LEFT JOIN placed x ON x.counted_as = d.business_id
LEFT JOIN mentored m ON m.counted_as = d.business_id
WHERE d.status NOT IN ('tutup', 'ditolak', 'digabung');

-- name: count_equity
-- Businesses by kecamatan and kelurahan, and how many of them were ever trained, placed at an exhibition, mentored, or
-- none of it. level: 1 a kecamatan, 0 a kelurahan, 3 all.
WITH help AS MATERIALIZED (
    counted_help
)
SELECT GROUPING(kecamatan, kelurahan) AS level, coalesce(kelurahan, kecamatan) AS code, count(*) AS businesses,
       count(*) FILTER (WHERE trained) AS trained, count(*) FILTER (WHERE placed) AS placed,
       count(*) FILTER (WHERE mentored) AS mentored,
       count(*) FILTER (WHERE NOT (trained OR placed OR mentored)) AS never_helped, max(changed_at) AS changed_at
FROM help
WHERE $1::text IS NULL OR kelurahan = $1
GROUP BY GROUPING SETS ((kecamatan), (kecamatan, kelurahan), ());
