"""``naikkelas top``: the running stack at a look, from the figures of its processes and the broker's view of the groups.

``reading`` asks; ``looking`` makes rows of two looks, without input or output; ``showing`` draws them.
"""
