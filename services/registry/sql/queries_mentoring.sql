-- Statements about mentors and mentoring.

-- name: insert_mentor
-- A new mentor; no row if the account is a mentor's already.
INSERT INTO mentor (id, version, account, kelurahan, weekly_target, ended_on, registered_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account) WHERE ended_on IS NULL DO NOTHING RETURNING id;

-- name: update_mentor
-- A mentor after a deed.
UPDATE mentor SET version = $2, kelurahan = $3, weekly_target = $4, ended_on = $5, updated_at = now() WHERE id = $1;

-- name: set_target
-- The target from a day on; the last word of a day counts.
INSERT INTO mentor_target (mentor_id, since, weekly_target) VALUES ($1, $2, $3)
ON CONFLICT (mentor_id, since) DO UPDATE SET weekly_target = EXCLUDED.weekly_target;

-- name: lock_mentor
-- One mentor, locked against every other deed.
SELECT * FROM mentor WHERE id = $1 FOR UPDATE;

-- name: share_mentor
-- One mentor, held against change and end until the transaction ends.
SELECT * FROM mentor WHERE id = $1 FOR SHARE;

-- name: find_mentor
-- One mentor, not locked.
SELECT * FROM mentor WHERE id = $1;

-- name: list_mentors
-- Mentors after an id; of an account if one is given.
SELECT * FROM mentor WHERE id > $1 AND ($2::text IS NULL OR account = $2) ORDER BY id LIMIT $3;

-- name: duties_of_mentor
-- How many businesses a mentor looks after, and the day of their last visit.
SELECT (SELECT count(*) FROM mentoring WHERE mentor_id = $1 AND ended_on IS NULL) AS businesses,
    (SELECT max(visited_on) FROM mentoring_visit WHERE mentor_id = $1) AS last_visit_on;

-- name: targets_of_mentor
-- The mentor's targets, each with the day from which it counts.
SELECT since, weekly_target FROM mentor_target WHERE mentor_id = $1 ORDER BY since;

-- name: first_day_of_mentor
-- The first day that a week of the mentor can tell of.
SELECT least((SELECT min(since) FROM mentor_target WHERE mentor_id = $1),
             (SELECT min(visited_on) FROM mentoring_visit WHERE mentor_id = $1));

-- name: visits_by_week
-- Visits of a mentor by week, named by its Monday, between two days.
SELECT visited_on - (extract(isodow FROM visited_on)::int - 1) AS monday, count(*) AS visits,
    count(DISTINCT business_id) AS businesses
FROM mentoring_visit WHERE mentor_id = $1 AND visited_on BETWEEN $2 AND $3 GROUP BY 1;

-- name: insert_mentoring
-- A new mentoring.
INSERT INTO mentoring (id, version, business_id, mentor_id, started_on, since, started_by)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: update_mentoring
-- A mentoring after a deed.
UPDATE mentoring SET version = $2, mentor_id = $3, since = $4, last_visit_on = $5, ended_on = $6, cause = $7,
    updated_at = now()
WHERE id = $1;

-- name: lock_mentoring
-- One mentoring, locked.
SELECT * FROM mentoring WHERE id = $1 FOR UPDATE;

-- name: lock_live_mentoring
-- The mentoring of a business that goes on, locked.
SELECT * FROM mentoring WHERE business_id = $1 AND ended_on IS NULL FOR UPDATE;

-- name: find_mentoring
-- One mentoring, not locked.
SELECT * FROM mentoring WHERE id = $1;

-- name: mentorings_of_business
-- Mentorings of a business after an id.
SELECT * FROM mentoring WHERE business_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: mentorings_of_mentor
-- What a mentor looks after, after an id.
SELECT * FROM mentoring WHERE mentor_id = $1 AND ended_on IS NULL AND id > $2 ORDER BY id LIMIT $3;

-- name: business_free_since
-- The live mentoring of a business, and the day on which its last one ended.
SELECT (SELECT id FROM mentoring WHERE business_id = $1 AND ended_on IS NULL) AS live,
    (SELECT max(ended_on) FROM mentoring WHERE business_id = $1) AS free_since;

-- name: account_of_business_mentor
-- The account of the mentor who looks after a business.
SELECT m.account FROM mentoring g JOIN mentor m ON m.id = g.mentor_id WHERE g.business_id = $1 AND g.ended_on IS NULL;

-- name: insert_visit
-- One visit.
INSERT INTO mentoring_visit (id, mentoring_id, business_id, mentor_id, visited_on, way, aspects, note, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: visits_of_mentoring
-- Visits of a mentoring after an id.
SELECT id, mentor_id, visited_on, way, aspects, note FROM mentoring_visit
WHERE mentoring_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: lock_mentorings_of_owner
-- The mentorings of businesses that an owner has or had until now, locked in the order of their ids: no visit comes in between.
SELECT id FROM mentoring
WHERE business_id = ANY ($2::uuid[]) OR business_id IN (SELECT business_id FROM business_owner WHERE owner_id = $1)
ORDER BY id FOR UPDATE;

-- name: forget_notes
-- Empty what was written at visits of mentorings: it may name who was erased.
UPDATE mentoring_visit SET note = NULL
WHERE note IS NOT NULL AND business_id IN (SELECT business_id FROM mentoring WHERE id = ANY ($1::uuid[]));
