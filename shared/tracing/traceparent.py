"""The line of W3C Trace Context (level 1, ``traceparent``) by which a span names its trace and itself. Pure."""

from __future__ import annotations

import re

_LINE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED = frozenset("13579bdf")
"""Last digits of the flags that say: whoever began the trace wants it kept."""


def read_traceparent(text: str | None) -> str | None:
    """Return a well-formed line as it is, and ``None`` for anything else."""
    return text if text is not None and _LINE.fullmatch(text) else None


def parent_of(traceparent: str | None, origin: str) -> str | None:
    """Return the span under which is told what comes of a fact; ``None`` if nothing is.

    ``origin`` is the fact's: an import is many thousand facts, of which a trace would show nobody anything.
    """
    if traceparent is None or traceparent[-1:] not in _SAMPLED or origin == "import":
        return None
    return read_traceparent(traceparent)


def trace_id_of(traceparent: str) -> str:
    """Return the 32 hexadecimal digits of the trace in a well-formed line."""
    return traceparent[3:35]


def span_id_of(traceparent: str) -> str:
    """Return the 16 hexadecimal digits of the span in a well-formed line."""
    return traceparent[36:52]
