"""What the stack says when it cannot go on."""

from __future__ import annotations


class StackError(Exception):
    """One sentence that says what is wrong and what to do."""
