-- The passes at 00:30 WITA: a row per day on which one ran. Its lock is the turn of one worker, for one chunk.
CREATE TABLE daily_pass (
    day date PRIMARY KEY,                               -- WITA; the pass belongs to the day that 00:30 is in
    facts bigint NOT NULL DEFAULT 0,                    -- told by chunks that are committed
    started_at timestamptz NOT NULL,                    -- by the clock of the database, as all of these
    finished_at timestamptz                             -- set: nothing of this day is left
);

GRANT SELECT, INSERT, UPDATE ON daily_pass TO ${app_role};
