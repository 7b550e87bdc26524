"""The proof that what the platform promises holds under real faults: load, a fault, healing, and a checker of what is left.

``python -m proof --help``. ``promises`` names promises; what is done to the platform is in ``faults``, ``clocks``, ``disks``,
``disorder``, ``health``, ``migrating``, ``moving``, ``network``, ``releases``, ``restore``, ``tables`` and ``webhooks``
(``agencies`` with their ``receivers``). ``load`` gives
commands and writes a ``history``; ``evidence`` collects what databases, log and mailbox hold; ``checker`` compares the two and
names each anomaly; ``report`` writes docs/reliability.md; ``leftovers`` cleans up after runs that were killed. ``model`` holds
the proofs that try every order of events.
"""
