"""Backup, restore and the drill: a dump of each service's database, with a manifest that says what fits it.

``programs`` runs PostgreSQL's own programs; ``manifest`` is what is written beside the dumps; ``making`` writes a backup,
``fitting`` says why one does not fit, ``restoring`` brings it back, ``drilling`` does so beside the live platform, in a folder of ``scratch``, and audits it.
"""
