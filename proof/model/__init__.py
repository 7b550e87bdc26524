"""Proofs of the delivery layer: the product's own code, or a model of it, against every order of events.

``machine`` drives the real relay, consumer and redrive step by step on a real PostgreSQL, with a broker that obeys; ``world``
is what it acts on, ``stepping`` how it stops the code at a point, ``invariants`` what must always hold. ``relay.pml`` is a
small model of the same, and ``spin`` searches all of its states.
"""
