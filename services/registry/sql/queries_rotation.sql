-- Statements of the rotation of key-encryption keys.

-- name: key_uses
-- How many rows need each key: owners' keys that are there, marking keys, and marks whose marking key is not stored.
SELECT kek_id, sum(uses)::bigint AS uses FROM (
    SELECT kek_id, count(*) AS uses FROM owner_key WHERE wrapped IS NOT NULL GROUP BY kek_id
    UNION ALL
    SELECT kek_id, count(*) FROM marking_key GROUP BY kek_id
    UNION ALL
    SELECT p.kek_id, count(*) FROM erased_person p WHERE NOT EXISTS (SELECT FROM marking_key m WHERE m.id = p.kek_id)
    GROUP BY p.kek_id
) found GROUP BY kek_id;

-- name: lock_old_keys
-- The next owners' keys that older keys ($2) wrap, locked. What an erasure has locked is left for a later look: it may be gone then.
SELECT owner_id, wrapped FROM owner_key
WHERE owner_id > $1 AND kek_id = ANY ($2::text[]) AND wrapped IS NOT NULL ORDER BY owner_id LIMIT $3 FOR UPDATE SKIP LOCKED;

-- name: rewrap_keys
-- The same keys under another one. What is gone stays gone.
UPDATE owner_key k SET wrapped = n.wrapped, kek_id = $3
FROM unnest($1::uuid[], $2::bytea[]) AS n(owner_id, wrapped)
WHERE k.owner_id = n.owner_id AND k.wrapped IS NOT NULL;

-- name: marking_keys
-- What makes the marks of keys that may be gone.
SELECT id, kek_id, wrapped FROM marking_key;

-- name: keep_marking_keys
-- Marking keys, wrapped anew unless they are under that key already.
INSERT INTO marking_key (id, kek_id, wrapped) SELECT id, $3, wrapped FROM unnest($1::text[], $2::bytea[]) AS n(id, wrapped)
ON CONFLICT (id) DO UPDATE SET kek_id = excluded.kek_id, wrapped = excluded.wrapped WHERE marking_key.kek_id <> excluded.kek_id;
