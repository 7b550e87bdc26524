-- What makes the marks of erased persons (decision 30) outlives the key-encryption key that it was derived from (decision 49):
-- wrapped under the key of now, so that the old one may be destroyed and an old spreadsheet still brings nobody back.
CREATE TABLE marking_key (
    id text PRIMARY KEY,                                -- KeyRing.kek_id of the key that made the marks, as in erased_person
    kek_id text NOT NULL,                               -- KeyRing.kek_id that wraps it
    wrapped bytea NOT NULL                              -- 60 bytes
);

GRANT SELECT, INSERT, UPDATE ON marking_key TO ${app_role};
