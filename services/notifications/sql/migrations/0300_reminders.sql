-- Who is to be where and when, as facts of courses, enrolments and applications tell it, and who was reminded. Ids and times,
-- nothing personal. No row refers to another: an enrolment may be heard of before the batch that it is for.

CREATE TABLE course_copy (
    course_id uuid PRIMARY KEY,
    title text,                                         -- told by the first fact of the course
    version bigint NOT NULL                             -- sequence of the last fact of the course
);

CREATE TABLE batch_copy (
    batch_id uuid PRIMARY KEY,
    course_id uuid NOT NULL,
    place text NOT NULL,
    cancelled boolean NOT NULL DEFAULT false
);

CREATE TABLE session_copy (
    batch_id uuid NOT NULL,
    number int NOT NULL,
    starts_at timestamptz NOT NULL,
    version bigint NOT NULL,                            -- sequence of the fact that told this time
    moved_at timestamptz,                               -- when it was moved, by that fact; NULL: as it was planned
    PRIMARY KEY (batch_id, number)
);
CREATE INDEX ON session_copy (starts_at);

-- One row per enrolment or application.
CREATE TABLE participation (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('enrolment', 'application')),
    gathering_id uuid NOT NULL,                         -- the batch or the exhibition
    owner_id uuid NOT NULL,
    business_id uuid NOT NULL,
    attending boolean,                                  -- NULL: nothing was said yet
    since timestamptz,                                  -- when they were last told that they take part, where and when
    said bigint,                                        -- sequence of the fact that told it
    starts_at timestamptz,                              -- of an application: when its wave begins
    details jsonb,                                      -- of an application: what a reminder says
    version bigint NOT NULL                             -- sequence of the last fact of the enrolment or application
) WITH (fillfactor = 85);
CREATE INDEX ON participation (gathering_id) WHERE attending;
CREATE INDEX ON participation (starts_at) WHERE attending AND kind = 'application';

-- What was made of it, once for each time that was told. The message may be suppressed since.
CREATE TABLE reminder (
    participation_id uuid NOT NULL,
    template text NOT NULL,
    number int NOT NULL,                                -- of the session or wave
    version bigint NOT NULL,                            -- sequence of the fact that told the time
    message_id uuid NOT NULL UNIQUE,
    starts_at timestamptz NOT NULL,
    PRIMARY KEY (participation_id, template, number, version)
);
CREATE INDEX ON reminder (starts_at);

GRANT SELECT, INSERT, UPDATE ON course_copy, batch_copy, session_copy, participation, reminder TO ${app_role};
