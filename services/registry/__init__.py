"""The registry of owners (*pelaku usaha*) and businesses (*usaha*), the counting unit.

Owns: owners and their keys, businesses, duplicate proposals, imports; mentors (*pendamping*), who looks after which
business, and visits; assessments, changes of class, readiness for export, workers over time. Emits: ``owner.*``,
``business.*``, ``import.*``, ``mentor.*``, ``mentoring.*`` on the topics ``umkm.owner``, ``umkm.business``,
``umkm.import``, ``umkm.mentor`` and ``umkm.mentoring``. Consumes: nothing.
Personal data is readable here and nowhere else; other services ask for keys at the moment of use (``/keys/resolve``).
"""
