"""Imports: from a kelurahan's spreadsheet to owners, businesses and facts.

Owns: ``import_job``, ``import_piece`` and ``import_chunk``. Emits: ``import.started``, ``import.completed``, and in bulk
``owner.registered``, ``owner.contact_changed``, ``business.registered``, ``business.changed`` and
``business.duplicate_proposed`` with ``origin=import``. Consumes: nothing.

The way of a file: ``survey`` (encoding over the whole file, refusals) → ``reading`` (rows) → ``header`` (columns by name)
→ ``cleaning`` (one pure function per kind of cell) → ``checking`` (a result per row) → ``preparing`` (a chunk looked up,
planned, sealed; ``lining`` and ``turns`` keep the order) → ``apply`` (each in one transaction) → ``report``.
"""
