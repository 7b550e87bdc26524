"""The tables of the projections: batches in (``batches``), answers out (``reads``), generations (``generations``)."""
