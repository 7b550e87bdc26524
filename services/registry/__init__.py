"""The registry of owners (*pelaku usaha*) and businesses (*usaha*), the counting unit.

Owns: owners and their keys, businesses, duplicate proposals, imports; licences, organisations and brands; mentors
(*pendamping*), who looks after which business, and visits; assessments, changes of class, readiness for export, workers over
time; requests to erase. Emits: ``owner.*``, ``business.*``, ``import.*``, ``licence.*``, ``organisation.*``, ``brand.*``, ``mentor.*``,
``mentoring.*``, each on the topic ``umkm.<first word>``. Consumes: nothing. Its worker applies imports, tells at 00:30
WITA each day what runs out, and notes requests to erase whose deadline has passed.
Personal data is readable here and nowhere else; other services ask for keys at the moment of use (``/keys/resolve``).
"""
