"""What is judged of Kafka. No input or output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ops.doctor.finding import Finding, fault, fine, named, warning
from ops.doctor.kafka import KafkaSeen, TopicSeen, Versions
from ops.doctor.postgresql import Unreachable
from ops.kafka_admin.plan import Plan
from shared.topology import PRINCIPALS

AREA = "kafka"
FETCH = 1
"""Key of a request, by the Kafka protocol guide."""
MANY_BEHIND = 10_000
JOINED = frozenset({"stable", "preparing rebalancing", "completing rebalancing", "assigning", "reconciling"})
"""States of a group that has members."""
_APPLY = "`naikkelas topics plan` shows it, `naikkelas topics apply` puts it right."


def judge_kafka(seen: KafkaSeen | Unreachable) -> list[Finding]:
    """Return what is found of the brokers."""
    if isinstance(seen, Unreachable):
        why = "Commands go on and the outboxes grow; nobody hears of anything."
        do = "See that it runs, and that KAFKA_BOOTSTRAP and the operator's password are right."
        return [fault(AREA, f"Kafka cannot be asked: {seen.cause}.", why, do)]
    return [_release(seen.versions), *_declared(seen), *_copies(seen), *_groups(seen)]


def release_of(versions: Versions) -> str | None:
    """Return the release of a broker by what it takes; ``None`` if it is older than 4.0, or did not tell.

    Kafka 4.0 dropped the first four versions of Fetch (KIP-896), and 4.1 brought the 18th (KIP-1166).
    """
    oldest, newest = versions.get(FETCH, (0, 0))
    if oldest < 4:
        return None
    return "4.1 or newer" if newest >= 18 else "4.0"


def _release(versions: Versions) -> Finding:
    if not versions:
        do = "Look into the log of the broker."
        return warning(AREA, "The broker does not tell its release.", "An older one would not be noticed.", do)
    release = release_of(versions)
    if release is None:
        return fault(
            AREA, "An older broker: it is of a release before 4.0.",
            "What is promised of delivery and order was never tried with one.", "Upgrade Kafka to 4.0 or newer.",
        )  # fmt: skip
    return fine(AREA, f"Kafka {release} answers.")


def _declared(seen: KafkaSeen) -> Iterator[Finding]:
    if seen.unfit is not None:
        why, do = (
            "Topics and rights cannot be brought up to date.",
            "Use the release that declares what the broker has.",
        )
        yield fault(AREA, seen.unfit, why, do)
    elif seen.plan is not None and seen.plan.empty:
        yield fine(AREA, "Topics, users and rights are as declared.")
    elif seen.plan is not None:
        yield from _differing(seen.plan)


def _differing(plan: Plan) -> Iterator[Finding]:
    if plan.create:
        what = f"Topics are missing: {named(topic.name for topic in plan.create)}."
        yield fault(AREA, what, "What belongs there stays in the outbox, and is told to nobody.", _APPLY)
    if plan.grow:
        what = f"Topics have fewer partitions than declared: {named(name for name, _ in plan.grow)}."
        yield warning(AREA, what, "Copies of a consumer beyond that number have nothing to do.", _APPLY)
    if plan.configure:
        what = f"Topics are set otherwise than declared: {named(plan.configure)}."
        yield warning(AREA, what, "They may forget facts, or refuse some.", _APPLY)
    if plan.users:
        what = f"Users are missing: {', '.join(plan.users)}."
        yield fault(AREA, what, "Their services are not let in.", "Run `python -m ops.kafka_admin`, or `naikkelas up`.")
    if plan.grant:
        lacking = named(sorted({right.principal for right in plan.grant}))
        yield fault(AREA, f"Rights are missing: of {lacking}.", "What they may not read or write stands still.", _APPLY)
    if plan.revoke or plan.foreign:
        count = len(plan.revoke) + len(plan.foreign)
        yield warning(
            AREA, f"{count} rights are not declared.", "Somebody may read or write what is not theirs.", _APPLY
        )


def _copies(seen: KafkaSeen) -> Iterator[Finding]:
    short = [topic for topic in seen.topics if topic.in_sync < topic.least_in_sync]
    lagging = [topic for topic in seen.topics if topic.least_in_sync <= topic.in_sync < topic.copies]
    if short:
        why = "Nothing is published to them; it stays in the outboxes."
        yield fault(AREA, f"Too few copies are in sync of {_topics(short)}.", why, "Start the brokers that are away.")
    if lagging:
        why = "One more broker that goes may stop publishing."
        yield warning(AREA, f"A copy is behind of {_topics(lagging)}.", why, "See which broker is away or slow.")
    if seen.topics and not short and not lagging:
        yield _kept(seen)


def _kept(seen: KafkaSeen) -> Finding:
    single = [topic for topic in seen.topics if topic.copies == 1]
    strict = [topic for topic in seen.topics if 1 < topic.copies == topic.least_in_sync]
    loose = [topic for topic in seen.topics if topic.copies > 1 and topic.least_in_sync == 1]
    if single and seen.brokers > 1:
        why = "A broker whose disk is lost takes what only it had, until the outboxes fill it in again."
        return warning(AREA, f"One copy only of {_topics(single)}.", why, "Reassign the partitions to three brokers.")
    if strict:
        why, do = "Any broker that is away stops publishing.", "Set min.insync.replicas one below the number of copies."
        return warning(AREA, f"Every copy must be in sync of {_topics(strict)}.", why, do)
    if loose:
        why = "What only one broker has taken counts as published, and is lost with its disk."
        return warning(AREA, f"min.insync.replicas is 1 of {_topics(loose)}.", why, "Set min.insync.replicas to 2.")
    return fine(AREA, f"{seen.brokers} broker(s), every copy of every topic in sync.")


def _topics(topics: list[TopicSeen]) -> str:
    return named(topic.name for topic in topics)


def _groups(seen: KafkaSeen) -> Iterator[Finding]:
    behind: dict[str, int] = defaultdict(int)
    states = {item.group: item.state for item in seen.groups}
    for item in seen.groups:
        behind[item.group] += item.lag
    for group in (principal.group_prefix for principal in PRINCIPALS if principal.group_prefix in states):
        yield _group(group, states[group], behind[group])


def _group(group: str, state: str, behind: int) -> Finding:
    if state not in JOINED:
        make = fault if behind else warning
        return make(
            group, f"Nobody reads as {group} (the group is {state}), {behind:,} events behind.",
            "What it should know grows old.", f"Start {group}-worker; its log says why it ended.",
        )  # fmt: skip
    if behind > MANY_BEHIND:
        do = "`naikkelas top` shows whether it moves; more copies of the worker share the partitions."
        return warning(group, f"{group} is {behind:,} events behind.", "People see what was so a while ago.", do)
    return fine(group, f"{group} reads, {behind:,} events behind.")
