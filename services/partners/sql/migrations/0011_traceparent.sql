-- The span under which posting an event is told, where somebody follows it.
ALTER TABLE event_body ADD COLUMN traceparent text;
ALTER TABLE waiting_event ADD COLUMN traceparent text;
