-- The copy of the organisations, from their facts alone: who may hold something with the office.
CREATE TABLE organisation_copy (
    organisation_id uuid PRIMARY KEY,
    title text NOT NULL,
    roles text[] NOT NULL,
    ended_on date,                                      -- NULL: it works with the office
    version bigint NOT NULL                             -- sequence of the last umkm.organisation fact
);

GRANT SELECT, INSERT, UPDATE ON organisation_copy TO ${app_role};
