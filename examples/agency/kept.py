"""What an agency keeps of the events: a file to which each event is added once, as a line of JSON. A database does it as well."""

from __future__ import annotations

import json
import os
from pathlib import Path
from threading import Lock
from typing import Any

from cloudevents.core.bindings.http import to_structured_event


class Kept:
    """The file, and the ids of what is in it. Threads may share one; two processes may not."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._file = path.open("a+b", buffering=0)
        self._file.seek(0)
        whole, _, broken = self._file.read().rpartition(b"\n")
        if broken:  # we died in the middle of a line, so nobody was told that it is kept
            self._file.truncate(len(whole) + 1 if whole else 0)
        self._ids = {json.loads(line)["id"] for line in whole.splitlines()}

    def keep(self, event: Any) -> bool:
        """Add an event, and return when it is on the disk; ``False``: it was there already."""
        with self._lock:
            if event.get_id() in self._ids:
                return False
            size = self._file.seek(0, os.SEEK_END)
            try:
                self._file.write(to_structured_event(event).body + b"\n")
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(size)
                raise
            self._ids.add(event.get_id())
            return True


def told(event: Any) -> str:
    """Return the line that is printed of an event."""
    return f"{event.get_type()} {event.get_subject()} {event.get_extension('sequence') or '-'} {event.get_id()}"
