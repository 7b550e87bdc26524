-- What the audit reads: ids and counts, nothing personal.
CREATE SCHEMA IF NOT EXISTS audit;

CREATE VIEW audit.source (topic, aggregate_id, version) AS
    SELECT 'umkm.course'::text, id, version FROM course
    UNION ALL
    SELECT 'umkm.enrolment'::text, id, version FROM enrolment
    UNION ALL
    SELECT 'umkm.certificate'::text, id, version FROM certificate;

CREATE VIEW audit.subscription AS
    SELECT 'training'::text AS consumer, topic FROM (VALUES ('umkm.owner'), ('umkm.business')) AS t(topic);

CREATE VIEW audit.effect_declared AS
    SELECT 'training'::text AS consumer, effect, topic
    FROM (VALUES ('owner_copy', 'umkm.owner'), ('business_copy', 'umkm.business')) AS e(effect, topic);

CREATE VIEW audit.position AS
    SELECT consumer, topic, aggregate_id, position FROM stream_position WHERE consumer = 'training';

CREATE VIEW audit.effect AS
    SELECT 'training'::text AS consumer, 'owner_copy'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM owner_copy
    UNION ALL
    SELECT 'training', 'business_copy', 'umkm.business', business_id, version FROM business_copy;

CREATE VIEW audit.parked AS
    SELECT consumer, topic, aggregate_id, count(*) AS events FROM parked_event
    WHERE consumer = 'training' GROUP BY consumer, topic, aggregate_id;

GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.source, audit.subscription, audit.effect_declared, audit.position, audit.effect, audit.parked
    TO ${audit_role};
