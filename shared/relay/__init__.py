"""The relay: publishes the outbox in order, by snapshot difference, one owner per shard, any number of processes.

``Relay.run()`` is the loop; ``leadership`` holds the shards, ``reading`` finds what is new, ``publishing`` sends it.
"""

from shared.relay.relay import Relay

__all__ = ["Relay"]
