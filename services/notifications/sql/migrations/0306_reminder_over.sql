-- Why a reminder is not to go out any more; NULL: it holds, or is none. Asked each time that one is about to leave, because what it
-- reminds of may have changed while it was with a provider: then void_stale (sql/reminders.sql), which says the same of many
-- reminders when a fact comes, passes it over, and it comes back by a late receipt, a later try or an operator's hand.
CREATE FUNCTION reminder_over(message uuid, at timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p.attending IS NOT TRUE OR coalesce(b.cancelled, false) OR r.version <> coalesce(s.version, p.said)
             OR (r.template = 'application_unconfirmed' AND p.unconfirmed IS NOT TRUE) THEN 'reminder_void'
        WHEN r.starts_at <= at THEN 'too_late'
    END
    FROM reminder r
    JOIN participation p ON p.id = r.participation_id
    LEFT JOIN batch_copy b ON b.batch_id = p.gathering_id
    LEFT JOIN session_copy s ON s.batch_id = p.gathering_id AND s.number = r.number
    WHERE r.message_id = message
$$;
