"""Kafka's default partitioner (murmur2) for many keys at once.

The keys here are aggregate ids: 36 bytes each, so a whole chunk is hashed in nine vector steps; the loop per key in
pure Python costs more than all the rest of publishing. Equal to ``aiokafka.partitioner.murmur2`` (tested).
"""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.partitioner import murmur2

KEY_BYTES = 36
VECTORS_FROM = 32
"""With so many keys the vector steps pay off."""
_M = 0x5BD1E995
_SEED = 0x9747B28C


def digests_of(keys: Sequence[str]) -> list[int]:
    """Return the digest of each key (ASCII text), 0 to 2³¹ - 1; modulo the topic's count it is the key's partition."""
    if len(keys) < VECTORS_FROM or any(len(key) != KEY_BYTES for key in keys):
        return [murmur2(key.encode()) & 0x7FFFFFFF for key in keys]
    return _vector_digests("".join(keys).encode("ascii"), len(keys))


def _vector_digests(joined: bytes, count: int) -> list[int]:
    # Loaded by the processes that publish a backlog alone: every other one is 20 MB smaller and up 0.2 s sooner without it.
    import numpy as np

    factor = np.uint32(_M)
    words = np.frombuffer(joined, dtype="<u4").reshape(count, KEY_BYTES // 4)
    digest = np.full(count, np.uint32(_SEED) ^ np.uint32(KEY_BYTES), dtype=np.uint32)
    for column in range(KEY_BYTES // 4):
        k = words[:, column] * factor
        k ^= k >> np.uint32(24)
        k *= factor
        digest *= factor
        digest ^= k
    digest ^= digest >> np.uint32(13)
    digest *= factor
    digest ^= digest >> np.uint32(15)
    found: list[int] = (digest & np.uint32(0x7FFFFFFF)).tolist()
    return found
