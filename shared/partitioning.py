"""Kafka's default partitioner (murmur2) for many keys at once.

The keys here are aggregate ids: 36 bytes each, so a whole chunk is hashed in nine vector steps; the loop per key in
pure Python costs more than all the rest of publishing. Equal to ``aiokafka.partitioner.murmur2`` (tested).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from aiokafka.partitioner import murmur2

KEY_BYTES = 36
_M = np.uint32(0x5BD1E995)
_SEED = np.uint32(0x9747B28C)


def digests_of(keys: Sequence[str]) -> list[int]:
    """Return the digest of each key (ASCII text), 0 to 2³¹ - 1; modulo the topic's count it is the key's partition."""
    joined = "".join(keys).encode("ascii")
    if len(joined) != KEY_BYTES * len(keys) or any(len(key) != KEY_BYTES for key in keys):
        return [murmur2(key.encode()) & 0x7FFFFFFF for key in keys]
    words = np.frombuffer(joined, dtype="<u4").reshape(len(keys), KEY_BYTES // 4)
    digest = np.full(len(keys), _SEED ^ np.uint32(KEY_BYTES), dtype=np.uint32)
    for column in range(KEY_BYTES // 4):
        k = words[:, column] * _M
        k ^= k >> np.uint32(24)
        k *= _M
        digest *= _M
        digest ^= k
    digest ^= digest >> np.uint32(13)
    digest *= _M
    digest ^= digest >> np.uint32(15)
    found: list[int] = (digest & np.uint32(0x7FFFFFFF)).tolist()
    return found
