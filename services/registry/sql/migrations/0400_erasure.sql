-- Erasure on request (UU 27/2022): who asked, who decided and why, until when; restriction; and the mark that keeps an old
-- spreadsheet from bringing an erased owner back (decision 30).

-- A request holds nothing personal: codes of closed lists, accounts of officers, times. It outlives the owner's data as
-- the proof of what was asked and done.
CREATE TABLE erasure_request (
    id uuid PRIMARY KEY,                                -- UUIDv7
    version bigint NOT NULL,                            -- from 1, one more with each step; no fact tells of it
    owner_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('diajukan', 'identitas_diperiksa', 'diterima', 'ditolak', 'selesai', 'dibatalkan')),
    asker text NOT NULL CHECK (asker IN ('pemilik', 'kuasa', 'ahli_waris')),
    way text NOT NULL CHECK (way IN ('loket', 'surat', 'surel', 'telepon', 'daring')),
    asked_at timestamptz NOT NULL,                      -- when it reached the office: the deadline runs from here
    due_at timestamptz NOT NULL,                        -- 3 x 24 h later
    recorded_by text NOT NULL,                          -- `sub` of the officer's token, as all that end in _by
    identity text CHECK (identity IN ('ktp', 'ktp_dan_surat_kuasa', 'surat_keterangan_waris', 'data_terdaftar')),
    checked_by text,
    checked_at timestamptz,
    reason text CHECK (reason IN ('identitas_tidak_terbukti', 'kewajiban_hukum', 'proses_hukum', 'kepentingan_umum',
                                  'pertahanan_keamanan', 'pengawasan_keuangan', 'statistik_penelitian')),
    decided_by text,
    decided_at timestamptz,
    ended_by text,                                      -- who carried it out, or took it back
    ended_at timestamptz,
    overdue_noted_at timestamptz,                       -- when a worker saw that the deadline had passed
    CHECK ((state = 'ditolak') = (reason IS NOT NULL)),
    CHECK (state NOT IN ('diterima', 'selesai') OR identity IS NOT NULL)
);
CREATE UNIQUE INDEX erasure_request_open ON erasure_request (owner_id)
    WHERE state IN ('diajukan', 'identitas_diperiksa', 'diterima');
CREATE INDEX erasure_request_due ON erasure_request (due_at)
    WHERE state IN ('diajukan', 'identitas_diperiksa', 'diterima');
CREATE INDEX erasure_request_owner ON erasure_request (owner_id);

-- The owner asks to stop using the data without erasing it (UU 27/2022 art. 11). What they agreed to stays stored, and is
-- told as nothing while this holds.
ALTER TABLE owner ADD COLUMN restricted boolean NOT NULL DEFAULT false;

-- Erased persons, as a spreadsheet would name them: HMAC-SHA256 of the NIK, or of the natural key of a row without one,
-- under a key that only who has KEY_ENCRYPTION_KEY can make. Goes when the owner registers anew.
CREATE TABLE erased_person (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    kek_id text NOT NULL,                               -- KeyRing.kek_id whose key made it
    erased_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON erasure_request TO ${app_role};
GRANT SELECT, INSERT, DELETE ON erased_person TO ${app_role};
