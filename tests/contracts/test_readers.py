"""Who reads a type: what services declare, what agreements grant, what is public, and what nobody could be asked about."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from ops.cli import contracts as command
from ops.contracts.readers import CONSUMERS, Agreed, Agreements, Declared, Group, Platform, declared, readers_of
from services.events.consumers import READ as EVENTS_READ
from services.events.consumers import make_consumer as events_consumer
from services.events.domain.copies import fold as events_fold
from services.notifications.consumers import notify_on_registry_facts
from services.notifications.domain.attending import fold_attending
from services.notifications.domain.folding import fold as notifications_fold
from services.notifications.domain.routes import Routes
from services.partners.consumers import make_consumer as partners_consumer
from services.partners.domain.labels import label_all
from services.partners.domain.models import Business
from services.partners.handlers.recording import owners_told
from services.projections.consumers.projecting import project_on_facts
from services.projections.domain.making import MAKINGS
from services.training.consumers import READ as TRAINING_READ
from services.training.consumers import make_consumer as training_consumer
from services.training.domain.copies import fold as training_fold
from shared.broker import KafkaSettings
from shared.contracts import CONTRACTS
from shared.contracts.partnership import AgreementDrafted, AgreementState
from shared.contracts.public import PUBLIC_FACTS
from shared.contracts.registry import BusinessVerified
from shared.contracts.schemas import document_of
from shared.envelope import Event, Read, read_fact
from shared.majors import Silent
from shared.topology import PRINCIPALS
from tests.notifications.story import Registry, Story

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
NAME, TOPIC = BusinessVerified.type_name(), BusinessVerified.TOPIC
ASKED = Platform([], Agreements(NOW, (), {}))
SILENT = Platform(None, None, ("The stack is not up.",))
READS = Declared("training", frozenset({NAME}))


def agreed(state: str = "aktif", *, types: frozenset[str] = frozenset({NAME}), **changes: Any) -> Agreed:
    period = {"starts_at": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=1)} | changes
    return Agreed("dpmptsp", "a1", 2, state, types, ("feed", "kafka"), **period)


def told(*agreements: Agreed, groups: tuple[Group, ...] = ()) -> Platform:
    return Platform(groups, Agreements(NOW, agreements, {("dpmptsp", "business", "feed"): NOW - timedelta(days=40)}))


def test_every_service_that_reads_is_looked_at_by_what_its_consumer_takes() -> None:
    kafka, pool = KafkaSettings("127.0.0.1:1", "x", "x"), cast("Any", None)
    consumers = [
        training_consumer(pool, kafka, "1"),
        events_consumer(pool, kafka, "1"),
        project_on_facts(pool, kafka, "1"),
        notify_on_registry_facts(pool, kafka, "1", Routes(frozenset())),
        partners_consumer(pool, kafka, "1"),
    ]
    said = {item.service: item.types for item in declared(NOW)}
    assert said.keys() == {item.definition.name for item in consumers}
    for item in consumers:
        assert said[item.definition.name] <= item.definition.types
    assert set(CONSUMERS) == {item.group_prefix for item in PRINCIPALS if item.group_prefix is not None}
    assert set(CONSUMERS) == {item.name for item in PRINCIPALS if item.reads}


def projected(event: Event) -> list[Any]:
    """Return the rows that a fact makes of nothing, of every projection of its topic."""
    rows: list[Any] = []
    for making in MAKINGS.values():
        if event.fact.TOPIC in making.topics:
            rows += making.tell([event]) if making.tell is not None else ()
            rows += [each(None, event) for each in (making.evolve, making.step) if each is not None]
    return rows


def kept_by_partners(event: Event) -> Any:
    """Return what the partner service keeps of a fact about a business that it knows."""
    known = {getattr(event.fact, "business_id", NOW): Business((), "64.71.01.1001", "kriya", "besar", 0)}
    return owners_told([event]), label_all([event], cast("Any", known), {}).known


READING: dict[str, tuple[Read, Callable[[Event], Any]]] = {
    "training": (TRAINING_READ, lambda event: training_fold([event])),
    "events": (EVENTS_READ, lambda event: events_fold([event])),
    "projections": (read_fact, projected),
    "notifications": (read_fact, lambda event: (notifications_fold([event]), fold_attending([event]))),
    "partners": (read_fact, kept_by_partners),
}
"""Service → how it reads a fact, and what it makes of it."""
READ_BY = [
    (principal.name, name)
    for principal in PRINCIPALS
    for name in sorted(CONTRACTS)
    if CONTRACTS[name].TOPIC in principal.reads
]


@pytest.mark.parametrize(("service", "name"), READ_BY)
def test_a_service_reads_a_type_if_it_would_keep_something_else_without_it(service: str, name: str) -> None:
    read, kept_of = READING[service]
    fact = CONTRACTS[name].model_validate(document_of(CONTRACTS[name])["examples"][0])
    event = Story(Registry()).event(fact)._replace(fact=read(name, fact.model_dump_json().encode()))
    counted = event._replace(fact=cast("Any", Silent(event.fact)))
    (said,) = (item for item in declared(NOW) if item.service == service)
    assert (kept_of(event) != kept_of(counted)) == (name in said.types - said.passed_on)


def test_nobody_reads_it_and_everybody_was_asked() -> None:
    moved = Declared("training", frozenset({"id.go.balikpapan.umkm.business.verified.v2"}))
    found = readers_of(BusinessVerified, [moved], told(agreed(types=frozenset({"other"}))))
    assert (found.may_end, found.sentences()) == (True, [])


def test_what_was_not_asked_proves_nothing() -> None:
    assert readers_of(BusinessVerified, [], SILENT).may_end is None
    assert readers_of(BusinessVerified, [READS], SILENT).may_end is False


def test_a_service_that_reads_it_tells_how_its_group_stands() -> None:
    groups = (Group("training", TOPIC, "stable", 3), Group("training", "umkm.owner", "stable", 7))
    found = readers_of(BusinessVerified, [READS], told(groups=groups))
    assert found.may_end is False
    assert found.sentences() == [
        "The service training reads it (its group is stable, 3 records behind on umkm.business)."
    ]
    assert found.as_json()["services"] == [
        {"service": "training", "passes_on": False, "group_state": "stable", "lag": 3}
    ]
    unknown = readers_of(BusinessVerified, [READS], ASKED)
    assert unknown.sentences() == ["The service training reads it."]


def test_who_only_passes_it_on_is_no_reader() -> None:
    partners = Declared("partners", frozenset({NAME}), passed_on=frozenset({NAME}))
    found = readers_of(BusinessVerified, [partners], ASKED)
    assert (found.may_end, [item.service for item in found.services]) == (True, ["partners"])


def test_a_group_that_no_service_declares_keeps_it() -> None:
    groups = (Group("laporan", TOPIC, "empty", 0), Group("lain", "umkm.owner", "stable", 0))
    found = readers_of(BusinessVerified, [], told(groups=groups))
    assert found.may_end is False
    assert found.sentences() == [
        "The group laporan (empty) is on umkm.business, and no service declares it: what it reads is not known."
    ]


def test_a_public_type_is_read_by_everybody() -> None:
    for fact in PUBLIC_FACTS:
        found = readers_of(fact, [], ASKED)
        assert (found.may_end, found.public) == (False, True)
        assert "everybody" in found.sentences()[0]


@pytest.mark.parametrize("state", AgreementState)
@pytest.mark.parametrize(
    ("starts", "expires"), [(-2, -1), (-1, 0), (-1, 1), (1, 2)], ids=["over", "over now", "counts", "later"]
)
def test_an_agreement_keeps_it_until_it_never_can_grant_again(state: AgreementState, starts: int, expires: int) -> None:
    days = {"starts_at": NOW + timedelta(days=starts), "expires_at": NOW + timedelta(days=expires)}
    found = readers_of(BusinessVerified, [], told(agreed(state.value, **days)))
    keeps = state.value in ("ditandatangani", "aktif", "ditangguhkan") and expires > 0
    assert found.may_end is not keeps


def test_an_agency_is_told_with_when_it_was_last_given_anything() -> None:
    found = readers_of(BusinessVerified, [], told(agreed()))
    assert found.sentences() == [
        "The agreement a1 of dpmptsp (revision 2, aktif, 2026-11-26T10:00:00+00:00 until 2026-11-28T10:00:00+00:00) grants it; "
        "last given anything of business by feed at 2026-10-18T10:00:00+00:00, kafka never."
    ]
    (agency,) = found.as_json()["agencies"]
    assert agency["last_given"] == {"feed": "2026-10-18T10:00:00+00:00", "kafka": None}


@pytest.fixture
def no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command find no stack, whatever servers the tests are given."""
    monkeypatch.setenv("NAIKKELAS_HOME", str(tmp_path / "never"))
    for name in ("KAFKA_BOOTSTRAP", "POSTGRES_DSN"):
        monkeypatch.delenv(name, raising=False)


def ask(*words: str) -> Any:
    return CliRunner().invoke(command.app, ["readers", *words])


@pytest.mark.usefixtures("no_stack")
def test_without_a_stack_what_the_code_knows_is_told_and_the_rest_is_named() -> None:
    done = ask("--json")
    assert done.exit_code == 0
    answer = json.loads(done.stdout)
    assert {row["type"] for row in answer["types"]} == set(CONTRACTS)
    assert [sentence.count("naikkelas up") for sentence in answer["not_asked"]] == [1]
    assert {(row["agencies"], row["other_groups"]) for row in answer["types"]} == {(None, None)}
    verdicts = {row["type"]: row["may_end"] for row in answer["types"]}
    assert (verdicts[NAME], verdicts[AgreementDrafted.type_name()]) == (False, None)
    people = ask("business.verified.v1", "agreement.drafted.v1")
    assert people.exit_code == 0
    assert "naikkelas up" in people.stderr
    lines = [line.split("  ") for line in people.stdout.splitlines()]
    told = {line[0]: next(filter(None, map(str.strip, line[1:]))) for line in lines}
    assert told == {"type": "may end", "agreement.drafted.v1": "not known", "business.verified.v1": "no"}


@pytest.mark.usefixtures("no_stack")
@pytest.mark.parametrize(("name", "verdict"), [("business.verified.v1", False), ("agreement.drafted.v1", None)])
def test_without_a_stack_nothing_is_proved(name: str, verdict: bool | None) -> None:
    done = ask("--may-end", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"Whether id.go.balikpapan.umkm.{name} may end is not proved." in done.stderr
    answer = json.loads(ask("--may-end", name, "--json").stdout)
    assert (answer["ok"], answer["may_end"], len(answer["not_asked"])) == (False, verdict, 1)


@pytest.mark.parametrize("words", [("business.verifed.v1",), ("--may-end", "business.verified.v2")])
def test_an_unknown_type_is_answered_with_the_nearest(words: tuple[str, ...]) -> None:
    done = ask(*words)
    assert done.exit_code == 2
    assert "business.verified.v1" in done.stderr.partition("Nearest: ")[2]
    assert len(done.stderr.splitlines()) == 1
    far = ask("zzz", "--json")
    assert (far.exit_code, "Nearest" in far.stdout) == (2, False)
    assert "naikkelas contracts list" in json.loads(far.stdout)["error"]


def test_one_type_is_asked_about_at_a_time() -> None:
    done = ask("business.verified.v1", "--may-end", "business.verified.v1")
    assert (done.exit_code, "--may-end" in done.stderr) == (2, True)
