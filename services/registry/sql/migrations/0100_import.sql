-- Imports: the spreadsheets that kelurahan send, and what became of each row.
--
-- A chunk of rows, what it changes, its facts and the progress of its job commit in one transaction, so a worker that
-- is killed leaves nothing half done and the next one goes on after the last chunk. Rows are kept by chunk, as arrays:
-- 95,000 rows are 38 tuples. No cell of a file is kept: the file itself is dropped when the job ends.

CREATE TABLE import_job (
    id uuid PRIMARY KEY,                                -- UUIDv7; the correlation id of all its facts
    version bigint NOT NULL DEFAULT 0,                  -- sequence of the last umkm.import fact; 0: none (dry run, repeat)
    file_name text NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size bigint NOT NULL,
    kelurahan text NOT NULL,                            -- whose file it is
    own_only boolean NOT NULL,                          -- an officer of a kelurahan: rows of another one are refused
    dry_run boolean NOT NULL,
    officer text NOT NULL,                              -- `sub` of the officer's token
    state text NOT NULL DEFAULT 'menunggu'
        CHECK (state IN ('menunggu', 'berjalan', 'selesai', 'ditolak', 'gagal')),
    reason_code text,                                   -- ditolak: a code of docs/import-codes.md
    reason text,                                        -- for the officer, in Indonesian
    rules int NOT NULL,                                 -- version of the cleaning rules that read it
    repeats uuid,                                       -- the completed import of the same bytes; its outcomes stand
    last_number int NOT NULL DEFAULT 0,                 -- rows of the file up to this one are done
    row_count int NOT NULL DEFAULT 0,                   -- data rows done: the sum of the five below
    new_count int NOT NULL DEFAULT 0,
    changed_count int NOT NULL DEFAULT 0,
    same_count int NOT NULL DEFAULT 0,
    possible_duplicate_count int NOT NULL DEFAULT 0,
    refused_count int NOT NULL DEFAULT 0,
    fact_count bigint NOT NULL DEFAULT 0,               -- facts of owners and businesses that it appended
    labels jsonb NOT NULL DEFAULT '{}',                 -- field → the column's name as typed, for the report
    attempts int NOT NULL DEFAULT 0,
    lease_holder text,                                  -- INSTANCE of the worker that has it
    lease_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz
) WITH (fillfactor = 50);

CREATE INDEX import_job_open ON import_job (created_at) WHERE state IN ('menunggu', 'berjalan');
CREATE INDEX import_job_repeat ON import_job (sha256, kelurahan) WHERE state = 'selesai' AND NOT dry_run;
CREATE INDEX import_job_officer ON import_job (kelurahan, id);

-- The file, in pieces of 1 MB, until its job ends: any copy of the worker can take it up. Not compressed: CSV in, COPY out.
CREATE TABLE import_piece (
    import_id uuid NOT NULL,
    position int NOT NULL,                              -- from 0
    data bytea NOT NULL,
    PRIMARY KEY (import_id, position)
);
ALTER TABLE import_piece ALTER COLUMN data SET STORAGE EXTERNAL;

-- The ledger of rows, a tuple per chunk.
CREATE TABLE import_chunk (
    import_id uuid NOT NULL,
    last_number int NOT NULL,                           -- the largest of numbers
    numbers int[] NOT NULL,                             -- row numbers in the file, ascending
    results text NOT NULL,                              -- a letter per row: n new, c changed, s same, p possible duplicate, r refused
    codes jsonb NOT NULL,                               -- row number → codes, rows that have some
    businesses uuid[] NOT NULL,                         -- per row; NULL: refused, or a dry run
    PRIMARY KEY (import_id, last_number)
);

-- Finds who may be the same person (name with birth date or phone) and who else shows an NIB.
CREATE INDEX owner_likeness ON owner (name_key, birth_date) WHERE birth_date IS NOT NULL;
CREATE INDEX owner_phone ON owner ((phones[1]), name_key) WHERE phones[1] IS NOT NULL;
CREATE INDEX owner_second_phone ON owner ((phones[2]), name_key) WHERE phones[2] IS NOT NULL;
CREATE INDEX business_nib ON business (nib) WHERE nib IS NOT NULL;

CREATE OR REPLACE VIEW audit.source (topic, aggregate_id, version) AS
    SELECT 'umkm.owner'::text, id, version FROM owner
    UNION ALL
    SELECT 'umkm.business'::text, id, version FROM business
    UNION ALL
    SELECT 'umkm.import'::text, id, version FROM import_job WHERE version > 0;

GRANT SELECT, INSERT, UPDATE ON import_job TO ${app_role};
GRANT SELECT, INSERT, DELETE ON import_piece, import_chunk TO ${app_role};
GRANT SELECT ON audit.source TO ${audit_role};
