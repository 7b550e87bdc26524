"""The event bus of Open edX: the change in ``transaction.atomic()``, its signal sent by ``transaction.on_commit``."""

from __future__ import annotations

import signal
import threading
from time import monotonic, sleep

import edx_site
from told import TOLD, Pace, lanes, mark, note, pad

edx_site.start()

from django.db import DatabaseError, connection, transaction  # noqa: E402
from openedx_events.event_bus import get_producer  # noqa: E402

UPDATE = "UPDATE thing SET version = version + 1 WHERE id = %s RETURNING version"
counts = dict.fromkeys(TOLD["keys"], 0)


def tell(key: str, sequence: int) -> None:
    """Send the signal; the bus takes it from there."""
    thing = edx_site.ThingData(id=key, mark=mark(key, sequence), pad=pad())
    edx_site.THING_CHANGED.send_event(thing=thing)


def change(key: str) -> int:
    """Change one thing and tell of it when that is committed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UPDATE, [key])
        sequence: int = cursor.fetchone()[0]
        transaction.on_commit(lambda: tell(key, sequence))
    return sequence


def tell_only(key: str) -> int:
    """Tell of a change that another table holds."""
    counts[key] += 1
    tell(key, counts[key])
    return counts[key]


def work(pace: Pace, lock: threading.Lock, keys: list[str]) -> None:
    """Give commands, one after another."""
    turn, command = 0, tell_only if TOLD["pad"] else change
    while True:
        with lock:
            wait = pace.take()
        if wait is None:
            return
        sleep(wait)
        key, begun = keys[turn % len(keys)], monotonic()
        turn += 1
        try:
            sequence = command(key)
        except DatabaseError as error:
            note("fail", key, type(error).__name__)
        else:
            note("ok", key, sequence, begun, monotonic())


def main() -> None:
    """Give commands, then let the producer hand over what it holds."""
    get_producer()
    pace, lock = Pace(), threading.Lock()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pace.stop)
    note("start", monotonic())
    workers = [threading.Thread(target=work, args=(pace, lock, keys)) for keys in lanes()]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    get_producer().prepare_for_shutdown()


main()
