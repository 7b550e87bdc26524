-- What is to be redriven, by index: each process of a consumer asks every second, and what is parked may be much and wide. Nobody asks
-- most of the time, so both are empty. Those without an aggregate have their own, in the order in which they are tried again.
CREATE INDEX parked_event_requested ON parked_event (consumer, aggregate_id)
    WHERE redrive_requested_at IS NOT NULL AND aggregate_id IS NOT NULL;
CREATE INDEX parked_event_homeless_requested ON parked_event (consumer, id)
    WHERE redrive_requested_at IS NOT NULL AND aggregate_id IS NULL;
