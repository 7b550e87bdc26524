-- Statements of erasure on request.

-- name: insert_request
-- A new request; no row if the owner has an open one.
INSERT INTO erasure_request (id, version, owner_id, state, asker, way, asked_at, due_at, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (owner_id) WHERE state IN ('diajukan', 'identitas_diperiksa', 'diterima') DO NOTHING RETURNING id;

-- name: update_request
-- A request after a step.
UPDATE erasure_request SET version = $2, state = $3, identity = $4, checked_by = $5, checked_at = $6, reason = $7,
    decided_by = $8, decided_at = $9, ended_by = $10, ended_at = $11
WHERE id = $1;

-- name: lock_request
-- One request, locked.
SELECT * FROM erasure_request WHERE id = $1 FOR UPDATE;

-- name: find_request
-- One request, not locked.
SELECT * FROM erasure_request WHERE id = $1;

-- name: open_request
-- The open request of an owner.
SELECT * FROM erasure_request WHERE owner_id = $1 AND state IN ('diajukan', 'identitas_diperiksa', 'diterima');

-- name: list_requests
-- Requests after an id; in a state, of an owner, or only those that are open past their deadline at $4, if asked.
SELECT * FROM erasure_request
WHERE id > $1
  AND ($2::text IS NULL OR state = $2)
  AND ($3::uuid IS NULL OR owner_id = $3)
  AND ($4::timestamptz IS NULL OR (due_at < $4 AND state IN ('diajukan', 'identitas_diperiksa', 'diterima')))
ORDER BY id LIMIT $5;

-- name: note_overdue
-- Open requests whose deadline passed before $1 and that nobody noted yet; each is returned to one caller only.
UPDATE erasure_request SET overdue_noted_at = $1
WHERE id IN (SELECT id FROM erasure_request
             WHERE due_at < $1 AND overdue_noted_at IS NULL AND state IN ('diajukan', 'identitas_diperiksa', 'diterima')
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, state, due_at;

-- name: what_would_go
-- What an erasure of the owner would empty: businesses that nobody else goes on with and those that go on, licences sealed
-- under the owner's key, NIBs of businesses that go on, notes of visits.
WITH first AS (
    SELECT bo.business_id, (SELECT b.nib IS NOT NULL FROM business b WHERE b.id = bo.business_id) AS has_nib, EXISTS (
        SELECT FROM business_owner other JOIN owner_key k ON k.owner_id = other.owner_id AND k.wrapped IS NOT NULL
        WHERE other.business_id = bo.business_id AND other.owner_id <> $1) AS goes_on
    FROM business_owner bo WHERE bo.owner_id = $1 AND bo.position = 0)
SELECT (SELECT count(*) FROM first WHERE NOT goes_on) AS businesses_forgotten,
    (SELECT count(*) FROM first WHERE goes_on) AS businesses_passed_on,
    (SELECT count(*) FROM first WHERE goes_on AND has_nib) AS nibs,
    (SELECT count(*) FROM licence l WHERE l.number IS NOT NULL
     AND (l.owner_id = $1 OR l.business_id IN (SELECT business_id FROM first WHERE NOT goes_on))) AS licences,
    (SELECT count(*) FROM mentoring_visit v WHERE v.note IS NOT NULL
     AND v.business_id IN (SELECT business_id FROM business_owner WHERE owner_id = $1)) AS visit_notes;

-- name: import_key_of
-- The natural key under which an import knows an owner without a NIK.
SELECT import_key FROM owner WHERE id = $1;

-- name: insert_erased_person
-- An erased person, as a spreadsheet would name them.
INSERT INTO erased_person (digest, kek_id, erased_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: delete_erased_person
-- The person is here again.
DELETE FROM erased_person WHERE digest = ANY ($1::bytea[]);
