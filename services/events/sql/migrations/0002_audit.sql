-- What the audit reads: ids and counts, nothing personal.
CREATE SCHEMA IF NOT EXISTS audit;

CREATE VIEW audit.source (topic, aggregate_id, version) AS
    SELECT 'umkm.exhibition'::text, id, version FROM exhibition
    UNION ALL
    SELECT 'umkm.application'::text, id, version FROM application
    UNION ALL
    SELECT 'umkm.outlet'::text, id, version FROM outlet;

CREATE VIEW audit.subscription AS
    SELECT 'events'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.enrolment')) AS t(topic);

CREATE VIEW audit.effect_declared AS
    SELECT 'events'::text AS consumer, effect, topic
    FROM (VALUES ('owner_copy', 'umkm.owner'), ('business_copy', 'umkm.business'), ('enrolment_copy', 'umkm.enrolment'))
         AS e(effect, topic);

CREATE VIEW audit.position AS
    SELECT consumer, topic, aggregate_id, position FROM stream_position WHERE consumer = 'events';

CREATE VIEW audit.effect AS
    SELECT 'events'::text AS consumer, 'owner_copy'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM owner_copy
    UNION ALL
    SELECT 'events', 'business_copy', 'umkm.business', business_id, version FROM business_copy
    UNION ALL
    SELECT 'events', 'enrolment_copy', 'umkm.enrolment', enrolment_id, version FROM enrolment_copy;

CREATE VIEW audit.parked AS
    SELECT consumer, topic, aggregate_id, count(*) AS events FROM parked_event
    WHERE consumer = 'events' GROUP BY consumer, topic, aggregate_id;

GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.source, audit.subscription, audit.effect_declared, audit.position, audit.effect, audit.parked
    TO ${audit_role};
