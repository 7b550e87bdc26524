-- Programmes, courses, batches, enrolments, attendance, certificates; and the copy of the registry that the rules need.

CREATE TABLE programme (
    id uuid PRIMARY KEY,                                -- UUIDv7
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z][A-Z0-9-]{1,11}$'),   -- stands in the certificates' numbers
    title text NOT NULL,
    opened_by text NOT NULL,                            -- `sub` of the officer's token
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE course (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- sequence of the last umkm.course fact, batches' included
    programme_id uuid NOT NULL REFERENCES programme,
    title text NOT NULL,
    held_by text NOT NULL CHECK (held_by IN ('dinas', 'mitra')),
    partner text,                                       -- the organisation that holds it
    starts_on date NOT NULL,                            -- WITA
    ends_on date NOT NULL,
    attendance_percent smallint NOT NULL CHECK (attendance_percent BETWEEN 1 AND 100),
    pass_score smallint CHECK (pass_score BETWEEN 0 AND 100),           -- NULL: no score is asked
    requirements jsonb NOT NULL,                        -- [{kind, values}], as in the contract
    opened_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_on <= ends_on),
    CHECK ((held_by = 'mitra') = (partner IS NOT NULL))
);

-- A batch (angkatan). Its row is the lock of its seats: whoever changes a seat holds it, so that the order of coming is
-- the order of the lock, and `held` never passes `quota`.
CREATE TABLE batch (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- counts what officers change; enrolling does not
    course_id uuid NOT NULL,
    title text NOT NULL,                                -- of the course, for the facts of the batch's seats
    number int NOT NULL CHECK (number > 0),
    place text NOT NULL,
    quota int NOT NULL CHECK (quota > 0),
    held int NOT NULL DEFAULT 0 CHECK (held >= 0),      -- seats that somebody has, or is offered
    arrivals int NOT NULL DEFAULT 0,                    -- who ever enrolled; numbers the queue
    closes_at timestamptz NOT NULL,                     -- the last second in which one may enrol
    selection text NOT NULL CHECK (selection IN ('langsung', 'setelah_batas')),
    selected boolean NOT NULL,
    offer_hours int NOT NULL CHECK (offer_hours BETWEEN 1 AND 720),
    cancelled boolean NOT NULL DEFAULT false,
    sessions jsonb NOT NULL,                            -- [{number, starts_at, ends_at}]: under the same lock as the seats
    year smallint NOT NULL,                             -- of the first session, WITA
    programme_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (course_id, number),
    CHECK (held <= quota),                              -- the second fence: no rule, no bug sells a seat twice
    CHECK (jsonb_array_length(sessions) > 0)
) WITH (fillfactor = 50);                               -- every enrolment updates the row on its page (HOT)
CREATE INDEX batch_to_select ON batch (closes_at) WHERE NOT selected AND NOT cancelled;

CREATE TABLE enrolment (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- sequence of the last umkm.enrolment fact
    batch_id uuid NOT NULL,
    course_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    business_id uuid NOT NULL,
    kelurahan text NOT NULL,                            -- of the business when it enrolled: whose officers see it
    state text NOT NULL CHECK (state IN ('diajukan', 'diterima', 'daftar_tunggu', 'ditawari', 'mengundurkan_diri', 'hadir',
                                         'lulus', 'tidak_lulus', 'kedaluwarsa', 'ditolak')),
    priority smallint NOT NULL,                         -- 0 comes before 1
    arrival int NOT NULL,                               -- place in the order of coming, from 1
    offer_until timestamptz,                            -- set while ditawari
    cause text,                                         -- why it was given up or refused
    score smallint CHECK (score BETWEEN 0 AND 100),
    enrolled_by text NOT NULL,
    enrolled_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (batch_id, arrival),
    CHECK ((state = 'ditawari') = (offer_until IS NOT NULL))
) WITH (fillfactor = 85);

-- One live enrolment for an owner in a batch: the second fence; the first is the lock of the owner.
CREATE UNIQUE INDEX enrolment_live ON enrolment (batch_id, owner_id)
    WHERE state NOT IN ('mengundurkan_diri', 'kedaluwarsa', 'ditolak');
CREATE INDEX enrolment_queue ON enrolment (batch_id, priority, arrival) WHERE state IN ('diajukan', 'daftar_tunggu');
CREATE INDEX enrolment_offers ON enrolment (offer_until) WHERE state = 'ditawari';
CREATE INDEX enrolment_owner ON enrolment (owner_id);

-- What a session's list says. A correction overwrites it; the facts keep both.
CREATE TABLE attendance (
    enrolment_id uuid NOT NULL,
    session smallint NOT NULL,
    present boolean NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (enrolment_id, session)
);

-- The last number of each year; locked by who takes the next, so that numbers have no gap and none stands twice.
CREATE TABLE certificate_count (
    year smallint PRIMARY KEY,
    last int NOT NULL
);

CREATE TABLE certificate (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- sequence of the last umkm.certificate fact
    enrolment_id uuid NOT NULL UNIQUE,
    batch_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    business_id uuid NOT NULL,
    number text NOT NULL UNIQUE,
    code text NOT NULL UNIQUE,                          -- random; who has the certificate in hand may check it
    edition int NOT NULL,
    revoked boolean NOT NULL DEFAULT false,
    cause text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (batch_id, owner_id)
);

-- What stands on each edition: the name as it was then, sealed under the owner's key.
CREATE TABLE certificate_edition (
    certificate_id uuid NOT NULL,
    edition int NOT NULL,
    owner_id uuid NOT NULL,
    personal text,                                      -- sealed OwnerPersonal; NULL after erasure
    issued_on date NOT NULL,                            -- WITA
    issued_by text NOT NULL,
    PRIMARY KEY (certificate_id, edition)
);
CREATE INDEX certificate_edition_owner ON certificate_edition (owner_id) WHERE personal IS NOT NULL;

-- The copy of the registry, from its facts alone. A row is made by whichever fact of its aggregate comes first.
CREATE TABLE owner_copy (
    owner_id uuid PRIMARY KEY,
    personal text,                                      -- sealed OwnerPersonal; NULL after erasure
    erased boolean NOT NULL DEFAULT false,
    version bigint NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE business_copy (
    business_id uuid PRIMARY KEY,
    owner_ids uuid[] NOT NULL,                          -- the first is the principal owner
    personal text,                                      -- sealed BusinessPersonal (with the NIB), under the principal owner's key
    kelurahan text NOT NULL,
    kelas text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX business_copy_principal ON business_copy ((owner_ids[1]));

GRANT SELECT, INSERT ON programme TO ${app_role};
GRANT SELECT, INSERT, UPDATE ON course, batch, enrolment, attendance, certificate_count, certificate,
    certificate_edition, owner_copy, business_copy TO ${app_role};
