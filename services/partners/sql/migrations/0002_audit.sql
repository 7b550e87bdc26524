-- What the audit reads: ids and counts, nothing personal.
CREATE SCHEMA IF NOT EXISTS audit;

CREATE VIEW audit.source (topic, aggregate_id, version) AS
    SELECT 'umkm.agreement'::text, id, version FROM agreement;

CREATE VIEW audit.subscription AS
    SELECT 'partners'::text AS consumer, 'umkm.' || name AS topic FROM stream;

CREATE VIEW audit.effect_declared AS
    SELECT 'partners'::text AS consumer, name AS effect, 'umkm.' || name AS topic FROM stream;

CREATE VIEW audit.position AS
    SELECT consumer, topic, aggregate_id, position FROM stream_position WHERE consumer = 'partners';

-- The last of each aggregate that was recorded, or waits for what the registry tells.
CREATE VIEW audit.effect AS
    SELECT 'partners'::text AS consumer, stream AS effect, 'umkm.' || stream AS topic, subject AS aggregate_id,
           max(sequence) AS position
    FROM (SELECT stream, subject, sequence FROM event UNION ALL SELECT stream, subject, sequence FROM waiting_event) e
    GROUP BY stream, subject;

CREATE VIEW audit.parked AS
    SELECT consumer, topic, aggregate_id, count(*) AS events FROM parked_event
    WHERE consumer = 'partners' GROUP BY consumer, topic, aggregate_id;

GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.source, audit.subscription, audit.effect_declared, audit.position, audit.effect, audit.parked
    TO ${audit_role};
