"""The facts that the projections are made of, live (``projecting``) and from the beginning (``replay``)."""
