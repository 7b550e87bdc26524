-- What of each shard waits to be published: how many rows, and since when. `shown`: of these only what a snapshot shows, and what a
-- restore brought of another cluster, which none shows.
--
-- The planner knows nothing of where a cursor stands, takes a third of the table for waiting, and reads all of it: 0.8 s of a million rows
-- that are published, for each look at the metrics. The index of shard and transaction finds what waits in a millisecond, so the table
-- is not read here, whatever its statistics say; nor is machine code made for so many rows as it expects.
CREATE FUNCTION outbox_waiting(shown pg_snapshot DEFAULT NULL, OUT shard smallint, OUT depth bigint, OUT oldest timestamptz)
RETURNS SETOF record LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off AS $$
    SELECT c.shard, count(o.id), min(o.written_at) FROM relay_cursor c
    LEFT JOIN LATERAL (
        SELECT o.id, o.xid, o.written_at FROM outbox o WHERE o.shard = c.shard AND o.xid >= pg_snapshot_xmax(c.base)
        UNION ALL
        SELECT o.id, o.xid, o.written_at FROM outbox o
        WHERE o.shard = c.shard AND o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(c.base)))
    ) AS o ON NOT (c.target IS NOT NULL AND pg_visible_in_snapshot(o.xid, c.target) AND o.id <= c.last_id)
        AND (shown IS NULL OR pg_visible_in_snapshot(o.xid, shown) OR o.xid >= pg_snapshot_xmax(pg_current_snapshot()))
    GROUP BY c.shard
$$;

CREATE OR REPLACE FUNCTION outbox_backlog(OUT depth bigint, OUT oldest timestamptz) LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(w.depth), 0)::bigint, min(w.oldest) FROM outbox_waiting() AS w
$$;

GRANT EXECUTE ON FUNCTION outbox_waiting TO ${app_role}, ${audit_role};
