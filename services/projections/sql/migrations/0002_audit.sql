-- What the audit reads. The functions look their tables up by name when they run, so that a swap of generations needs
-- no change here; they run with the owner's rights, so that the audit's login sees ids and counts and nothing else.
CREATE SCHEMA IF NOT EXISTS audit;

-- The sequence up to which each projection holds each aggregate. Equal to the position, or something is wrong:
-- timeline        rows of the business; -1 if one stands beyond the others
-- dashboard       the row's version; -1 if facts are missing from it
-- class history   the position, if there are as many rows as the dashboard folded class facts; else -1
CREATE FUNCTION audit_effect() RETURNS TABLE (effect text, aggregate_id uuid, "position" bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
    WITH business AS (
        SELECT s.aggregate_id, s.position FROM stream_position s
        WHERE s.consumer = 'projections' AND s.topic = 'umkm.business'
    ), timeline AS (
        SELECT business_id, count(*) AS events, max(sequence) AS newest FROM business_timeline GROUP BY business_id
    ), class AS (
        SELECT business_id, count(*) AS facts FROM class_history GROUP BY business_id
    )
    SELECT 'business_timeline', coalesce(b.aggregate_id, t.business_id),
           CASE WHEN t.newest > greatest(t.events, b.position) THEN -1 ELSE coalesce(t.events, 0) END
    FROM business b FULL JOIN timeline t ON t.business_id = b.aggregate_id
    UNION ALL
    SELECT 'district_dashboard', coalesce(b.aggregate_id, d.business_id),
           CASE WHEN d.facts <> d.version THEN -1 ELSE coalesce(d.version, 0) END
    FROM business b FULL JOIN district_dashboard d ON d.business_id = b.aggregate_id
    UNION ALL
    SELECT 'class_history', coalesce(b.aggregate_id, d.business_id, c.business_id),
           CASE WHEN d.class_facts IS DISTINCT FROM coalesce(c.facts, 0) THEN -1 ELSE d.version END
    FROM business b
    FULL JOIN district_dashboard d ON d.business_id = b.aggregate_id
    FULL JOIN class c ON c.business_id = coalesce(b.aggregate_id, d.business_id)
$body$;
REVOKE ALL ON FUNCTION audit_effect FROM public;

-- What this service reads, and the effects it must have: so that the audit misses also what never began.
CREATE VIEW audit.subscription AS SELECT 'projections'::text AS consumer, 'umkm.business'::text AS topic;
CREATE VIEW audit.effect_declared AS
    SELECT 'projections'::text AS consumer, effect, 'umkm.business'::text AS topic
    FROM (VALUES ('business_timeline'), ('district_dashboard'), ('class_history')) AS e(effect);

-- A generation that is not live keeps its positions under a name of its own; they are no concern of the audit.
CREATE VIEW audit.position AS
    SELECT consumer, topic, aggregate_id, position FROM stream_position WHERE consumer = 'projections';

CREATE VIEW audit.effect AS
    SELECT 'projections'::text AS consumer, effect, 'umkm.business'::text AS topic, aggregate_id, position
    FROM audit_effect();

CREATE VIEW audit.parked AS
    SELECT consumer, topic, aggregate_id, count(*) AS events FROM parked_event
    WHERE consumer = 'projections' GROUP BY consumer, topic, aggregate_id;

GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.subscription, audit.effect_declared, audit.position, audit.effect, audit.parked TO ${audit_role};
GRANT EXECUTE ON FUNCTION audit_effect TO ${audit_role};
