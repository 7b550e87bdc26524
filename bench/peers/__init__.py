"""The peers: what others use for the same way, measured and put to the same faults in the same run as ours.

``python -m bench.peers [--quick] [--only PEER] [--json] [--write]``. ``peers`` names them with their documented settings;
``environments`` and ``debezium`` fetch what they need; ``programs`` are small scripts in the peer's own words, which never
import the project; ``ground`` gives one a database, a topic and processes; ``scenarios`` strike; ``verdict`` counts;
``report`` writes docs/peers.md. A peer that cannot be had is a skip, never a pass.
"""
