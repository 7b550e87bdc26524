-- Audits of a part, and audits that continue from an earlier one (docs/decisions/0050).

-- What was not looked at: '' for an audit of the whole.
ALTER TABLE audit_run ADD COLUMN left_out text NOT NULL DEFAULT '';

CREATE FUNCTION audit.keep_run(actor text, ok boolean, events bigint, aggregates bigint, seconds double precision, findings jsonb,
                               left_out text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO audit_run (actor, ok, events, aggregates, seconds, findings, left_out)
    VALUES (left(actor, 200), ok, events, aggregates, seconds, findings, left(left_out, 2000));
    -- Of the parts the newest hundred, and of the whole: parts that come every minute must not drive the whole out.
    DELETE FROM audit_run r WHERE r.id < (
        SELECT min(n.id) FROM (SELECT id FROM audit_run WHERE (audit_run.left_out = '') = (r.left_out = '')
                               ORDER BY id DESC LIMIT 100) n);
$body$;
REVOKE ALL ON FUNCTION audit.keep_run(text, boolean, bigint, bigint, double precision, jsonb, text) FROM public;
GRANT EXECUTE ON FUNCTION audit.keep_run(text, boolean, bigint, bigint, double precision, jsonb, text) TO ${audit_role};

-- What the last green audit of all services proved: ids, versions and places in the log, nothing personal. It is sealed with
-- what only an auditor knows, so that whoever can write here cannot make one up. 24 bytes an aggregate, and they do not compress.
CREATE TABLE audit_checkpoint (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    at timestamptz NOT NULL DEFAULT now(),
    seal bytea NOT NULL CHECK (octet_length(seal) = 32),
    body bytea NOT NULL
);
ALTER TABLE audit_checkpoint ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE VIEW audit.checkpoint AS SELECT seal, body FROM audit_checkpoint;

CREATE FUNCTION audit.keep_checkpoint(seal bytea, body bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    INSERT INTO audit_checkpoint (seal, body) VALUES ($1, $2)
    ON CONFLICT (only_row) DO UPDATE SET at = now(), seal = EXCLUDED.seal, body = EXCLUDED.body
$body$;
REVOKE ALL ON FUNCTION audit.keep_checkpoint FROM public;

-- Which tables the effects stand in now: a rebuild since puts others in their place, of which nothing was proved.
CREATE VIEW audit.generation AS
    SELECT projection, generation, swapped_at FROM projection_generation WHERE state = 'live';

-- The rows of audit.effect of some aggregates: the rules of audit_effect (0002), audit_service_effect (0101) and
-- audit_ledger_effect (0202), each table read by its index. tests/projections/test_effect_of.py holds both against each other.
CREATE FUNCTION audit.effect_of(ids uuid[])
RETURNS TABLE (consumer text, effect text, topic text, aggregate_id uuid, "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    WITH stood AS (
        SELECT s.topic, s.aggregate_id, s.position FROM stream_position s
        WHERE s.consumer = 'projections' AND s.aggregate_id = ANY ($1)
    ), business AS (
        SELECT s.aggregate_id, s.position FROM stood s WHERE s.topic = 'umkm.business'
    ), seen AS (
        SELECT d.business_id, d.version, d.facts, d.class_facts, d.kelurahan, d.kecamatan, d.kelas, d.status, d.workers
        FROM district_dashboard d WHERE d.business_id = ANY ($1)
    ), timeline AS (
        SELECT t.business_id, count(*) AS events, max(t.sequence) AS newest FROM business_timeline t
        WHERE t.business_id = ANY ($1) GROUP BY t.business_id
    ), class AS (
        SELECT c.business_id, count(*) AS facts FROM class_history c WHERE c.business_id = ANY ($1) GROUP BY c.business_id
    ), standing AS (
        SELECT coalesce(b.aggregate_id, d.business_id) AS business_id, d.version, d.kelurahan, d.kecamatan, d.kelas,
               d.status NOT IN ('tutup', 'ditolak', 'digabung') AS is_in, d.workers
        FROM business b FULL JOIN seen d ON d.business_id = b.aggregate_id
    ), move AS (
        SELECT f.*, row_number() OVER w AS n, lead(f.sequence) OVER w IS NULL AS last,
               (f.was_in, f.was_kecamatan, f.was_kelas)
                   = (lag(f.is_in) OVER w, lag(f.kecamatan) OVER w, lag(f.kelas) OVER w) AS joined
        FROM class_funnel f WHERE f.business_id = ANY ($1)
        WINDOW w AS (PARTITION BY f.business_id ORDER BY f.sequence)
    ), funnel AS (
        SELECT m.business_id, bool_and(m.ordinal = m.n AND (m.n = 1 OR m.joined)) AS whole,
               bool_or(m.is_in) FILTER (WHERE m.last) AS is_in, max(m.kecamatan) FILTER (WHERE m.last) AS kecamatan,
               max(m.kelas) FILTER (WHERE m.last) AS kelas
        FROM move m GROUP BY m.business_id
    ), numbered AS (
        SELECT j.*, row_number() OVER w AS n, lead(j.sequence) OVER w IS NULL AS last
        FROM jobs j WHERE j.business_id = ANY ($1)
        WINDOW w AS (PARTITION BY j.business_id ORDER BY j.sequence)
    ), job AS (
        SELECT r.business_id, bool_and(r.ordinal = r.n) AS whole, bool_or(r.is_in) FILTER (WHERE r.last) AS is_in,
               max(r.kelurahan) FILTER (WHERE r.last) AS kelurahan, max(r.kelas) FILTER (WHERE r.last) AS kelas,
               (array_agg(r.workers ORDER BY r.counted_on DESC NULLS LAST, r.sequence DESC))[1] AS workers
        FROM numbered r GROUP BY r.business_id
    ), stream AS (
        SELECT d.effect, d.topic, s.aggregate_id, s.position FROM stood s
        JOIN audit.effect_declared d ON d.topic = s.topic WHERE d.topic <> 'umkm.business'
    ), kept AS (
        SELECT 'training_outcome' AS effect, t.topic, t.stream_id,
               CASE WHEN t.facts <> t.version THEN -1 ELSE t.version END AS reached, t.version AS newest
        FROM training_outcome t WHERE t.stream_id = ANY ($1)
        UNION ALL
        SELECT 'exhibition_turnover', x.topic, x.stream_id,
               CASE WHEN x.facts <> x.version THEN -1 ELSE x.version END, x.version
        FROM exhibition_turnover x WHERE x.stream_id = ANY ($1)
        UNION ALL
        SELECT 'mentoring_activity', m.topic, m.stream_id, count(*), max(m.sequence)
        FROM mentoring_activity m WHERE m.stream_id = ANY ($1) GROUP BY m.topic, m.stream_id
        UNION ALL
        SELECT 'service_timeline', t.topic, t.stream_id, count(DISTINCT t.sequence), max(t.sequence)
        FROM service_timeline t WHERE t.stream_id = ANY ($1) GROUP BY t.topic, t.stream_id
    ), found AS (
        SELECT 'business_timeline' AS effect, 'umkm.business' AS topic, coalesce(b.aggregate_id, t.business_id) AS aggregate_id,
               CASE WHEN t.newest > greatest(t.events, b.position) THEN -1 ELSE coalesce(t.events, 0) END AS "position"
        FROM business b FULL JOIN timeline t ON t.business_id = b.aggregate_id
        UNION ALL
        SELECT 'district_dashboard', 'umkm.business', coalesce(b.aggregate_id, d.business_id),
               CASE WHEN d.facts <> d.version THEN -1 ELSE coalesce(d.version, 0) END
        FROM business b FULL JOIN seen d ON d.business_id = b.aggregate_id
        UNION ALL
        SELECT 'class_history', 'umkm.business', coalesce(b.aggregate_id, d.business_id, c.business_id),
               CASE WHEN d.class_facts IS DISTINCT FROM coalesce(c.facts, 0) THEN -1 ELSE d.version END
        FROM business b
        FULL JOIN seen d ON d.business_id = b.aggregate_id
        FULL JOIN class c ON c.business_id = coalesce(b.aggregate_id, d.business_id)
        UNION ALL
        SELECT 'class_funnel', 'umkm.business', coalesce(s.business_id, f.business_id),
               CASE WHEN f.whole AND (f.is_in, f.kecamatan, f.kelas) = (s.is_in, s.kecamatan, s.kelas) THEN s.version
                    ELSE -1 END
        FROM standing s FULL JOIN funnel f ON f.business_id = s.business_id
        UNION ALL
        SELECT 'jobs', 'umkm.business', coalesce(s.business_id, j.business_id),
               CASE WHEN j.whole AND (j.is_in, j.kelurahan, j.kelas) = (s.is_in, s.kelurahan, s.kelas)
                         AND j.workers IS NOT DISTINCT FROM s.workers THEN s.version
                    ELSE -1 END
        FROM standing s FULL JOIN job j ON j.business_id = s.business_id
        UNION ALL
        SELECT coalesce(s.effect, k.effect), coalesce(s.topic, k.topic), coalesce(s.aggregate_id, k.stream_id),
               CASE WHEN k.newest > greatest(k.reached, s.position) THEN -1 ELSE coalesce(k.reached, 0) END
        FROM stream s
        FULL JOIN kept k ON k.effect = s.effect AND k.topic = s.topic AND k.stream_id = s.aggregate_id
    )
    SELECT 'projections', f.effect, f.topic, f.aggregate_id, f.position FROM found f
$body$;
REVOKE ALL ON FUNCTION audit.effect_of FROM public;

GRANT SELECT ON audit.checkpoint, audit.generation TO ${audit_role};
GRANT EXECUTE ON FUNCTION audit.keep_checkpoint, audit.effect_of TO ${audit_role};
