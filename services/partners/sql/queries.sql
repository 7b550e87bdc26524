-- Statements of agreements, of the events that agencies may read, and of the disclosure log.

-- name: hold_agency
-- Lets nobody else write a first text for an agency until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('agency ' || $1, 0));

-- name: live_agreement
-- The agreement of an agency that is not over.
SELECT id FROM agreement WHERE agency = $1 AND state NOT IN ('kedaluwarsa', 'berakhir');

-- name: insert_agreement
-- A new agreement.
INSERT INTO agreement (id, version, agency, state, revision, latest, drafted, starts_at, expires_at, cause)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: update_agreement
-- An agreement after a deed; it is locked.
UPDATE agreement SET version = $2, state = $4, revision = $5, latest = $6, drafted = $7, starts_at = $8, expires_at = $9,
    cause = $10
WHERE id = $1 AND agency = $3;

-- name: insert_text
-- A text of an agreement.
INSERT INTO agreement_text (agreement_id, revision, terms, drafted_by, drafted_at) VALUES ($1, $2, $3::jsonb, $4, $5);

-- name: insert_signature
-- A signature under a text.
INSERT INTO signature (agreement_id, revision, signer, signed_at) VALUES ($1, $2, $3, $4);

-- name: lock_agreement
-- One agreement, locked.
SELECT id FROM agreement WHERE id = $1 FOR UPDATE;

-- name: find_agreement
-- One agreement with the text that counts and the one that waits.
SELECT a.*, t.terms AS terms, d.terms AS draft,
       ARRAY(SELECT signer FROM signature s WHERE s.agreement_id = a.id AND s.revision = a.latest AND a.drafted
             ORDER BY s.signed_at, s.signer) AS signers
FROM agreement a
LEFT JOIN agreement_text t ON t.agreement_id = a.id AND t.revision = a.revision
LEFT JOIN agreement_text d ON a.drafted AND d.agreement_id = a.id AND d.revision = a.latest
WHERE a.id = $1;

-- name: agreement_of
-- The newest agreement of an agency: the one that goes on, if one does.
SELECT id FROM agreement WHERE agency = $1 ORDER BY state IN ('kedaluwarsa', 'berakhir'), id DESC LIMIT 1;

-- name: list_agreements
-- Agreements after an id, of one agency or of all.
SELECT id FROM agreement WHERE id > $1 AND ($2::text IS NULL OR agency = $2) ORDER BY id LIMIT $3;

-- name: list_agencies
-- Agencies after a code, each with its newest agreement (the one that goes on, if one does) and how its endpoints stand.
SELECT a.agency, a.id, w.active, w.paused, w.disabled FROM (
    SELECT DISTINCT ON (agency) agency, id FROM agreement WHERE agency > $1
    ORDER BY agency, state IN ('kedaluwarsa', 'berakhir'), id DESC LIMIT $2
) a CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'aktif') AS active, count(*) FILTER (WHERE state = 'dijeda') AS paused,
           count(*) FILTER (WHERE state = 'dimatikan') AS disabled
    FROM webhook WHERE webhook.agency = a.agency
) w ORDER BY a.agency;

-- name: load_texts
-- All texts of an agreement, with who signed each.
SELECT t.revision, t.terms, t.drafted_by, t.drafted_at,
       ARRAY(SELECT signer FROM signature s WHERE s.agreement_id = t.agreement_id AND s.revision = t.revision
             ORDER BY s.signed_at, s.signer) AS signers
FROM agreement_text t WHERE t.agreement_id = $1 ORDER BY t.revision;

-- name: due_agreements
-- Agreements to which time has brought something.
SELECT id FROM agreement
WHERE (state = 'ditandatangani' AND starts_at <= $1)
   OR (state IN ('ditandatangani', 'aktif', 'ditangguhkan') AND expires_at <= $1)
ORDER BY id;

-- name: lock_streams
-- All streams, for whoever records: one at a time.
SELECT name, last, last_at FROM stream ORDER BY name FOR UPDATE;

-- name: clock
-- The time now, whenever the transaction began.
SELECT clock_timestamp();

-- name: move_streams
-- How far streams go after a batch.
UPDATE stream s SET last = u.last, last_at = u.last_at
FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS u(name, last, last_at) WHERE s.name = u.name;

-- name: load_businesses
-- What is known of businesses.
SELECT business_id, owner_ids, kelurahan, sector, kelas, version FROM business_copy WHERE business_id = ANY ($1::uuid[]);

-- name: save_businesses
-- Businesses after a batch, in the order of their ids.
INSERT INTO business_copy (business_id, owner_ids, kelurahan, sector, kelas, version)
SELECT u.id, u.owners::uuid[], u.kelurahan, u.sector, u.kelas, u.version
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
     AS u(id, owners, kelurahan, sector, kelas, version)
ON CONFLICT (business_id) DO UPDATE SET
    owner_ids = EXCLUDED.owner_ids, kelurahan = EXCLUDED.kelurahan, sector = EXCLUDED.sector, kelas = EXCLUDED.kelas,
    version = EXCLUDED.version
WHERE business_copy.version < EXCLUDED.version;

-- name: save_owners
-- Owners after a batch: a NULL leaves consent and restriction as they are.
INSERT INTO owner_copy (owner_id, sharing, restricted, erased, version)
SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::boolean[], $4::boolean[], $5::bigint[])
ON CONFLICT (owner_id) DO UPDATE SET
    sharing = coalesce(EXCLUDED.sharing, owner_copy.sharing),
    restricted = coalesce(EXCLUDED.restricted, owner_copy.restricted), erased = owner_copy.erased OR EXCLUDED.erased,
    version = EXCLUDED.version
WHERE owner_copy.version < EXCLUDED.version;

-- name: load_owners
-- What owners say now: consent to sharing, whether the use of their data is restricted, and whether they were erased.
SELECT owner_id, coalesce(sharing, false) AS sharing, coalesce(restricted, false) AS restricted, erased FROM owner_copy WHERE owner_id = ANY ($1::uuid[]);

-- name: load_waiting
-- What waits for businesses, in the order of coming.
SELECT business_id, event_id, type, source, subject, sequence, occurred_at, data, traceparent FROM waiting_event
WHERE business_id = ANY ($1::uuid[]) ORDER BY id;

-- name: forget_waiting
-- Nothing waits for these businesses any more.
DELETE FROM waiting_event WHERE business_id = ANY ($1::uuid[]);

-- name: insert_waiting
-- Events that wait.
INSERT INTO waiting_event (business_id, stream, event_id, type, source, subject, sequence, occurred_at, data, traceparent)
SELECT b, st, e, y, so, su, s, o, d, p
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::timestamptz[], $9::text[],
            $10::text[])
     WITH ORDINALITY AS u(b, st, e, y, so, su, s, o, d, p, n)
ORDER BY n;

-- name: insert_events
-- Events that may be read, with their labels.
INSERT INTO event (stream, position, event_id, type, subject, sequence, recorded_at, business_id, owner_ids, kelurahan, sector,
                   kelas)
SELECT u.stream, u.position, u.event_id, u.type, u.subject, u.sequence, u.recorded_at, u.business_id, u.owners::uuid[],
       u.kelurahan, u.sector, u.kelas
FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::uuid[],
            $9::text[], $10::text[], $11::text[], $12::text[])
     AS u(stream, position, event_id, type, subject, sequence, recorded_at, business_id, owners, kelurahan, sector, kelas);

-- name: insert_bodies
-- The same events' bodies.
INSERT INTO event_body (stream, position, source, occurred_at, data, traceparent)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[]);

-- name: stream_heads
-- How far every stream goes; and, under no name, a number that moves with every agreement.
SELECT name, last FROM stream UNION ALL SELECT '', coalesce(sum(version), 0)::bigint FROM agreement;

-- name: find_stream
-- One stream with the history that goes on, and the last position recorded before a time ($2), all positions without one.
SELECT s.first, s.last, (SELECT id FROM history ORDER BY number DESC LIMIT 1) AS history,
       clock_timestamp() AS now, (SELECT max(last_at) FROM stream) AS recorded_at,
       CASE WHEN $2::timestamptz IS NULL THEN s.last
       ELSE coalesce((SELECT e.position FROM event e WHERE e.stream = s.name AND e.recorded_at < $2
                      ORDER BY e.recorded_at DESC, e.position DESC LIMIT 1), 0) END AS until
FROM stream s WHERE s.name = $1;

-- name: shared_with_history
-- Up to which position of a stream ($1) an earlier history ($2) is the one that goes on. No row: it is none of this database's past. A stream
-- that a later history began without was not there then.
SELECT min(coalesce(b.position, 0)) AS position
FROM history h JOIN history later ON later.number > h.number
LEFT JOIN history_beginning b ON b.number = later.number AND b.stream = $1
WHERE h.id = $2 GROUP BY h.number;

-- name: position_before
-- The last position recorded before a time; 0: none.
SELECT coalesce((SELECT position FROM event WHERE stream = $1 AND recorded_at < $2
                 ORDER BY recorded_at DESC, position DESC LIMIT 1), 0);

-- name: read_events
-- Events of some types after a position ($2) up to another ($3), with body and label, so many at most. OFFSET 0: each body by its key; a
-- join would read the bodies from the beginning of the stream, or those of the range for each event, as the planner sees fit.
SELECT e.position, e.event_id, e.type, b.source, e.subject, e.sequence, b.occurred_at, b.data, e.recorded_at, e.business_id,
       e.owner_ids, e.kelurahan, e.sector, e.kelas, b.traceparent
FROM event e CROSS JOIN LATERAL (
    SELECT source, occurred_at, data, traceparent FROM event_body WHERE stream = e.stream AND position = e.position OFFSET 0
) b
WHERE e.stream = $1 AND e.position > $2 AND e.position <= $3 AND e.type = ANY ($4::text[])
ORDER BY e.position LIMIT $5;

-- name: read_all
-- All events after a position ($2) up to another ($3), with body and label. OFFSET 0: as in read_events.
SELECT e.position, e.event_id, e.type, b.source, e.subject, e.sequence, b.occurred_at, b.data, e.recorded_at, e.business_id,
       e.owner_ids, e.kelurahan, e.sector, e.kelas, b.traceparent
FROM event e CROSS JOIN LATERAL (
    SELECT source, occurred_at, data, traceparent FROM event_body WHERE stream = e.stream AND position = e.position OFFSET 0
) b
WHERE e.stream = $1 AND e.position > $2 AND e.position <= $3
ORDER BY e.position;

-- name: first_after
-- When the first event after a position was recorded, if there is one.
SELECT recorded_at FROM event WHERE stream = $1 AND position > $2 ORDER BY position LIMIT 1;

-- name: insert_disclosure
-- A page that an agency is given, if the text still counts now: no row otherwise.
INSERT INTO disclosure (agency, agreement_id, revision, way, stream, after_position, upto_position, events, withheld, endpoint)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9::bigint[], $10
FROM agreement WHERE id = $2 AND revision = $3 AND state IN ('ditandatangani', 'aktif') AND starts_at <= clock_timestamp()
    AND expires_at > clock_timestamp()
RETURNING id;

-- name: text_counts
-- Whether a text counts now, as `insert_disclosure` asks.
SELECT EXISTS (SELECT FROM agreement WHERE id = $1 AND revision = $2 AND state IN ('ditandatangani', 'aktif')
               AND starts_at <= clock_timestamp() AND expires_at > clock_timestamp());

-- name: disclosures_between
-- Pages given from one instant until another ($2, excluded), after an id.
SELECT id, agency, agreement_id, revision, way, stream, after_position, upto_position, events, withheld, given_at FROM disclosure
WHERE given_at >= $1 AND given_at < $2 AND id > $3 ORDER BY id LIMIT $4;

-- name: labels_between
-- What a page may hold: types and labels of the events in its range.
SELECT position, event_id, type, subject, sequence, business_id, owner_ids, kelurahan, sector, kelas FROM event
WHERE stream = $1 AND position > $2 AND position <= $3 AND type = ANY ($4::text[]) ORDER BY position;

-- name: disclosures_of_owner
-- Events that speak of an owner, each with every page whose range holds it: looked for among the ranges of each length apart (so many
-- hexadecimal digits; no stream needs more), because one that holds a position ends so far above it at most. OFFSET 0: by the index for each
-- event and length, also where the planner takes an owner for one who is in so many events that it would rather read the whole log.
SELECT d.id, d.agency, d.agreement_id, d.revision, d.way, d.given_at, d.withheld, e.stream, e.position, e.event_id, e.type,
       e.subject, e.sequence, e.business_id, e.owner_ids, e.kelurahan, e.sector, e.kelas
FROM event e CROSS JOIN generate_series(1, 15) AS digits CROSS JOIN LATERAL (
    SELECT id, agency, agreement_id, revision, way, given_at, withheld FROM disclosure
    WHERE stream = e.stream AND length(to_hex(upto_position - after_position)) = digits
        AND upto_position >= e.position AND upto_position < e.position + (1::bigint << 4 * digits) AND after_position < e.position
    OFFSET 0
) d
WHERE e.owner_ids @> ARRAY[$1::uuid]
ORDER BY d.id, e.position;

-- name: retire_until
-- The first position of each stream that is kept, and the last one that was recorded before a time, where anything up to it is kept.
SELECT s.name, s.first, e.position FROM stream s
CROSS JOIN LATERAL (SELECT position FROM event WHERE stream = s.name AND recorded_at < $1
                    ORDER BY recorded_at DESC, position DESC LIMIT 1) e
WHERE e.position >= s.first ORDER BY s.name;

-- name: retire_stream
-- A stream begins after a position.
UPDATE stream SET first = $2 + 1 WHERE name = $1 AND first <= $2;

-- name: delete_bodies
-- The bodies from one position to another.
DELETE FROM event_body WHERE stream = $1 AND position BETWEEN $2 AND $3;

-- name: kafka_lanes
-- Streams that go beyond what was written into the topic of an agency whose text counts now and names Kafka; those that stopped do not.
SELECT a.agency, s.name AS stream, a.id, a.revision
FROM agreement a
JOIN agreement_text t ON t.agreement_id = a.id AND t.revision = a.revision
CROSS JOIN stream s
LEFT JOIN kafka_position p ON p.agency = a.agency AND p.stream = s.name
WHERE a.state IN ('ditandatangani', 'aktif') AND a.starts_at <= clock_timestamp() AND a.expires_at > clock_timestamp()
    AND t.terms->'ways' ? 'kafka' AND s.last > coalesce(p.position, 0) AND p.state IS DISTINCT FROM 'berhenti'
ORDER BY a.agency, s.name;

-- name: public_lanes
-- Of some streams those that go beyond what was written into their public topics, which stand under a code that no agency has.
SELECT s.name AS stream FROM stream s LEFT JOIN kafka_position p ON p.agency = $1 AND p.stream = s.name
WHERE s.name = ANY($2::text[]) AND s.last > coalesce(p.position, 0) AND p.state IS DISTINCT FROM 'berhenti'
ORDER BY s.name;

-- name: load_terms
-- Texts by agreement and revision.
SELECT t.agreement_id, t.revision, t.terms
FROM agreement_text t JOIN unnest($1::uuid[], $2::int[]) AS u(id, revision) ON t.agreement_id = u.id AND t.revision = u.revision;

-- name: endpoint_states
-- How many endpoints there are in each state.
SELECT state, count(*) AS endpoints FROM webhook WHERE state <> 'dihapus' GROUP BY state;

-- name: delivery_lags
-- Streams that go beyond the place of an endpoint in service, or of an agency's topic, under the texts that count: so many events,
-- granted or not, of which the first is so old.
WITH counting AS (
    SELECT a.agency, a.id, a.revision, t.terms -> 'ways' AS ways
    FROM agreement a JOIN agreement_text t ON t.agreement_id = a.id AND t.revision = a.revision
    WHERE a.state IN ('ditandatangani', 'aktif') AND a.starts_at <= clock_timestamp() AND a.expires_at > clock_timestamp()
), lane AS (
    SELECT 'webhook' AS way, c.agency, c.id, c.revision, p.stream, p.position
    FROM counting c JOIN webhook w ON w.agency = c.agency AND w.state = 'aktif' JOIN webhook_position p ON p.webhook_id = w.id
    WHERE c.ways ? 'webhook'
    UNION ALL
    SELECT 'kafka', c.agency, c.id, c.revision, s.name, coalesce(p.position, 0)
    FROM counting c CROSS JOIN stream s LEFT JOIN kafka_position p ON p.agency = c.agency AND p.stream = s.name
    WHERE c.ways ? 'kafka'
)
SELECT l.way, l.agency, l.id, l.revision, l.stream, s.last - greatest(l.position, s.first - 1) AS events,
       extract(epoch FROM clock_timestamp() - e.recorded_at)::float8 AS seconds
FROM lane l JOIN stream s ON s.name = l.stream
CROSS JOIN LATERAL (SELECT recorded_at FROM event WHERE stream = l.stream AND position > greatest(l.position, s.first - 1)
                    ORDER BY position LIMIT 1) e
WHERE s.last > l.position;

-- name: public_lags
-- Of some streams those that go beyond what was written into their public topics: so many events, of which the first is so old.
SELECT s.name AS stream, s.last - greatest(coalesce(p.position, 0), s.first - 1) AS events,
       extract(epoch FROM clock_timestamp() - e.recorded_at)::float8 AS seconds
FROM stream s LEFT JOIN kafka_position p ON p.agency = $1 AND p.stream = s.name
CROSS JOIN LATERAL (SELECT recorded_at FROM event
                    WHERE stream = s.name AND position > greatest(coalesce(p.position, 0), s.first - 1)
                    ORDER BY position LIMIT 1) e
WHERE s.name = ANY($2::text[]) AND s.last > coalesce(p.position, 0);

-- name: begin_kafka
-- The first position of an agency, or of everybody, in a stream: before everything that is kept.
INSERT INTO kafka_position (agency, stream, position) SELECT $1, name, first - 1 FROM stream WHERE name = $2
ON CONFLICT (agency, stream) DO NOTHING;

-- name: hold_kafka
-- The position of an agency in a stream, held until the transaction ends; no row while somebody else holds it.
SELECT position FROM kafka_position WHERE agency = $1 AND stream = $2 AND state = 'aktif' FOR UPDATE SKIP LOCKED;

-- name: stop_lane
-- A lane that is held stops, for a reason.
UPDATE kafka_position SET state = 'berhenti', reason = $3, version = version + 1
WHERE agency = $1 AND stream = $2 AND state = 'aktif';

-- name: list_lanes
-- Lanes after an id, of one agency or of all.
SELECT p.id, p.version, p.agency, p.stream, p.state, p.reason, p.position, s.first, s.last, p.moved_at
FROM kafka_position p JOIN stream s ON s.name = p.stream
WHERE p.id > $1 AND ($2::text IS NULL OR p.agency = $2) ORDER BY p.id LIMIT $3;

-- name: find_lane
-- One lane.
SELECT p.id, p.version, p.agency, p.stream, p.state, p.reason, p.position, s.first, s.last, p.moved_at
FROM kafka_position p JOIN stream s ON s.name = p.stream WHERE p.id = $1;

-- name: lock_lane
-- One lane, locked.
SELECT p.id, p.version, p.agency, p.stream, p.state, p.reason, p.position, s.first, s.last, p.moved_at
FROM kafka_position p JOIN stream s ON s.name = p.stream WHERE p.id = $1 FOR UPDATE OF p;

-- name: resume_lane
-- A lane that is locked goes on after a position.
UPDATE kafka_position SET state = 'aktif', reason = NULL, version = $2, position = $3 WHERE id = $1;

-- name: lane_states
-- How many lanes there are in each state.
SELECT state, count(*) AS lanes FROM kafka_position GROUP BY state;

-- name: kafka_lags
-- How far every stream was written into the topic of an agency.
SELECT s.name AS stream, coalesce(p.position, 0) AS position, s.last, p.moved_at FROM stream s
LEFT JOIN kafka_position p ON p.agency = $1 AND p.stream = s.name ORDER BY s.name;

-- name: move_kafka
-- Everything up to a position is in the topic.
UPDATE kafka_position SET position = $3, moved_at = clock_timestamp() WHERE agency = $1 AND stream = $2 AND position < $3
RETURNING moved_at;
