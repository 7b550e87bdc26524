-- Places that are to be confirmed, so that a reminder comes before the deadline.
ALTER TABLE participation
    ADD COLUMN unconfirmed boolean,                     -- of an application: whether its place is to be confirmed
    ADD COLUMN confirm_by timestamptz;                  -- and until when
CREATE INDEX ON participation (confirm_by) WHERE attending AND unconfirmed;

-- What a digest told keeps no officer's reason, as a message that was sent keeps none.
CREATE INDEX message_kept_reason ON message (id) WHERE state = 'suppressed' AND sealed_reason IS NOT NULL;
