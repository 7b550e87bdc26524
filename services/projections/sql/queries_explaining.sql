-- The businesses and facts behind a number. Each cell_… statement gives what every business adds to a number, with the
-- sequences or streams of the facts that did it, if it knows them; its arguments begin at $3, for page_of_cell wraps it.
-- counted_… stands for the statement of that name in queries_figures.sql: what is counted is said once.

-- name: page_of_cell
-- What a cell comes to, how many businesses are in it, and those after $1, at most $2. The statement of the cell at hand
-- is put in where its name stands.
WITH cell AS MATERIALIZED (
    cell_statement
)
SELECT s.total, s.businesses, p.business_id, p.amount, p.facts
FROM (SELECT sum(amount)::bigint AS total, count(*) AS businesses FROM cell) s
LEFT JOIN (SELECT * FROM cell WHERE business_id > $1 ORDER BY business_id LIMIT $2) p ON true
ORDER BY p.business_id;

-- name: cell_district_dashboard
-- $3 kelurahan, $4 kecamatan, $5 class, $6 status, $7 sector, $8 source, $9 which number.
SELECT business_id, CASE $9::text WHEN 'tenaga_kerja' THEN workers ELSE 1 END AS amount, NULL::bigint[] AS facts
FROM district_dashboard
WHERE ($3::text IS NULL OR kelurahan = $3) AND ($4::text IS NULL OR kecamatan = $4)
  AND ($5::text IS NULL OR kelas = $5) AND ($6::text IS NULL OR status = $6)
  AND ($7::text IS NULL OR sector = $7) AND ($8::text IS NULL OR source = $8)
  AND CASE $9::text WHEN 'digabung' THEN status = 'digabung'
                    WHEN 'tenaga_kerja' THEN status NOT IN ('tutup', 'ditolak', 'digabung') AND workers IS NOT NULL
                    WHEN 'tanpa_data_tenaga_kerja' THEN status NOT IN ('tutup', 'ditolak', 'digabung') AND workers IS NULL
                    ELSE status <> 'digabung' END

-- name: cell_class_history
-- Steps up since $3, before $4; counted as businesses if $5.
SELECT business_id, CASE WHEN $5::boolean THEN 1 ELSE count(*) END AS amount, array_agg(sequence ORDER BY sequence) AS facts
FROM class_history WHERE naik_kelas AND at >= $3 AND at < $4 GROUP BY business_id

-- name: cell_funnel_stock
-- Businesses of a kecamatan ($4) and class ($5) at the end of year $3.
SELECT business_id, 1 AS amount, ARRAY[sequence] AS facts
FROM (SELECT DISTINCT ON (business_id) business_id, sequence, is_in, kecamatan, kelas FROM class_funnel
      WHERE year <= $3::int ORDER BY business_id DESC, sequence DESC) s
WHERE is_in AND ($4::text IS NULL OR kecamatan = $4) AND ($5::text IS NULL OR kelas = $5)

-- name: cell_funnel_flow
-- Moves of year $3 that came to a kecamatan ($4) and class ($5), if $6, or that left them.
SELECT business_id, count(*) AS amount, array_agg(sequence ORDER BY sequence) AS facts
FROM (SELECT business_id, sequence,
             was_in AND ($4::text IS NULL OR was_kecamatan = $4) AND ($5::text IS NULL OR was_kelas = $5) AS was,
             is_in AND ($4::text IS NULL OR kecamatan = $4) AND ($5::text IS NULL OR kelas = $5) AS now
      FROM class_funnel WHERE year = $3::int) m
WHERE CASE WHEN $6::boolean THEN now AND NOT was ELSE was AND NOT now END
GROUP BY business_id

-- name: cell_funnel_moves
-- Moves of year $3 of one kind ($5), seen from a kecamatan ($4): to it, or away from it if $8; from class $6 to class $7.
SELECT business_id, count(*) AS amount, array_agg(sequence ORDER BY sequence) AS facts
FROM class_funnel
WHERE year = $3::int AND move = $5::text AND (was_in OR is_in)
  AND ($4::text IS NULL OR $4 = CASE WHEN is_in AND NOT $8::boolean THEN kecamatan ELSE was_kecamatan END)
  AND ($6::text IS NULL OR (was_in AND was_kelas = $6)) AND ($7::text IS NULL OR (is_in AND kelas = $7))
GROUP BY business_id

-- name: cell_jobs
-- Workers of one kind ($7) on day $3, of a kelurahan ($4), kecamatan ($5) and class ($6); $8: which number.
SELECT business_id, CASE WHEN $8::text = 'tenaga_kerja' THEN v ELSE 1 END AS amount, NULL::bigint[] AS facts
FROM (SELECT j.business_id, j.kelurahan, j.kecamatan, j.kelas,
             CASE $7::text WHEN 'paid_men' THEN j.paid_men WHEN 'paid_women' THEN j.paid_women
                           WHEN 'unpaid_men' THEN j.unpaid_men WHEN 'unpaid_women' THEN j.unpaid_women ELSE j.workers END AS v
      FROM jobs_on($3::date) j) s
WHERE ($4::text IS NULL OR kelurahan = $4) AND ($5::text IS NULL OR kecamatan = $5) AND ($6::text IS NULL OR kelas = $6)
  AND CASE $8::text WHEN 'usaha' THEN true WHEN 'tidak_diketahui' THEN v IS NULL ELSE v IS NOT NULL END

-- name: cell_job_changes
-- Workers of one kind ($8) between days $3 and $4, of a kelurahan ($5), kecamatan ($6) and class ($7); $9: which change. What
-- changed in a business that moved is told where it is now.
WITH pair AS (
    SELECT p.business_id, p.was_kelas IS NOT NULL AS was_in, p.kelas IS NOT NULL AS is_in,
           p.was_kelas IS NOT NULL AND ($5::text IS NULL OR p.was_kelurahan = $5)
               AND ($6::text IS NULL OR p.was_kecamatan = $6) AND ($7::text IS NULL OR p.was_kelas = $7) AS was,
           p.kelas IS NOT NULL AND ($5::text IS NULL OR p.kelurahan = $5) AND ($6::text IS NULL OR p.kecamatan = $6)
               AND ($7::text IS NULL OR p.kelas = $7) AS now,
           p.before AS v, p.after AS w, p.first AS f
    FROM job_pairs($3::date, $4::date, $8::text) p
)
SELECT business_id, amount, NULL::bigint[] AS facts
FROM pair, LATERAL (SELECT CASE $9::text
    WHEN 'sebelum' THEN CASE WHEN was THEN v END
    WHEN 'sesudah' THEN CASE WHEN now THEN w END
    WHEN 'bertambah' THEN CASE WHEN now AND w > v THEN w - v END
    WHEN 'berkurang' THEN CASE WHEN now AND w < v THEN v - w END
    WHEN 'jadi_diketahui' THEN CASE WHEN now AND was_in AND v IS NULL THEN f END
    WHEN 'tidak_lagi_diketahui' THEN CASE WHEN now AND w IS NULL THEN v END
    WHEN 'baru' THEN CASE WHEN now AND NOT was_in THEN f END
    WHEN 'bertambah_sejak_didata' THEN CASE WHEN now AND v IS NULL AND w > f THEN w - f END
    WHEN 'berkurang_sejak_didata' THEN CASE WHEN now AND v IS NULL AND w < f THEN f - w END
    WHEN 'keluar' THEN CASE WHEN was AND NOT is_in THEN v END
    WHEN 'pindah_masuk' THEN CASE WHEN now AND was_in AND NOT was THEN v END
    WHEN 'pindah_keluar' THEN CASE WHEN was AND is_in AND NOT now THEN v END
END AS amount) AS c
WHERE amount IS NOT NULL

-- name: facts_class_funnel
-- Moves by business ($1) and sequence ($2).
SELECT f.business_id, f.sequence, f.event_id, f.name, f.at FROM class_funnel f
JOIN unnest($1::uuid[], $2::bigint[]) AS wanted(business_id, sequence) USING (business_id, sequence)
ORDER BY f.business_id, f.sequence;

-- name: facts_business_timeline
-- Facts of some names ($3) by business ($1) and sequence ($2).
SELECT t.business_id, t.sequence, t.event_id, t.name, t.at FROM business_timeline t
JOIN unnest($1::uuid[], $2::bigint[]) AS wanted(business_id, sequence) USING (business_id, sequence)
WHERE t.name = ANY ($3::text[]) ORDER BY t.business_id, t.sequence;

-- name: facts_first
-- The first fact of each business ($1), of those with these names ($2).
SELECT DISTINCT ON (business_id) business_id, sequence, event_id, name, at FROM business_timeline
WHERE business_id = ANY ($1::uuid[]) AND name = ANY ($2::text[]) ORDER BY business_id, sequence;

-- name: facts_last
-- The last fact of each business ($1), of those with these names ($2).
SELECT DISTINCT ON (business_id) business_id, sequence, event_id, name, at FROM business_timeline
WHERE business_id = ANY ($1::uuid[]) AND name = ANY ($2::text[]) ORDER BY business_id, sequence DESC;

-- name: facts_jobs
-- All that businesses ($1) had moved by day $2, or told of a day up to it.
SELECT business_id, sequence, event_id, name, at FROM jobs
WHERE business_id = ANY ($1::uuid[]) AND (day <= $2 OR counted_on <= $2) ORDER BY business_id, sequence;

-- name: sectors
-- The sectors that businesses were recorded with.
SELECT DISTINCT sector FROM district_dashboard ORDER BY sector;

-- name: cell_training_outcome
-- Enrolments of a kelurahan ($3), kecamatan ($4), programme ($5), course ($6), batch ($7) and year ($8), as texts, of which
-- TIDAK_DIKETAHUI is one; $9: which number.
SELECT business_id, count(*) AS amount,
       array_agg(CASE WHEN $9::text = 'bersertifikat' THEN certificate_id ELSE stream_id END) AS facts
FROM (counted_enrolments) e
WHERE ($3::text IS NULL OR kelurahan = $3) AND ($4::text IS NULL OR coalesce(kecamatan, 'TIDAK_DIKETAHUI') = $4)
  AND ($5::text IS NULL OR coalesce(programme_id::text, 'TIDAK_DIKETAHUI') = $5)
  AND ($6::text IS NULL OR coalesce(course_id::text, 'TIDAK_DIKETAHUI') = $6)
  AND ($7::text IS NULL OR coalesce(batch_id::text, 'TIDAK_DIKETAHUI') = $7)
  AND ($8::text IS NULL OR coalesce(year::text, 'TIDAK_DIKETAHUI') = $8)
  AND CASE $9::text WHEN 'pendaftaran' THEN true WHEN 'diterima' THEN seated WHEN 'hadir' THEN attended
                    WHEN 'lulus' THEN state = 'lulus' WHEN 'tidak_lulus' THEN state = 'tidak_lulus'
                    WHEN 'mundur' THEN withdrawn WHEN 'dibatalkan' THEN cancelled ELSE certificate_id IS NOT NULL END
GROUP BY business_id

-- name: cell_exhibition_turnover
-- Applications to an exhibition ($5) of a kelurahan ($3) or kecamatan ($4); $6: which number.
SELECT a.business_id, count(*) AS amount, array_agg(a.stream_id) AS facts
FROM exhibition_turnover a LEFT JOIN counted_businesses() p ON p.business_id = a.business_id
WHERE a.topic = 'umkm.application' AND a.exhibition_id = $5::uuid
  AND ($3::text IS NULL OR p.kelurahan = $3)
  AND ($4::text IS NULL OR coalesce(p.kecamatan, 'TIDAK_DIKETAHUI') = $4)
  AND CASE $6::text WHEN 'pendaftaran' THEN true WHEN 'ditempatkan' THEN a.placed WHEN 'ikut' THEN a.state = 'ikut'
                    WHEN 'tidak_hadir' THEN a.state = 'tidak_hadir'
                    WHEN 'melapor' THEN a.state = 'ikut' AND a.days_reported > 0
                    ELSE a.state = 'ikut' AND a.days_reported = 0 END
GROUP BY a.business_id

-- name: cell_mentoring_activity
-- What a mentor ($6) did in the week from Monday $5 with businesses of a kelurahan ($3) or kecamatan ($4); $7: which number.
WITH care AS (
    SELECT m.mentor_id, m.business_id, m.name, m.day AS since,
           lead(m.day) OVER (PARTITION BY m.stream_id ORDER BY m.sequence) AS until
    FROM mentoring_activity m WHERE m.topic = 'umkm.mentoring' AND m.name NOT IN ('', 'mentoring.visited')
), done AS (
    SELECT business_id FROM mentoring_activity
    WHERE $7::text <> 'didampingi' AND name = 'mentoring.visited' AND mentor_id = $6::uuid
      AND day BETWEEN $5::date AND $5::date + 6
    UNION ALL
    SELECT business_id FROM care
    WHERE $7::text = 'didampingi' AND mentor_id = $6::uuid AND name <> 'mentoring.ended' AND since <= $5::date + 6
      AND (until IS NULL OR (until > $5::date AND until > since))
)
SELECT d.business_id, CASE $7::text WHEN 'pertemuan' THEN count(*) ELSE 1 END AS amount, NULL::uuid[] AS facts
FROM done d LEFT JOIN counted_businesses() p ON p.business_id = d.business_id
WHERE ($3::text IS NULL OR p.kelurahan = $3) AND ($4::text IS NULL OR coalesce(p.kecamatan, 'TIDAK_DIKETAHUI') = $4)
GROUP BY d.business_id

-- name: cell_service_equity
-- Businesses of a kelurahan ($3) or kecamatan ($4), and the help they had; $5: which number.
SELECT business_id, 1 AS amount, NULL::uuid[] AS facts
FROM (counted_help) h
WHERE ($3::text IS NULL OR kelurahan = $3) AND ($4::text IS NULL OR kecamatan = $4)
  AND CASE $5::text WHEN 'usaha' THEN true WHEN 'dilatih' THEN trained WHEN 'ditempatkan' THEN placed
                    WHEN 'didampingi' THEN mentored ELSE NOT (trained OR placed OR mentored) END

-- name: facts_of_streams
-- What the streams ($2) tell of businesses ($1).
SELECT t.business_id, t.sequence, t.event_id, t.name, t.at FROM service_timeline t
JOIN unnest($1::uuid[], $2::uuid[]) AS wanted(business_id, stream_id) USING (business_id, stream_id)
WHERE t.name <> '' ORDER BY t.business_id, t.at, t.sequence;

-- name: facts_of_help
-- Facts of some names ($2) about businesses that are counted as those in $1. Who was absent was not helped, and who had a
-- place at an exhibition that was cancelled neither.
SELECT p.counted_as AS business_id, t.sequence, t.event_id, t.name, t.at
FROM counted_businesses() p JOIN service_timeline t ON t.business_id = p.business_id
WHERE p.counted_as = ANY ($1::uuid[]) AND t.name = ANY ($2::text[]) AND t.detail ->> 'present' IS DISTINCT FROM 'false'
  AND NOT EXISTS (SELECT FROM exhibition_turnover a JOIN exhibition_turnover x ON x.stream_id = a.exhibition_id
                  WHERE a.stream_id = t.stream_id AND x.cancelled)
ORDER BY 1, t.at, t.sequence;

-- name: facts_of_mentoring
-- Of businesses ($1) in the week from Monday $3: what a mentor's ($2) visits tell, if $4, else since when and until when
-- somebody looked after them.
SELECT t.business_id, t.sequence, t.event_id, t.name, t.at
FROM mentoring_activity m JOIN service_timeline t USING (business_id, stream_id, sequence)
WHERE m.business_id = ANY ($1::uuid[]) AND m.day <= $3::date + 6
  AND CASE WHEN $4::boolean THEN m.name = 'mentoring.visited' AND m.mentor_id = $2::uuid AND m.day >= $3::date
           ELSE m.name NOT IN ('', 'mentoring.visited') END
ORDER BY t.business_id, t.at, t.sequence;
