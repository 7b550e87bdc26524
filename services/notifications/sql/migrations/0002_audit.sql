-- What the audit reads: ids, counts and states, nothing personal.
CREATE SCHEMA IF NOT EXISTS audit;

CREATE VIEW audit.subscription AS
    SELECT 'notifications'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.import')) AS t(topic);

CREATE VIEW audit.effect_declared AS
    SELECT 'notifications'::text AS consumer, effect, topic
    FROM (VALUES ('recipient', 'umkm.owner'), ('business_contact', 'umkm.business')) AS e(effect, topic);

CREATE VIEW audit.position AS
    SELECT consumer, topic, aggregate_id, position FROM stream_position WHERE consumer = 'notifications';

CREATE VIEW audit.effect AS
    SELECT 'notifications'::text AS consumer, 'recipient'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM recipient
    UNION ALL
    SELECT 'notifications', 'business_contact', 'umkm.business', business_id, version FROM business_contact;

CREATE VIEW audit.parked AS
    SELECT consumer, topic, aggregate_id, count(*) AS events FROM parked_event
    WHERE consumer = 'notifications' GROUP BY consumer, topic, aggregate_id;

-- One row per event that has a message: how many, and how they stand.
CREATE VIEW audit.message AS
    SELECT event_id, count(*) AS messages, string_agg(DISTINCT state, ',' ORDER BY state) AS states
    FROM message GROUP BY event_id;

CREATE VIEW audit.notifying_type AS SELECT type, origin FROM notifying_type;

GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.subscription, audit.effect_declared, audit.position, audit.effect, audit.parked, audit.message,
    audit.notifying_type TO ${audit_role};
