-- What is asked again and again (by each batch of facts, each round of a sender) reads what it asks for and not a whole table,
-- whatever the planner's statistics have heard of.

-- Who takes part in a batch or an exhibition, and who does not any more: the reminders of both may have become untrue.
CREATE INDEX participation_gathering ON participation (gathering_id);

-- In the order in which they are looked at.
CREATE INDEX message_waiting_by_id ON message (id) WHERE state = 'waiting';

-- What goes out in quiet hours, when all that waits for the morning is before it in message_due.
CREATE INDEX message_due_officer ON message (channel, next_attempt_at, id) WHERE state = 'queued' AND owner_id IS NULL;
