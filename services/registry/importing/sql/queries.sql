-- name: insert_job
-- A job that waits for a worker.
INSERT INTO import_job (id, file_name, sha256, size, kelurahan, own_only, dry_run, officer, rules)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: insert_piece
-- One piece of the file.
INSERT INTO import_piece (import_id, position, data) VALUES ($1, $2, $3);

-- name: piece
-- One piece of the file, or nothing after the last.
SELECT data FROM import_piece WHERE import_id = $1 AND position = $2;

-- name: drop_pieces
-- The file is not needed any more.
DELETE FROM import_piece WHERE import_id = $1;

-- name: claim_job
-- The oldest job that waits, or whose worker is gone, or that this instance had before it was restarted; none that it has in
-- hand, and not the bytes of one, which are repeated once that is done.
-- If the same bytes were applied for this kelurahan by the same rules before, the job repeats that import, unless what it came
-- to may be otherwise now: somebody was erased since, or it left out rows of who was, and may have come anew, or of a business
-- that was closed, merged or moved, and may be back. Then each row is looked at.
UPDATE import_job j
SET state = 'berjalan', lease_holder = $1, lease_until = now() + $2::interval, attempts = attempts + 1,
    started_at = coalesce(started_at, now()), rules = CASE WHEN j.last_number = 0 THEN $4::int ELSE j.rules END,
    repeats = CASE WHEN j.last_number = 0 AND NOT j.dry_run THEN (
        SELECT e.id FROM import_job e
        WHERE e.sha256 = j.sha256 AND e.kelurahan = j.kelurahan AND e.state = 'selesai' AND NOT e.dry_run
          AND e.rules = $4::int AND e.own_only = j.own_only
          AND NOT EXISTS (SELECT FROM owner o WHERE o.erased_at >= e.completed_at)
          AND NOT EXISTS (SELECT FROM import_chunk c WHERE c.import_id = e.id
                          AND c.codes::text ~ 'PEMILIK_DIHAPUS|USAHA_TIDAK_AKTIF|USAHA_PINDAH')
        ORDER BY e.completed_at LIMIT 1) END
WHERE j.id = (
    SELECT w.id FROM import_job w
    WHERE (w.state = 'menunggu' OR (w.state = 'berjalan' AND (w.lease_until < now() OR w.lease_holder = $1)))
      AND w.id <> ALL ($3::uuid[])
      AND w.sha256 NOT IN (SELECT h.sha256 FROM import_job h WHERE h.id = ANY ($3::uuid[]))
    ORDER BY w.created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: renew_lease
-- The worker is alive, between chunks and while it opens a file.
UPDATE import_job SET lease_until = now() + $3::interval WHERE id = $1 AND lease_holder = $2 AND state = 'berjalan'
RETURNING true;

-- name: release_job
-- The worker stops in good order: another one may go on at once.
UPDATE import_job SET lease_until = now(), attempts = attempts - 1 WHERE id = $1 AND lease_holder = $2;

-- name: advance_job
-- Progress of a chunk, in its transaction. No row: another worker has the job, so this transaction must not commit.
UPDATE import_job
SET last_number = $4, version = $5, lease_until = now() + $6::interval, fact_count = fact_count + $7,
    row_count = row_count + $8, new_count = new_count + $9, changed_count = changed_count + $10,
    same_count = same_count + $11, possible_duplicate_count = possible_duplicate_count + $12,
    refused_count = refused_count + $13
WHERE id = $1 AND lease_holder = $2 AND last_number = $3 AND state = 'berjalan'
RETURNING true;

-- name: set_labels
-- The columns' names as typed.
UPDATE import_job SET labels = $3::jsonb WHERE id = $1 AND lease_holder = $2;

-- name: finish_job
-- The end of a job, good or not.
UPDATE import_job
SET state = $3, reason_code = $4, reason = $5, version = $6, completed_at = $7, lease_until = NULL
WHERE id = $1 AND lease_holder = $2 AND state = 'berjalan'
RETURNING true;

-- name: insert_chunk
-- What became of the rows of a chunk.
INSERT INTO import_chunk (import_id, last_number, numbers, results, codes, businesses)
VALUES ($1, $2, $3, $4, $5::jsonb, $6);

-- name: repeat_chunks
-- The outcomes of an import that is repeated: what was applied then is the same now, what was refused is refused.
INSERT INTO import_chunk (import_id, last_number, numbers, results, codes, businesses)
SELECT $1, last_number, numbers, translate(results, 'ncp', 'sss'), codes, businesses
FROM import_chunk WHERE import_id = $2;

-- name: repeat_totals
-- The totals of a repeated import.
UPDATE import_job j
SET row_count = e.row_count, refused_count = e.refused_count, same_count = e.row_count - e.refused_count,
    last_number = e.last_number, labels = e.labels
FROM import_job e WHERE j.id = $1 AND e.id = $2;

-- name: job
-- One job.
SELECT * FROM import_job WHERE id = $1;

-- name: chunks_after
-- The ledger from a row on.
SELECT numbers, results, codes, businesses FROM import_chunk
WHERE import_id = $1 AND last_number > $2 ORDER BY last_number LIMIT $3;

-- name: known_owners
-- The owners of a chunk that are in the registry already.
SELECT o.id, o.version, o.nik, o.import_key, o.name, o.name_key, o.birth_date, o.phones, o.email, o.flags
FROM owner o WHERE o.nik = ANY ($1::text[])
UNION ALL
SELECT o.id, o.version, o.nik, o.import_key, o.name, o.name_key, o.birth_date, o.phones, o.email, o.flags
FROM owner o WHERE o.import_key = ANY ($2::uuid[]);

-- name: erased_persons
-- Which of these persons were erased and did not come anew.
SELECT digest FROM erased_person WHERE digest = ANY ($1::bytea[]);

-- name: known_businesses
-- The businesses of a chunk that are in the registry already, by natural key.
SELECT b.*, (SELECT array_agg(bo.owner_id ORDER BY bo.position) FROM business_owner bo WHERE bo.business_id = b.id) AS owners,
    EXISTS (SELECT FROM business_owner bo JOIN owner_key k ON k.owner_id = bo.owner_id AND k.wrapped IS NOT NULL
            WHERE bo.business_id = b.id AND bo.position = 0) AS sealable
FROM business b WHERE b.import_key = ANY ($1::uuid[]);

-- name: businesses_of
-- The businesses of owners who bring one that is not found by its natural key.
SELECT b.*, (SELECT array_agg(i.owner_id ORDER BY i.position) FROM business_owner i WHERE i.business_id = b.id) AS owners,
    EXISTS (SELECT FROM owner_key k WHERE k.owner_id = bo.owner_id AND k.wrapped IS NOT NULL) AS sealable
FROM unnest($1::uuid[]) AS asked (owner_id)
-- Each looked up by its index: an offset keeps a join from beginning with all businesses of the registry.
CROSS JOIN LATERAL (SELECT * FROM business_owner WHERE owner_id = asked.owner_id AND position = 0 OFFSET 0) AS bo
CROSS JOIN LATERAL (SELECT * FROM business WHERE id = bo.business_id OFFSET 0) AS b;

-- name: lookalikes
-- Businesses whose owner is another one and may be the person of row n: same name and birth date in the same kelurahan, or
-- same name and phone (the first two of each). Each branch has its index: names alone are shared by hundreds.
WITH told AS MATERIALIZED (
    SELECT * FROM unnest($1::int[], $2::text[], $3::date[], $4::text[], $5::text[], $6::text[], $7::uuid[])
        AS u (n, name_key, birth_date, kelurahan, phone, phone2, owner_id)
), phones AS MATERIALIZED (
    SELECT n, name_key, phone, owner_id FROM told WHERE phone IS NOT NULL
    UNION ALL SELECT n, name_key, phone2, owner_id FROM told WHERE phone2 IS NOT NULL
), alike AS (
    SELECT u.n, o.id, u.kelurahan, 'nama_tanggal_lahir_kelurahan' AS ground
    FROM told u JOIN owner o ON o.name_key = u.name_key AND o.birth_date = u.birth_date
        AND o.id IS DISTINCT FROM u.owner_id
    UNION ALL
    SELECT p.n, o.id, NULL, 'telepon_nama' FROM phones p JOIN owner o ON o.phones[1] = p.phone AND o.name_key = p.name_key
        AND o.id IS DISTINCT FROM p.owner_id
    UNION ALL
    SELECT p.n, o.id, NULL, 'telepon_nama' FROM phones p JOIN owner o ON o.phones[2] = p.phone AND o.name_key = p.name_key
        AND o.id IS DISTINCT FROM p.owner_id
)
SELECT DISTINCT ON (a.n) a.n, first.id, a.ground
FROM alike a
-- The offset keeps this apart: joined, or read in the order of its limit, all businesses of the registry may come first.
CROSS JOIN LATERAL (
    SELECT id FROM (
        SELECT b.id FROM business_owner bo
        JOIN business b ON b.id = bo.business_id AND b.status NOT IN ('ditolak', 'tutup', 'digabung')
        WHERE bo.owner_id = a.id AND (a.ground = 'telepon_nama' OR b.kelurahan = a.kelurahan) OFFSET 0) AS theirs
    ORDER BY id LIMIT 1) AS first
ORDER BY a.n, first.id, a.ground;

-- name: nib_holders
-- Who holds the NIBs of a chunk, but for businesses ($2) that chunks before it change.
SELECT DISTINCT b.nib, bo.owner_id FROM unnest($1::text[]) AS asked (nib)
CROSS JOIN LATERAL (SELECT id, nib FROM business WHERE nib = asked.nib AND id <> ALL ($2::uuid[]) OFFSET 0) AS b
CROSS JOIN LATERAL (SELECT owner_id FROM business_owner WHERE business_id = b.id OFFSET 0) AS bo;

-- name: owner_keys
-- The wrapped keys of owners; erased ones have none.
SELECT owner_id, wrapped FROM owner_key WHERE owner_id = ANY ($1::uuid[]) AND wrapped IS NOT NULL;

-- name: hold_owners
-- How many of these owners are not erased; they stay so until the transaction ends.
WITH held AS MATERIALIZED (SELECT id FROM owner WHERE id = ANY ($1::uuid[]) AND erased_at IS NULL ORDER BY id FOR SHARE)
SELECT count(*) FROM held;

-- name: change_owners
-- Contacts that a file adds, unless somebody changed the owner since it was read.
UPDATE owner o
SET version = o.version + 1, phones = string_to_array(u.phones, ' '), email = u.email, birth_date = u.birth_date,
    updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::date[]) AS u (id, version, phones, email, birth_date)
WHERE o.id = u.id AND o.version = u.version AND o.erased_at IS NULL;

-- name: keep_workers
-- The counts that other ones take the place of, for the history of workers.
INSERT INTO business_workers (business_id, as_of, paid_men, paid_women, unpaid_men, unpaid_women)
SELECT id, workers_as_of, paid_men, paid_women, unpaid_men, unpaid_women FROM business
WHERE id = ANY ($1::uuid[]) AND workers_as_of IS NOT NULL;

-- name: change_businesses
-- Profiles that a file changes, unless somebody changed the business since it was read.
UPDATE business b
SET version = u.version + u.facts, address = u.address, nib = u.nib, sector = u.sector, kbli_version = u.kbli_version,
    kbli_code = u.kbli_code, capital = u.capital, sales = u.sales, founded_year = u.founded_year,
    paid_men = u.paid_men, paid_women = u.paid_women, unpaid_men = u.unpaid_men, unpaid_women = u.unpaid_women,
    workers_as_of = u.workers_as_of, flags = string_to_array(u.flags, ' '), as_of = u.as_of,
    updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
            $10::bigint[], $11::smallint[], $12::int[], $13::int[], $14::int[], $15::int[], $16::date[], $17::text[],
            $18::date[])
    AS u (id, version, facts, address, nib, sector, kbli_version, kbli_code, capital, sales, founded_year,
          paid_men, paid_women, unpaid_men, unpaid_women, workers_as_of, flags, as_of)
WHERE b.id = u.id AND b.version = u.version;

-- name: set_natural_keys
-- Businesses that were registered by hand are found by their natural key from now on, also once they are closed or moved. In the
-- order of ids, as everywhere; not one that somebody has changed since it was read.
UPDATE business b SET import_key = u.key
FROM (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS t (id, version, key) ORDER BY id) AS u
WHERE b.id = u.id AND b.version = u.version AND b.import_key IS NULL;

-- name: insert_proposals
-- Pairs that a person shall look at; a pair that was proposed before is not proposed again.
INSERT INTO duplicate_proposal (id, business_id, other_id, grounds, proposed_by)
SELECT u.id, u.business_id, u.other_id, ARRAY[u.ground], $5
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS u (id, business_id, other_id, ground);

-- name: mark
-- Where the facts of this transaction end, once they are appended.
SELECT pg_current_xact_id()::text AS xid, currval('outbox_id_seq') AS last_id;

-- name: published_past
-- Whether the relay has published all up to a mark.
SELECT bool_and(pg_visible_in_snapshot($1::text::xid8, base)
    OR (target IS NOT NULL AND pg_visible_in_snapshot($1::text::xid8, target) AND last_id >= $2)) FROM relay_cursor;

-- name: published
-- Facts that the relay has published so far: grows while Kafka is there.
SELECT coalesce(sum(published), 0)::bigint FROM relay_cursor;
