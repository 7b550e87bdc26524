-- Exhibitions with booths, applications, scores and sales; outlets with their rota; and the copy that a curation reads.

-- An exhibition. Its row is the lock of all its places: whoever gives, moves or frees one holds it (docs/decisions/0020).
CREATE TABLE exhibition (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- sequence of the last umkm.exhibition fact, booths' included
    title text NOT NULL,
    held_by text NOT NULL CHECK (held_by IN ('dinas', 'mitra')),
    partner text,                                       -- the organiser, if it is not the office
    place text NOT NULL,
    zone text NOT NULL,                                 -- IANA name; decides what day it is there
    starts_on date NOT NULL,                            -- in that zone
    ends_on date NOT NULL,
    closes_at timestamptz NOT NULL,                     -- the last second in which one may apply
    waves jsonb NOT NULL,                               -- [{number, starts_at, ends_at}], numbered from 1
    criteria jsonb NOT NULL,                            -- [{code, kind, weight, values}], as in the contract
    pass_score smallint NOT NULL CHECK (pass_score BETWEEN 0 AND 100),
    curators smallint NOT NULL CHECK (curators > 0),    -- how many must have scored an application
    confirm_hours int NOT NULL CHECK (confirm_hours BETWEEN 1 AND 720),
    curated boolean NOT NULL DEFAULT false,
    cancelled boolean NOT NULL DEFAULT false,
    opened_by text NOT NULL,                            -- `sub` of the officer's token
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_on <= ends_on),
    CHECK ((held_by = 'mitra') = (partner IS NOT NULL)),
    CHECK (jsonb_array_length(waves) > 0),
    CHECK (jsonb_array_length(criteria) > 0)
);

CREATE TABLE booth (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- counts what officers change; placing does not
    exhibition_id uuid NOT NULL,
    number int NOT NULL CHECK (number > 0),
    kind text NOT NULL,
    capacity int NOT NULL CHECK (capacity > 0),         -- places in each wave
    placed int[] NOT NULL,                              -- who has a place, for each wave in turn
    UNIQUE (exhibition_id, number),
    CHECK (0 <= ALL (placed)),
    CHECK (capacity >= ALL (placed))                    -- the second fence: no rule, no bug puts one too many
) WITH (fillfactor = 50);

CREATE TABLE application (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- sequence of the last umkm.application fact
    exhibition_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    business_id uuid NOT NULL,
    kelurahan text NOT NULL,                            -- of the business when it applied: whose officers see it
    kind text NOT NULL,
    state text NOT NULL CHECK (state IN ('diajukan', 'kurasi', 'lolos', 'cadangan', 'ditolak', 'ditempatkan', 'dikonfirmasi',
                                         'ikut', 'tidak_hadir', 'mengundurkan_diri')),
    scores jsonb,                                       -- {criterion: hundredths}, as the curation counted them
    total int CHECK (total BETWEEN 0 AND 10000),        -- hundredths
    rank int CHECK (rank > 0),
    booth_id uuid,
    wave smallint,
    confirm_by timestamptz,                             -- set while ditempatkan
    cause text,
    applied_by text NOT NULL,
    applied_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state IN ('ditempatkan', 'dikonfirmasi', 'ikut', 'tidak_hadir')) = (booth_id IS NOT NULL)),
    CHECK ((booth_id IS NULL) = (wave IS NULL)),
    CHECK ((state = 'ditempatkan') = (confirm_by IS NOT NULL))
) WITH (fillfactor = 70);

-- One live application for a business at an exhibition: the second fence; the first is the lock of the business.
CREATE UNIQUE INDEX application_live ON application (exhibition_id, business_id)
    WHERE state NOT IN ('ditolak', 'mengundurkan_diri');
CREATE INDEX application_exhibition ON application (exhibition_id, id);
CREATE INDEX application_reserve ON application (exhibition_id, kind, rank) WHERE state = 'cadangan';
CREATE INDEX application_unconfirmed ON application (confirm_by) WHERE state = 'ditempatkan';
CREATE INDEX application_business ON application (business_id) WHERE state = 'ikut';
CREATE INDEX application_owner ON application (owner_id);

-- What each curator gives now; what was given before stands in score_log, and in the facts.
CREATE TABLE score (
    application_id uuid NOT NULL,
    curator text NOT NULL,                              -- `sub` of the curator's token
    criterion text NOT NULL,
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    given_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, curator, criterion)
);

CREATE TABLE score_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id uuid NOT NULL,
    curator text NOT NULL,
    criterion text NOT NULL,
    score smallint NOT NULL,
    given_at timestamptz NOT NULL
);
CREATE INDEX score_log_application ON score_log (application_id);

-- What was sold on a day. No row: belum lapor, which is not 0. A correction overwrites; the facts keep both.
CREATE TABLE sales (
    application_id uuid NOT NULL,
    day date NOT NULL,                                  -- in the exhibition's zone
    amount bigint NOT NULL CHECK (amount >= 0),         -- rupiah
    reported_by text NOT NULL,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, day)
);

-- The last total that anybody may see, and of what it was made: the next must differ by the reports of five businesses.
CREATE TABLE turnover (
    exhibition_id uuid PRIMARY KEY,
    participants int NOT NULL,
    reported int NOT NULL CHECK (reported >= 5),
    total bigint NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE TABLE turnover_part (
    application_id uuid PRIMARY KEY,
    exhibition_id uuid NOT NULL,
    amount bigint NOT NULL
);
CREATE INDEX turnover_part_exhibition ON turnover_part (exhibition_id);

-- A fixed selling place. Its row is the lock of its rota.
CREATE TABLE outlet (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,                            -- sequence of the last umkm.outlet fact
    title text NOT NULL,
    held_by text NOT NULL CHECK (held_by IN ('dinas', 'mitra')),
    partner text,
    place text NOT NULL,
    stalls int NOT NULL CHECK (stalls > 0),             -- in each turn
    opened_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((held_by = 'mitra') = (partner IS NOT NULL))
);

CREATE TABLE outlet_member (
    outlet_id uuid NOT NULL,
    business_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    kelurahan text NOT NULL,
    joined int NOT NULL,                                -- place in the order of joining, from 1
    active boolean NOT NULL,
    PRIMARY KEY (outlet_id, business_id),
    UNIQUE (outlet_id, joined)
);
CREATE INDEX outlet_member_owner ON outlet_member (owner_id) WHERE active;

CREATE TABLE outlet_turn (
    outlet_id uuid NOT NULL,
    number int NOT NULL CHECK (number > 0),
    starts_on date NOT NULL,                            -- WITA
    ends_on date NOT NULL,
    stalls int NOT NULL,
    held int NOT NULL CHECK (held >= 0),
    PRIMARY KEY (outlet_id, number),
    CHECK (starts_on <= ends_on),
    CHECK (held <= stalls)
);

CREATE TABLE outlet_stall (
    outlet_id uuid NOT NULL,
    turn int NOT NULL,
    business_id uuid NOT NULL,
    given_up boolean NOT NULL DEFAULT false,
    PRIMARY KEY (outlet_id, turn, business_id)
);

-- The copy of registry and trainings, from their facts alone. A row is made by whichever fact of its aggregate comes first.
CREATE TABLE owner_copy (
    owner_id uuid PRIMARY KEY,
    erased boolean NOT NULL DEFAULT false,
    version bigint NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE business_copy (
    business_id uuid PRIMARY KEY,
    owner_ids uuid[] NOT NULL,                          -- the first is the principal owner
    kelurahan text NOT NULL,
    kelas text NOT NULL,
    status text NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 85);

CREATE TABLE enrolment_copy (
    enrolment_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    business_id uuid NOT NULL,
    completed_on date,                                  -- the training was passed; WITA
    version bigint NOT NULL
) WITH (fillfactor = 85);
CREATE INDEX enrolment_copy_completed ON enrolment_copy (owner_id, completed_on) WHERE completed_on IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON exhibition, booth, application, score, sales, turnover, turnover_part, outlet, outlet_member,
    outlet_turn, outlet_stall, owner_copy, business_copy, enrolment_copy TO ${app_role};
GRANT SELECT, INSERT ON score_log TO ${app_role};
