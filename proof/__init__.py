"""Proofs of what the delivery layer promises: the product's own code, or a model of it, against every order of events.

``machine`` drives the real relay, consumer and redrive step by step on a real PostgreSQL, with a broker that obeys.
``relay.pml`` is a small model of the same, and ``spin`` searches all of its states.
"""
