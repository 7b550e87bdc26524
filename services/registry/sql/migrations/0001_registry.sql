-- The registry: owners (pelaku usaha), their keys, and businesses (usaha), the counting unit.
--
-- Single commands and the bulk import write the same tables, so they have few indexes and no foreign keys: rows of
-- owner and business are never deleted (the running login has no right to), and the check per row would cost the
-- import more than it finds. `version` is the sequence of the aggregate's last fact in the outbox, gapless from 1:
-- whoever raises it appends that fact in the same transaction.

CREATE TABLE owner (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.owner fact
    name text CHECK (length(name) BETWEEN 1 AND 100),   -- as typed; NULL only after erasure
    name_key text,                                      -- domain.fold_name(name): words of a-z0-9, one space between
    nik text CHECK (nik ~ '^[0-9]{16}$'),               -- NULL: none given (flag nik_kosong) or erased
    birth_date date,
    phones text[] NOT NULL DEFAULT '{}',                -- E.164, in the order given; families share them: no key
    email text,                                         -- as typed, without spaces around
    language text NOT NULL DEFAULT 'id' CHECK (language IN ('id', 'en')),
    channel text CHECK (channel IN ('email', 'whatsapp', 'sms', 'console')),    -- NULL: no choice made
    consent_notifications boolean NOT NULL DEFAULT false,
    consent_data_sharing boolean NOT NULL DEFAULT false,
    flags text[] NOT NULL DEFAULT '{}',                 -- quality flags, sorted, lower case (nik_kosong, …)
    kelurahan text NOT NULL DEFAULT 'TIDAK_DIKETAHUI',  -- the kelurahan that registered the owner: who may see a new one
    source text NOT NULL CHECK (source IN ('petugas', 'impor')),
    import_key uuid,                                    -- natural key of an imported row without NIK; NULL: by hand
    registered_by text NOT NULL,                        -- `sub` of the officer's token
    erased_at timestamptz,                              -- set: name, name_key, nik, birth_date, phones, email are empty
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((name IS NULL) = (erased_at IS NOT NULL))
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX owner_nik ON owner (nik) WHERE nik IS NOT NULL;
CREATE UNIQUE INDEX owner_import_key ON owner (import_key) WHERE import_key IS NOT NULL;
-- Search by the beginnings of words. Not a trigram index: pg_trgm is not part of the embedded server.
CREATE INDEX owner_name_words ON owner USING gin (array_to_tsvector(string_to_array(name_key, ' ')))
    WHERE name_key IS NOT NULL;

-- The owner's own key, wrapped under the key-encryption key. Erasing empties it and leaves the mark, because
-- "erased" and "unknown" are different answers.
CREATE TABLE owner_key (
    owner_id uuid PRIMARY KEY,
    kek_id text NOT NULL,                               -- KeyRing.kek_id that wrapped it
    wrapped bytea,                                      -- 60 bytes; NULL after erasure
    erased_at timestamptz,
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE business (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.business fact
    name text CHECK (length(name) BETWEEN 1 AND 100),   -- as typed; NULL only after the last owner was erased
    name_key text,                                      -- domain.fold_name(name)
    address text,                                       -- free text, may hold line breaks
    nib text CHECK (nib ~ '^[0-9]{13}$'),               -- one per person: not a key of the business
    kelurahan text NOT NULL DEFAULT 'TIDAK_DIKETAHUI',  -- Kemendagri code 64.71.KK.DDDD, or TIDAK_DIKETAHUI
    sector text NOT NULL DEFAULT 'tidak_diketahui',     -- as in domain.SECTORS
    kbli_version text CHECK (kbli_version IN ('2020', '2025')),
    kbli_code text CHECK (kbli_code ~ '^[0-9]{5}$'),
    capital bigint CHECK (capital >= 0),                -- rupiah, without land and building; NULL is not known, never 0
    sales bigint CHECK (sales >= 0),                    -- rupiah a year; NULL is not known, never 0
    founded_year smallint,
    class text NOT NULL DEFAULT 'tidak_diketahui'
        CHECK (class IN ('mikro', 'kecil', 'menengah', 'besar', 'tidak_diketahui')),
    class_basis text CHECK (class_basis IN ('modal', 'penjualan', 'dilaporkan')),
    class_year smallint,                                -- the year the basis speaks of
    class_source text NOT NULL,                         -- petugas, impor, or what the officer names
    class_as_of date NOT NULL,                          -- the day the class was recorded for (WITA)
    paid_men integer CHECK (paid_men >= 0),             -- workers; NULL is not known, 0 is none
    paid_women integer CHECK (paid_women >= 0),
    unpaid_men integer CHECK (unpaid_men >= 0),
    unpaid_women integer CHECK (unpaid_women >= 0),
    workers_as_of date,                                 -- NULL: never counted
    status text NOT NULL CHECK (status IN ('draf', 'diajukan', 'perlu_perbaikan', 'terverifikasi', 'nonaktif',
                                           'tutup', 'ditolak', 'digabung')),
    status_before text,                                 -- where reactivate and undo of a merge go back to
    status_reason text,                                 -- what the officer wrote at the last return, reject, …; personal
    merged_into uuid,                                   -- set while digabung
    closed_on date,                                     -- set while tutup
    flags text[] NOT NULL DEFAULT '{}',                 -- quality flags, sorted, lower case
    source text NOT NULL CHECK (source IN ('petugas', 'impor')),
    as_of date NOT NULL,                                -- the day the data speaks of (WITA)
    import_key uuid,                                    -- natural key of an imported row; NULL: registered by hand
    registered_by text NOT NULL,                        -- `sub` of the officer's token
    submitted_by text,                                  -- who handed it in: may not verify it
    verified_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((kbli_version IS NULL) = (kbli_code IS NULL)),
    CHECK ((status = 'digabung') = (merged_into IS NOT NULL))
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX business_import_key ON business (import_key) WHERE import_key IS NOT NULL;
CREATE INDEX business_name_words ON business USING gin (array_to_tsvector(string_to_array(name_key, ' ')))
    WHERE name_key IS NOT NULL;
CREATE INDEX business_merged_into ON business (merged_into) WHERE merged_into IS NOT NULL;

-- Who owns a business. Position 0 is the principal owner, under whose key the business's personal part is sealed.
CREATE TABLE business_owner (
    business_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    position smallint NOT NULL,                         -- from 0, gapless
    PRIMARY KEY (business_id, position)
);
CREATE INDEX business_owner_owner ON business_owner (owner_id);

-- Two businesses that may be one. A person decides; a decided proposal is not made again for the same pair.
CREATE TABLE duplicate_proposal (
    id uuid PRIMARY KEY,                                -- UUIDv7
    business_id uuid NOT NULL,                          -- the later one, whose stream carries the fact
    other_id uuid NOT NULL,
    grounds text[] NOT NULL,                            -- nama_tanggal_lahir_kelurahan, telepon_nama, nik_nama_usaha, petugas
    state text NOT NULL DEFAULT 'diusulkan' CHECK (state IN ('diusulkan', 'digabung', 'dibatalkan')),
    proposed_by text NOT NULL,                          -- `sub`, or the import's officer
    proposed_at timestamptz NOT NULL DEFAULT now(),
    decided_by text,
    decided_at timestamptz,
    CHECK (business_id <> other_id)
);
CREATE UNIQUE INDEX duplicate_proposal_pair
    ON duplicate_proposal (least(business_id, other_id), greatest(business_id, other_id));

-- Who asked for owners' keys, and what for (UU 27/2022 art. 20). Written once, never changed.
CREATE TABLE key_access (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,                                -- `sub` of the service's token
    purpose text NOT NULL,
    owner_ids uuid[] NOT NULL,
    answered integer NOT NULL,                          -- keys handed out
    erased integer NOT NULL,
    unknown integer NOT NULL
);

-- What the audit compares with each consumer's position. 0100_import.sql replaces it by one with the imports.
DO $$ BEGIN
    IF to_regnamespace('audit') IS NULL THEN CREATE SCHEMA audit; END IF;
END $$;
CREATE OR REPLACE VIEW audit.source (topic, aggregate_id, version) AS
    SELECT 'umkm.owner'::text, id, version FROM owner
    UNION ALL
    SELECT 'umkm.business'::text, id, version FROM business;

GRANT SELECT, INSERT, UPDATE ON owner, owner_key, business, duplicate_proposal TO ${app_role};
GRANT SELECT, INSERT, UPDATE, DELETE ON business_owner TO ${app_role};
GRANT SELECT, INSERT ON key_access TO ${app_role};
GRANT USAGE ON SCHEMA audit TO ${audit_role};
GRANT SELECT ON audit.source TO ${audit_role};
