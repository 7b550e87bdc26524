-- Licences (izin): what a business shows, and somebody else than who handed it in has seen to be real.
--
-- `version` is the sequence of the aggregate's last fact, as everywhere. Number and product are personal: they are
-- emptied with the owner under whose key the fact carries them.

CREATE TABLE licence (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.licence fact
    business_id uuid NOT NULL,
    owner_id uuid NOT NULL,                             -- the principal owner when it was handed in: whose key seals the number
    kind text NOT NULL CHECK (kind IN ('nib', 'p_irt', 'bpom', 'halal_pernyataan', 'halal_sertifikat', 'sni',
                                       'laik_higiene')),
    number text CHECK (length(number) BETWEEN 1 AND 40),    -- in its one written form; NULL only after erasure
    product text CHECK (length(product) BETWEEN 1 AND 100), -- as typed; NULL: for the business as a whole, or erased
    status text NOT NULL CHECK (status IN ('diajukan', 'berlaku', 'ditolak', 'kedaluwarsa', 'dicabut')),
    cause text,                                         -- code of a rejection or revocation
    valid_from date,
    expires_on date,                                    -- the last valid day (WITA); NULL: does not run out
    renews uuid,                                        -- the licence whose place it takes once it is verified
    replaced_by uuid,                                   -- the verified licence that took its place
    revoked_on date,
    told smallint CHECK (told IN (90, 30, 7)),          -- the last span that licence.expiring told of
    due_on date,                                        -- the day (WITA) from which the daily pass has something to tell
    submitted_by text NOT NULL,                         -- `sub` of the officer: may not verify it
    verified_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (expires_on >= valid_from),
    CHECK ((status = 'dicabut') = (revoked_on IS NOT NULL)),
    CHECK (due_on IS NULL OR (status = 'berlaku' AND replaced_by IS NULL AND expires_on IS NOT NULL))
) WITH (fillfactor = 90);

-- The same number is not handed in twice; a renewal may keep it.
CREATE UNIQUE INDEX licence_number
    ON licence (business_id, kind, number, coalesce(product, ''), coalesce(renews, business_id))
    WHERE status IN ('diajukan', 'berlaku') AND number IS NOT NULL;
CREATE INDEX licence_business ON licence (business_id, id);
CREATE INDEX licence_owner ON licence (owner_id);
CREATE INDEX licence_due ON licence (due_on, id) WHERE due_on IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON licence TO ${app_role};

-- The audit compares these too. What the view tells so far stays in it, whatever other migrations have added.
DO $$ BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit.source (topic, aggregate_id, version) AS '
        || rtrim(pg_get_viewdef('audit.source'::regclass), '; ')
        || ' UNION ALL SELECT ''umkm.licence''::text, id, version FROM licence';
END $$;
