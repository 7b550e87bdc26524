-- Statements of licences, organisations, brands, and of the pass that tells what runs out.

-- name: insert_licence
-- A new licence; no row if the business has this number, or it waits for verification.
INSERT INTO licence (id, version, business_id, owner_id, kind, number, product, status, cause, valid_from, expires_on,
                     renews, replaced_by, revoked_on, told, due_on, submitted_by, verified_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT DO NOTHING RETURNING id;

-- name: find_licence
-- One licence, not locked.
SELECT * FROM licence WHERE id = $1;

-- name: search_licences
-- Licences after an id, by kind, status, and last day: all, or those that one of the next two gives, put in where they are at
-- hand.
SELECT l.* FROM {at_hand} AS l
WHERE l.id > $1
  AND ($2::text IS NULL OR l.kind = $2)
  AND ($3::text IS NULL OR l.status = $3)
  AND ($4::date IS NULL OR l.expires_on <= $4)
ORDER BY l.id LIMIT $5;

-- name: licences_of_business
-- For search_licences: those of a business ($6), as a kelurahan ($7), if one is given, may see them. A business has those of
-- all that were merged into it, wherever they were: they stay theirs, so that a merge can be taken back.
SELECT l.* FROM unnest(businesses_in($6, $7)) AS w (id)
CROSS JOIN LATERAL (SELECT * FROM licence WHERE business_id = w.id OFFSET 0) AS l;

-- name: licences_of_kelurahan
-- For search_licences: those of businesses of a kelurahan ($6).
SELECT l.* FROM business b CROSS JOIN LATERAL (SELECT * FROM licence WHERE business_id = b.id OFFSET 0) AS l
WHERE b.kelurahan = $6;

-- name: lock_licences
-- Licences, locked in the order of their ids.
SELECT * FROM licence WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: lock_open_licences
-- What is valid or waits of a business, locked in the order of their ids.
SELECT * FROM licence WHERE business_id = $1 AND status IN ('diajukan', 'berlaku') ORDER BY id FOR UPDATE;

-- name: lock_licences_of_erased
-- What is sealed under an owner's key, and all of businesses that nobody holds a key for any more; locked by id.
SELECT * FROM licence WHERE owner_id = $1 OR business_id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE;

-- name: update_licence
-- A licence after a deed.
UPDATE licence SET version = $2, number = $3, product = $4, status = $5, cause = $6, replaced_by = $7, revoked_on = $8,
    told = $9, due_on = $10, verified_by = $11, updated_at = now()
WHERE id = $1;

-- name: due_licences
-- Licences of which something is to be told, those that are longest due first.
SELECT id FROM licence WHERE due_on <= $1 ORDER BY due_on, id LIMIT $2;

-- name: lock_due_licences
-- Those of them that are still due, locked in the order of their ids.
SELECT * FROM licence WHERE id = ANY ($1::uuid[]) AND due_on <= $2 ORDER BY id FOR UPDATE;

-- name: update_told_licences
-- Licences after the pass has told of them.
UPDATE licence l SET version = u.version, status = u.status, told = u.told, due_on = u.due_on, updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::smallint[], $5::date[]) AS u (id, version, status, told, due_on)
WHERE l.id = u.id;

-- name: insert_organisation
-- A new organisation; no row if one of this title works with the office.
INSERT INTO organisation (id, version, title, title_key, kind, roles, ended_on, registered_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (title_key) WHERE ended_on IS NULL DO NOTHING RETURNING id;

-- name: find_organisation
-- One organisation, not locked.
SELECT * FROM organisation WHERE id = $1;

-- name: lock_organisation
-- One organisation, locked for a change.
SELECT * FROM organisation WHERE id = $1 FOR UPDATE;

-- name: share_organisation
-- One organisation, for a deed that must not outrun its end but does not change it.
SELECT * FROM organisation WHERE id = $1 FOR SHARE;

-- name: update_organisation
-- An organisation after a deed.
UPDATE organisation SET version = $2, title = $3, title_key = $4, kind = $5, roles = $6, ended_on = $7,
    updated_at = now()
WHERE id = $1;

-- name: search_organisations
-- Organisations after an id, by kind, role, and whether they still work with the office.
SELECT * FROM organisation
WHERE id > $1
  AND ($2::text IS NULL OR kind = $2)
  AND ($3::text IS NULL OR $3 = ANY (roles))
  AND ($4::boolean IS NULL OR (ended_on IS NULL) = $4)
ORDER BY id LIMIT $5;

-- name: insert_brand
-- A new brand; no row if its owner has this mark, or it waits for the register.
INSERT INTO brand (id, version, mark, mark_key, business_id, organisation_id, status, cause, filed_on, registered_on,
                   expires_on, revoked_on, told, due_on, filed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT DO NOTHING RETURNING id;

-- name: find_brand
-- One brand, not locked.
SELECT * FROM brand WHERE id = $1;

-- name: lock_brand
-- One brand, locked for a change.
SELECT * FROM brand WHERE id = $1 FOR UPDATE;

-- name: update_brand
-- A brand after a deed.
UPDATE brand SET version = $2, status = $3, cause = $4, registered_on = $5, expires_on = $6, revoked_on = $7, told = $8,
    due_on = $9, updated_at = now()
WHERE id = $1;

-- name: search_brands
-- Brands after an id, by organisation and status: all, or those that one of the next two gives, put in where they are at hand.
SELECT m.* FROM {at_hand} AS m
WHERE m.id > $1
  AND ($2::uuid IS NULL OR m.organisation_id = $2)
  AND ($3::text IS NULL OR m.status = $3)
ORDER BY m.id LIMIT $4;

-- name: brands_of_business
-- For search_brands: those of a business ($5), as a kelurahan ($6), if one is given, may see them. A business has those of all
-- that were merged into it.
SELECT m.* FROM unnest(businesses_in($5, $6)) AS w (id)
CROSS JOIN LATERAL (SELECT * FROM brand WHERE business_id = w.id OFFSET 0) AS m;

-- name: brands_of_kelurahan
-- For search_brands: those of businesses of a kelurahan ($5), and those of organisations.
SELECT m.* FROM brand m
WHERE m.business_id IS NULL OR EXISTS (SELECT FROM business b WHERE b.id = m.business_id AND b.kelurahan = $5);

-- name: due_brands
-- Brands of which something is to be told, those that are longest due first.
SELECT id FROM brand WHERE due_on <= $1 ORDER BY due_on, id LIMIT $2;

-- name: lock_due_brands
-- Those of them that are still due, locked in the order of their ids.
SELECT * FROM brand WHERE id = ANY ($1::uuid[]) AND due_on <= $2 ORDER BY id FOR UPDATE;

-- name: update_told_brands
-- Brands after the pass has told of them.
UPDATE brand m SET version = u.version, status = u.status, told = u.told, due_on = u.due_on, updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::smallint[], $5::date[]) AS u (id, version, status, told, due_on)
WHERE m.id = u.id;

-- name: daily_pass_finished
-- Whether nothing is left of a day's pass.
SELECT EXISTS (SELECT FROM daily_pass WHERE day = $1 AND finished_at IS NOT NULL);

-- name: begin_daily_pass
-- The row of a day's pass, if it is the first to look.
INSERT INTO daily_pass (day, started_at) VALUES ($1, $2) ON CONFLICT DO NOTHING;

-- name: lock_daily_pass
-- The turn of one worker, held until its chunk is committed; no row once the pass is finished.
SELECT day FROM daily_pass WHERE day = $1 AND finished_at IS NULL FOR UPDATE;

-- name: note_daily_pass
-- What a chunk told, and when nothing was left.
UPDATE daily_pass SET facts = facts + $2, finished_at = $3 WHERE day = $1;
