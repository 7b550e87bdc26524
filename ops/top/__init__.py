"""``naikkelas top``: the running stack at a look, from the figures of its processes and the broker's view of the groups.

``reading`` asks; ``shared.metrics.glancing`` makes rows of two looks; ``showing`` draws them.
"""
