-- Statements of the announcements. $-numbers of an audience: places, classes, sectors (NULL asks nothing), states of
-- businesses that are in no audience, topic, channels that an owner may have chosen to be told, and for each of these the one
-- that is asked first: itself where this service runs it, else its stand-in.

-- name: count_audience
-- Owners of an audience by the channel that is asked first, and why some are not told (NULL: they are).
SELECT CASE WHEN reason IS NULL THEN ($7::text[])[array_position($6::text[], channel)] ELSE channel END AS channel, reason,
       count(*) AS owners
FROM (SELECT r.channel,
             suppression_of(r.consent,
                            EXISTS (SELECT FROM topic_opt_out o WHERE o.owner_id = r.owner_id AND o.topic = $5::text),
                            r.channel, $6::text[]) AS reason
      FROM recipient r
      WHERE NOT r.erased
        AND (($1::text[] IS NULL AND $2::text[] IS NULL AND $3::text[] IS NULL) OR EXISTS (
             SELECT FROM business_contact b
             WHERE b.owner_id = r.owner_id
               AND ($1 IS NULL OR coalesce(b.kelurahan, 'TIDAK_DIKETAHUI') = ANY ($1))
               AND ($2 IS NULL OR coalesce(b.kelas, 'tidak_diketahui') = ANY ($2))
               AND ($3 IS NULL OR coalesce(b.sector, 'tidak_diketahui') = ANY ($3))
               AND (b.status IS NULL OR b.status <> ALL ($4::text[]))))) AS reached
GROUP BY 1, reason;

-- name: insert_announcement
-- A new one, for a worker to take up.
INSERT INTO announcement (id, topic, texts, audience, places, classes, sectors, total, created_by, created_at)
VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, $8, $9, $10);

-- name: take_announcement
-- The oldest with work left that no other worker has in hand; this one has it until its transaction ends.
SELECT id, topic, texts::text, places, classes, sectors, state, last_owner, created_at FROM announcement
WHERE state IN ('queued', 'running', 'cancelling') ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: end_of_chunk
-- The $2nd owner after $1, whether in an audience or not; no row: there are not so many.
SELECT owner_id FROM recipient WHERE owner_id > $1 ORDER BY owner_id OFFSET $2::int - 1 LIMIT 1;

-- name: fan_out
-- The messages of the owners of an audience after $10 and up to $11; how many owners. The bounds stand at the businesses too,
-- so that a chunk reads its own part of them only. Unless $13, messages that are there already are left out: asking for
-- each row, with ON CONFLICT too, costs a third more, and is in vain as long as progress and messages are one transaction.
-- In the order of their ids, because four of the table's indexes end in it.
WITH chunk AS MATERIALIZED (
    SELECT r.owner_id, r.language, r.channel,
           ($7::text[])[array_position($6::text[], r.channel)] AS first_asked,
           suppression_of(r.consent,
                          EXISTS (SELECT FROM topic_opt_out o
                                  WHERE o.owner_id = r.owner_id AND o.topic = $5::text
                                    AND o.owner_id > $10 AND o.owner_id <= $11),
                          r.channel, $6::text[]) AS reason
    FROM recipient r
    WHERE r.owner_id > $10 AND r.owner_id <= $11 AND NOT r.erased
      AND (($1::text[] IS NULL AND $2::text[] IS NULL AND $3::text[] IS NULL) OR EXISTS (
           SELECT FROM business_contact b
           WHERE b.owner_id = r.owner_id AND b.owner_id > $10 AND b.owner_id <= $11
             AND ($1 IS NULL OR coalesce(b.kelurahan, 'TIDAK_DIKETAHUI') = ANY ($1))
             AND ($2 IS NULL OR coalesce(b.kelas, 'tidak_diketahui') = ANY ($2))
             AND ($3 IS NULL OR coalesce(b.sector, 'tidak_diketahui') = ANY ($3))
             AND (b.status IS NULL OR b.status <> ALL ($4::text[]))))
), made AS (
    INSERT INTO message (id, event_id, event_type, occurred_at, template, language, channel, owner_id, state, reason,
                         priority, next_attempt_at)
    SELECT id, $8, 'announcement', $9, 'announcement',
           CASE WHEN language = ANY ($12::text[]) THEN language ELSE 'id' END,
           CASE WHEN reason IS NULL THEN first_asked ELSE channel END, owner_id,
           CASE WHEN reason IS NULL THEN 'queued' ELSE 'suppressed' END, reason, 1, $14
    FROM (SELECT *, announcement_message_id($8, owner_id) AS id FROM chunk ORDER BY id) AS c
    WHERE $13::boolean OR NOT EXISTS (SELECT FROM message m WHERE m.id = c.id)
)
SELECT count(*) FROM chunk;

-- name: save_progress
-- How far it has come: $2 more owners of its audience, up to owner $3; after the last owner ($4) it is done.
UPDATE announcement SET
    done = done + $2::int, last_owner = $3,
    state = CASE WHEN $4 THEN 'done' ELSE 'running' END,
    total = CASE WHEN $4 THEN done + $2::int ELSE greatest(total, done + $2::int) END,
    finished_at = CASE WHEN $4 THEN $5::timestamptz END
WHERE id = $1;

-- name: start_of_chunk
-- The owner after whom the last $2 owners up to $1 come, whether in an audience or not; no row: there are not so many.
SELECT owner_id FROM recipient WHERE owner_id <= $1 ORDER BY owner_id DESC OFFSET $2::int LIMIT 1;

-- name: take_back
-- The messages of a cancelled announcement ($1) to owners after $2 and up to $3 whose body is not on its way. By their ids, so that no
-- chunk reads those of another again; CASE, so that no index of a state is read in place of the messages' own.
UPDATE message SET state = 'suppressed', reason = 'announcement_cancelled', leased_by = NULL, lease_until = NULL,
                   updated_at = $4
WHERE id = ANY (ARRAY(SELECT announcement_message_id($1, owner_id) FROM recipient WHERE owner_id > $2 AND owner_id <= $3))
  AND CASE state WHEN 'sending' THEN handed_over_at IS NULL ELSE state IN ('waiting', 'queued') END;

-- name: save_taken_back
-- Up to which owner there is something left to take back; nothing is ($3): it is cancelled.
UPDATE announcement SET last_owner = $2, state = CASE WHEN $3 THEN 'cancelled' ELSE state END WHERE id = $1;

-- name: lock_announcement
-- How it stands; no worker goes on with it until the transaction ends.
SELECT state FROM announcement WHERE id = $1 FOR UPDATE;

-- name: has_unsent
-- Whether anything of it could still go out.
SELECT EXISTS (SELECT FROM message WHERE event_id = $1 AND template = 'announcement'
                                     AND state IN ('waiting', 'queued', 'sending'));

-- name: cancel_announcement
-- From here on nothing of it is handed over; a worker takes its messages back, from the last owner ($5) to the first, however far
-- it had come.
UPDATE announcement SET state = 'cancelling', cancel_reason = $2, cancelled_by = $3, cancelled_at = $4, last_owner = $5
WHERE id = $1;

-- name: load_announced
-- What a sender needs to know of some announcements.
SELECT id, topic, texts::text, state FROM announcement WHERE id = ANY ($1::uuid[]);

-- name: get_announcement
-- One announcement.
SELECT id, topic, texts::text, audience::text, state, total, done, created_by, created_at, finished_at, cancelled_by,
       cancelled_at, cancel_reason
FROM announcement WHERE id = $1;

-- name: list_announcements
-- Newest first, after a place ($1, $2) or from the start.
SELECT id, topic, texts::text, audience::text, state, total, done, created_by, created_at, finished_at, cancelled_by,
       cancelled_at, cancel_reason
FROM announcement
WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid)
ORDER BY created_at DESC, id DESC LIMIT $3;

-- name: count_announced
-- How the messages of some announcements stand, and why.
SELECT event_id, state, reason, count(*) AS messages FROM message
WHERE event_id = ANY ($1::uuid[]) AND template = 'announcement' GROUP BY event_id, state, reason;

-- name: stop_topic
-- An owner stops a topic; again changes nothing.
INSERT INTO topic_opt_out (owner_id, topic, at) VALUES ($1, $2, $3) ON CONFLICT (owner_id, topic) DO NOTHING;

-- name: take_up_topic
-- An owner takes a topic up again.
DELETE FROM topic_opt_out WHERE owner_id = $1 AND topic = $2;

-- name: choice_of
-- Whether an owner stopped a topic, and the owner's language; no row for an owner who is not known, or erased.
SELECT r.language, EXISTS (SELECT FROM topic_opt_out o WHERE o.owner_id = r.owner_id AND o.topic = $2) AS stopped
FROM recipient r WHERE r.owner_id = $1 AND NOT r.erased;
