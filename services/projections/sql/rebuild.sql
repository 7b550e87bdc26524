-- Statements of a rebuild, run by the migrating login. live_table, other_table, leaving_table and running_login stand
-- for the names of the projection at hand and of the login of the service, row_key and stream_key for the columns of its
-- key and for the one with the stream that a row comes of.

-- name: lock_rebuild
-- One rebuild of a projection at a time; held by the session. False if another one runs.
SELECT pg_try_advisory_lock($1, hashtext($2));

-- name: drop_standby
-- Takes away the generation that is not live.
DROP TABLE IF EXISTS other_table;

-- name: create_standby
-- A table of the same shape, without indexes: they come after the load.
CREATE TABLE other_table (LIKE live_table INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE);

-- name: grant_standby
-- The rights of the running login, before the table can become the live one.
GRANT SELECT, INSERT, UPDATE, DELETE ON other_table TO running_login;

-- name: index_district_dashboard
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id), SET (fillfactor = 85);

-- name: index_business_timeline
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id, sequence);

-- name: index_service_timeline
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id, stream_id, sequence);
CREATE INDEX ON other_table (stream_id);

-- name: index_training_outcome
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (stream_id), SET (fillfactor = 85);

-- name: index_exhibition_turnover
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (stream_id), SET (fillfactor = 85);

-- name: index_mentoring_activity
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (stream_id, sequence);

-- name: index_class_history
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id, sequence);
CREATE INDEX ON other_table (at) WHERE naik_kelas;

-- name: index_class_funnel
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id, sequence);

-- name: index_jobs
-- The indexes of the migration, made after the load.
ALTER TABLE other_table ADD PRIMARY KEY (business_id, sequence);

-- name: analyze_standby
-- Statistics, so that the first reader after the swap gets a good plan.
ANALYZE other_table;

-- name: forget_positions
-- The positions of a generation that is taken away.
DELETE FROM stream_position WHERE consumer = $1;

-- name: forget_parked
-- What generations that are taken away, or become the live ones, could not apply. $1: their consumers.
DELETE FROM parked_event WHERE consumer = ANY ($1::text[]);

-- name: compare_generations
-- Rows of both generations, of the streams that both have brought equally far. ids: some that differ. $2: topics.
WITH even AS (
    SELECT l.aggregate_id FROM stream_position l
    JOIN stream_position s ON s.consumer = $1 AND s.aggregate_id = l.aggregate_id AND s.position = l.position
    WHERE l.consumer = 'projections' AND l.topic = ANY ($2::text[])
), pair AS (
    SELECT coalesce(l.stream_key, s.stream_key) AS stream_id, l.stream_key IS NULL AS extra,
           s.stream_key IS NULL AS missing, ROW(l.*) IS DISTINCT FROM ROW(s.*) AS differs
    FROM live_table l FULL JOIN other_table s USING (row_key)
)
SELECT (SELECT count(*) FROM even) AS aggregates, count(*) AS rows, count(*) FILTER (WHERE differs) AS differing,
       count(*) FILTER (WHERE missing) AS missing, count(*) FILTER (WHERE extra) AS extra,
       (array_agg(stream_id) FILTER (WHERE differs))[1:20] AS ids
FROM pair JOIN even ON even.aggregate_id = pair.stream_id;

-- name: count_behind
-- Streams that the live generation has brought further than the other one. $2: its topics.
SELECT count(*) FROM stream_position l
LEFT JOIN stream_position s ON s.consumer = $1 AND s.aggregate_id = l.aggregate_id
WHERE l.consumer = 'projections' AND l.topic = ANY ($2::text[]) AND l.position > coalesce(s.position, 0);

-- name: watch
-- Waits until every position that was moved unnoted is committed; from now on all are noted, those of this session too.
SELECT pg_advisory_lock($1), set_config('projections.watching', 'on', false);

-- name: unwatch
-- Ends the watch of this session.
SELECT pg_advisory_unlock($1), set_config('projections.watching', 'off', false);

-- name: forget_moved
-- What an earlier watch noted.
DELETE FROM moved_stream;

-- name: note_uneven
-- Notes every stream in which the live generation and another one stand differently. $1: the consumer of that one, $2: its
-- topics.
INSERT INTO moved_stream
SELECT coalesce(l.aggregate_id, s.aggregate_id)
FROM (SELECT aggregate_id, position FROM stream_position
      WHERE consumer = 'projections' AND topic = ANY ($2::text[])) l
FULL JOIN (SELECT aggregate_id, position FROM stream_position WHERE consumer = $1) s USING (aggregate_id)
WHERE l.position IS DISTINCT FROM s.position;

-- name: analyze_moved
-- Statistics, so that the statements under the lock go by the indexes.
ANALYZE moved_stream;

-- name: moved_behind
-- Of the streams that were noted: those that the live generation has brought further than another one, by the consumer
-- of that one, if there are any. $1, $2: consumers of the other ones, each with each of its topics.
SELECT o.consumer, count(*) AS streams FROM (SELECT DISTINCT aggregate_id FROM moved_stream) m
CROSS JOIN unnest($1::text[], $2::text[]) AS o(consumer, topic)
JOIN stream_position l ON l.consumer = 'projections' AND l.aggregate_id = m.aggregate_id AND l.topic = o.topic
LEFT JOIN stream_position s ON s.consumer = o.consumer AND s.aggregate_id = m.aggregate_id
WHERE l.position > coalesce(s.position, 0)
GROUP BY o.consumer ORDER BY o.consumer;

-- name: keep_vacuum_away
-- Waits for a vacuum of the tables, which a rename would wait for with batches and readers behind it. Neither of these
-- is in the way here, and no vacuum begins until the transaction ends.
LOCK TABLE live_table, other_table IN SHARE UPDATE EXCLUSIVE MODE;

-- name: swap_names
-- The other generation takes the live one's name, and the other way round.
ALTER TABLE live_table RENAME TO leaving_table;
ALTER TABLE other_table RENAME TO live_table;
ALTER TABLE leaving_table RENAME TO other_table;

-- name: adopt_positions
-- After the swap the other generation is the one that was live: it stands where the live consumer stands, and knows
-- nothing of a stream that the live consumer has not come to. What was not noted stood there before. $1, $2: consumers, each
-- with each of its topics.
WITH m AS (
    SELECT DISTINCT aggregate_id FROM moved_stream
), unknown AS (
    DELETE FROM stream_position s USING m
    WHERE s.consumer = ANY ($1::text[]) AND s.aggregate_id = m.aggregate_id AND NOT EXISTS (
        SELECT FROM stream_position l WHERE l.consumer = 'projections' AND l.aggregate_id = m.aggregate_id)
)
INSERT INTO stream_position (consumer, topic, aggregate_id, position)
SELECT o.consumer, l.topic, l.aggregate_id, l.position FROM m
CROSS JOIN unnest($1::text[], $2::text[]) AS o(consumer, topic)
JOIN stream_position l ON l.consumer = 'projections' AND l.aggregate_id = m.aggregate_id AND l.topic = o.topic
LEFT JOIN stream_position s ON s.consumer = o.consumer AND s.aggregate_id = m.aggregate_id
WHERE l.position IS DISTINCT FROM s.position
ON CONFLICT (consumer, aggregate_id) DO UPDATE SET position = EXCLUDED.position;

-- name: live_positions
-- How far the live consumer has come. $1: topics.
SELECT aggregate_id::text, position FROM stream_position
WHERE consumer = 'projections' AND topic = ANY ($1::text[]);

-- name: discarded_facts
-- Facts that an operator took out of the live generation; the other one leaves them out too.
SELECT aggregate_id::text, sequence FROM parked_history
WHERE consumer = 'projections' AND action = 'discarded' AND aggregate_id IS NOT NULL AND sequence IS NOT NULL;

-- name: count_discarded_unheard
-- Facts that were taken out of the live generation and that the other one has not heard of: discarded since it was begun
-- or stopped being the live one, or beyond where it stands. $1: projection, $2: the other generation's consumer, $3: the topics it is made of.
SELECT count(*) FROM parked_history h
JOIN projection_generation o ON o.projection = $1 AND o.state IN ('ready', 'standby')
JOIN projection_generation l ON l.projection = $1 AND l.state = 'live'
LEFT JOIN stream_position s ON s.consumer = $2 AND s.aggregate_id = h.aggregate_id
LEFT JOIN stream_position p ON p.consumer = 'projections' AND p.aggregate_id = h.aggregate_id
WHERE h.consumer = 'projections' AND h.action = 'discarded' AND h.aggregate_id IS NOT NULL AND h.sequence IS NOT NULL
  AND coalesce(p.topic = ANY ($3::text[]), true)
  AND (h.at >= CASE o.state WHEN 'ready' THEN o.started_at ELSE l.swapped_at END OR h.sequence > coalesce(s.position, 0));

-- name: begin_generation
-- A new generation is being built; one that was left half-built, or stood by, is gone.
WITH gone AS (
    UPDATE projection_generation SET state = 'dropped'
    WHERE projection = $1 AND state IN ('building', 'ready', 'standby')
)
INSERT INTO projection_generation (projection, generation, state)
SELECT $1, max(generation) + 1, 'building' FROM projection_generation WHERE projection = $1
RETURNING generation;

-- name: generation_is_ready
-- The generation has caught up and was compared.
UPDATE projection_generation SET state = 'ready', report = $2 WHERE projection = $1 AND state = 'building';

-- name: standby_state
-- The state of the generation that is not live: ready or standby; none otherwise.
SELECT state FROM projection_generation WHERE projection = $1 AND state IN ('ready', 'standby');

-- name: live_generation
-- The number of the live generation. $1: projection.
SELECT generation FROM projection_generation WHERE projection = $1 AND state = 'live';

-- name: swap_states
-- Live and standby change places in the book-keeping too. $1: projections.
UPDATE projection_generation
SET state = CASE state WHEN 'live' THEN 'standby' ELSE 'live' END,
    swapped_at = CASE state WHEN 'live' THEN swapped_at ELSE now() END
WHERE projection = ANY ($1::text[]) AND state IN ('live', 'ready', 'standby');
