-- A business at rest that is merged keeps where it comes back to from rest; where an undo brings it back to is another thing.
ALTER TABLE business ADD COLUMN status_before_merge text;   -- set while digabung
UPDATE business SET status_before_merge = status_before, status_before = NULL WHERE status = 'digabung';
