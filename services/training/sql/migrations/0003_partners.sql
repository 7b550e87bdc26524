-- Which organisation holds a course.
ALTER TABLE course ADD COLUMN partner_id uuid,          -- the organisation, if the registry knows it
    ADD CHECK (partner_id IS NULL OR held_by = 'mitra');

CREATE OR REPLACE VIEW audit.subscription AS
    SELECT 'training'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.organisation')) AS t(topic);

CREATE OR REPLACE VIEW audit.effect_declared AS
    SELECT 'training'::text AS consumer, effect, topic
    FROM (VALUES ('owner_copy', 'umkm.owner'), ('business_copy', 'umkm.business'), ('organisation_copy', 'umkm.organisation'))
         AS e(effect, topic);

CREATE OR REPLACE VIEW audit.effect AS
    SELECT 'training'::text AS consumer, 'owner_copy'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM owner_copy
    UNION ALL
    SELECT 'training', 'business_copy', 'umkm.business', business_id, version FROM business_copy
    UNION ALL
    SELECT 'training', 'organisation_copy', 'umkm.organisation', organisation_id, version FROM organisation_copy;
