"""The registry of owners (*pelaku usaha*) and businesses (*usaha*), the counting unit.

Owns: owners and their keys, businesses, duplicate proposals, imports. Emits: ``owner.*``, ``business.*``, ``import.*``
on the topics ``umkm.owner``, ``umkm.business`` and ``umkm.import``. Consumes: nothing.
Personal data is readable here and nowhere else; other services ask for keys at the moment of use (``/keys/resolve``).
"""
