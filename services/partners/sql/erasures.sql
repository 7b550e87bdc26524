-- Statements of erasures: of whom the disclosure log is looked at, and the notices to agencies.

-- name: insert_erasures
-- Owners who were erased; whoever was told before stays as they are.
INSERT INTO erasure (owner_id, recorded_at, look_at) SELECT o, $2, $2 FROM unnest($1::uuid[]) AS u(o) ON CONFLICT DO NOTHING;

-- name: hold_erasure
-- One owner of whom the disclosure log is to be looked at now, held; what another worker holds is left to it.
SELECT owner_id, recorded_at FROM erasure WHERE look_at <= $1 ORDER BY look_at, owner_id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: looked_at
-- When the log is to be looked at again for an owner; NULL: not any more.
UPDATE erasure SET look_at = $2 WHERE owner_id = $1;

-- name: save_notice
-- A notice to an agency. If it is found to have been given more than it was told, it is told anew.
INSERT INTO erasure_notice (id, agency, owner_id, subjects, made_at, due_at, tell_at) VALUES ($1, $2, $3, $4::jsonb, $5, $6, $5)
ON CONFLICT (agency, owner_id) DO UPDATE SET subjects = EXCLUDED.subjects, due_at = EXCLUDED.due_at, tell_at = EXCLUDED.tell_at,
    round_done = '{}', acknowledged_at = NULL, acknowledged_by = NULL, outcome = NULL, reference = NULL, overdue_noted_at = NULL
WHERE erasure_notice.subjects <> EXCLUDED.subjects;

-- name: claim_notices
-- Notices that are to be told now, left alone by others until $2.
UPDATE erasure_notice SET tell_at = $2
WHERE id IN (SELECT id FROM erasure_notice WHERE acknowledged_at IS NULL AND tell_at <= $1 ORDER BY tell_at, id LIMIT $3
             FOR UPDATE SKIP LOCKED)
RETURNING *;

-- name: save_round
-- What came of telling a notice ($6 ways took it now), unless it was acknowledged or made anew meanwhile (its subjects are $8).
UPDATE erasure_notice SET tell_at = $2, round_done = $3::text[], obstacle = $4, tells = tells + $5,
    told_ways = ARRAY(SELECT DISTINCT unnest(told_ways || $6::text[]) ORDER BY 1),
    told_at = CASE WHEN $6::text[] = '{}' THEN told_at ELSE coalesce(told_at, $7) END
WHERE id = $1 AND acknowledged_at IS NULL AND subjects = $8::jsonb;

-- name: read_notices
-- An agency has read these of its notices.
UPDATE erasure_notice SET told_at = coalesce(told_at, $3), told_ways = told_ways || 'feed'::text
WHERE id = ANY ($1::uuid[]) AND agency = $2 AND NOT 'feed' = ANY (told_ways);

-- name: note_overdue
-- Notices whose deadline passed before $1 and that nobody noted yet; each is returned to one caller only.
UPDATE erasure_notice SET overdue_noted_at = $1
WHERE id IN (SELECT id FROM erasure_notice WHERE acknowledged_at IS NULL AND due_at < $1 AND overdue_noted_at IS NULL
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, agency, due_at;

-- name: list_notices
-- Notices after an id: of one agency ($2), of one owner ($3), open or acknowledged ($4), past their deadline ($5), each if given.
SELECT * FROM erasure_notice
WHERE id > $1 AND ($2::text IS NULL OR agency = $2) AND ($3::uuid IS NULL OR owner_id = $3)
    AND ($4::boolean IS NULL OR (acknowledged_at IS NULL) = $4)
    AND ($5::timestamptz IS NULL OR acknowledged_at IS NULL AND due_at < $5)
ORDER BY id LIMIT $6;

-- name: count_open
-- How many notices an agency has not acknowledged.
SELECT count(*) FROM erasure_notice WHERE agency = $1 AND acknowledged_at IS NULL;

-- name: count_by_agency
-- How many notices each agency has not acknowledged, and how many of them are past their deadline at $1; those that are late first.
SELECT agency, count(*) AS open, count(*) FILTER (WHERE due_at < $1) AS overdue FROM erasure_notice
WHERE acknowledged_at IS NULL GROUP BY agency ORDER BY overdue DESC, agency LIMIT $2;

-- name: find_notice
-- One notice.
SELECT * FROM erasure_notice WHERE id = $1;

-- name: lock_notice
-- One notice, locked.
SELECT * FROM erasure_notice WHERE id = $1 FOR UPDATE;

-- name: acknowledge_notice
-- What an agency has answered; it is locked.
UPDATE erasure_notice SET acknowledged_at = $2, acknowledged_by = $3, outcome = $4, reference = $5 WHERE id = $1;

-- name: tell_by_letter
-- An officer has told it; it is locked.
UPDATE erasure_notice SET letter = $3, letter_by = $4, told_at = coalesce(told_at, $2), tells = tells + 1,
    told_ways = ARRAY(SELECT DISTINCT unnest(told_ways || 'surat'::text) ORDER BY 1)
WHERE id = $1;
