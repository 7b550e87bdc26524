-- Statements of the notifications. Times come in as arguments: one clock reading per step of a sender.

-- name: save_recipients
-- Owners of whom the batch tells everything. What is there already and newer stays (a replay without positions).
INSERT INTO recipient (owner_id, personal, language, channel, consent, erased, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::bigint[])
ON CONFLICT (owner_id) DO UPDATE SET
    personal = EXCLUDED.personal, language = EXCLUDED.language, channel = EXCLUDED.channel,
    consent = EXCLUDED.consent, erased = EXCLUDED.erased, version = EXCLUDED.version
WHERE recipient.version < EXCLUDED.version;

-- name: change_recipients
-- Owners of whom the batch tells a part: a NULL in personal, or said = false, leaves what is there.
UPDATE recipient r SET
    personal = CASE WHEN r.erased OR c.erased THEN NULL ELSE coalesce(c.personal, r.personal) END,
    language = CASE WHEN c.said THEN c.language ELSE r.language END,
    channel = CASE WHEN c.said THEN c.channel ELSE r.channel END,
    consent = CASE WHEN c.said THEN c.consent ELSE r.consent END,
    erased = r.erased OR c.erased,
    version = c.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::bigint[], $8::boolean[])
     AS c(owner_id, personal, language, channel, consent, erased, version, said)
WHERE r.owner_id = c.owner_id AND r.version < c.version;

-- name: save_contacts
-- Businesses whose profile the batch tells.
INSERT INTO business_contact AS b (business_id, owner_id, personal, version, kelurahan, sector, kelas, status)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
ON CONFLICT (business_id) DO UPDATE SET
    owner_id = EXCLUDED.owner_id, personal = EXCLUDED.personal, version = EXCLUDED.version,
    kelurahan = EXCLUDED.kelurahan, sector = EXCLUDED.sector,
    kelas = coalesce(EXCLUDED.kelas, b.kelas), status = coalesce(EXCLUDED.status, b.status)
WHERE b.version < EXCLUDED.version;

-- name: move_contacts
-- Businesses of which the batch tells something else: the version moves, and class and status if it tells them.
UPDATE business_contact b SET version = c.version, kelas = coalesce(c.kelas, b.kelas),
                              status = coalesce(c.status, b.status)
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) AS c(business_id, version, kelas, status)
WHERE b.business_id = c.business_id AND b.version < c.version;

-- name: forget_contacts
-- What is sealed under the key of erased owners is unreadable for ever: let it go.
UPDATE business_contact SET personal = NULL WHERE owner_id = ANY ($1::uuid[]) AND personal IS NOT NULL;

-- name: forget_messages
-- Messages to erased owners lose what is sealed; those that did not go out never will.
UPDATE message SET
    sealed_reason = NULL,
    state = CASE WHEN state IN ('waiting', 'queued') THEN 'suppressed' ELSE state END,
    reason = CASE WHEN state IN ('waiting', 'queued') THEN 'erased' ELSE reason END,
    updated_at = now()
WHERE owner_id = ANY ($1::uuid[]) AND (sealed_reason IS NOT NULL OR state IN ('waiting', 'queued'));

-- name: forget_opt_outs
-- An erased owner is told nothing anyway.
DELETE FROM topic_opt_out WHERE owner_id = ANY ($1::uuid[]);

-- name: forget_digest_choices
-- Nor kept for a digest.
DELETE FROM digest_choice WHERE owner_id = ANY ($1::uuid[]);

-- name: load_recipients
-- How some owners want to be told.
SELECT owner_id, personal, language, channel, consent, erased,
       ARRAY(SELECT o.topic FROM topic_opt_out o WHERE o.owner_id = r.owner_id ORDER BY o.topic) AS opted_out,
       (SELECT d.every FROM digest_choice d WHERE d.owner_id = r.owner_id) AS digest
FROM recipient r WHERE owner_id = ANY ($1::uuid[]);

-- name: load_contacts
-- Who stands behind some businesses.
SELECT business_id, owner_id, personal FROM business_contact WHERE business_id = ANY ($1::uuid[]);

-- name: load_officers
-- Where digests of some officers go.
SELECT sub, address, language FROM officer WHERE sub = ANY ($1::text[]);

-- name: insert_messages
-- Messages of a batch; one that is there already, from an earlier run of the same event, stays as it is.
INSERT INTO message (id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub,
                     business_id, params, sealed_reason, state, reason, traceparent, next_attempt_at)
SELECT i, e, t, o, n, l, c, w, f, b, p::jsonb, s, a, r, h, now()
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::uuid[],
            $9::text[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[])
     AS u(i, e, t, o, n, l, c, w, f, b, p, s, a, r, h)
ON CONFLICT (id) DO NOTHING;

-- name: find_owners
-- Messages that waited for a business which has come meanwhile get its owner.
UPDATE message m SET owner_id = f.owner_id
FROM (SELECT w.id, b.owner_id FROM message w JOIN business_contact b ON b.business_id = w.business_id
      WHERE w.state = 'waiting' AND w.owner_id IS NULL ORDER BY w.id LIMIT $1 FOR UPDATE OF w SKIP LOCKED) AS f
WHERE m.id = f.id;

-- name: find_completable
-- Messages that waited for an owner who has come meanwhile.
SELECT m.id, m.template, r.owner_id, r.personal, r.language, r.channel, r.consent, r.erased,
       ARRAY(SELECT o.topic FROM topic_opt_out o WHERE o.owner_id = r.owner_id ORDER BY o.topic) AS opted_out,
       (SELECT d.every FROM digest_choice d WHERE d.owner_id = r.owner_id) AS digest
FROM message m JOIN recipient r ON r.owner_id = m.owner_id
WHERE m.state = 'waiting' ORDER BY m.id LIMIT $1 FOR UPDATE OF m SKIP LOCKED;

-- name: complete_waiting
-- What was decided of them.
UPDATE message m SET state = d.state, reason = d.reason, language = d.language, channel = d.channel,
                     next_attempt_at = $6, updated_at = $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS d(id, state, reason, language, channel)
WHERE m.id = d.id AND m.state = 'waiting';

-- name: open_bucket
-- A full bucket for a channel that has none.
INSERT INTO rate_bucket (channel, tokens, refilled_at) VALUES ($1, $2, $3) ON CONFLICT (channel) DO NOTHING;

-- name: lock_bucket
-- The tokens of a channel; other senders wait until this transaction ends.
SELECT tokens, refilled_at FROM rate_bucket WHERE channel = $1 FOR UPDATE;

-- name: save_bucket
-- What is left.
UPDATE rate_bucket SET tokens = $2, refilled_at = $3 WHERE channel = $1;

-- name: close_bucket
-- The provider asks for a pause until $2: nothing of the channel is taken in hand before.
INSERT INTO rate_bucket AS b (channel, tokens, refilled_at) VALUES ($1, 0, $2)
ON CONFLICT (channel) DO UPDATE SET tokens = 0, refilled_at = greatest(b.refilled_at, EXCLUDED.refilled_at);

-- name: read_clock
-- What time it is, for all senders alike.
SELECT clock_timestamp();

-- name: claim_due
-- Take messages of one priority ($7) in hand. In quiet hours ($3) officers' only, by an index of theirs: those to owners, which wait
-- for the morning, are not passed over in every round.
WITH of_all AS (
    SELECT id FROM message
    WHERE NOT $3 AND state = 'queued' AND channel = $1 AND priority = $7 AND next_attempt_at <= $2
    ORDER BY next_attempt_at, id LIMIT $6 FOR UPDATE SKIP LOCKED
), of_officers AS (
    SELECT id FROM message
    WHERE $3 AND owner_id IS NULL AND state = 'queued' AND channel = $1 AND priority = $7 AND next_attempt_at <= $2
    ORDER BY next_attempt_at, id LIMIT $6 FOR UPDATE SKIP LOCKED
)
UPDATE message m SET state = 'sending', reason = NULL, attempts = m.attempts + 1, leased_by = $4, lease_until = $5,
                     handed_over_at = NULL, updated_at = $2
FROM (SELECT id FROM of_all UNION ALL SELECT id FROM of_officers) AS due
WHERE m.id = due.id
RETURNING m.id, m.event_id, m.template, m.owner_id, m.officer_sub, m.business_id, m.channel, m.params::text, m.sealed_reason,
          m.attempts, m.occurred_at, m.failed_channels, m.traceparent;

-- name: hand_over
-- Just before the body goes out: true only for the sender that still has the message in hand, if its announcement, where
-- there is one, goes on, and if what it reminds of, where it does, still holds and is still to come. From here there is an attempt
-- ($5), of which the provider may tell.
WITH handed AS (
    UPDATE message SET handed_over_at = $3, lease_until = $4, current_attempt = $5, updated_at = $3
    WHERE id = $1 AND leased_by = $2 AND state = 'sending' AND handed_over_at IS NULL
      AND NOT EXISTS (SELECT FROM announcement a
                      WHERE a.id = message.event_id AND a.state IN ('cancelling', 'cancelled'))
      AND (event_type <> 'reminder' OR reminder_over(id, $3) IS NULL)
    RETURNING id, channel, attempts
), noted AS (
    INSERT INTO message_attempt (id, message_id, channel, number, state, handed_over_at, changed_at)
    SELECT $5, id, channel, attempts, 'handed_over', $3, $3 FROM handed
)
SELECT true FROM handed;

-- name: settle
-- What became of a message that this sender has, or had, in hand. $9 gives the try back: nobody was asked. $11 is a channel
-- that failed for good: the next one begins anew. $12 keeps the sealed reason, as long as another channel may need it.
-- Whoever has the message now, the sender says what it knows of its attempt ($13), of which a receipt may have told more
-- ($17: the states that are less).
WITH moved AS (
    UPDATE message SET
        state = $3, reason = $4, next_attempt_at = coalesce($5, next_attempt_at), language = coalesce($6, language),
        channel = coalesce($7, channel),
        attempts = CASE WHEN $11::text IS NULL THEN attempts - $9::int ELSE 0 END,
        failed_channels = CASE WHEN $11 IS NULL THEN failed_channels ELSE array_append(failed_channels, $11) END,
        current_attempt = CASE WHEN $11 IS NULL THEN current_attempt END,
        lease_until = NULL, updated_at = $8,
        leased_by = CASE WHEN $3 = 'unknown' THEN leased_by END,
        handed_over_at = CASE WHEN $3 = 'queued' THEN NULL ELSE handed_over_at END,
        sealed_reason = CASE WHEN $3 = 'suppressed' OR ($3 = 'sent' AND NOT $12::boolean) THEN NULL ELSE sealed_reason END
    WHERE id = $1 AND leased_by = $2 AND state = ANY ($10::text[])
    RETURNING id, attempts + $9::int AS attempt
), ended AS (
    UPDATE message_attempt SET
        state = CASE WHEN state = ANY ($17::text[]) THEN $14 ELSE state END,
        reason = CASE WHEN state = ANY ($17::text[]) THEN $15 ELSE reason END,
        provider_key = coalesce(provider_key, $16), changed_at = $8
    WHERE id = $13::uuid
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
SELECT id, $8, $3, $4, attempt, $2 FROM moved RETURNING true;

-- name: recover
-- Messages in the hand of senders that are gone: by their lease, or by an earlier life of this instance ($2, $3).
WITH lost AS (
    UPDATE message SET
        state = CASE WHEN handed_over_at IS NULL THEN 'queued' ELSE 'unknown' END,
        reason = 'sender_lost', next_attempt_at = $1, lease_until = NULL, updated_at = $1,
        leased_by = CASE WHEN handed_over_at IS NULL THEN NULL ELSE leased_by END
    WHERE state = 'sending'
      AND (lease_until < $1 OR (split_part(leased_by, '/', 1) = $2 AND split_part(leased_by, '/', 2) <> $3))
    RETURNING id, state, reason, attempts, current_attempt
), noted AS (
    INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
    SELECT id, $1, state, reason, attempts, $2 FROM lost
), left_open AS (
    UPDATE message_attempt a SET state = 'unknown', reason = 'sender_lost', changed_at = $1
    FROM lost WHERE a.id = lost.current_attempt AND a.state = 'handed_over'
)
SELECT state, count(*) AS messages FROM lost GROUP BY state;

-- name: leave_channels
-- Messages to owners that wait for a channel that is not run any more (one of $1) wait for one that is ($2): whoever takes one in
-- hand there decides anew by which channel it goes, if by any. By the names of those that are not run, because what is not in a
-- list is found in no index: each message that is queued would be read.
WITH moved AS (
    UPDATE message SET channel = $2, updated_at = $3
    WHERE state = 'queued' AND owner_id IS NOT NULL AND channel = ANY ($1::text[])
    RETURNING id, state, attempts
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
SELECT id, $3, state, 'channel_unavailable', attempts, $4 FROM moved;

-- name: lock_message
-- How a message stands; nobody else moves it until the transaction ends.
SELECT state FROM message WHERE id = $1 FOR UPDATE;

-- name: requeue
-- An operator sends it again: counted from the first try, by a sender that has nothing to do with the last one.
WITH moved AS (
    UPDATE message SET state = 'queued', reason = 'resend', attempts = 0, next_attempt_at = $2, updated_at = $2,
                       leased_by = NULL, lease_until = NULL, handed_over_at = NULL, failed_channels = '{}',
                       current_attempt = NULL
    WHERE id = $1 RETURNING id
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor)
SELECT id, $2, 'queued', $3, 0, $4 FROM moved;

-- name: list_messages
-- Newest first, after a place ($2, $3) or from the start, of one state or of all.
SELECT id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub, business_id, state,
       reason, attempts, next_attempt_at, handed_over_at, created_at, updated_at
FROM message
WHERE ($1::text IS NULL OR state = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4;

-- name: get_message
-- One message.
SELECT id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub, business_id, state,
       reason, attempts, next_attempt_at, handed_over_at, created_at, updated_at
FROM message WHERE id = $1;

-- name: list_steps
-- What happened to one message, in order.
SELECT at, state, reason, attempt, actor FROM message_step WHERE message_id = $1 ORDER BY id;

-- name: count_messages
-- Messages by state.
SELECT state, count(*) AS messages FROM message GROUP BY state;

-- name: save_officer
-- Where an officer's digests go.
INSERT INTO officer (sub, address, language, changed_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (sub) DO UPDATE SET address = EXCLUDED.address, language = EXCLUDED.language,
                                changed_by = EXCLUDED.changed_by, changed_at = now();
