-- Why an agreement was suspended or ended, for who asks. NULL: it was not, or before this was kept (the fact has it).
ALTER TABLE agreement ADD COLUMN cause text;
