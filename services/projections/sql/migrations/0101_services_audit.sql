-- What the audit reads of the read models of 0100: the sequence up to which each of them holds each stream.
-- one row per stream     the row's version; -1 if facts are missing from it
-- a row per fact         how many facts have rows; -1 if one stands beyond the others
CREATE FUNCTION audit_service_effect() RETURNS TABLE (effect text, topic text, aggregate_id uuid, "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    WITH declared AS (
        SELECT e.effect, e.topic FROM audit.effect_declared e WHERE e.topic <> 'umkm.business'
    ), stream AS (
        SELECT d.effect, d.topic, s.aggregate_id, s.position FROM stream_position s
        JOIN declared d ON d.topic = s.topic WHERE s.consumer = 'projections'
    ), kept AS (
        SELECT 'training_outcome' AS effect, t.topic, t.stream_id,
               CASE WHEN t.facts <> t.version THEN -1 ELSE t.version END AS reached, t.version AS newest
        FROM training_outcome t
        UNION ALL
        SELECT 'exhibition_turnover', x.topic, x.stream_id,
               CASE WHEN x.facts <> x.version THEN -1 ELSE x.version END, x.version
        FROM exhibition_turnover x
        UNION ALL
        SELECT 'mentoring_activity', m.topic, m.stream_id, count(*), max(m.sequence)
        FROM mentoring_activity m GROUP BY m.topic, m.stream_id
        UNION ALL
        SELECT 'service_timeline', t.topic, t.stream_id, count(DISTINCT t.sequence), max(t.sequence)
        FROM service_timeline t GROUP BY t.topic, t.stream_id
    )
    SELECT coalesce(s.effect, k.effect), coalesce(s.topic, k.topic), coalesce(s.aggregate_id, k.stream_id),
           CASE WHEN k.newest > greatest(k.reached, s.position) THEN -1 ELSE coalesce(k.reached, 0) END
    FROM stream s
    FULL JOIN kept k ON k.effect = s.effect AND k.topic = s.topic AND k.stream_id = s.aggregate_id
$body$;
REVOKE ALL ON FUNCTION audit_service_effect FROM public;
GRANT EXECUTE ON FUNCTION audit_service_effect TO ${audit_role};

CREATE OR REPLACE VIEW audit.effect_declared AS
    SELECT 'projections'::text AS consumer, effect, topic
    FROM (VALUES ('business_timeline', 'umkm.business'), ('district_dashboard', 'umkm.business'),
                 ('class_history', 'umkm.business'),
                 ('service_timeline', 'umkm.enrolment'), ('service_timeline', 'umkm.certificate'),
                 ('service_timeline', 'umkm.application'), ('service_timeline', 'umkm.outlet'),
                 ('service_timeline', 'umkm.licence'), ('service_timeline', 'umkm.brand'),
                 ('service_timeline', 'umkm.mentoring'),
                 ('training_outcome', 'umkm.course'), ('training_outcome', 'umkm.enrolment'),
                 ('training_outcome', 'umkm.certificate'),
                 ('exhibition_turnover', 'umkm.exhibition'), ('exhibition_turnover', 'umkm.application'),
                 ('mentoring_activity', 'umkm.mentor'), ('mentoring_activity', 'umkm.mentoring')) AS e(effect, topic);

CREATE OR REPLACE VIEW audit.subscription AS
    SELECT DISTINCT consumer, topic FROM audit.effect_declared;

CREATE OR REPLACE VIEW audit.effect AS
    SELECT 'projections'::text AS consumer, effect, 'umkm.business'::text AS topic, aggregate_id, position
    FROM audit_effect()
    UNION ALL
    SELECT 'projections', effect, topic, aggregate_id, position FROM audit_service_effect();
