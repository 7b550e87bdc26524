-- Statements of webhooks: endpoints with their secrets, who serves them, how far each is, and the last tries.

-- name: count_webhooks
-- How many endpoints an agency has; its code is held.
SELECT count(*) FROM webhook WHERE agency = $1 AND state <> 'dihapus';

-- name: insert_webhook
-- A new endpoint.
INSERT INTO webhook (id, version, agency, url, state, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: insert_positions
-- Where a new endpoint ($1) begins in every stream: before the first event that is kept ($2), or after the last.
INSERT INTO webhook_position (webhook_id, stream, position, began)
SELECT $1, name, b.began, b.began FROM stream, LATERAL (SELECT CASE WHEN $2 THEN first - 1 ELSE last END AS began) b;

-- name: lock_webhook
-- One endpoint, locked.
SELECT id, version, agency, url, state, reason, test_id, created_at FROM webhook WHERE id = $1 FOR UPDATE;

-- name: find_webhook
-- One endpoint.
SELECT id, version, agency, url, state, reason, test_id, created_at FROM webhook WHERE id = $1;

-- name: list_webhooks
-- Endpoints after an id, of one agency or of all.
SELECT id, version, agency, url, state, reason, test_id, created_at FROM webhook
WHERE id > $1 AND ($2::text IS NULL OR agency = $2) AND state <> 'dihapus' ORDER BY id LIMIT $3;

-- name: update_webhook
-- An endpoint after a deed; it is locked.
UPDATE webhook SET version = $2, state = $3, reason = $4, test_id = $5 WHERE id = $1;

-- name: try_at_once
-- An endpoint that is resumed waits for no earlier failure.
UPDATE webhook_position SET tries = 0, failing_since = NULL, due_at = 'epoch' WHERE webhook_id = $1;

-- name: streams_with_a_hole
-- Streams of which events after an endpoint's position are not kept any more.
SELECT p.stream FROM webhook_position p JOIN stream s ON s.name = p.stream
WHERE p.webhook_id = $1 AND p.position < s.first - 1 ORDER BY p.stream;

-- name: skip_holes
-- An endpoint goes on with what is kept.
UPDATE webhook_position p SET position = s.first - 1, began = s.first - 1, done = '{}' FROM stream s
WHERE s.name = p.stream AND p.webhook_id = $1 AND p.position < s.first - 1;

-- name: end_secrets
-- The older secrets of an endpoint end at a time; those that ended before another ($3) are forgotten.
WITH gone AS (DELETE FROM webhook_secret WHERE webhook_id = $1 AND expires_at <= $3)
UPDATE webhook_secret SET expires_at = least(coalesce(expires_at, $2), $2) WHERE webhook_id = $1 AND (expires_at IS NULL OR expires_at > $3);

-- name: delete_secrets
-- An endpoint that is removed signs nothing any more.
DELETE FROM webhook_secret WHERE webhook_id = $1;

-- name: insert_secret
-- Another secret of an endpoint.
INSERT INTO webhook_secret (id, webhook_id, wrapped, kek_id, created_at) VALUES ($1, $2, $3, $4, $5);

-- name: load_secrets
-- The secrets of endpoints that are valid at a time, each endpoint's newest first.
SELECT id, webhook_id, wrapped, kek_id, expires_at FROM webhook_secret
WHERE webhook_id = ANY ($1::uuid[]) AND (expires_at IS NULL OR expires_at > $2) ORDER BY webhook_id, created_at DESC, id DESC;

-- name: secret_uses
-- How many secrets each key wraps.
SELECT kek_id, count(*) AS uses FROM webhook_secret GROUP BY kek_id;

-- name: lock_old_secrets
-- The next secrets that older keys ($2) wrap, locked. What is locked is left for a later look: it is being removed, or made to end.
SELECT id, wrapped FROM webhook_secret WHERE id > $1 AND kek_id = ANY ($2::text[]) ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED;

-- name: rewrap_secrets
-- The same secrets under another key. Until when they sign stays as it is.
UPDATE webhook_secret s SET wrapped = n.wrapped, kek_id = $3 FROM unnest($1::uuid[], $2::bytea[]) AS n(id, wrapped) WHERE s.id = n.id;

-- name: fresh_secret
-- The newest secret of an endpoint that is still in a version ($2), if it was made after a time.
SELECT s.id, s.webhook_id, s.wrapped, s.kek_id, s.expires_at FROM webhook_secret s JOIN webhook w ON w.id = s.webhook_id
WHERE w.id = $1 AND w.version = $2 AND s.expires_at IS NULL AND s.created_at > $3;

-- name: load_tries
-- The last tries of an endpoint, newest first.
SELECT number, stream, position, event_id, type, status, error, millis, tried_at FROM webhook_try
WHERE webhook_id = $1 ORDER BY number DESC LIMIT $2;

-- name: lags
-- How far an endpoint is in each stream, and what failed.
SELECT p.stream, p.position, s.last, p.tries, p.failing_since, p.due_at FROM webhook_position p JOIN stream s ON s.name = p.stream
WHERE p.webhook_id = $1 ORDER BY p.stream;

-- name: end_soon
-- The server ends this transaction, and lets its rows go, when it lasts so long. Without the first of both, the time of the session counts on.
SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '5s';

-- name: hold_webhooks
-- Takes what nobody serves, and what an earlier life of this instance ($2) served; renews what is held and ends before $4.
-- What is locked is left for the next look: its worker may be frozen in the middle of a transaction.
UPDATE webhook SET held_until = clock_timestamp() + $3, epoch = epoch + (holder IS DISTINCT FROM $1)::int, holder = $1
WHERE id IN (
    SELECT id FROM webhook
    WHERE state = 'aktif' AND (held_until < clock_timestamp() OR holder <> $1 AND split_part(holder, '/', 1) = $2
                               OR holder = $1 AND held_until < clock_timestamp() + $4)
    ORDER BY id FOR UPDATE SKIP LOCKED
);

-- name: held_webhooks
-- What this worker serves, as far as an agreement that names the way grants anything now.
SELECT w.id, w.version, w.agency, w.url, w.test_id, w.epoch, a.id AS agreement_id, a.revision, clock_timestamp() AS now,
       r.id AS replay_id
FROM webhook w
JOIN agreement a ON a.agency = w.agency AND a.state IN ('ditandatangani', 'aktif') AND a.starts_at <= clock_timestamp()
    AND a.expires_at > clock_timestamp()
JOIN agreement_text t ON t.agreement_id = a.id AND t.revision = a.revision AND t.terms -> 'ways' ? 'webhook'
LEFT JOIN webhook_replay r ON r.webhook_id = w.id AND r.state = 'berjalan'
WHERE w.holder = $1 AND w.held_until > clock_timestamp() AND w.state = 'aktif' ORDER BY w.id;

-- name: release_webhooks
-- This worker serves nothing any more.
UPDATE webhook SET held_until = 'epoch' WHERE holder = $1;

-- name: add_positions
-- Streams that are younger than an endpoint are read from their beginning.
INSERT INTO webhook_position (webhook_id, stream, position, began)
SELECT w.id, s.name, 0, 0 FROM webhook w CROSS JOIN stream s
WHERE NOT EXISTS (SELECT FROM webhook_position p WHERE p.webhook_id = w.id AND p.stream = s.name)
ON CONFLICT DO NOTHING;

-- name: load_positions
-- How far an endpoint is in each stream.
SELECT stream, position, done, noted_upto, noted_revision, noted_agreement, noted_withheld, tries, failing_since, due_at
FROM webhook_position WHERE webhook_id = $1 ORDER BY stream;

-- name: note_page
-- What is on its way from now on ($3), and its row in the disclosure log, for who serves the endpoint ($8 is its epoch), if the text
-- still counts now; no row: somebody else serves it, nobody may, or the text does not count any more.
WITH page AS (
    UPDATE webhook_position SET noted_upto = $3, noted_agreement = $4, noted_revision = $5, noted_withheld = $6::bigint[],
        position = $7
    WHERE webhook_id = $1 AND stream = $2 AND EXISTS (SELECT FROM webhook WHERE id = $1 AND epoch = $8 AND state = 'aktif')
        AND EXISTS (SELECT FROM agreement WHERE id = $4 AND revision = $5 AND state IN ('ditandatangani', 'aktif')
                        AND starts_at <= clock_timestamp() AND expires_at > clock_timestamp())
    RETURNING stream
)
INSERT INTO disclosure (agency, agreement_id, revision, way, stream, after_position, upto_position, events, withheld, endpoint)
SELECT $9, $4, $5, 'webhook', stream, $7, $3, $10, $6::bigint[], $1 FROM page
RETURNING id;

-- name: text_counts
-- Whether a text of an agreement counts now, and a worker still serves an endpoint.
SELECT EXISTS (SELECT FROM agreement a JOIN webhook w ON w.id = $3 AND w.epoch = $4 AND w.state = 'aktif'
               WHERE a.id = $1 AND a.revision = $2 AND a.state IN ('ditandatangani', 'aktif')
                   AND a.starts_at <= clock_timestamp() AND a.expires_at > clock_timestamp());

-- name: lock_served
-- Locks an endpoint for who serves it, and counts tries; no row: somebody else serves it.
UPDATE webhook SET tried = tried + $3 WHERE id = $1 AND epoch = $2 RETURNING tried;

-- name: save_position
-- How far an endpoint is in a stream, and how it stands.
UPDATE webhook_position SET position = $3, done = $4::bigint[], tries = $5, failing_since = $6, due_at = $7
WHERE webhook_id = $1 AND stream = $2;

-- name: save_tries
-- Tries into their places in the ring ($2 of them); what stood there is forgotten.
INSERT INTO webhook_try (webhook_id, slot, number, stream, position, event_id, type, status, error, millis, tried_at)
SELECT $1, u.number % $2, u.number, u.stream, u.position, u.event_id, u.type, u.status, u.error, u.millis, u.tried_at
FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::int[], $9::text[], $10::int[],
            $11::timestamptz[])
     AS u(number, stream, position, event_id, type, status, error, millis, tried_at)
ON CONFLICT (webhook_id, slot) DO UPDATE SET number = EXCLUDED.number, stream = EXCLUDED.stream, position = EXCLUDED.position,
    event_id = EXCLUDED.event_id, type = EXCLUDED.type, status = EXCLUDED.status, error = EXCLUDED.error,
    millis = EXCLUDED.millis, tried_at = EXCLUDED.tried_at;

-- name: settle_page
-- All that became of a page, for who serves the endpoint ($2 is its epoch): so many tries ($3) counted, the last of them put into the
-- ring of $4 places, and where the endpoint is in the stream ($5); no row: somebody else serves it.
WITH served AS (
    UPDATE webhook SET tried = tried + $3 WHERE id = $1 AND epoch = $2 RETURNING tried
), place AS (
    UPDATE webhook_position SET position = $6, done = $7::bigint[], tries = $8, failing_since = $9, due_at = $10
    FROM served WHERE webhook_id = $1 AND stream = $5
), ring AS (
    INSERT INTO webhook_try (webhook_id, slot, number, stream, position, event_id, type, status, error, millis, tried_at)
    SELECT $1, (s.tried - $3 + u.at) % $4, s.tried - $3 + u.at, $5, u.position, u.event_id, u.type, u.status, u.error, u.millis,
           u.tried_at
    FROM served s, unnest($11::bigint[], $12::bigint[], $13::uuid[], $14::text[], $15::int[], $16::text[], $17::int[],
                          $18::timestamptz[]) AS u(at, position, event_id, type, status, error, millis, tried_at)
    ON CONFLICT (webhook_id, slot) DO UPDATE SET number = EXCLUDED.number, stream = EXCLUDED.stream,
        position = EXCLUDED.position, event_id = EXCLUDED.event_id, type = EXCLUDED.type, status = EXCLUDED.status,
        error = EXCLUDED.error, millis = EXCLUDED.millis, tried_at = EXCLUDED.tried_at
)
SELECT tried FROM served;

-- name: disable_webhook
-- An endpoint that takes nothing any more.
UPDATE webhook SET state = 'dimatikan', reason = $3, version = version + 1, test_id = NULL
WHERE id = $1 AND epoch = $2 AND state = 'aktif';

-- name: end_test
-- A test was posted.
UPDATE webhook SET test_id = NULL WHERE id = $1 AND test_id = $2;
