-- A database that was backed up before any relay ran knows no cluster, and restored into another one its rows speak of transaction
-- ids that are still to come there: no snapshot would show them, and a relay would publish them again and again until then.
CREATE OR REPLACE FUNCTION outbox_adopt_cluster() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    here_id text := (SELECT system_identifier::text FROM pg_control_system());
    here_timeline int := (SELECT timeline_id FROM pg_control_checkpoint());
    known relay_cluster;
BEGIN
    PERFORM pg_advisory_xact_lock(7421, 0);
    SELECT * INTO known FROM relay_cluster;
    IF NOT FOUND THEN
        -- Of what this cluster wrote, whoever sees the row has a snapshot beyond its transaction.
        UPDATE outbox SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
        INSERT INTO relay_cluster (system_identifier, timeline) VALUES (here_id, here_timeline);
        RETURN false;
    END IF;
    IF known.system_identifier = here_id AND known.timeline = here_timeline THEN
        RETURN false;
    END IF;
    UPDATE relay_cursor SET base = '1:1:', target = NULL, last_id = 0, epoch = epoch + 1;
    UPDATE outbox SET xid = pg_current_xact_id();
    UPDATE relay_cluster SET system_identifier = here_id, timeline = here_timeline;
    RETURN true;
END $$;
