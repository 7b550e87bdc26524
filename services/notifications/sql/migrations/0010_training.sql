-- Enrolments and certificates are told to their participants too.
INSERT INTO notifying_type (type, origin)
SELECT 'id.go.balikpapan.umkm.' || name || '.v1', 'command'
FROM unnest(ARRAY['enrolment.registered', 'enrolment.accepted', 'enrolment.waitlisted', 'enrolment.offered',
                  'enrolment.withdrawn', 'enrolment.expired', 'certificate.issued']) AS name;

CREATE OR REPLACE VIEW audit.subscription AS
    SELECT 'notifications'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.import'), ('umkm.enrolment'), ('umkm.certificate')) AS t(topic);
