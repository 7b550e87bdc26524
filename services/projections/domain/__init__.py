"""Pure rules of the projections: facts in, rows out. Rows are tuples in the order of their table's columns."""
