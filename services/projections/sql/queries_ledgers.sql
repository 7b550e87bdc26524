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
-- Workers on several days ($1), of a kelurahan ($2), kecamatan ($3) and class ($4); NULL: of all.
SELECT d.day AS bucket, count(j.business_id) AS businesses,
       sum(j.workers) AS workers, count(j.workers) AS workers_known,
       sum(j.paid_men) AS paid_men, count(j.paid_men) AS paid_men_known,
       sum(j.paid_women) AS paid_women, count(j.paid_women) AS paid_women_known,
       sum(j.unpaid_men) AS unpaid_men, count(j.unpaid_men) AS unpaid_men_known,
       sum(j.unpaid_women) AS unpaid_women, count(j.unpaid_women) AS unpaid_women_known,
       min(j.counted_on) AS oldest, max(j.counted_on) AS newest
FROM unnest($1::date[]) AS d(day)
LEFT JOIN LATERAL jobs_on(d.day) j
    ON ($2::text IS NULL OR j.kelurahan = $2) AND ($3::text IS NULL OR j.kecamatan = $3) AND ($4::text IS NULL OR j.kelas = $4)
GROUP BY d.day ORDER BY d.day;

-- name: count_job_changes
-- Workers of one kind ($4) on two days, by the buckets ($3) that their businesses were in on each; NULL: not counted then.
WITH pair AS (
    SELECT CASE $3::text WHEN 'kecamatan' THEN a.kecamatan WHEN 'kelurahan' THEN a.kelurahan ELSE a.kelas END AS was,
           CASE $3::text WHEN 'kecamatan' THEN b.kecamatan WHEN 'kelurahan' THEN b.kelurahan ELSE b.kelas END AS now,
           CASE $4::text WHEN 'paid_men' THEN a.paid_men WHEN 'paid_women' THEN a.paid_women
                         WHEN 'unpaid_men' THEN a.unpaid_men WHEN 'unpaid_women' THEN a.unpaid_women ELSE a.workers END AS v,
           CASE $4::text WHEN 'paid_men' THEN b.paid_men WHEN 'paid_women' THEN b.paid_women
                         WHEN 'unpaid_men' THEN b.unpaid_men WHEN 'unpaid_women' THEN b.unpaid_women ELSE b.workers END AS w
    FROM jobs_on($1) a FULL JOIN jobs_on($2) b ON b.business_id = a.business_id
)
SELECT was, now, coalesce(sum(v), 0)::bigint AS before, coalesce(sum(w), 0)::bigint AS after,
       count(*) FILTER (WHERE was IS NOT NULL AND v IS NULL) AS before_unknown,
       count(*) FILTER (WHERE now IS NOT NULL AND w IS NULL) AS after_unknown,
       coalesce(sum(w - v) FILTER (WHERE w > v), 0)::bigint AS bertambah,
       coalesce(sum(v - w) FILTER (WHERE w < v), 0)::bigint AS berkurang,
       coalesce(sum(w) FILTER (WHERE v IS NULL), 0)::bigint AS jadi_diketahui,
       coalesce(sum(v) FILTER (WHERE w IS NULL), 0)::bigint AS tidak_lagi_diketahui
FROM pair GROUP BY was, now;
