-- Statements of the receipts: what providers tell of attempts after they took them.

-- name: lock_provider_key
-- Who stores what a provider called a message, and who stores what it tells of it, wait for each other.
SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 200));

-- name: find_attempt
-- The attempt that a receipt speaks of: by our reference ($2) where the provider repeats it, or by the provider's own id ($3).
SELECT id, message_id FROM message_attempt
WHERE channel = $1 AND (id = $2::uuid OR ($2 IS NULL AND provider_key = $3))
ORDER BY handed_over_at DESC LIMIT 1;

-- name: keep_receipt
-- Kept once; what came before its attempt was known gets it now.
INSERT INTO receipt AS r (channel, provider_key, state, reason, told_at, received_at, attempt_id)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (channel, provider_key, state) DO UPDATE SET attempt_id = coalesce(r.attempt_id, EXCLUDED.attempt_id);

-- name: take_kept
-- What was told of a provider's message ($2) before we knew that it is attempt $3.
UPDATE receipt SET attempt_id = $3 WHERE channel = $1 AND provider_key = $2 AND attempt_id IS NULL
RETURNING state, reason, told_at;

-- name: lock_told_message
-- The message of an attempt, as far as a receipt can move it; nobody else moves it until the transaction ends.
SELECT m.state, m.channel, m.current_attempt, m.failed_channels, r.channel AS chosen
FROM message m LEFT JOIN recipient r ON r.owner_id = m.owner_id WHERE m.id = $1 FOR UPDATE OF m;

-- name: advance_attempt
-- An attempt moves forward ($6: the states that are less); no row: it is as far already.
UPDATE message_attempt SET state = $2, reason = $3, provider_key = coalesce(provider_key, $4), changed_at = $5
WHERE id = $1 AND state = ANY ($6::text[]) RETURNING true;

-- name: move_told_message
-- What a receipt ($5: of which channel) makes of a message. What has arrived needs its sealed reason no longer.
WITH moved AS (
    UPDATE message SET state = $2, reason = $3, updated_at = $4, leased_by = NULL, lease_until = NULL,
                       sealed_reason = CASE WHEN $2 IN ('delivered', 'read') THEN NULL ELSE sealed_reason END
    WHERE id = $1 RETURNING id, attempts
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor) SELECT id, $4, $2, $3, attempts, $5 FROM moved;

-- name: fall_back
-- A message that failed for good on its channel goes on by the next ($2), counted from the first try.
WITH moved AS (
    UPDATE message SET state = 'queued', reason = $3, channel = $2, failed_channels = array_append(failed_channels, channel),
                       attempts = 0, next_attempt_at = $4, updated_at = $4, leased_by = NULL, lease_until = NULL,
                       handed_over_at = NULL, current_attempt = NULL
    WHERE id = $1 RETURNING id
)
INSERT INTO message_step (message_id, at, state, reason, attempt, actor) SELECT id, $4, 'queued', $3, 0, $5 FROM moved;

-- name: list_attempts
-- Every hand-over of a message, in order.
SELECT id, channel, number, state, reason, handed_over_at, changed_at FROM message_attempt
WHERE message_id = $1 ORDER BY handed_over_at, id;

-- name: forget_unmatched
-- Receipts of messages that are not ours, or not known any more ($1: received before); $2 at most.
DELETE FROM receipt WHERE id IN (SELECT id FROM receipt WHERE attempt_id IS NULL AND received_at < $1 ORDER BY id LIMIT $2)
RETURNING true;

-- name: forget_sealed_reasons
-- What was kept for another channel of messages that left before $1 and of which nothing more was told; $2 at most.
UPDATE message SET sealed_reason = NULL
WHERE id IN (SELECT id FROM message WHERE sealed_reason IS NOT NULL AND updated_at < $1 AND state = 'sent' LIMIT $2)
RETURNING true;
