"""The trail: what operators did, append-only and chained by digests (decision 48).

``append`` writes a deed inside the caller's transaction, ``read_newest`` lists them, ``verify`` finds a row that was changed,
removed or put in between. Owns the tables ``trail`` and ``trail_head`` of each service that takes orders from operators.
"""

from shared.trail.checking import Checked, Entry, Fault, Head, digest_of
from shared.trail.keeping import KEEPING, Deed, append, last_on, read_newest, verify

__all__ = [
    "KEEPING",
    "Checked",
    "Deed",
    "Entry",
    "Fault",
    "Head",
    "append",
    "digest_of",
    "last_on",
    "read_newest",
    "verify",
]
