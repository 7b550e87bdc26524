-- Statements of the projections. A rebuild runs the same ones against the other generation, by the name of its table.

-- name: hold_generations
-- Keeps the generations from being swapped until the transaction ends. Before anything else in it.
SELECT pg_advisory_xact_lock_shared($1);

-- name: stop_batches
-- Waits until no batch is under way and keeps new ones waiting until the transaction ends.
SELECT pg_advisory_xact_lock($1);

-- name: load_district_dashboard
-- The rows of some businesses.
SELECT business_id, kelurahan, kecamatan, kelas, status, sector, workers, source, as_of, merged_into, class_facts,
       facts, version, changed_at, workers_as_of
FROM district_dashboard WHERE business_id = ANY ($1::uuid[]);

-- name: save_district_dashboard
-- Rows of a batch, a column an array. A row that is further already stays as it is.
INSERT INTO district_dashboard (business_id, kelurahan, kecamatan, kelas, status, sector, workers, source, as_of,
                                merged_into, class_facts, facts, version, changed_at, workers_as_of)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
                     $9::date[], $10::uuid[], $11::int[], $12::bigint[], $13::bigint[], $14::timestamptz[], $15::date[])
ON CONFLICT (business_id) DO UPDATE SET
    kelurahan = EXCLUDED.kelurahan, kecamatan = EXCLUDED.kecamatan, kelas = EXCLUDED.kelas, status = EXCLUDED.status,
    sector = EXCLUDED.sector, workers = EXCLUDED.workers, source = EXCLUDED.source, as_of = EXCLUDED.as_of,
    merged_into = EXCLUDED.merged_into, class_facts = EXCLUDED.class_facts, facts = EXCLUDED.facts,
    version = EXCLUDED.version, changed_at = EXCLUDED.changed_at, workers_as_of = EXCLUDED.workers_as_of
WHERE district_dashboard.version < EXCLUDED.version;

-- name: save_business_timeline
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO business_timeline (business_id, sequence, event_id, name, at, origin, detail)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::jsonb[])
ON CONFLICT (business_id, sequence) DO UPDATE SET
    event_id = EXCLUDED.event_id, name = EXCLUDED.name, at = EXCLUDED.at, origin = EXCLUDED.origin,
    detail = EXCLUDED.detail;

-- name: save_class_history
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO class_history (business_id, sequence, before, after, basis, year, source, as_of, naik_kelas, at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::date[],
                     $9::boolean[], $10::timestamptz[])
ON CONFLICT (business_id, sequence) DO UPDATE SET
    before = EXCLUDED.before, after = EXCLUDED.after, basis = EXCLUDED.basis, year = EXCLUDED.year,
    source = EXCLUDED.source, as_of = EXCLUDED.as_of, naik_kelas = EXCLUDED.naik_kelas, at = EXCLUDED.at;

-- name: save_service_timeline
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO service_timeline (business_id, stream_id, sequence, topic, event_id, name, at, origin, detail)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[],
                     $8::text[], $9::jsonb[])
ON CONFLICT (business_id, stream_id, sequence) DO UPDATE SET
    topic = EXCLUDED.topic, event_id = EXCLUDED.event_id, name = EXCLUDED.name, at = EXCLUDED.at,
    origin = EXCLUDED.origin, detail = EXCLUDED.detail;

-- name: load_training_outcome
-- The rows of some streams.
SELECT stream_id, topic, course_id, batch_id, enrolment_id, business_id, programme_id, programme, title, batches, state,
       seated, present, year, facts, version, changed_at, cause
FROM training_outcome WHERE stream_id = ANY ($1::uuid[]);

-- name: save_training_outcome
-- Rows of a batch, a column an array. A row that is further already stays as it is.
INSERT INTO training_outcome (stream_id, topic, course_id, batch_id, enrolment_id, business_id, programme_id, programme,
                              title, batches, state, seated, present, year, facts, version, changed_at, cause)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[],
                     $9::text[], $10::jsonb[], $11::text[], $12::boolean[], $13::jsonb[], $14::int[], $15::bigint[],
                     $16::bigint[], $17::timestamptz[], $18::text[])
ON CONFLICT (stream_id) DO UPDATE SET
    course_id = EXCLUDED.course_id, batch_id = EXCLUDED.batch_id, enrolment_id = EXCLUDED.enrolment_id,
    business_id = EXCLUDED.business_id, programme_id = EXCLUDED.programme_id, programme = EXCLUDED.programme,
    title = EXCLUDED.title, batches = EXCLUDED.batches, state = EXCLUDED.state, seated = EXCLUDED.seated,
    present = EXCLUDED.present, year = EXCLUDED.year, facts = EXCLUDED.facts, version = EXCLUDED.version,
    changed_at = EXCLUDED.changed_at, cause = EXCLUDED.cause
WHERE training_outcome.version < EXCLUDED.version;

-- name: load_exhibition_turnover
-- The rows of some streams.
SELECT stream_id, topic, exhibition_id, business_id, title, place, starts_on, ends_on, cancelled, participants, reports,
       total, state, placed, days_reported, facts, version, changed_at
FROM exhibition_turnover WHERE stream_id = ANY ($1::uuid[]);

-- name: save_exhibition_turnover
-- Rows of a batch, a column an array. A row that is further already stays as it is.
INSERT INTO exhibition_turnover (stream_id, topic, exhibition_id, business_id, title, place, starts_on, ends_on, cancelled,
                                 participants, reports, total, state, placed, days_reported, facts, version, changed_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::date[], $8::date[],
                     $9::boolean[], $10::int[], $11::int[], $12::bigint[], $13::text[], $14::boolean[], $15::int[],
                     $16::bigint[], $17::bigint[], $18::timestamptz[])
ON CONFLICT (stream_id) DO UPDATE SET
    exhibition_id = EXCLUDED.exhibition_id, business_id = EXCLUDED.business_id, title = EXCLUDED.title,
    place = EXCLUDED.place, starts_on = EXCLUDED.starts_on, ends_on = EXCLUDED.ends_on, cancelled = EXCLUDED.cancelled,
    participants = EXCLUDED.participants, reports = EXCLUDED.reports, total = EXCLUDED.total, state = EXCLUDED.state,
    placed = EXCLUDED.placed, days_reported = EXCLUDED.days_reported, facts = EXCLUDED.facts,
    version = EXCLUDED.version, changed_at = EXCLUDED.changed_at
WHERE exhibition_turnover.version < EXCLUDED.version;

-- name: save_mentoring_activity
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO mentoring_activity (stream_id, sequence, topic, name, mentor_id, business_id, day, weekly_target, at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::date[], $8::int[],
                     $9::timestamptz[])
ON CONFLICT (stream_id, sequence) DO UPDATE SET
    topic = EXCLUDED.topic, name = EXCLUDED.name, mentor_id = EXCLUDED.mentor_id, business_id = EXCLUDED.business_id,
    day = EXCLUDED.day, weekly_target = EXCLUDED.weekly_target, at = EXCLUDED.at;

-- name: load_class_funnel
-- The last move of each of some businesses, each by the key.
SELECT l.* FROM unnest($1::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT business_id, sequence, ordinal, event_id, name, at, year, move, was_in, was_kecamatan, was_kelas,
           is_in, kecamatan, kelas
    FROM class_funnel WHERE business_id = wanted.id ORDER BY sequence DESC LIMIT 1) AS l;

-- name: save_class_funnel
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO class_funnel (business_id, sequence, ordinal, event_id, name, at, year, move, was_in, was_kecamatan, was_kelas,
                        is_in, kecamatan, kelas)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::text[], $6::timestamptz[], $7::int[],
                     $8::text[], $9::boolean[], $10::text[], $11::text[], $12::boolean[], $13::text[], $14::text[])
ON CONFLICT (business_id, sequence) DO UPDATE SET
    ordinal = EXCLUDED.ordinal, event_id = EXCLUDED.event_id, name = EXCLUDED.name, at = EXCLUDED.at,
    year = EXCLUDED.year, move = EXCLUDED.move, was_in = EXCLUDED.was_in,
    was_kecamatan = EXCLUDED.was_kecamatan, was_kelas = EXCLUDED.was_kelas, is_in = EXCLUDED.is_in,
    kecamatan = EXCLUDED.kecamatan, kelas = EXCLUDED.kelas;

-- name: load_jobs
-- The last row of each of some businesses, each by the key.
SELECT l.* FROM unnest($1::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT business_id, sequence, ordinal, event_id, name, at, day, is_in, kelurahan, kecamatan, kelas,
           workers, paid_men, paid_women, unpaid_men, unpaid_women, counted_on
    FROM jobs WHERE business_id = wanted.id ORDER BY sequence DESC LIMIT 1) AS l;

-- name: save_jobs
-- Rows of a batch; one that is there already is written again, which changes nothing.
INSERT INTO jobs (business_id, sequence, ordinal, event_id, name, at, day, is_in, kelurahan, kecamatan, kelas, workers,
                paid_men, paid_women, unpaid_men, unpaid_women, counted_on)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::text[], $6::timestamptz[], $7::date[],
                     $8::boolean[], $9::text[], $10::text[], $11::text[], $12::int[], $13::int[], $14::int[], $15::int[],
                     $16::int[], $17::date[])
ON CONFLICT (business_id, sequence) DO UPDATE SET
    ordinal = EXCLUDED.ordinal, event_id = EXCLUDED.event_id, name = EXCLUDED.name, at = EXCLUDED.at,
    day = EXCLUDED.day, is_in = EXCLUDED.is_in, kelurahan = EXCLUDED.kelurahan,
    kecamatan = EXCLUDED.kecamatan, kelas = EXCLUDED.kelas, workers = EXCLUDED.workers,
    paid_men = EXCLUDED.paid_men, paid_women = EXCLUDED.paid_women, unpaid_men = EXCLUDED.unpaid_men,
    unpaid_women = EXCLUDED.unpaid_women, counted_on = EXCLUDED.counted_on;

-- name: count_businesses
-- Every count of the dashboard in one pass, so that all of them speak of the same moment. A merged business is
-- counted under the one it went into, and apart. Workers are those of the businesses that the ledgers count (decision 28):
-- who closed employs nobody any more. level tells the grouping sets apart: a bit per column, from kecamatan (32) to
-- source (1), set if the column is not grouped by.
SELECT GROUPING(kecamatan, kelurahan, kelas, status, sector, source) AS level,
       kecamatan, kelurahan, kelas, status, sector, source,
       count(*) FILTER (WHERE status <> 'digabung') AS businesses,
       count(*) FILTER (WHERE status = 'digabung') AS merged,
       sum(workers) FILTER (WHERE status NOT IN ('tutup', 'ditolak', 'digabung')) AS workers,
       count(workers) FILTER (WHERE status NOT IN ('tutup', 'ditolak', 'digabung')) AS workers_known,
       count(*) FILTER (WHERE status NOT IN ('tutup', 'ditolak', 'digabung') AND workers IS NULL) AS workers_unknown,
       min(as_of) FILTER (WHERE status <> 'digabung') AS oldest,
       max(as_of) FILTER (WHERE status <> 'digabung') AS newest,
       max(changed_at) AS changed_at
FROM district_dashboard
GROUP BY GROUPING SETS ((kecamatan, kelas), (kecamatan), (kelurahan), (kelas), (status), (sector), (source), ());

-- name: count_naik_kelas
-- Steps up the ladder mikro, kecil, menengah since a day, and the businesses that made them.
SELECT count(*) AS steps, count(DISTINCT business_id) AS businesses FROM class_history
WHERE naik_kelas AND at >= $1;

-- name: business_place
-- Where a business is; no row if it is not known here.
SELECT kelurahan FROM district_dashboard WHERE business_id = $1;

-- name: business_timeline_page
-- What happened to a business after a place in its order, of all services. Within a stream the order is that of its
-- sequence, also where a clock was set back: what came later is told as no earlier than what came before. A fact without a
-- name is only counted: it is told in another major.
WITH fact AS (
    SELECT business_id AS stream_id, sequence, event_id, name, at, origin, detail FROM business_timeline
    WHERE business_id = $1
    UNION ALL
    SELECT stream_id, sequence, event_id, name, at, origin, detail FROM service_timeline
    WHERE business_id = $1 AND stream_id <> $1
), told AS (
    SELECT *, max(at) OVER (PARTITION BY stream_id ORDER BY sequence) AS moment FROM fact
)
SELECT moment, stream_id, sequence, event_id, name, at, origin, detail FROM told
WHERE name <> '' AND (moment, stream_id, sequence) > ($2, $3, $4) ORDER BY moment, stream_id, sequence LIMIT $5;

-- name: business_classes
-- The classes of a business, oldest first.
SELECT sequence, before, after, basis, year, source, as_of, naik_kelas, at FROM class_history
WHERE business_id = $1 ORDER BY sequence;

-- name: list_generations
-- The generations of every projection, newest first.
SELECT projection, generation, state, started_at, swapped_at, report FROM projection_generation
ORDER BY projection, generation DESC;
