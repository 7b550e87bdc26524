-- Applications to exhibitions, licences, and brands that run out are told too. A brand's fact names a business that may not
-- be known yet: until it is, its message waits without an owner.
ALTER TABLE message DROP CONSTRAINT message_check;
ALTER TABLE message ADD CONSTRAINT message_recipient CHECK (
    num_nonnulls(owner_id, officer_sub) = 1
    OR (num_nonnulls(owner_id, officer_sub) = 0 AND state = 'waiting' AND business_id IS NOT NULL));
CREATE INDEX message_ownerless ON message (business_id) WHERE state = 'waiting' AND owner_id IS NULL;

INSERT INTO notifying_type (type, origin)
SELECT 'id.go.balikpapan.umkm.' || name || '.v1', 'command'
FROM unnest(ARRAY['application.passed', 'application.reserved', 'application.promoted', 'application.rejected',
                  'application.placed', 'application.moved', 'application.withdrawn', 'licence.verified', 'licence.rejected',
                  'licence.revoked', 'licence.expiring', 'licence.expired', 'brand.expiring', 'brand.expired']) AS name;

CREATE OR REPLACE VIEW audit.subscription AS
    SELECT 'notifications'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.import'), ('umkm.course'), ('umkm.enrolment'),
                 ('umkm.certificate'), ('umkm.application'), ('umkm.licence'), ('umkm.brand')) AS t(topic);

-- Not the enrolments: where they were read before this migration, those that were told of nothing since have no row.
CREATE OR REPLACE VIEW audit.effect_declared AS
    SELECT 'notifications'::text AS consumer, effect, topic
    FROM (VALUES ('recipient', 'umkm.owner'), ('business_contact', 'umkm.business'), ('course_copy', 'umkm.course'),
                 ('participation', 'umkm.application')) AS e(effect, topic);

CREATE OR REPLACE VIEW audit.effect AS
    SELECT 'notifications'::text AS consumer, 'recipient'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM recipient
    UNION ALL
    SELECT 'notifications', 'business_contact', 'umkm.business', business_id, version FROM business_contact
    UNION ALL
    SELECT 'notifications', 'course_copy', 'umkm.course', course_id, version FROM course_copy
    UNION ALL
    SELECT 'notifications', 'participation', 'umkm.application', id, version FROM participation WHERE kind = 'application';

-- No fact stands behind an announcement, a reminder or an owner's digest: the audit compares messages with events.
CREATE OR REPLACE VIEW audit.message AS
    SELECT event_id, count(*) AS messages, string_agg(DISTINCT state, ',' ORDER BY state) AS states
    FROM message WHERE event_type NOT IN ('announcement', 'reminder', 'digest') GROUP BY event_id;
