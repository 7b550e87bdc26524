"""``naikkelas contracts readers``: asks the running platform who reads a type, and prints it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from confluent_kafka import KafkaException

from ops.cli.access import running_stack
from ops.cli.databases import why_unasked
from ops.cli.lag import read_lag
from ops.cli.output import print_json, print_line, print_table, say
from ops.contracts.agreements import read_agreements
from ops.contracts.readers import Agreements, Group, Platform, Readers, declared, moment, readers_of
from ops.kafka_admin.client import operator_client
from ops.stack import Stack, StackError
from shared.contracts.fact import TYPE_PREFIX, Fact
from shared.database import SERVER_ERRORS

READ, NOT_PROVED = 1, 2
"""Exit codes of ``--may-end``: somebody reads it; not everybody could be asked."""


def all_readers(facts: Sequence[type[Fact]]) -> tuple[list[Readers], Platform]:
    """Return who reads each type, and what the platform told of it."""
    platform, services = ask_platform(), declared(datetime.now(UTC))
    return [readers_of(fact, services, platform) for fact in facts], platform


def ask_platform() -> Platform:
    """Ask the running stack about groups and agreements; what does not answer is left out with a sentence."""
    try:
        stack = running_stack()
    except StackError as error:
        return Platform(None, None, (f"Groups and agreements are not known. {error}",))
    groups, silent_broker = _groups(stack)
    agreements, silent_database = _agreements(stack)
    return Platform(groups, agreements, tuple(why for why in (silent_broker, silent_database) if why is not None))


def _groups(stack: Stack) -> tuple[list[Group] | None, str | None]:
    try:
        found = read_lag(operator_client(stack.credentials("operator")))
    except StackError as error:
        return None, f"Groups are not known. {error}"
    except KafkaException as error:
        return None, f"Groups are not known: Kafka does not answer ({error.args[0].str()})."
    return [Group(it.group, it.topic, it.state, it.lag) for it in found if it.topic is not None], None


def _agreements(stack: Stack) -> tuple[Agreements | None, str | None]:
    try:
        return asyncio.run(read_agreements(stack.dsn("partners", "audit"))), None
    except StackError as error:
        return None, f"Agreements are not known. {error}"
    except SERVER_ERRORS as error:
        return None, f"Agreements are not known. {why_unasked('partners', error)}"


def print_all(found: Sequence[Readers], platform: Platform, *, as_json: bool) -> None:
    """Print who reads each type; what could not be asked is said at the end."""
    if as_json:
        print_json({"types": [item.as_json() for item in found], "not_asked": list(platform.not_asked)})
        return
    print_table(("type", "may end", "services", "agencies", "others"), [_row(item) for item in found])
    given = {
        (at.agency, at.agreement_id, at.revision, at.state, item.fact.TOPIC, way, moment(last) if last else "never")
        for item in found
        for at, given in ((reader.agreed, reader.given) for reader in item.agencies)
        for way, last in given.items()
    }
    if given:
        print_line("")
        print_table(("agency", "agreement", "revision", "state", "topic", "way", "last given"), sorted(given))
    for sentence in platform.not_asked:
        say(sentence)


def _row(item: Readers) -> tuple[object, ...]:
    verdict = {True: "yes", False: "no", None: "not known"}[item.may_end]
    services = [
        f"{it.service}{' passes it on' if it.passes_on else ''}{f' ({it.group.state}, {it.group.lag})' if it.group else ''}"
        for it in item.services
    ]
    others = ["everybody"] if item.public else []
    others += [f"group {group.name}" for group in item.strangers]
    agencies = [f"{it.agreed.agency} ({it.agreed.state})" for it in item.agencies]
    name = item.fact.type_name().removeprefix(f"{TYPE_PREFIX}.")
    granted = (", ".join(agencies) or "-") if item.agreements_asked else "?"
    return name, verdict, ", ".join(services) or "-", granted, ", ".join(others) or "-"


def print_verdict(item: Readers, platform: Platform, *, as_json: bool) -> int:
    """Print whether a type may end and who keeps it from that; return the exit code: 0, ``READ`` or ``NOT_PROVED``."""
    name, sentences = item.fact.type_name(), item.sentences()
    code = NOT_PROVED if platform.not_asked else READ if sentences else 0
    if as_json:
        told = {"type": name, "may_end": item.may_end, "readers": sentences, "not_asked": list(platform.not_asked)}
        print_json({"ok": code == 0, **told})
        return code
    for sentence in sentences:
        say(sentence)
    for sentence in platform.not_asked:
        say(sentence)
    if code == NOT_PROVED:
        say(f"Whether {name} may end is not proved.")
    else:
        print_line(f"{name} may {'not end' if sentences else 'end: nobody reads it'}.")
    return code
