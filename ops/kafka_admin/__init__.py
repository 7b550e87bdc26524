"""What an operator does to a broker: topics, users and rights from ``shared/topology.py``, the lag of groups, and moving one back."""
