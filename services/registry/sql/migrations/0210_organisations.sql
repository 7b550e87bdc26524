-- Organisations: partners of the office. Brands (merek), owned by a business or by an organisation. Nothing personal.

CREATE TABLE organisation (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.organisation fact
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
    title_key text NOT NULL,                            -- reference.fold_name(title)
    kind text NOT NULL CHECK (kind IN ('asosiasi', 'bank', 'ekonomi_kreatif', 'pemerintah', 'lainnya')),
    roles text[] NOT NULL DEFAULT '{}',                 -- pelatihan, pameran, tempat_jual; sorted
    ended_on date,                                      -- set: does not work with the office any more
    registered_by text NOT NULL,                        -- `sub` of the officer
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX organisation_title ON organisation (title_key) WHERE ended_on IS NULL;

CREATE TABLE brand (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.brand fact
    mark text NOT NULL CHECK (length(mark) BETWEEN 1 AND 60),   -- the word mark, as it is filed; public
    mark_key text NOT NULL,                             -- reference.fold_name(mark)
    business_id uuid,                                   -- whose it is: exactly one of the two
    organisation_id uuid,
    status text NOT NULL CHECK (status IN ('diajukan', 'terdaftar', 'ditolak', 'kedaluwarsa', 'dicabut')),
    cause text,                                         -- code of a rejection or revocation
    filed_on date NOT NULL,
    registered_on date CHECK (registered_on >= filed_on),
    expires_on date,                                    -- the last day of protection (WITA)
    revoked_on date,
    told smallint CHECK (told IN (90, 30, 7)),          -- the last span that brand.expiring told of
    due_on date,                                        -- the day (WITA) from which the daily pass has something to tell
    filed_by text NOT NULL,                             -- `sub` of the officer
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(business_id, organisation_id) = 1),
    CHECK ((registered_on IS NULL) = (expires_on IS NULL)),
    CHECK ((status = 'dicabut') = (revoked_on IS NOT NULL)),
    CHECK (due_on IS NULL OR (status = 'terdaftar' AND expires_on IS NOT NULL))
);
-- One owner does not file the same mark twice. Others may: marks are protected by classes of goods.
CREATE UNIQUE INDEX brand_mark ON brand (coalesce(business_id, organisation_id), mark_key)
    WHERE status IN ('diajukan', 'terdaftar');
CREATE INDEX brand_due ON brand (due_on, id) WHERE due_on IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON organisation, brand TO ${app_role};

DO $$ BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit.source (topic, aggregate_id, version) AS '
        || rtrim(pg_get_viewdef('audit.source'::regclass), '; ')
        || ' UNION ALL SELECT ''umkm.organisation''::text, id, version FROM organisation'
        || ' UNION ALL SELECT ''umkm.brand''::text, id, version FROM brand';
END $$;
