-- Statements of the registry.

-- name: insert_owner
-- A new owner; no row if its NIK is taken.
INSERT INTO owner (id, version, name, name_key, nik, birth_date, phones, email, language, channel,
                   consent_notifications, consent_data_sharing, flags, kelurahan, source, registered_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (nik) WHERE nik IS NOT NULL DO NOTHING RETURNING id;

-- name: insert_owner_key
-- The owner's key, wrapped.
INSERT INTO owner_key (owner_id, kek_id, wrapped) VALUES ($1, $2, $3);

-- name: lock_owners
-- Owners with their wrapped keys, locked in the order of their ids.
SELECT o.*, k.wrapped FROM owner o JOIN owner_key k ON k.owner_id = o.id
WHERE o.id = ANY ($1::uuid[]) ORDER BY o.id FOR UPDATE OF o;

-- name: share_owners
-- The same, for a deed that must not outrun an erasure but does not change the owners.
SELECT o.*, k.wrapped FROM owner o JOIN owner_key k ON k.owner_id = o.id
WHERE o.id = ANY ($1::uuid[]) ORDER BY o.id FOR SHARE OF o;

-- name: update_owner
-- An owner after a deed. With the erasure goes the natural key too: it is a digest of name and phone.
UPDATE owner SET version = $2, name = $3, name_key = $4, nik = $5, birth_date = $6, phones = $7, email = $8,
    language = $9, channel = $10, consent_notifications = $11, consent_data_sharing = $12, flags = $13,
    erased_at = $14, restricted = $15, import_key = CASE WHEN $14::timestamptz IS NULL THEN import_key END, updated_at = now()
WHERE id = $1;

-- name: erase_owner_key
-- The key is gone; the mark stays.
UPDATE owner_key SET wrapped = NULL, erased_at = $2 WHERE owner_id = $1;

-- name: find_owner
-- One owner, not locked.
SELECT o.*, NULL::bytea AS wrapped FROM owner o WHERE o.id = $1;

-- name: owner_in_kelurahan
-- Whether an owner was registered by a kelurahan, or owns a business there.
SELECT EXISTS (SELECT FROM owner WHERE id = $1 AND kelurahan = $2)
    OR EXISTS (SELECT FROM business_owner bo JOIN business b ON b.id = bo.business_id
               WHERE bo.owner_id = $1 AND b.kelurahan = $2);

-- name: search_owners
-- Owners after an id, whose name has words that begin like those searched.
SELECT o.*, NULL::bytea AS wrapped FROM owner o
WHERE o.id > $1
  AND ($2::text IS NULL OR array_to_tsvector(string_to_array(o.name_key, ' ')) @@ $2::tsquery)
ORDER BY o.id LIMIT $3;

-- name: search_owners_of_kelurahan
-- The same of those whom a kelurahan ($4) registered, or who own a business there. Each ground is read by its own index and a
-- page of each is enough: one condition over both can be looked at only owner by owner. OFFSET 0: a look-up by index for
-- each, whatever the planner knows of how many there are.
WITH registered AS MATERIALIZED (
    SELECT o.id FROM owner o
    WHERE o.kelurahan = $4 AND o.id > $1
      AND ($2::text IS NULL OR array_to_tsvector(string_to_array(o.name_key, ' ')) @@ $2::tsquery)
    ORDER BY o.id LIMIT $3
), owning AS MATERIALIZED (
    SELECT DISTINCT w.owner_id AS id FROM business b CROSS JOIN LATERAL (
        SELECT bo.owner_id FROM business_owner bo WHERE bo.business_id = b.id AND bo.owner_id > $1 OFFSET 0) AS w
    WHERE b.kelurahan = $4
), fitting AS MATERIALIZED (
    SELECT w.id FROM (SELECT id FROM owning ORDER BY id) AS w CROSS JOIN LATERAL (
        SELECT FROM owner o
        WHERE o.id = w.id AND ($2::text IS NULL OR array_to_tsvector(string_to_array(o.name_key, ' ')) @@ $2::tsquery)
        OFFSET 0) AS o
    ORDER BY w.id LIMIT $3
)
SELECT o.*, NULL::bytea AS wrapped
FROM (SELECT id FROM registered UNION SELECT id FROM fitting ORDER BY id LIMIT $3) AS f
CROSS JOIN LATERAL (SELECT * FROM owner WHERE id = f.id OFFSET 0) AS o
ORDER BY f.id;

-- name: insert_business
-- A new business and its owners.
WITH made AS (
    INSERT INTO business (id, version, name, name_key, address, nib, kelurahan, sector, kbli_version, kbli_code,
        capital, sales, founded_year, class, class_basis, class_year, class_source, class_as_of, paid_men, paid_women,
        unpaid_men, unpaid_women, workers_as_of, status, status_before, status_reason, merged_into, closed_on, flags,
        source, as_of, registered_by, submitted_by, verified_by, status_before_merge)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
        $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35) RETURNING id)
INSERT INTO business_owner (business_id, owner_id, position)
SELECT made.id, u.owner_id, u.n - 1 FROM made, unnest($36::uuid[]) WITH ORDINALITY AS u (owner_id, n);

-- name: lock_businesses
-- Businesses with their owners in order, locked in the order of their ids.
SELECT b.*, ARRAY(SELECT owner_id FROM business_owner o WHERE o.business_id = b.id ORDER BY o.position) AS owner_ids
FROM business b WHERE b.id = ANY ($1::uuid[]) ORDER BY b.id FOR UPDATE OF b;

-- name: find_business
-- One business, not locked.
SELECT b.*, ARRAY(SELECT owner_id FROM business_owner o WHERE o.business_id = b.id ORDER BY o.position) AS owner_ids
FROM business b WHERE b.id = $1;

-- name: places_over
-- The kelurahan of a business, and of those that it was merged into, at whatever remove.
WITH RECURSIVE over AS (
    SELECT id, kelurahan, merged_into FROM business WHERE id = $1
    UNION ALL
    SELECT b.id, b.kelurahan, b.merged_into FROM over JOIN business b ON b.id = over.merged_into
)
SELECT kelurahan FROM over;

-- name: update_business
-- A business after a deed.
UPDATE business SET version = $2, name = $3, name_key = $4, address = $5, nib = $6, kelurahan = $7, sector = $8,
    kbli_version = $9, kbli_code = $10, capital = $11, sales = $12, founded_year = $13, class = $14, class_basis = $15,
    class_year = $16, class_source = $17, class_as_of = $18, paid_men = $19, paid_women = $20, unpaid_men = $21,
    unpaid_women = $22, workers_as_of = $23, status = $24, status_before = $25, status_reason = $26, merged_into = $27,
    closed_on = $28, flags = $29, source = $30, as_of = $31, registered_by = $32, submitted_by = $33, verified_by = $34,
    status_before_merge = $35, updated_at = now()
WHERE id = $1;

-- name: replace_business_owners
-- Other owners, in order.
WITH gone AS (DELETE FROM business_owner WHERE business_id = $1 AND position >= cardinality($2::uuid[]))
INSERT INTO business_owner (business_id, owner_id, position)
SELECT $1, u.owner_id, u.n - 1 FROM unnest($2::uuid[]) WITH ORDINALITY AS u (owner_id, n)
ON CONFLICT (business_id, position) DO UPDATE SET owner_id = EXCLUDED.owner_id;

-- name: businesses_owned_first
-- Businesses whose principal owner this is: their personal part is sealed under this owner's key.
SELECT business_id FROM business_owner WHERE owner_id = $1 AND position = 0 ORDER BY business_id;

-- name: forget_business
-- Empty the personal columns: nobody holds the key any more. The natural key goes too: it is a digest of NIK and name.
UPDATE business SET name = NULL, name_key = NULL, address = NULL, nib = NULL, status_reason = NULL, import_key = NULL,
    updated_at = now()
WHERE id = $1;

-- name: forget_natural_key
-- Empty the natural key of a business that goes on: it is a digest of the erased owner's NIK.
UPDATE business SET import_key = NULL WHERE id = $1;

-- name: search_businesses
-- Businesses after an id, by words of the name, status and class: all, or those that one of the next two gives, put in where
-- they are at hand. Each of these names what its index is ordered by in a condition of its own, which an index can serve.
SELECT b.*, ARRAY(SELECT owner_id FROM business_owner o WHERE o.business_id = b.id ORDER BY o.position) AS owner_ids
FROM {at_hand} AS b
WHERE b.id > $1
  AND ($2::text IS NULL OR array_to_tsvector(string_to_array(b.name_key, ' ')) @@ $2::tsquery)
  AND ($3::text IS NULL OR b.status = $3)
  AND ($4::text IS NULL OR b.class = $4)
ORDER BY b.id LIMIT $5;

-- name: businesses_of_kelurahan
-- For search_businesses: those of a kelurahan ($6).
SELECT * FROM business WHERE kelurahan = $6;

-- name: businesses_of_status
-- For search_businesses: those of a status ($3) that no business has by being imported. The index leaves that one out.
SELECT * FROM business WHERE status = $3 AND status <> 'diajukan';

-- name: insert_proposal
-- A pair for a person to look at; no row if it was proposed before.
INSERT INTO duplicate_proposal (id, business_id, other_id, grounds, proposed_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING id;

-- name: decide_proposal
-- What a person decided about a pair, if it was proposed.
UPDATE duplicate_proposal SET state = $3, decided_by = $4, decided_at = now()
WHERE least(business_id, other_id) = least($1::uuid, $2::uuid) AND greatest(business_id, other_id) = greatest($1, $2);

-- name: list_proposals
-- Proposals in a state after an id: all, or those that the next one gives, put in where they are at hand.
SELECT p.id, p.business_id, p.other_id, p.grounds, p.state, p.proposed_at, p.decided_at FROM {at_hand} AS p
WHERE p.id > $1 AND p.state = $2 ORDER BY p.id LIMIT $3;

-- name: proposals_of_kelurahan
-- For list_proposals: those about businesses of a kelurahan ($4). OFFSET 0: one business is looked up for each proposal.
SELECT p.* FROM duplicate_proposal p
CROSS JOIN LATERAL (SELECT FROM business b WHERE b.id = p.business_id AND b.kelurahan = $4 OFFSET 0) AS b;

-- name: resolve_keys
-- Wrapped keys; NULL where the owner was erased, no row where there never was one.
SELECT owner_id, wrapped FROM owner_key WHERE owner_id = ANY ($1::uuid[]);

-- name: log_key_access
-- Who asked for which keys, and what for.
INSERT INTO key_access (actor, purpose, owner_ids, answered, erased, unknown) VALUES ($1, $2, $3, $4, $5, $6);
