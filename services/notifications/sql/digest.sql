-- Statements of digests.

-- name: hold_items
-- Keep messages for their owner's next digest; only those that stand so, since a replay may find one that went out long ago.
INSERT INTO digest_item (message_id, owner_id, held_at)
SELECT id, owner_id, $2 FROM message
WHERE id = ANY ($1::uuid[]) AND state = 'suppressed' AND reason = 'in_digest'
ON CONFLICT (message_id) DO NOTHING;

-- name: lock_making
-- Whether nobody else makes digests until the transaction ends.
SELECT pg_try_advisory_xact_lock(hashtext('notifications.digest'));

-- name: find_owners_due
-- Owners after $3 with something kept since before $2, whose digests come every $1; a day for who chose none any more.
SELECT i.owner_id FROM digest_item i LEFT JOIN digest_choice c ON c.owner_id = i.owner_id
WHERE i.digest_id IS NULL AND i.held_at < $2 AND i.owner_id > $3 AND coalesce(c.every, 'harian') = $1
GROUP BY i.owner_id ORDER BY i.owner_id LIMIT $4;

-- name: find_messages
-- Which of these messages are there.
SELECT id FROM message WHERE id = ANY ($1::uuid[]);

-- name: give_items
-- What was kept for these owners ($1) before $3 goes into their digests ($2).
UPDATE digest_item i SET digest_id = d.digest_id
FROM unnest($1::uuid[], $2::uuid[]) AS d(owner_id, digest_id)
WHERE i.owner_id = d.owner_id AND i.digest_id IS NULL AND i.held_at < $3;

-- name: load_items
-- What these digests tell, oldest first.
SELECT i.digest_id, m.id, m.event_id, m.template, m.owner_id, m.officer_sub, m.business_id, m.channel, m.params::text,
       m.sealed_reason, m.attempts, m.occurred_at, m.failed_channels, m.traceparent
FROM digest_item i JOIN message m ON m.id = i.message_id
WHERE i.digest_id = ANY ($1::uuid[]) ORDER BY i.digest_id, m.occurred_at, m.id;

-- name: forget_told
-- An officer's reason that a digest told is let go, as that of a message that was sent.
UPDATE message m SET sealed_reason = NULL
FROM digest_item i JOIN message d ON d.id = i.digest_id
WHERE m.id = i.message_id AND m.state = 'suppressed' AND m.sealed_reason IS NOT NULL AND d.state IN ('sent', 'delivered', 'read');

-- name: choose_digest
-- How often an owner wants one.
INSERT INTO digest_choice (owner_id, every, changed_by, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (owner_id) DO UPDATE SET every = EXCLUDED.every, changed_by = EXCLUDED.changed_by,
                                     changed_at = EXCLUDED.changed_at
WHERE digest_choice.every <> EXCLUDED.every;

-- name: choose_none
-- An owner wants each message at once.
DELETE FROM digest_choice WHERE owner_id = $1;
