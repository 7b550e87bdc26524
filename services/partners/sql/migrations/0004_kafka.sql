-- How far each stream was written into an agency's topic. The row is the lock of who writes.
CREATE TABLE kafka_position (
    agency text NOT NULL,
    stream text NOT NULL,
    position bigint NOT NULL DEFAULT 0,                 -- everything up to here is in the topic, or is not granted
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency, stream)
) WITH (fillfactor = 50);

GRANT SELECT, INSERT, UPDATE ON kafka_position TO ${app_role};
