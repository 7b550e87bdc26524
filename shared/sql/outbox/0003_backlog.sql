-- Depth and age of what is not published yet, in one look: for metrics (docs/decisions/0033) and for who asked for the depth alone.
CREATE FUNCTION outbox_backlog(OUT depth bigint, OUT oldest timestamptz) LANGUAGE sql STABLE AS $$
    SELECT count(*), min(o.written_at) FROM relay_cursor c JOIN outbox o ON o.shard = c.shard
    WHERE (o.xid >= pg_snapshot_xmax(c.base) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(c.base))))
      AND NOT (c.target IS NOT NULL AND pg_visible_in_snapshot(o.xid, c.target) AND o.id <= c.last_id)
$$;

CREATE OR REPLACE FUNCTION outbox_pending() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT depth FROM outbox_backlog()
$$;

GRANT EXECUTE ON FUNCTION outbox_backlog TO ${app_role}, ${audit_role};
