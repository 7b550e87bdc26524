-- Statements of who is to be where and when, and of reminders.

-- name: save_courses
-- Courses of which the batch tells; a title once it is told.
INSERT INTO course_copy AS c (course_id, title, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
ON CONFLICT (course_id) DO UPDATE SET title = coalesce(EXCLUDED.title, c.title), version = EXCLUDED.version
WHERE c.version < EXCLUDED.version;

-- name: save_batches
-- New batches; what is there stays (a replay without positions).
INSERT INTO batch_copy (batch_id, course_id, place) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
ON CONFLICT (batch_id) DO NOTHING;

-- name: cancel_batches
-- Batches that are not held.
UPDATE batch_copy SET cancelled = true WHERE batch_id = ANY ($1::uuid[]) AND NOT cancelled;

-- name: save_sessions
-- When sessions are held, by the newest fact.
INSERT INTO session_copy AS s (batch_id, number, starts_at, version, moved_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::bigint[], $5::timestamptz[])
ON CONFLICT (batch_id, number) DO UPDATE SET
    starts_at = EXCLUDED.starts_at, version = EXCLUDED.version, moved_at = EXCLUDED.moved_at
WHERE s.version < EXCLUDED.version;

-- name: save_participations
-- Enrolments and applications; what the batch does not say stays.
INSERT INTO participation AS p (id, kind, gathering_id, owner_id, business_id, version, attending, since, said, starts_at,
                                details, unconfirmed, confirm_by)
SELECT i, k, g, o, b, v, a, s, n, w, d::jsonb, u, c
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::boolean[], $8::timestamptz[],
            $9::bigint[], $10::timestamptz[], $11::text[], $12::boolean[], $13::timestamptz[])
     AS t(i, k, g, o, b, v, a, s, n, w, d, u, c)
ON CONFLICT (id) DO UPDATE SET
    version = EXCLUDED.version, attending = coalesce(EXCLUDED.attending, p.attending),
    since = coalesce(EXCLUDED.since, p.since), said = coalesce(EXCLUDED.said, p.said),
    starts_at = coalesce(EXCLUDED.starts_at, p.starts_at), details = coalesce(EXCLUDED.details, p.details),
    unconfirmed = coalesce(EXCLUDED.unconfirmed, p.unconfirmed), confirm_by = coalesce(EXCLUDED.confirm_by, p.confirm_by)
WHERE p.version < EXCLUDED.version;

-- name: void_stale
-- Reminders that are not true any more and whose body is not on its way, of some participations ($1) or of some batches ($2).
-- Runs after the rows of which they speak were changed: whoever makes reminders holds those rows while it does. One look-up by
-- index for each row of each step (OFFSET 0), from what is asked for to the messages: joins read all participations, reminders and
-- queued messages. CASE, so that no index of a state is read in place of the messages' own. What is with a provider now and comes
-- back is asked of by reminder_over, which says the same of one.
WITH asked AS (
    SELECT p.id, p.gathering_id, p.attending, p.said, p.unconfirmed
    FROM unnest($1::uuid[]) AS a(id)
    CROSS JOIN LATERAL (SELECT * FROM participation WHERE id = a.id OFFSET 0) AS p
    UNION
    SELECT p.id, p.gathering_id, p.attending, p.said, p.unconfirmed
    FROM unnest($2::uuid[]) AS a(gathering_id)
    CROSS JOIN LATERAL (SELECT * FROM participation WHERE gathering_id = a.gathering_id OFFSET 0) AS p
), stale AS (
    SELECT r.message_id
    FROM asked p
    CROSS JOIN LATERAL (SELECT * FROM reminder WHERE participation_id = p.id OFFSET 0) AS r
    LEFT JOIN LATERAL (SELECT cancelled FROM batch_copy WHERE batch_id = p.gathering_id OFFSET 0) AS b ON true
    LEFT JOIN LATERAL (SELECT version FROM session_copy
                       WHERE batch_id = p.gathering_id AND number = r.number OFFSET 0) AS s ON true
    WHERE p.attending IS NOT TRUE OR coalesce(b.cancelled, false) OR r.version <> coalesce(s.version, p.said)
          OR (r.template = 'application_unconfirmed' AND p.unconfirmed IS NOT TRUE)
), voided AS (
    UPDATE message SET state = 'suppressed', reason = 'reminder_void', leased_by = NULL, lease_until = NULL, updated_at = $3
    WHERE id = ANY (ARRAY(SELECT message_id FROM stale))
      AND CASE state WHEN 'sending' THEN handed_over_at IS NULL ELSE state IN ('waiting', 'queued') END
    RETURNING id, attempts
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
SELECT id, $3, 'suppressed', 'reminder_void', attempts, 'notifications' FROM voided;

-- name: find_over
-- Which of these reminders ($1) do not hold any more, or remind of what has begun ($2: now), and which of both.
SELECT id, reason
FROM (SELECT id, reminder_over(id, $2) AS reason FROM unnest($1::uuid[]) AS m(id)) AS looked
WHERE reason IS NOT NULL;

-- name: void_late
-- Reminders that did not go out before what they remind of began; how many.
WITH voided AS (
    UPDATE message m SET state = 'suppressed', reason = 'too_late', updated_at = $1
    FROM reminder r
    WHERE m.id = r.message_id AND r.starts_at <= $1 AND r.starts_at > $1 - interval '30 days'
      AND m.state IN ('waiting', 'queued')
    RETURNING m.id, m.attempts
), noted AS (
    INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
    SELECT id, $1, 'suppressed', 'too_late', attempts, 'notifications' FROM voided
)
SELECT count(*) FROM voided;

-- name: upcoming_sessions
-- Sessions that have not begun, with somebody who was not reminded: those up to $2, and all that were moved, since their
-- participants are told of that at once.
SELECT s.batch_id, s.number, s.starts_at, s.version, s.moved_at, b.place, c.title
FROM session_copy s JOIN batch_copy b ON b.batch_id = s.batch_id JOIN course_copy c ON c.course_id = b.course_id
WHERE s.starts_at > $1 AND (s.starts_at <= $2 OR s.moved_at IS NOT NULL) AND NOT b.cancelled
  AND EXISTS (SELECT FROM participation p
              WHERE p.gathering_id = s.batch_id AND p.attending
                AND (NOT EXISTS (SELECT FROM reminder r
                                 WHERE r.participation_id = p.id AND r.template = 'session_reminder'
                                   AND r.number = s.number AND r.version = s.version)
                     OR (p.since < s.moved_at
                         AND NOT EXISTS (SELECT FROM reminder r
                                         WHERE r.participation_id = p.id AND r.template = 'session_moved'
                                           AND r.number = s.number AND r.version = s.version))))
ORDER BY s.starts_at, s.batch_id, s.number;

-- name: upcoming_waves
-- Waves that begin up to $2 and in which somebody has a place who was not reminded.
SELECT DISTINCT gathering_id, (details ->> 'wave')::int AS number, starts_at, details ->> 'zone' AS zone
FROM participation p
WHERE kind = 'application' AND attending AND p.starts_at > $1 AND p.starts_at <= $2
  AND NOT EXISTS (SELECT FROM reminder r
                  WHERE r.participation_id = p.id AND r.template = 'exhibition_reminder' AND r.version = p.said)
ORDER BY starts_at, gathering_id, number;

-- name: upcoming_deadlines
-- Until when, up to $2, somebody is to confirm a place who was not reminded of it; not of a wave that has begun, for which a partner's
-- exhibition, recorded afterwards, may leave time as well.
SELECT DISTINCT gathering_id, (details ->> 'wave')::int AS number, confirm_by, details ->> 'zone' AS zone
FROM participation p
WHERE kind = 'application' AND attending AND unconfirmed AND confirm_by > $1 AND confirm_by <= $2 AND p.starts_at > $1
  AND NOT EXISTS (SELECT FROM reminder r
                  WHERE r.participation_id = p.id AND r.template = 'application_unconfirmed' AND r.version = p.said)
ORDER BY confirm_by, gathering_id, number;

-- name: find_untold_of_session
-- Participants of a batch ($1) who were told before $5 that they take part, and have no message of this template ($4) about
-- this time (number $2, version $3) of a session. They, the session and the batch stay as they are until the transaction ends.
SELECT p.id, p.owner_id, p.business_id, s.version, NULL::text AS details
FROM participation p JOIN session_copy s ON s.batch_id = p.gathering_id JOIN batch_copy b ON b.batch_id = p.gathering_id
WHERE p.kind = 'enrolment' AND p.gathering_id = $1 AND p.attending AND p.since < $5
  AND s.number = $2 AND s.version = $3 AND NOT b.cancelled
  AND NOT EXISTS (SELECT FROM reminder r
                  WHERE r.participation_id = p.id AND r.template = $4 AND r.number = $2 AND r.version = $3)
ORDER BY p.id LIMIT $6
FOR NO KEY UPDATE OF p SKIP LOCKED FOR SHARE OF s SKIP LOCKED FOR SHARE OF b SKIP LOCKED;

-- name: find_untold_of_wave
-- The same of applications with a place in a wave ($2) of an exhibition ($1) that begins at $3.
SELECT p.id, p.owner_id, p.business_id, p.said AS version, p.details::text AS details
FROM participation p
WHERE p.kind = 'application' AND p.gathering_id = $1 AND p.attending AND p.since < $5
  AND (p.details ->> 'wave')::int = $2 AND p.starts_at = $3
  AND NOT EXISTS (SELECT FROM reminder r
                  WHERE r.participation_id = p.id AND r.template = $4 AND r.number = $2 AND r.version = p.said)
ORDER BY p.id LIMIT $6
FOR NO KEY UPDATE OF p SKIP LOCKED;

-- name: find_untold_of_deadline
-- The same of applications whose place in a wave ($2) is to be confirmed until $3.
SELECT p.id, p.owner_id, p.business_id, p.said AS version, p.details::text AS details
FROM participation p
WHERE p.kind = 'application' AND p.gathering_id = $1 AND p.attending AND p.unconfirmed AND p.since < $5
  AND (p.details ->> 'wave')::int = $2 AND p.confirm_by = $3
  AND NOT EXISTS (SELECT FROM reminder r
                  WHERE r.participation_id = p.id AND r.template = $4 AND r.number = $2 AND r.version = p.said)
ORDER BY p.id LIMIT $6
FOR NO KEY UPDATE OF p SKIP LOCKED;

-- name: insert_reminders
-- That these were made.
INSERT INTO reminder (participation_id, template, number, version, message_id, starts_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::uuid[], $6::timestamptz[])
ON CONFLICT DO NOTHING;
