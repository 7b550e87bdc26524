-- Which streams have moved since a rebuild looked at all of them, so that its swap need not look at all of them again
-- while batches wait (docs/decisions/0019). Written only while a rebuild watches. Not logged: a crash ends the rebuild.
CREATE UNLOGGED TABLE moved_stream (aggregate_id uuid NOT NULL);

-- A rebuild that watches has the lock ("nkwatch") alone; else whoever moves a position shares it until the transaction
-- ends. So a rebuild begins to watch when everything that it is not told of is committed, and nobody ever waits for it.
-- The rebuild itself would get its own lock, and says by projections.watching that it watches.
CREATE FUNCTION note_moved_streams() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(31080407918469992) OR current_setting('projections.watching', true) = 'on' THEN
        INSERT INTO moved_stream SELECT aggregate_id FROM moved;
    END IF;
    RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION note_moved_streams FROM public;

-- A position that is taken away takes no row with it, so that is nothing to note.
CREATE TRIGGER note_opened AFTER INSERT ON stream_position REFERENCING NEW TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION note_moved_streams();
CREATE TRIGGER note_moved AFTER UPDATE ON stream_position REFERENCING NEW TABLE AS moved
FOR EACH STATEMENT EXECUTE FUNCTION note_moved_streams();
