"""The promises, and the fault that tries each. Numbers are those of docs/reliability.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ops.stack.errors import StackError
from proof.clocks import missing_library, wrong_clocks
from proof.disks import fill_disks, missing_disk
from proof.disorder import add_partitions, swap_neighbours
from proof.faults import (
    POISON,
    freeze_a_consumer,
    freeze_kafka,
    hold_consumers_back,
    import_without_kafka,
    kill_and_freeze_relays,
    kill_api,
    kill_consumers,
    kill_each_broker,
    kill_kafka,
    kill_postgres,
    poison,
    publish_again,
    race_one_key,
    restart_apis,
    restart_consumers_all_the_time,
)
from proof.health import tell_the_truth
from proof.migrating import migrate_under_load
from proof.moving import move_kafka
from proof.network import fail_by_namespace, fail_by_proxy, missing_namespaces
from proof.newcomers import agencies_come_late
from proof.redriving import redrive, redrive_to_agencies
from proof.releases import handle_slowly, publish_incompatibly
from proof.restore import lose_everything_and_restore
from proof.rig import FOLLOWERS, Fault, Outcome, Rig, Size
from proof.tables import keep_tables_bounded
from proof.webhooks import kill_deliverer, retry_and_stop, slow_receivers


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. ``judge`` may add what else must hold to the outcome."""

    number: str
    text: str
    what: str
    """The fault, in words."""
    fault: Fault
    copies: tuple[str, ...] = ()
    """Processes that run beside the declared ones."""
    parked: int = 0
    """Records that must end up parked; with any, the audit's findings about them are expected."""
    judge: Callable[[Outcome, Size], list[str]] = field(default=lambda _outcome, _size: [])
    missing: Callable[[], str | None] = field(default=lambda: None)
    """Says what this machine lacks for the fault, and what to do; with anything, the promise is skipped."""
    quick: bool = True
    """It is part of ``make test``: of several faults for one promise the quickest are."""
    brokers: int = 1
    """Nodes of Kafka on the platform that it is tried on."""
    spoils: bool = False
    """It leaves a log that the next promise could not be judged on: that one gets a new platform."""


def _always_answered(outcome: Outcome, _: Size) -> list[str]:
    return [] if outcome.availability >= 0.999 else [f"only {outcome.availability:.1%} of requests were answered"]


def _one_retry_was_enough(outcome: Outcome, _: Size) -> list[str]:
    found = []
    if outcome.most_tries > 2:
        found.append(f"a command had to be sent {outcome.most_tries} times")
    if outcome.unknown:
        found.append(f"the outcome of {outcome.unknown} commands is unknown; without an answer: {outcome.unanswered}")
    return found


class BrokenError(Exception):
    """A run that did not come to its end: what was awaited did not happen, or happened otherwise."""


PROMISES: tuple[Promise, ...] = (
    Promise("P1", "No acknowledged command loses its event", "SIGKILL of the API under load", kill_api),
    Promise("P2", "A consumer's crash loses nothing and repeats nothing", "SIGKILL of each consumer", kill_consumers),
    Promise("P3", "The broker may die", "SIGKILL of Kafka", kill_kafka, judge=_always_answered),
    Promise(
        "P3b", "An import completes without the broker", "SIGKILL of Kafka, 34 spreadsheets uploaded before it is back",
        import_without_kafka, judge=_always_answered,
    ),
    Promise(
        "P3c", "The broker may come back at another address", "SIGKILL of Kafka, started again on another port", move_kafka,
        judge=_always_answered, quick=False,
    ),
    Promise("P4", "PostgreSQL may die", "SIGKILL of the postmaster; the relay's connections cut", kill_postgres),
    Promise(
        "P5a", "A consumer that was taken for dead does no harm", "SIGSTOP past the session, a second one takes over",
        freeze_a_consumer, copies=("projections-worker-2",),
    ),
    Promise("P5b", "The network to the broker may be cut", "SIGSTOP of Kafka past the sessions", freeze_kafka, judge=_always_answered),
    Promise(
        "P5c", "A zombie's late write is stopped", "a consumer's connections cut, slowed, silent one way and both past the session",
        fail_by_proxy, copies=("projections-worker-2",), judge=_always_answered, quick=False,
    ),
    Promise(
        "P5d", "A network that drops packets does no harm", "a consumer in a network namespace: packets dropped, delayed, lost",
        fail_by_namespace, copies=("projections-worker-2",), judge=_always_answered, missing=missing_namespaces,
        quick=False,
    ),
    Promise(
        "P6", "Rebalances neither lose nor storm", "one of three consumers stops and starts again and again",
        restart_consumers_all_the_time, copies=("projections-worker-2", "projections-worker-3"),
    ),
    Promise(
        "P6b", "A handler slower than its poll interval does no harm", "every batch longer than max.poll.interval.ms, two consumers",
        handle_slowly, copies=("projections-worker-2",), judge=_always_answered, quick=False,
    ),
    Promise("P7", "Duplicates are harmless", "records sent again with p = 0.3; a topic sent again whole", publish_again),
    Promise(
        "P9", "Poison delays only its own key", "records that nobody can read", poison, parked=POISON, judge=_always_answered
    ),
    Promise(
        "P11", "A full disk degrades", "the disk of Kafka full, then that of PostgreSQL; freed", fill_disks, missing=missing_disk,
    ),
    Promise(
        "P12", "One slow webhook receiver delays no other", "receivers that answer too late, drip, fail, redirect", slow_receivers,
    ),
    Promise(
        "P13", "Retries follow the schedule and stop", "410, 429, 503, flapping, six days away; paused, suspended, expired", retry_and_stop,
    ),
    Promise(
        "P13b", "Webhooks lose nothing when their worker dies", "SIGKILL of the partners' worker in the middle of deliveries",
        kill_deliverer, judge=_always_answered,
    ),
    Promise(
        "P14", "Clocks may be wrong", "one process at a time in another time or time zone, by libfaketime", wrong_clocks,
        missing=missing_library,
    ),
    Promise(
        "P15", "Any number of relays is safe", "three relays, killed and frozen in turn", kill_and_freeze_relays,
        copies=("registry-relay-2", "registry-relay-3"), judge=_always_answered,
    ),
    Promise("P16", "Redrive reaches only what failed, once", "effects that fail, mended, driven again twice", redrive),
    Promise(
        "P16b", "Redrive reaches only what failed, once, also at agencies",
        "what agencies read fails to be recorded, mended, driven again twice", redrive_to_agencies, judge=_always_answered,
        quick=False,
    ),
    Promise(
        "P17", "A rolling restart is invisible", "three API copies stopped and started one after another", restart_apis,
        copies=("registry-api-2", "registry-api-3"), judge=_one_retry_was_enough,
    ),
    Promise(
        "P18", "A migration under load is invisible",
        "three replicas on an empty database; a long transaction in the way; old code on the new schema", migrate_under_load,
        judge=_one_retry_was_enough,
    ),
    Promise(
        "P19", "Tables stay bounded", "lasting load, the relay away for a third of it, a snapshot held open for half of it",
        keep_tables_bounded,
    ),
    Promise("P20", "Health tells the truth", "servers killed and frozen, a worker frozen", tell_the_truth),
    Promise("P22", "A backlog drains", "consumers away while work goes on", hold_consumers_back, judge=_always_answered),
    Promise("P23", "Idempotency keys hold in a race", "50 requests with one key, SIGKILL of the API in between", race_one_key),
    Promise(
        "P8", "Reordering is harmless", "neighbours swapped across keys and within a key, some events held back", swap_neighbours,
    ),
    Promise(
        "P21", "A new consumer starts at the beginning", "partitions added under load; projections built anew before and after",
        add_partitions,
    ),
    Promise(
        "P21b", "A new agency starts at the beginning",
        "agencies that begin under load, with the terms of one that was there, by webhook, feed and topic", agencies_come_late,
        judge=_always_answered,
    ),
    Promise(
        "P24", "A backup restores to a consistent whole", "dumped at work, both servers' data lost, restored into a new cluster",
        lose_everything_and_restore,
    ),
    Promise(
        "P10", "An incompatible producer breaks nobody",
        "a field removed, of another type, newly required; old events read by code that needs more", publish_incompatibly,
        spoils=True,
    ),
    Promise(
        "P3d", "One of three brokers may die", "SIGKILL of each of three brokers in turn, under load", kill_each_broker,
        judge=_always_answered, brokers=3, quick=False,
    ),
)  # fmt: skip


async def prove(rig: Rig, promise: Promise, size: Size, seed: int) -> Outcome:
    """Run one promise on a platform that is up; what it needs beside that is started for it and stopped again."""
    for name in promise.copies:
        await rig.start(name)
    rig.apis = ["registry-api", *(name for name in promise.copies if "-api-" in name)]
    history = rig.folder / f"history-{promise.number}-{seed}.jsonl"
    try:
        outcome = await rig.run(promise.fault, size, seed, history)
    except (AssertionError, TimeoutError, StackError) as error:
        rig.spoilt = True
        raise BrokenError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
    finally:
        rig.history.close()
        rig.spoilt = rig.spoilt or promise.spoils
        rig.apis = ["registry-api"]
        for name in promise.copies:
            await asyncio.to_thread(rig.stack.stop, name)
    outcome.failures += promise.judge(outcome, size)
    if not outcome.recoveries:
        outcome.failures.append("no fault struck")
    # What the run itself put out of order is known by key, and the checker has looked at the order of all others.
    expected = {name for name, so in (("parked", promise.parked), ("reordered", rig.disordered)) if so}
    found = {kind: count for kind, count in outcome.report.total_findings.items() if kind not in expected}
    if found:
        outcome.failures.append(f"the audit: {found}")
    if outcome.report.parked != promise.parked * len(FOLLOWERS):
        outcome.failures.append(f"{outcome.report.parked} records are parked")
    await rig.discard_parked()
    return outcome
