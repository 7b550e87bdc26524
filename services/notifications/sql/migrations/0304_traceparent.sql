-- The span under which sending a message is told, where somebody follows the fact that it tells of.
ALTER TABLE message ADD COLUMN traceparent text;
