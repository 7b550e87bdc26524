-- audit.effect_of asks for the rows of some streams, and the key begins with the business: without this it would read all of them.
CREATE INDEX service_timeline_stream ON service_timeline (stream_id);
