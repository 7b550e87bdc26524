-- Statements of the copy of the organisations.

-- name: save_partners
-- Organisations of which the batch tells the profile. What is there already and newer stays.
INSERT INTO organisation_copy (organisation_id, title, roles, ended_on, version)
SELECT u.id, u.title, u.roles::text[], u.ended_on, u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::bigint[]) AS u(id, title, roles, ended_on, version)
ON CONFLICT (organisation_id) DO UPDATE SET
    title = EXCLUDED.title, roles = EXCLUDED.roles, ended_on = coalesce(EXCLUDED.ended_on, organisation_copy.ended_on),
    version = EXCLUDED.version
WHERE organisation_copy.version < EXCLUDED.version;

-- name: change_partners
-- Organisations of which the batch tells only that they ended, or nothing that is kept.
UPDATE organisation_copy o SET ended_on = coalesce(u.ended_on, o.ended_on), version = u.version
FROM unnest($1::uuid[], $2::date[], $3::bigint[]) AS u(id, ended_on, version)
WHERE o.organisation_id = u.id AND o.version < u.version;

-- name: share_partner
-- One organisation, of which nothing changes until the transaction ends.
SELECT organisation_id AS id, title, roles, ended_on FROM organisation_copy WHERE organisation_id = $1 FOR SHARE;
