-- Drops the oldest partition whose day ended before the given instant and that every shard is past, and returns its name; call it
-- again for the next one. A drop locks the whole outbox until its transaction ends: all commands stood still while the partitions
-- after it were looked at. And whether any row of one waits is asked by its index, not by reading all of it.
CREATE OR REPLACE FUNCTION outbox_drop_partitions(before timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms'
SET enable_seqscan = off SET jit = off AS $$
DECLARE
    part record;
    behind boolean;
BEGIN
    FOR part IN
        SELECT c.relname, to_date(substr(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$' ORDER BY c.relname
    LOOP
        CONTINUE WHEN (part.day + 1)::timestamp AT TIME ZONE 'UTC' > before;
        BEGIN
            EXECUTE format(
                'SELECT EXISTS (SELECT FROM relay_cursor c CROSS JOIN LATERAL (
                     SELECT FROM %1$I o WHERE o.shard = c.shard AND o.xid >= pg_snapshot_xmax(c.base)
                     UNION ALL
                     SELECT FROM %1$I o WHERE o.shard = c.shard AND o.xid = ANY (ARRAY(SELECT pg_snapshot_xip(c.base)))) AS o)',
                part.relname) INTO behind;
            CONTINUE WHEN behind;
            -- A transaction that began on that day may still write into it.
            CONTINUE WHEN EXISTS (SELECT FROM pg_stat_activity
                                  WHERE xact_start < (part.day + 1)::timestamp AT TIME ZONE 'UTC'
                                    AND datname = current_database());
            EXECUTE format('DROP TABLE %I', part.relname);
            RETURN NEXT part.relname;
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN NULL;          -- somebody holds it, or the outbox: next time
        END;
    END LOOP;
END $$;
