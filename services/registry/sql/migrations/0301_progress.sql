-- How far businesses have come: assessments, changes of class, readiness for export, workers over time. All of it is
-- written once and never changed; `sequence` is that of the umkm.business fact that tells the same.

CREATE TABLE business_assessment (
    id uuid PRIMARY KEY,                                -- UUIDv7
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    method text NOT NULL,                               -- as in reference/penilaian.csv
    method_version smallint NOT NULL,
    produksi smallint NOT NULL CHECK (produksi BETWEEN 1 AND 5),
    sdm smallint NOT NULL CHECK (sdm BETWEEN 1 AND 5),
    kelembagaan smallint NOT NULL CHECK (kelembagaan BETWEEN 1 AND 5),
    pemasaran smallint NOT NULL CHECK (pemasaran BETWEEN 1 AND 5),
    keuangan smallint NOT NULL CHECK (keuangan BETWEEN 1 AND 5),
    assessor text NOT NULL,                             -- `sub` of who assessed
    assessed_on date NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX business_assessment_business ON business_assessment (business_id, sequence);

-- Changes of class from the day of this migration on; those before it stand in the facts alone.
CREATE TABLE business_class_change (
    id uuid PRIMARY KEY,                                -- UUIDv7
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    kelurahan text NOT NULL,                            -- where the business was then
    previous text NOT NULL,
    current text NOT NULL,
    rise smallint NOT NULL,                             -- classes up the ladder; below 0 a fall, 0 off the ladder
    basis text,
    year smallint,
    source text NOT NULL,
    evidence text[] NOT NULL,
    flags text[] NOT NULL,                              -- of the business after it
    changed_on date NOT NULL,                           -- the day of the record (WITA)
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX business_class_change_business ON business_class_change (business_id, sequence);
CREATE INDEX business_class_rise ON business_class_change (id) WHERE rise > 0;

CREATE TABLE business_export_readiness (
    id uuid PRIMARY KEY,                                -- UUIDv7
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    checklist_version smallint NOT NULL,                -- as in reference/kesiapan_ekspor.csv
    items jsonb NOT NULL,                               -- code → true, false, or null: not looked at yet
    ready boolean NOT NULL,
    as_of date NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX business_export_readiness_business ON business_export_readiness (business_id, sequence);

-- Workers over time. The newest count stands in the business, as ever; here is each that is not the newest any more, kept
-- when another takes its place. So registering and the bulk import write nothing more than before.
CREATE TABLE business_workers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    business_id uuid NOT NULL,
    as_of date NOT NULL,                                -- the day they were counted for; of two counts the later record stands
    paid_men integer,                                   -- NULL is not known, 0 is none
    paid_women integer,
    unpaid_men integer,
    unpaid_women integer,
    kept_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX business_workers_business ON business_workers (business_id, as_of);

GRANT SELECT, INSERT ON business_assessment, business_class_change, business_export_readiness, business_workers
    TO ${app_role};
