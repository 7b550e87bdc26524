-- A business at rest that is merged keeps where it comes back to from rest; where an undo brings it back to is another thing. What
-- processes of the release before read stays as it is: while they run, and after going back to them, they undo merges by status_before.
ALTER TABLE business ADD COLUMN status_before_merge text;   -- set while digabung
UPDATE business SET status_before_merge = status_before WHERE status = 'digabung';
