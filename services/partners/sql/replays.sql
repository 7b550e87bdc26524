-- Statements of replays: what an endpoint is posted again, at an agency's own wish, and how far that is.

-- name: replay_spans
-- Of some streams: what is kept, how far an endpoint ($1) is, and the last positions recorded before two times (NULL: no time).
SELECT s.name AS stream, s.first, s.last, coalesce(p.position, 0) AS live,
       CASE WHEN $3::timestamptz IS NULL THEN 0
       ELSE coalesce((SELECT e.position FROM event e WHERE e.stream = s.name AND e.recorded_at < $3
                      ORDER BY e.recorded_at DESC, e.position DESC LIMIT 1), 0) END AS before_since,
       CASE WHEN $4::timestamptz IS NULL THEN s.last
       ELSE coalesce((SELECT e.position FROM event e WHERE e.stream = s.name AND e.recorded_at < $4
                      ORDER BY e.recorded_at DESC, e.position DESC LIMIT 1), 0) END AS before_until,
       (SELECT id FROM history ORDER BY number DESC LIMIT 1) AS history
FROM stream s LEFT JOIN webhook_position p ON p.webhook_id = $1 AND p.stream = s.name
WHERE s.name = ANY ($2::text[]) ORDER BY s.name;

-- name: insert_replay
-- A new replay of an endpoint, which is locked.
INSERT INTO webhook_replay (id, webhook_id, version, state, rate, since, until, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: insert_replay_positions
-- Where a new replay begins and ends in each stream.
INSERT INTO webhook_replay_position (replay_id, stream, after_position, position, upto)
SELECT $1, u.stream, u.after, u.after, u.upto FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS u(stream, after, upto);

-- name: running_replay
-- The replay of an endpoint that goes on, if one does.
SELECT id FROM webhook_replay WHERE webhook_id = $1 AND state = 'berjalan';

-- name: find_replay
-- One replay of an endpoint.
SELECT id, webhook_id, version, state, reason, rate, since, until, posted, created_at, ended_at FROM webhook_replay
WHERE id = $1 AND webhook_id = $2;

-- name: lock_replay
-- One replay of an endpoint, locked; the endpoint is locked before it.
SELECT id, webhook_id, version, state, reason, rate, since, until, posted, created_at, ended_at FROM webhook_replay
WHERE id = $1 AND webhook_id = $2 FOR UPDATE;

-- name: list_replays
-- Replays of an endpoint after an id.
SELECT id, webhook_id, version, state, reason, rate, since, until, posted, created_at, ended_at FROM webhook_replay
WHERE webhook_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: newest_replays
-- Replays of an endpoint before an id, the newest first.
SELECT id, webhook_id, version, state, reason, rate, since, until, posted, created_at, ended_at FROM webhook_replay
WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: load_replay_rate
-- How many events a second a replay that goes on may post.
SELECT rate FROM webhook_replay WHERE id = $1 AND state = 'berjalan';

-- name: load_replay_places
-- How far replays are in each stream.
SELECT replay_id, stream, after_position, upto, position, done, noted_upto, noted_revision, noted_agreement, noted_withheld,
       tries, failing_since, due_at, error
FROM webhook_replay_position WHERE replay_id = ANY ($1::uuid[]) ORDER BY replay_id, stream;

-- name: note_replay_page
-- What is on its way from now on, for who serves the endpoint ($8: its id, $9: its epoch); no row: somebody else does, nobody may,
-- or the replay does not go on.
UPDATE webhook_replay_position SET noted_upto = $3, noted_agreement = $4, noted_revision = $5, noted_withheld = $6::bigint[],
    position = $7
WHERE replay_id = $1 AND stream = $2 AND EXISTS (
    SELECT FROM webhook w JOIN webhook_replay r ON r.webhook_id = w.id AND r.id = $1 AND r.state = 'berjalan'
    WHERE w.id = $8 AND w.epoch = $9 AND w.state = 'aktif')
RETURNING stream;

-- name: save_replay_place
-- How far a replay is in a stream, and how it stands; the endpoint is locked.
UPDATE webhook_replay_position SET position = $3, done = $4::bigint[], tries = $5, failing_since = $6, due_at = $7, error = $8
WHERE replay_id = $1 AND stream = $2;

-- name: count_replayed
-- So many more were taken, also when the replay was ended meanwhile.
UPDATE webhook_replay SET posted = posted + $2 WHERE id = $1;

-- name: end_replay
-- A replay that goes on ends in a state, and for a reason if it is stopped.
UPDATE webhook_replay SET state = $2, reason = $3, version = version + 1, ended_at = clock_timestamp()
WHERE id = $1 AND state = 'berjalan';

-- name: end_replays_of
-- What goes on of an endpoint is stopped for a reason.
UPDATE webhook_replay SET state = 'dihentikan', reason = $2, version = version + 1, ended_at = clock_timestamp()
WHERE webhook_id = $1 AND state = 'berjalan';

-- name: stop_ungranted
-- Stops what goes on where no agreement grants anything by webhook now, and says why: what the newest agreement has come to.
UPDATE webhook_replay r SET state = 'dihentikan', version = r.version + 1, ended_at = clock_timestamp(), reason = CASE
        WHEN found.state = 'ditangguhkan' THEN 'perjanjian_ditangguhkan'
        WHEN found.state = 'berakhir' THEN 'perjanjian_berakhir'
        WHEN found.state = 'kedaluwarsa' OR found.expires_at <= clock_timestamp() THEN 'perjanjian_kedaluwarsa'
        WHEN found.counts THEN 'cara_tidak_diperjanjikan'
        ELSE 'tanpa_perjanjian' END
FROM webhook w
LEFT JOIN LATERAL (
    SELECT a.state, a.expires_at,
           a.state IN ('ditandatangani', 'aktif') AND a.starts_at <= clock_timestamp() AND a.expires_at > clock_timestamp() AS counts,
           t.terms -> 'ways' ? 'webhook' AS named
    FROM agreement a LEFT JOIN agreement_text t ON t.agreement_id = a.id AND t.revision = a.revision
    WHERE a.agency = w.agency ORDER BY a.state IN ('kedaluwarsa', 'berakhir'), a.id DESC LIMIT 1) found ON true
WHERE r.state = 'berjalan' AND w.id = r.webhook_id AND (found.counts AND found.named) IS NOT TRUE
RETURNING r.id, r.reason;
