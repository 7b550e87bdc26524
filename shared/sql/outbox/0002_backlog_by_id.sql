-- A backlog is read page by page in the order of id (docs/decisions/0014): without this index each page would sort all of it.
-- Ids only grow, so an insert touches the last leaf alone; partitions made later get the index when they are attached.
CREATE INDEX outbox_id ON outbox (id);
