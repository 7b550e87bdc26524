"""The proof that what the platform promises holds under real faults: load, a fault, healing, and a checker of what is left.

``python -m proof --help``. ``promises`` names promises, ``faults`` what is done to the platform; ``load`` gives commands and
writes a ``history``; ``evidence`` collects what databases, log and mailbox hold; ``checker`` compares the two and names each
anomaly; ``report`` writes docs/reliability.md. ``model`` holds the proofs that try every order of events.
"""
