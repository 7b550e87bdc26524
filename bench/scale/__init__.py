"""How large it grows: a small seeded simulation of queues, checked against measured points, and what it says of city, province, nation.

``python -m bench.scale`` prints the tables of docs/scale.md, ``--write`` puts them there. ``costs`` holds what was measured,
``queueing`` simulates, ``planning`` asks it how many processes, brokers and machines are needed, ``tables`` tells it.
"""
