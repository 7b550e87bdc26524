-- The read models. Each row says how many facts stand behind it, so that a lost, doubled or damaged row shows in the
-- audit. Nothing personal is kept here. A rebuild makes a second table of the same shape and swaps the names.

-- One row per business, as it stands now. No other index than the key: counts are one pass over the table, cached
-- for a second, and every update stays on its page (HOT).
CREATE TABLE district_dashboard (
    business_id uuid NOT NULL,
    kelurahan text NOT NULL,
    kecamatan text NOT NULL,
    kelas text NOT NULL,
    status text NOT NULL,
    sector text NOT NULL,
    workers int,                                        -- NULL: not known; 0: none
    source text NOT NULL,
    as_of date,
    merged_into uuid,
    class_facts int NOT NULL,
    facts bigint NOT NULL,                              -- facts folded; equal to version unless a row was lost
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (business_id)
) WITH (fillfactor = 85);

-- Every fact of a business, in order. The sentence is made when it is read, from name and detail.
CREATE TABLE business_timeline (
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    origin text NOT NULL,
    detail jsonb,
    PRIMARY KEY (business_id, sequence)
);

-- Each class a business was recorded with. "before" is NULL for the class it was registered with.
CREATE TABLE class_history (
    business_id uuid NOT NULL,
    sequence bigint NOT NULL,
    before text,
    after text NOT NULL,
    basis text,
    year int,
    source text NOT NULL,
    as_of date NOT NULL,
    naik_kelas boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (business_id, sequence)
);
CREATE INDEX ON class_history (at) WHERE naik_kelas;

-- Which generation of a projection is live, and what became of the others.
CREATE TABLE projection_generation (
    projection text NOT NULL,
    generation int NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'ready', 'live', 'standby', 'dropped')),
    started_at timestamptz NOT NULL DEFAULT now(),
    swapped_at timestamptz,
    report jsonb,
    PRIMARY KEY (projection, generation)
);
INSERT INTO projection_generation (projection, generation, state, swapped_at)
VALUES ('district_dashboard', 1, 'live', now()), ('business_timeline', 1, 'live', now()),
       ('class_history', 1, 'live', now());

GRANT SELECT, INSERT, UPDATE, DELETE ON district_dashboard, business_timeline, class_history TO ${app_role};
GRANT SELECT ON projection_generation TO ${app_role};
