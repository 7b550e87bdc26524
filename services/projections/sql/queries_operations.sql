-- What the page of operations reads, and what a rebuild writes of itself.

-- name: last_audits
-- The newest audit of the whole, and the newest of a part where that is younger: a part never takes the place of the whole.
SELECT at, actor, ok, events, aggregates, seconds, findings::text, left_out FROM audit_run
WHERE id IN (SELECT max(id) FROM audit_run GROUP BY left_out = '')
  AND (left_out = '' OR id > ALL (SELECT id FROM audit_run WHERE left_out = ''))
ORDER BY id DESC;

-- name: last_rebuilds
-- The newest rebuilds; silent: it has not ended and has said nothing for a minute. $1: how many; $2: only
-- those of one of these projections, or, where none is named, all.
SELECT projections, started_at, stage, done, total, ended_at, outcome,
       ended_at IS NULL AND told_at < now() - interval '1 minute' AS silent
FROM rebuild_run WHERE cardinality($2::text[]) = 0 OR projections && $2::text[] ORDER BY id DESC LIMIT $1;

-- name: generations
-- The generations that are there: the live one of each projection, and the one beside it if there is one.
SELECT projection, generation, state, started_at, swapped_at FROM projection_generation
WHERE state <> 'dropped' ORDER BY projection, generation;

-- name: begin_rebuild_run
-- A rebuild begins. $1: projections.
INSERT INTO rebuild_run (projections) VALUES ($1) RETURNING id;

-- name: tell_rebuild_run
-- How far a rebuild is. $1: its id, $2: stage, $3: done, $4: of how much.
UPDATE rebuild_run SET stage = $2, done = $3, total = $4, told_at = now() WHERE id = $1;

-- name: end_rebuild_run
-- A rebuild has ended. $1: its id, $2: what came of it.
UPDATE rebuild_run SET outcome = $2, ended_at = now(), told_at = now() WHERE id = $1;
