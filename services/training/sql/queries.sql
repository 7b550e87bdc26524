-- Statements of the trainings.

-- name: insert_programme
-- A new programme; no row if its code is taken.
INSERT INTO programme (id, code, title, opened_by) VALUES ($1, $2, $3, $4) ON CONFLICT (code) DO NOTHING RETURNING id;

-- name: list_programmes
-- Programmes after an id.
SELECT id, code, title FROM programme WHERE id > $1 ORDER BY id LIMIT $2;

-- name: find_programme
-- One programme.
SELECT id, code, title FROM programme WHERE id = $1;

-- name: insert_course
-- A new course.
INSERT INTO course (id, version, programme_id, title, held_by, partner, partner_id, starts_on, ends_on, attendance_percent,
                    pass_score, requirements, opened_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb, $13);

-- name: move_course
-- A course one version on: a batch of it was opened or changed.
UPDATE course SET version = $2 WHERE id = $1;

-- name: find_course
-- One course with its programme, not locked.
SELECT c.*, p.code AS programme_code, p.title AS programme_title
FROM course c JOIN programme p ON p.id = c.programme_id WHERE c.id = $1;

-- name: lock_course
-- The same, locked: before its batches, always.
SELECT c.*, p.code AS programme_code, p.title AS programme_title
FROM course c JOIN programme p ON p.id = c.programme_id WHERE c.id = $1 FOR UPDATE OF c;

-- name: course_of_batch
-- The course of a batch with its programme, not locked: a course does not change but for its version.
SELECT c.*, p.code AS programme_code, p.title AS programme_title
FROM batch b JOIN course c ON c.id = b.course_id JOIN programme p ON p.id = c.programme_id WHERE b.id = $1;

-- name: list_courses
-- Courses after an id.
SELECT c.*, p.code AS programme_code, p.title AS programme_title
FROM course c JOIN programme p ON p.id = c.programme_id WHERE c.id > $1 ORDER BY c.id LIMIT $2;

-- name: count_batches
-- How many batches a course has; the course is locked.
SELECT count(*) FROM batch WHERE course_id = $1;

-- name: insert_batch
-- A new batch.
INSERT INTO batch (id, version, course_id, title, number, place, quota, held, arrivals, closes_at, selection, selected, offer_hours,
                   cancelled, sessions, year, programme_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17);

-- name: find_batch
-- One batch, not locked.
SELECT * FROM batch WHERE id = $1;

-- name: lock_batch
-- One batch, with its seats.
SELECT * FROM batch WHERE id = $1 FOR UPDATE;

-- name: list_batches
-- The batches of a course.
SELECT * FROM batch WHERE course_id = $1 ORDER BY number;

-- name: update_seats
-- The seats of a batch after a deed.
UPDATE batch SET held = $2, arrivals = $3 WHERE id = $1;

-- name: update_batch
-- A batch after an officer's deed.
UPDATE batch SET version = $2, quota = $3, held = $4, arrivals = $5, selected = $6, cancelled = $7, sessions = $8::jsonb,
    year = $9
WHERE id = $1;

-- name: lock_owner
-- An owner: nobody enrols them elsewhere, and their erasure waits, until the transaction ends.
SELECT owner_id, erased FROM owner_copy WHERE owner_id = $1 FOR NO KEY UPDATE;

-- name: lock_free_owners
-- The same for several, but for those that somebody else holds: nobody waits for these.
SELECT owner_id, erased FROM owner_copy WHERE owner_id = ANY ($1::uuid[]) FOR NO KEY UPDATE SKIP LOCKED;

-- name: look_for_applicants
-- The course of a batch ($3), and what the rules look at of owners ($1), each with a business ($2) and the time of asking ($4),
-- in their order. The owners are locked, so that their history stands still; the batch is not, so that nobody waits for this:
-- its version tells whether it is as it was. Who still waits once another batch has begun got nothing there, and never will:
-- that is no following of the programme.
SELECT b.version AS batch_version, c.*, p.code AS programme_code, p.title AS programme_title,
       bc.owner_ids, bc.status AS business_status, bc.kelas, bc.kelurahan,
       EXISTS (SELECT FROM enrolment e WHERE e.owner_id = u.owner_id AND e.state = 'lulus') AS served,
       EXISTS (SELECT FROM enrolment e JOIN batch o ON o.id = e.batch_id
               WHERE e.owner_id = u.owner_id AND o.programme_id = b.programme_id AND o.year = b.year AND o.id <> b.id
               AND e.state NOT IN ('mengundurkan_diri', 'kedaluwarsa', 'ditolak')
               AND NOT (e.state = 'daftar_tunggu'
                        AND EXISTS (SELECT FROM jsonb_array_elements(o.sessions) s
                                    WHERE (s->>'starts_at')::timestamptz <= u.asked_at))) AS this_year,
       EXISTS (SELECT FROM enrolment e WHERE e.owner_id = u.owner_id AND e.batch_id = b.id
               AND e.state NOT IN ('mengundurkan_diri', 'kedaluwarsa', 'ditolak')) AS enrolled
FROM batch b JOIN course c ON c.id = b.course_id JOIN programme p ON p.id = c.programme_id
CROSS JOIN unnest($1::uuid[], $2::uuid[], $4::timestamptz[]) WITH ORDINALITY AS u(owner_id, business_id, asked_at, place)
LEFT JOIN business_copy bc ON bc.business_id = u.business_id
WHERE b.id = $3 ORDER BY u.place;

-- name: sealed_business
-- Principal owner and sealed part of a business.
SELECT owner_ids[1] AS owner_id, personal FROM business_copy WHERE business_id = $1;

-- name: insert_enrolments
-- New enrolments.
INSERT INTO enrolment (id, version, batch_id, course_id, owner_id, business_id, state, priority, arrival, kelurahan,
                       enrolled_by, enrolled_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::smallint[],
                     $9::int[], $10::text[], $11::text[], $12::timestamptz[]);

-- name: update_enrolments
-- Enrolments after a deed; their batch is locked.
UPDATE enrolment e SET version = u.version, state = u.state, offer_until = u.offer_until, cause = u.cause, score = u.score,
                       updated_at = now()
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::smallint[])
     AS u(id, version, state, offer_until, cause, score)
WHERE e.id = u.id;

-- name: find_enrolment
-- One enrolment.
SELECT * FROM enrolment WHERE id = $1;

-- name: load_enrolments
-- Some enrolments of a batch.
SELECT * FROM enrolment WHERE batch_id = $1 AND id = ANY ($2::uuid[]);

-- name: load_batch_enrolments
-- All enrolments of a batch.
SELECT * FROM enrolment WHERE batch_id = $1 ORDER BY arrival;

-- name: load_queue
-- Who waits, or is to be selected, in order.
SELECT * FROM enrolment WHERE batch_id = $1 AND state IN ('diajukan', 'daftar_tunggu')
ORDER BY priority, arrival LIMIT $2;

-- name: load_late_offers
-- The offers of a batch that ran out.
SELECT * FROM enrolment WHERE batch_id = $1 AND state = 'ditawari' AND offer_until < $2;

-- name: list_enrolments
-- Enrolments of a batch after an arrival, in a state and of a kelurahan if one is given.
SELECT * FROM enrolment
WHERE batch_id = $1 AND arrival > $2 AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR kelurahan = $4)
ORDER BY arrival LIMIT $5;

-- name: live_enrolments_of
-- Enrolments of some owners that are not over, in the order in which their batches are locked.
SELECT * FROM enrolment WHERE owner_id = ANY ($1::uuid[])
    AND state IN ('diajukan', 'diterima', 'daftar_tunggu', 'ditawari', 'hadir') ORDER BY batch_id, id;

-- name: batches_with_late_offers
-- Batches that have an offer which ran out.
SELECT DISTINCT batch_id AS id FROM enrolment WHERE state = 'ditawari' AND offer_until < $1 ORDER BY 1 LIMIT 100;

-- name: batches_to_select
-- Batches whose deadline has passed, and whose seats are still to be given.
SELECT id FROM batch WHERE NOT selected AND NOT cancelled AND closes_at < $1 ORDER BY closes_at LIMIT 100;

-- name: load_session_list
-- What a session's list says so far.
SELECT a.enrolment_id, a.present FROM attendance a JOIN enrolment e ON e.id = a.enrolment_id
WHERE e.batch_id = $1 AND a.session = $2;

-- name: save_attendance
-- What a session's list says now.
INSERT INTO attendance (enrolment_id, session, present, recorded_by, recorded_at)
SELECT u.id, $2, u.present, $4, $5 FROM unnest($1::uuid[], $3::boolean[]) AS u(id, present)
ON CONFLICT (enrolment_id, session) DO UPDATE SET present = EXCLUDED.present, recorded_by = EXCLUDED.recorded_by,
                                                  recorded_at = EXCLUDED.recorded_at;

-- name: count_attendance
-- How many sessions each was at.
SELECT enrolment_id, count(*)::int AS sessions FROM attendance
WHERE enrolment_id = ANY ($1::uuid[]) AND present GROUP BY enrolment_id;

-- name: list_attendance
-- What the lists say of one enrolment.
SELECT session, present FROM attendance WHERE enrolment_id = $1 ORDER BY session;

-- name: next_number
-- The next number of a year; who takes it holds the year until the transaction ends.
INSERT INTO certificate_count (year, last) VALUES ($1, 1)
ON CONFLICT (year) DO UPDATE SET last = certificate_count.last + 1 RETURNING last;

-- name: insert_certificate
-- A new certificate.
INSERT INTO certificate (id, version, enrolment_id, batch_id, owner_id, business_id, number, code, edition, revoked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: insert_edition
-- An edition, with the name as the copy of the registry has it now.
INSERT INTO certificate_edition (certificate_id, edition, owner_id, personal, issued_on, issued_by)
SELECT $1, $2, o.owner_id, o.personal, $4, $5 FROM owner_copy o WHERE o.owner_id = $3;

-- name: update_certificate
-- A certificate after a deed.
UPDATE certificate SET version = $2, edition = $3, revoked = $4, cause = coalesce($5, cause), updated_at = now() WHERE id = $1;

-- name: share_owner
-- An owner, who is not erased until the transaction ends.
SELECT erased FROM owner_copy WHERE owner_id = $1 FOR SHARE;

-- name: certificate_of_enrolment
-- The certificate of an enrolment, if there is one; its batch is locked.
SELECT * FROM certificate WHERE enrolment_id = $1;

-- name: lock_certificate
-- One certificate.
SELECT * FROM certificate WHERE id = $1 FOR UPDATE;

-- name: share_passed_owners
-- Who passed a batch and has no certificate yet: none of these owners is erased until the transaction ends. They are held in the
-- order of their ids, as by everybody, and before the batch.
SELECT o.owner_id FROM owner_copy o
WHERE NOT o.erased AND o.owner_id IN (SELECT e.owner_id FROM enrolment e LEFT JOIN certificate c ON c.enrolment_id = e.id
                                      WHERE e.batch_id = $1 AND e.state = 'lulus' AND c.id IS NULL)
ORDER BY o.owner_id FOR SHARE OF o;

-- name: passed_without_certificate
-- Who of some owners, who are held, passed a batch and has no certificate yet, in the order of coming; the batch is locked.
SELECT e.* FROM enrolment e LEFT JOIN certificate c ON c.enrolment_id = e.id
WHERE e.batch_id = $1 AND e.state = 'lulus' AND c.id IS NULL AND e.owner_id = ANY ($2::uuid[]) ORDER BY e.arrival;

-- name: find_printed
-- What stands on a certificate: by its id, or by its code; the newest edition, or the one asked for.
SELECT c.id, c.version, c.number, c.code, c.edition AS newest, c.revoked, c.owner_id, e.edition, e.personal, e.issued_on,
       k.title, k.held_by, k.partner, p.title AS programme, b.number AS batch, b.place, b.sessions, n.score, n.kelurahan,
       (SELECT count(*) FROM attendance a WHERE a.enrolment_id = c.enrolment_id AND a.present)::int AS attended
FROM certificate c
JOIN certificate_edition e ON e.certificate_id = c.id AND e.edition = coalesce($3, c.edition)
JOIN batch b ON b.id = c.batch_id JOIN course k ON k.id = b.course_id JOIN programme p ON p.id = k.programme_id
JOIN enrolment n ON n.id = c.enrolment_id
WHERE c.id = $1 OR c.code = $2;

-- name: save_owners
-- Owners of whom the batch tells the personal part, or the erasure. What is there already and newer stays.
INSERT INTO owner_copy (owner_id, personal, erased, version)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::bigint[])
ON CONFLICT (owner_id) DO UPDATE SET
    personal = CASE WHEN owner_copy.erased OR EXCLUDED.erased THEN NULL
                    ELSE coalesce(EXCLUDED.personal, owner_copy.personal) END,
    erased = owner_copy.erased OR EXCLUDED.erased, version = EXCLUDED.version
WHERE owner_copy.version < EXCLUDED.version;

-- name: save_businesses
-- Businesses of which the batch tells the profile.
INSERT INTO business_copy (business_id, owner_ids, personal, kelurahan, kelas, status, version)
SELECT u.id, u.owners::uuid[], u.personal, u.kelurahan, u.kelas, u.status, u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
     AS u(id, owners, personal, kelurahan, kelas, status, version)
ON CONFLICT (business_id) DO UPDATE SET
    owner_ids = EXCLUDED.owner_ids, personal = EXCLUDED.personal, kelurahan = EXCLUDED.kelurahan,
    kelas = EXCLUDED.kelas, status = EXCLUDED.status, version = EXCLUDED.version
WHERE business_copy.version < EXCLUDED.version;

-- name: change_businesses
-- Businesses of which the batch tells a part: a NULL leaves what is there.
UPDATE business_copy b SET
    owner_ids = coalesce(u.owners::uuid[], b.owner_ids),
    personal = coalesce(u.personal, b.personal), kelurahan = coalesce(u.kelurahan, b.kelurahan),
    kelas = coalesce(u.kelas, b.kelas), status = coalesce(u.status, b.status), version = u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
     AS u(id, owners, personal, kelurahan, kelas, status, version)
WHERE b.business_id = u.id AND b.version < u.version;

-- name: forget_businesses
-- What is sealed under the key of erased owners is unreadable for ever: let it go.
UPDATE business_copy SET personal = NULL WHERE owner_ids[1] = ANY ($1::uuid[]) AND personal IS NOT NULL;

-- name: forget_editions
-- The same for what stands on certificates.
UPDATE certificate_edition SET personal = NULL WHERE owner_id = ANY ($1::uuid[]) AND personal IS NOT NULL;
