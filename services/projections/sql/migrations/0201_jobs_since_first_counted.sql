-- Every business that was counted on the day since or on the day until, with where it stood on each (NULL: not counted then), and its workers of one
-- kind (a column of jobs): before and after, where it was counted on that day; and first, what a growth is measured from
-- where before is not known: what is known by now of the day since, else the first count after it. first is known wherever
-- after is. One pass along the primary key: a row says where the business stood until the next one came (days never go
-- back), and its workers count from their day until that of a row that was recorded later. With the rights of the
-- caller, and by name, so that a swap of generations needs no change here.
CREATE FUNCTION job_pairs(since date, until date, kind text) RETURNS TABLE (
    business_id uuid, was_kelurahan text, was_kecamatan text, was_kelas text, kelurahan text, kecamatan text, kelas text,
    before int, after int, first int)
LANGUAGE sql STABLE AS $body$
    WITH step AS (
        SELECT j.business_id, j.sequence, j.day, j.is_in, j.kelurahan, j.kecamatan, j.kelas, j.counted_on,
               CASE $3 WHEN 'paid_men' THEN j.paid_men WHEN 'paid_women' THEN j.paid_women
                       WHEN 'unpaid_men' THEN j.unpaid_men WHEN 'unpaid_women' THEN j.unpaid_women ELSE j.workers END AS n,
               lead(j.day) OVER w AS next_day,
               min(j.counted_on) OVER (w ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_count
        FROM jobs j WINDOW w AS (PARTITION BY j.business_id ORDER BY j.sequence)
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
