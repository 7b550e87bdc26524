-- Licences as a curation reads them, and which organisation holds an exhibition or an outlet.

-- The copy of the licences, from their facts alone. A row is made by whichever fact of its licence comes first.
CREATE TABLE licence_copy (
    licence_id uuid PRIMARY KEY,
    business_id uuid NOT NULL,
    kind text NOT NULL,
    verified boolean NOT NULL,                          -- somebody other than the applicant saw that it is real
    valid_from date,                                    -- NULL: from whenever
    expires_on date,                                    -- the last day it is valid; NULL: it does not run out
    revoked_on date,                                    -- from this day on it is not valid any more
    version bigint NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX licence_copy_business ON licence_copy (business_id) WHERE verified;

ALTER TABLE exhibition ADD COLUMN partner_id uuid,      -- the organisation, if the registry knows it
    ADD CHECK (partner_id IS NULL OR held_by = 'mitra');
ALTER TABLE outlet ADD COLUMN partner_id uuid,
    ADD CHECK (partner_id IS NULL OR held_by = 'mitra');

GRANT SELECT, INSERT, UPDATE ON licence_copy TO ${app_role};

CREATE OR REPLACE VIEW audit.subscription AS
    SELECT 'events'::text AS consumer, topic
    FROM (VALUES ('umkm.owner'), ('umkm.business'), ('umkm.enrolment'), ('umkm.licence'), ('umkm.organisation')) AS t(topic);

CREATE OR REPLACE VIEW audit.effect_declared AS
    SELECT 'events'::text AS consumer, effect, topic
    FROM (VALUES ('owner_copy', 'umkm.owner'), ('business_copy', 'umkm.business'), ('enrolment_copy', 'umkm.enrolment'),
                 ('licence_copy', 'umkm.licence'), ('organisation_copy', 'umkm.organisation')) AS e(effect, topic);

CREATE OR REPLACE VIEW audit.effect AS
    SELECT 'events'::text AS consumer, 'owner_copy'::text AS effect, 'umkm.owner'::text AS topic,
           owner_id AS aggregate_id, version AS position
    FROM owner_copy
    UNION ALL
    SELECT 'events', 'business_copy', 'umkm.business', business_id, version FROM business_copy
    UNION ALL
    SELECT 'events', 'enrolment_copy', 'umkm.enrolment', enrolment_id, version FROM enrolment_copy
    UNION ALL
    SELECT 'events', 'licence_copy', 'umkm.licence', licence_id, version FROM licence_copy
    UNION ALL
    SELECT 'events', 'organisation_copy', 'umkm.organisation', organisation_id, version FROM organisation_copy;
