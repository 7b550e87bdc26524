-- An audit that continues asks audit.effect of some subjects: without this it would read every event.
CREATE INDEX event_subject ON event (subject, sequence);
