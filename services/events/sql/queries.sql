-- Statements of the exhibitions and outlets.

-- name: insert_exhibition
-- A new exhibition.
INSERT INTO exhibition (id, version, title, held_by, partner, partner_id, place, zone, starts_on, ends_on, closes_at, waves,
                        criteria, pass_score, curators, confirm_hours, opened_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13::jsonb, $14, $15, $16, $17);

-- name: update_exhibition
-- An exhibition after a deed.
UPDATE exhibition SET version = $2, curated = $3, cancelled = $4 WHERE id = $1;

-- name: find_exhibition
-- One exhibition, not locked.
SELECT * FROM exhibition WHERE id = $1;

-- name: lock_exhibition
-- One exhibition, with all its places.
SELECT * FROM exhibition WHERE id = $1 FOR UPDATE;

-- name: share_exhibition
-- One exhibition, of which nobody moves a place until the transaction ends; others may share it.
SELECT * FROM exhibition WHERE id = $1 FOR SHARE;

-- name: list_exhibitions
-- Exhibitions after an id.
SELECT * FROM exhibition WHERE id > $1 ORDER BY id LIMIT $2;

-- name: insert_booth
-- A new booth.
INSERT INTO booth (id, version, exhibition_id, number, kind, capacity, placed) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: find_booth
-- One booth, not locked.
SELECT * FROM booth WHERE id = $1;

-- name: list_booths
-- The booths of an exhibition; they move only while it is locked.
SELECT * FROM booth WHERE exhibition_id = $1 ORDER BY number;

-- name: update_booths
-- Booths after a deed; their exhibition is locked.
UPDATE booth b SET version = u.version, capacity = u.capacity, placed = ARRAY(SELECT jsonb_array_elements_text(u.placed::jsonb)::int)
FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[]) AS u(id, version, capacity, placed)
WHERE b.id = u.id;

-- name: share_owner
-- An owner, who is not erased until the transaction ends.
SELECT erased FROM owner_copy WHERE owner_id = $1 FOR SHARE;

-- name: lock_business
-- A business: nobody applies with it elsewhere until the transaction ends.
SELECT owner_ids, kelurahan, status FROM business_copy WHERE business_id = $1 FOR NO KEY UPDATE;

-- name: has_live_application
-- Whether a locked business has a live application to an exhibition.
SELECT EXISTS (SELECT FROM application WHERE exhibition_id = $1 AND business_id = $2
               AND state NOT IN ('ditolak', 'mengundurkan_diri'));

-- name: insert_application
-- A new application.
INSERT INTO application (id, version, exhibition_id, owner_id, business_id, kelurahan, kind, state, applied_by, applied_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: update_applications
-- Applications after a deed; their exhibition, or they themselves, are locked.
UPDATE application a SET version = u.version, state = u.state, booth_id = u.booth_id, wave = u.wave,
                         confirm_by = u.confirm_by, cause = u.cause, updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::uuid[], $5::smallint[], $6::timestamptz[], $7::text[])
     AS u(id, version, state, booth_id, wave, confirm_by, cause)
WHERE a.id = u.id;

-- name: update_curated
-- Applications after their curation.
UPDATE application a SET version = u.version, state = u.state, scores = u.scores::jsonb, total = u.total, rank = u.rank,
                         cause = u.cause, updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[])
     AS u(id, version, state, scores, total, rank, cause)
WHERE a.id = u.id;

-- name: find_application
-- One application; it changes places only while its exhibition is locked.
SELECT * FROM application WHERE id = $1;

-- name: lock_applications
-- Some applications of an exhibition, locked in the order of their ids.
SELECT * FROM application WHERE exhibition_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE;

-- name: load_applications
-- Some applications of a locked exhibition.
SELECT * FROM application WHERE exhibition_id = $1 AND id = ANY ($2::uuid[]);

-- name: load_in_state
-- Applications of a locked exhibition in some states, by rank.
SELECT * FROM application WHERE exhibition_id = $1 AND state = ANY ($2::text[]) ORDER BY rank, id;

-- name: load_reserve
-- The head of the reserve of a kind, by rank, without businesses of some status ($4); one that was merged has that of the one
-- that goes on for it. Looked up one by one, as far as they are wanted, and never by a join of all businesses.
SELECT a.* FROM application a
WHERE a.exhibition_id = $1 AND a.kind = $2 AND a.state = 'cadangan'
  AND coalesce(status_of(a.business_id), '') <> ALL ($4::text[])
ORDER BY a.rank, a.id LIMIT $3;

-- name: load_promised
-- Who was chosen at a locked exhibition and has no place yet, by rank, without businesses of some status ($2), as above.
SELECT a.* FROM application a
WHERE a.exhibition_id = $1 AND a.state = 'lolos'
  AND coalesce(status_of(a.business_id), '') <> ALL ($2::text[])
ORDER BY a.rank, a.id;

-- name: count_promised
-- How many of each kind were chosen and have no place yet, without businesses of some status ($2), as above.
SELECT a.kind, count(*)::int AS promised FROM application a
WHERE a.exhibition_id = $1 AND a.state = 'lolos'
  AND coalesce(status_of(a.business_id), '') <> ALL ($2::text[])
GROUP BY a.kind;

-- name: count_states
-- How many applications of an exhibition stand how; who gave up does not count.
SELECT state, count(*)::int AS applications FROM application
WHERE exhibition_id = $1 AND state <> 'mengundurkan_diri' GROUP BY state;

-- name: list_applications
-- Applications of an exhibition after an id, in a state and of a kelurahan if one is given.
SELECT * FROM application
WHERE exhibition_id = $1 AND id > $2 AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR kelurahan = $4)
ORDER BY id LIMIT $5;

-- name: live_applications_of
-- Applications of some owners that are not over, in the order in which their exhibitions are locked.
SELECT * FROM application WHERE owner_id = ANY ($1::uuid[])
    AND state IN ('diajukan', 'kurasi', 'lolos', 'cadangan', 'ditempatkan', 'dikonfirmasi') ORDER BY exhibition_id, id;

-- name: exhibitions_with_late_places
-- Exhibitions of the office that have a place which nobody confirmed in time.
SELECT DISTINCT a.exhibition_id AS id FROM application a JOIN exhibition e ON e.id = a.exhibition_id
WHERE a.state = 'ditempatkan' AND a.confirm_by < $1 AND e.held_by = 'dinas' AND NOT e.cancelled ORDER BY 1 LIMIT 100;

-- name: load_late_places
-- The places of a locked exhibition that nobody confirmed in time.
SELECT * FROM application WHERE exhibition_id = $1 AND state = 'ditempatkan' AND confirm_by < $2 ORDER BY confirm_by, id;

-- name: save_scores
-- What a curator gives now.
INSERT INTO score (application_id, curator, criterion, score, given_at)
SELECT u.id, $2, u.criterion, u.score, $5 FROM unnest($1::uuid[], $3::text[], $4::smallint[]) AS u(id, criterion, score)
ON CONFLICT (application_id, curator, criterion) DO UPDATE SET score = EXCLUDED.score, given_at = EXCLUDED.given_at;

-- name: log_scores
-- The same, kept for ever.
INSERT INTO score_log (application_id, curator, criterion, score, given_at)
SELECT u.id, $2, u.criterion, u.score, $5 FROM unnest($1::uuid[], $3::text[], $4::smallint[]) AS u(id, criterion, score);

-- name: sum_scores
-- Of each application to be curated: for which criteria it has scores, and sum and number of the curators' for each.
SELECT a.id AS application_id, t.criteria, t.totals, t.curators
FROM application a CROSS JOIN LATERAL (
    SELECT array_agg(criterion) AS criteria, array_agg(total) AS totals, array_agg(curators) AS curators
    FROM (SELECT s.criterion, sum(s.score)::int AS total, count(*)::int AS curators
          FROM score s WHERE s.application_id = a.id GROUP BY s.criterion) AS given
) AS t
WHERE a.exhibition_id = $1 AND a.state IN ('diajukan', 'kurasi') AND t.criteria IS NOT NULL;

-- name: list_scores
-- What each curator gives one application.
SELECT curator, criterion, score, given_at FROM score WHERE application_id = $1 ORDER BY criterion, curator;

-- name: load_entries
-- Applications to be curated, each with the history of its business, or of the one that goes on for it: trainings since $2,
-- exhibitions before this one, kinds of licences that are valid on day $3, the latter two also of those that were merged into it.
-- Of those that are one business now the application of the one that goes on counts, else the first; the others are doubles. One
-- look-up by index for each of them: joins of whole tables took time by the square of the applications where the planner's
-- statistics did not know of them yet.
SELECT a.*, b.status, b.kelas,
       row_number() OVER (PARTITION BY b.business_id ORDER BY b.business_id <> a.business_id, a.applied_at, a.id) > 1 AS double,
       (SELECT count(*) FROM enrolment_copy e WHERE e.owner_id = ANY (b.owner_ids) AND e.completed_on >= $2)::int AS trainings,
       (SELECT count(DISTINCT p.exhibition_id) FROM application p
        WHERE p.business_id = ANY (w.ids) AND p.state = 'ikut' AND p.exhibition_id <> $1)::int AS helped,
       ARRAY(SELECT DISTINCT c.kind FROM licence_copy c WHERE c.business_id = ANY (w.ids) AND c.verified
             AND (c.valid_from IS NULL OR c.valid_from <= $3) AND (c.expires_on IS NULL OR c.expires_on >= $3)
             AND (c.revoked_on IS NULL OR c.revoked_on > $3) ORDER BY 1) AS licences
FROM application a JOIN business_copy o ON o.business_id = a.business_id
     CROSS JOIN LATERAL (SELECT g.* FROM business_copy g
                         WHERE g.business_id = CASE WHEN o.merged_into IS NULL THEN o.business_id ELSE survivor_of(o.business_id) END
                         OFFSET 0) AS b
     CROSS JOIN LATERAL (SELECT businesses_in(b.business_id) AS ids OFFSET 0) AS w
WHERE a.exhibition_id = $1 AND a.state IN ('diajukan', 'kurasi') ORDER BY a.id;

-- name: history_of
-- The history of one business ($2), or of the one that goes on for it, as the curation of an exhibition ($1) reads it, trainings
-- since $3, licences on day $4.
SELECT b.status, b.kelas,
       (SELECT count(*) FROM enrolment_copy e WHERE e.owner_id = ANY (b.owner_ids) AND e.completed_on >= $3)::int AS trainings,
       (SELECT count(DISTINCT p.exhibition_id) FROM application p
        WHERE p.business_id = ANY (w.ids) AND p.state = 'ikut' AND p.exhibition_id <> $1)::int AS helped,
       ARRAY(SELECT DISTINCT c.kind FROM licence_copy c WHERE c.business_id = ANY (w.ids) AND c.verified
             AND (c.valid_from IS NULL OR c.valid_from <= $4) AND (c.expires_on IS NULL OR c.expires_on >= $4)
             AND (c.revoked_on IS NULL OR c.revoked_on > $4) ORDER BY 1) AS licences
FROM business_copy b CROSS JOIN LATERAL (SELECT businesses_in(b.business_id) AS ids OFFSET 0) AS w
WHERE b.business_id = survivor_of($2);

-- name: find_sales
-- What was reported of a day.
SELECT amount FROM sales WHERE application_id = $1 AND day = $2;

-- name: save_sales
-- A day's report, or its correction.
INSERT INTO sales (application_id, day, amount, reported_by, reported_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (application_id, day) DO UPDATE SET amount = EXCLUDED.amount, reported_by = EXCLUDED.reported_by,
                                                reported_at = EXCLUDED.reported_at;

-- name: move_application
-- An application one version on: a day was reported.
UPDATE application SET version = $2, updated_at = now() WHERE id = $1;

-- name: with_sales
-- Which of some applications have reported.
SELECT DISTINCT application_id FROM sales WHERE application_id = ANY ($1::uuid[]);

-- name: list_sales
-- Who took part in an exhibition, after an id, with the days reported; of a kelurahan if one is given.
SELECT a.*, coalesce(s.days, '{}') AS days, coalesce(s.amounts, '{}') AS amounts
FROM application a
LEFT JOIN LATERAL (SELECT array_agg(day ORDER BY day) AS days, array_agg(amount ORDER BY day) AS amounts
                   FROM sales WHERE application_id = a.id) s ON true
WHERE a.exhibition_id = $1 AND a.state = 'ikut' AND a.id > $2 AND ($3::text IS NULL OR a.kelurahan = $3)
ORDER BY a.id LIMIT $4;

-- name: count_participants
-- How many took part.
SELECT count(*)::int FROM application WHERE exhibition_id = $1 AND state = 'ikut';

-- name: sum_sales
-- What each who reported sold in all.
SELECT s.application_id, sum(s.amount)::bigint AS amount FROM sales s JOIN application a ON a.id = s.application_id
WHERE a.exhibition_id = $1 GROUP BY 1;

-- name: load_parts
-- What the last published total was made of.
SELECT application_id, amount FROM turnover_part WHERE exhibition_id = $1;

-- name: save_parts
-- What the total that is published now is made of.
INSERT INTO turnover_part (application_id, exhibition_id, amount)
SELECT u.id, $1, u.amount FROM unnest($2::uuid[], $3::bigint[]) AS u(id, amount)
ON CONFLICT (application_id) DO UPDATE SET amount = EXCLUDED.amount;

-- name: save_turnover
-- The total that anybody may see.
INSERT INTO turnover (exhibition_id, participants, reported, total, published_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (exhibition_id) DO UPDATE SET participants = EXCLUDED.participants, reported = EXCLUDED.reported,
                                          total = EXCLUDED.total, published_at = EXCLUDED.published_at;

-- name: find_turnover
-- The last published total, if there is one.
SELECT participants, reported, total, published_at FROM turnover WHERE exhibition_id = $1;

-- name: insert_outlet
-- A new outlet.
INSERT INTO outlet (id, version, title, held_by, partner, partner_id, place, stalls, opened_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: move_outlet
-- An outlet after a deed.
UPDATE outlet SET version = $2 WHERE id = $1;

-- name: find_outlet
-- One outlet, not locked.
SELECT * FROM outlet WHERE id = $1;

-- name: lock_outlet
-- One outlet, with its rota.
SELECT * FROM outlet WHERE id = $1 FOR UPDATE;

-- name: list_outlets
-- Outlets after an id.
SELECT * FROM outlet WHERE id > $1 ORDER BY id LIMIT $2;

-- name: load_members
-- The members of a rota, with the turns they had, and with the business that goes on for each and its status.
SELECT m.business_id, m.owner_id, m.joined, m.active, s.turns, s.last_turn, g.id AS goes_on_as, b.status
FROM outlet_member m
CROSS JOIN LATERAL (SELECT count(*)::int AS turns, coalesce(max(turn), 0) AS last_turn FROM outlet_stall
                    WHERE outlet_id = m.outlet_id AND business_id = m.business_id AND NOT given_up) AS s
CROSS JOIN LATERAL (SELECT survivor_of(m.business_id) AS id OFFSET 0) AS g
LEFT JOIN business_copy b ON b.business_id = g.id
WHERE m.outlet_id = $1 ORDER BY m.joined;

-- name: save_member
-- A new member, or one who comes back.
INSERT INTO outlet_member (outlet_id, business_id, owner_id, kelurahan, joined, active)
VALUES ($1, $2, $3, $4, (SELECT count(*) + 1 FROM outlet_member WHERE outlet_id = $1), true)
ON CONFLICT (outlet_id, business_id) DO UPDATE SET active = true, owner_id = EXCLUDED.owner_id,
                                                   kelurahan = EXCLUDED.kelurahan;

-- name: leave_member
-- A member who takes part no more.
UPDATE outlet_member SET active = false WHERE outlet_id = $1 AND business_id = $2;

-- name: memberships_of
-- In which rotas the businesses of some owners are.
SELECT outlet_id, business_id, owner_id FROM outlet_member WHERE owner_id = ANY ($1::uuid[]) AND active
ORDER BY outlet_id, business_id;

-- name: insert_turn
-- A new turn.
INSERT INTO outlet_turn (outlet_id, number, starts_on, ends_on, stalls, held) VALUES ($1, $2, $3, $4, $5, $6);

-- name: insert_stalls
-- Who has a stall in a turn.
INSERT INTO outlet_stall (outlet_id, turn, business_id) SELECT $1, $2, u FROM unnest($3::uuid[]) AS u;

-- name: give_up_stall
-- A stall that somebody gave up.
UPDATE outlet_stall SET given_up = true WHERE outlet_id = $1 AND turn = $2 AND business_id = $3;

-- name: count_held
-- The stalls of a turn that somebody has.
UPDATE outlet_turn t SET held = (SELECT count(*) FROM outlet_stall s
                                 WHERE s.outlet_id = t.outlet_id AND s.turn = t.number AND NOT s.given_up)
WHERE t.outlet_id = $1 AND t.number = $2;

-- name: load_turns
-- The turns of a rota from a number, each with who has a stall and who gave it up.
SELECT t.number, t.starts_on, t.ends_on,
       coalesce(array_agg(s.business_id ORDER BY s.business_id) FILTER (WHERE NOT s.given_up), '{}') AS business_ids,
       coalesce(array_agg(s.business_id ORDER BY s.business_id) FILTER (WHERE s.given_up), '{}') AS gave_up
FROM outlet_turn t LEFT JOIN outlet_stall s ON s.outlet_id = t.outlet_id AND s.turn = t.number
WHERE t.outlet_id = $1 AND t.number >= $2 GROUP BY t.outlet_id, t.number ORDER BY t.number;

-- name: last_turn
-- The number of the last turn; 0: none.
SELECT coalesce(max(number), 0) FROM outlet_turn WHERE outlet_id = $1;

-- name: save_owners
-- Owners of whom the batch tells something. What is there already and newer stays.
INSERT INTO owner_copy (owner_id, erased, version)
SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bigint[])
ON CONFLICT (owner_id) DO UPDATE SET erased = owner_copy.erased OR EXCLUDED.erased, version = EXCLUDED.version
WHERE owner_copy.version < EXCLUDED.version;

-- name: save_businesses
-- Businesses of which the batch tells the profile.
INSERT INTO business_copy (business_id, owner_ids, kelurahan, kelas, status, merged_into, version)
SELECT u.id, u.owners::uuid[], u.kelurahan, u.kelas, u.status, u.merged_into, u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[])
     AS u(id, owners, kelurahan, kelas, status, merged_into, version)
ON CONFLICT (business_id) DO UPDATE SET
    owner_ids = EXCLUDED.owner_ids, kelurahan = EXCLUDED.kelurahan, kelas = EXCLUDED.kelas, status = EXCLUDED.status,
    merged_into = EXCLUDED.merged_into, version = EXCLUDED.version
WHERE business_copy.version < EXCLUDED.version;

-- name: change_businesses
-- Businesses of which the batch tells a part: a NULL leaves what is there. With the status it is told what it was merged into.
UPDATE business_copy b SET
    owner_ids = coalesce(u.owners::uuid[], b.owner_ids),
    kelurahan = coalesce(u.kelurahan, b.kelurahan), kelas = coalesce(u.kelas, b.kelas),
    status = coalesce(u.status, b.status),
    merged_into = CASE WHEN u.status IS NULL THEN b.merged_into ELSE u.merged_into END, version = u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::bigint[])
     AS u(id, owners, kelurahan, kelas, status, merged_into, version)
WHERE b.business_id = u.id AND b.version < u.version;

-- name: save_enrolments
-- Enrolments of which the batch tells whether the training was passed.
INSERT INTO enrolment_copy (enrolment_id, owner_id, business_id, completed_on, version)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::date[], $5::bigint[])
ON CONFLICT (enrolment_id) DO UPDATE SET completed_on = coalesce(EXCLUDED.completed_on, enrolment_copy.completed_on),
                                         version = EXCLUDED.version
WHERE enrolment_copy.version < EXCLUDED.version;

-- name: save_licences
-- Licences of which the batch tells something: from when to when they are valid, once they are verified.
INSERT INTO licence_copy (licence_id, business_id, kind, verified, valid_from, expires_on, revoked_on, version)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::date[], $6::date[], $7::date[], $8::bigint[])
ON CONFLICT (licence_id) DO UPDATE SET
    verified = licence_copy.verified OR EXCLUDED.verified,
    valid_from = coalesce(EXCLUDED.valid_from, licence_copy.valid_from),
    expires_on = coalesce(EXCLUDED.expires_on, licence_copy.expires_on),
    revoked_on = coalesce(EXCLUDED.revoked_on, licence_copy.revoked_on), version = EXCLUDED.version
WHERE licence_copy.version < EXCLUDED.version;
