-- The pages that hold an event. An index that begins with after_position is bounded on one side alone: each event of an owner read every page
-- of its stream that began below it. A page whose range is so many hexadecimal digits long, and holds a position, ends less than that power
-- of sixteen above it: so, among those of its length, it is found between two bounds.
CREATE INDEX disclosure_end ON disclosure (
    stream, length(to_hex(upto_position - after_position)), upto_position, after_position
);
