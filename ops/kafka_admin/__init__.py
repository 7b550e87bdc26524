"""What an operator does to a broker: topics, users and rights from ``shared/topology.py``, and the lag of groups."""
