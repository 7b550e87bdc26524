-- Sums of the ledgers: the funnel of classes, and the workers.

-- name: count_funnel_cells
-- Businesses by kecamatan and class at the end of a year: what came to each, less what left it.
SELECT kecamatan, kelas, sum(n) AS businesses FROM (
    SELECT kecamatan, kelas, count(*) AS n FROM class_funnel WHERE is_in AND year <= $1 GROUP BY kecamatan, kelas
    UNION ALL
    SELECT was_kecamatan, was_kelas, -count(*) FROM class_funnel WHERE was_in AND year <= $1 GROUP BY was_kecamatan, was_kelas
) AS c(kecamatan, kelas, n)
GROUP BY kecamatan, kelas;

-- name: count_funnel_moves
-- The moves of a year, by what they were, from where to where.
SELECT move, was_in, was_kecamatan, was_kelas, is_in, kecamatan, kelas, count(*) AS moves
FROM class_funnel WHERE year = $1 AND (was_in OR is_in)
GROUP BY move, was_in, was_kecamatan, was_kelas, is_in, kecamatan, kelas;

-- name: count_jobs
-- Workers on a day by kecamatan, kelurahan or kelas ($2); the bucket of the whole is NULL.
SELECT bucket, count(*) AS businesses,
       sum(workers) AS workers, count(workers) AS workers_known,
       sum(paid_men) AS paid_men, count(paid_men) AS paid_men_known,
       sum(paid_women) AS paid_women, count(paid_women) AS paid_women_known,
       sum(unpaid_men) AS unpaid_men, count(unpaid_men) AS unpaid_men_known,
       sum(unpaid_women) AS unpaid_women, count(unpaid_women) AS unpaid_women_known,
       min(counted_on) AS oldest, max(counted_on) AS newest
FROM (SELECT j.*, CASE $2::text WHEN 'kecamatan' THEN j.kecamatan WHEN 'kelurahan' THEN j.kelurahan ELSE j.kelas END AS bucket
      FROM jobs_on($1) j) s
GROUP BY GROUPING SETS ((bucket), ());

-- name: count_jobs_by_day
-- Workers on several days ($1, ascending), of a kelurahan ($2), kecamatan ($3) and class ($4); NULL: of all. One pass over
-- the ledger for all days, which are numbered from 0: a row says where its business stood from day number here until before
-- gone, and its workers count from told until before retold, the day of the next newer count. Most businesses have one row,
-- which nothing ends; only the others are put in order. What is asked for is looked at after the join, so that its plan
-- does not hang on a guess of how many that are.
WITH several AS MATERIALIZED (
    SELECT DISTINCT business_id FROM jobs WHERE ordinal > 1
), alone AS MATERIALIZED (
    SELECT width_bucket(j.day - 1, $1::date[]) AS here, width_bucket(j.counted_on - 1, $1::date[]) AS told,
           j.is_in AND ($2::text IS NULL OR j.kelurahan = $2) AND ($3::text IS NULL OR j.kecamatan = $3)
               AND ($4::text IS NULL OR j.kelas = $4) AS counts,
           count(*) AS businesses,
           sum(j.workers) AS workers, count(j.workers) AS workers_known,
           sum(j.paid_men) AS paid_men, count(j.paid_men) AS paid_men_known,
           sum(j.paid_women) AS paid_women, count(j.paid_women) AS paid_women_known,
           sum(j.unpaid_men) AS unpaid_men, count(j.unpaid_men) AS unpaid_men_known,
           sum(j.unpaid_women) AS unpaid_women, count(j.unpaid_women) AS unpaid_women_known,
           min(j.counted_on) AS oldest, max(j.counted_on) AS newest
    FROM jobs j WHERE NOT EXISTS (SELECT FROM several o WHERE o.business_id = j.business_id) GROUP BY 1, 2, 3
), step AS MATERIALIZED (
    SELECT j.business_id, j.workers, j.paid_men, j.paid_women, j.unpaid_men, j.unpaid_women, j.counted_on,
           j.is_in AND ($2::text IS NULL OR j.kelurahan = $2) AND ($3::text IS NULL OR j.kecamatan = $3)
               AND ($4::text IS NULL OR j.kelas = $4) AS counts,
           width_bucket(j.day - 1, $1::date[]) AS here,
           coalesce(width_bucket(lead(j.day) OVER recorded - 1, $1::date[]), cardinality($1::date[])) AS gone,
           width_bucket(j.counted_on - 1, $1::date[]) AS told,
           coalesce(width_bucket(lead(j.counted_on) OVER counted - 1, $1::date[]), cardinality($1::date[])) AS retold
    FROM jobs j JOIN several o ON o.business_id = j.business_id
    WINDOW recorded AS (PARTITION BY j.business_id ORDER BY j.sequence),
           counted AS (PARTITION BY j.business_id ORDER BY j.counted_on, j.sequence)
), moved AS MATERIALIZED (
    SELECT greatest(s.here, w.told) AS here, least(s.gone, w.retold) AS gone,
           sum(w.workers) AS workers, count(w.workers) AS workers_known,
           sum(w.paid_men) AS paid_men, count(w.paid_men) AS paid_men_known,
           sum(w.paid_women) AS paid_women, count(w.paid_women) AS paid_women_known,
           sum(w.unpaid_men) AS unpaid_men, count(w.unpaid_men) AS unpaid_men_known,
           sum(w.unpaid_women) AS unpaid_women, count(w.unpaid_women) AS unpaid_women_known,
           min(w.counted_on) AS oldest, max(w.counted_on) AS newest
    FROM step s JOIN step w ON w.business_id = s.business_id AND w.told < w.retold AND w.told < s.gone AND s.here < w.retold
    WHERE s.counts AND s.here < s.gone
    GROUP BY 1, 2
), stood AS MATERIALIZED (
    SELECT here, cardinality($1::date[]) AS gone, businesses FROM alone WHERE counts
    UNION ALL SELECT here, gone, count(*) FROM step WHERE counts AND here < gone GROUP BY here, gone
), worked AS MATERIALIZED (
    SELECT greatest(here, told) AS here, cardinality($1::date[]) AS gone, workers, workers_known, paid_men, paid_men_known,
           paid_women, paid_women_known, unpaid_men, unpaid_men_known, unpaid_women, unpaid_women_known, oldest, newest
    FROM alone WHERE counts
    UNION ALL SELECT * FROM moved
)
SELECT d.day AS bucket,
       (SELECT coalesce(sum(s.businesses), 0)::bigint FROM stood s WHERE s.here < d.n AND d.n <= s.gone) AS businesses, t.*
FROM unnest($1::date[]) WITH ORDINALITY AS d(day, n), LATERAL (
    SELECT sum(w.workers)::bigint AS workers, coalesce(sum(w.workers_known), 0)::bigint AS workers_known,
           sum(w.paid_men)::bigint AS paid_men, coalesce(sum(w.paid_men_known), 0)::bigint AS paid_men_known,
           sum(w.paid_women)::bigint AS paid_women, coalesce(sum(w.paid_women_known), 0)::bigint AS paid_women_known,
           sum(w.unpaid_men)::bigint AS unpaid_men, coalesce(sum(w.unpaid_men_known), 0)::bigint AS unpaid_men_known,
           sum(w.unpaid_women)::bigint AS unpaid_women, coalesce(sum(w.unpaid_women_known), 0)::bigint AS unpaid_women_known,
           min(w.oldest) AS oldest, max(w.newest) AS newest
    FROM worked w WHERE w.here < d.n AND d.n <= w.gone
) t
ORDER BY d.day;

-- name: count_job_changes
-- Workers of one kind ($4) on two days, by the buckets ($3) that their businesses were in on each; NULL: not counted then.
WITH pair AS (
    SELECT CASE $3::text WHEN 'kecamatan' THEN p.was_kecamatan WHEN 'kelurahan' THEN p.was_kelurahan
                         ELSE p.was_kelas END AS was,
           CASE $3::text WHEN 'kecamatan' THEN p.kecamatan WHEN 'kelurahan' THEN p.kelurahan ELSE p.kelas END AS now,
           p.before AS v, p.after AS w, p.first AS f
    FROM job_pairs($1, $2, $4) p
)
SELECT was, now, coalesce(sum(v), 0)::bigint AS before, coalesce(sum(w), 0)::bigint AS after,
       count(*) FILTER (WHERE was IS NOT NULL AND v IS NULL) AS before_unknown,
       count(*) FILTER (WHERE now IS NOT NULL AND w IS NULL) AS after_unknown,
       coalesce(sum(w - v) FILTER (WHERE w > v), 0)::bigint AS bertambah,
       coalesce(sum(v - w) FILTER (WHERE w < v), 0)::bigint AS berkurang,
       coalesce(sum(f) FILTER (WHERE v IS NULL), 0)::bigint AS first,
       coalesce(sum(w - f) FILTER (WHERE v IS NULL AND w > f), 0)::bigint AS bertambah_sejak_didata,
       coalesce(sum(f - w) FILTER (WHERE v IS NULL AND w < f), 0)::bigint AS berkurang_sejak_didata,
       coalesce(sum(v) FILTER (WHERE w IS NULL), 0)::bigint AS tidak_lagi_diketahui
FROM pair GROUP BY was, now;
