"""Whom an announcement reaches, its ids, and links that stop a topic: pure, and held against the database's own words."""

from __future__ import annotations

from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.commands import Audience, Topic
from services.notifications.domain.announcements import (
    TOPIC_NAMES,
    Announced,
    UnclearAudienceError,
    UnknownPlaceError,
    announcement_message_id,
    reach_of,
)
from services.notifications.domain.folding import fold
from services.notifications.domain.messages import Recipient, decide
from services.notifications.domain.routes import Routes
from services.notifications.domain.timing import Rate
from services.notifications.domain.unsubscribing import BadLinkError, UnsubscribeLinks
from services.notifications.reference import load_kelurahan
from shared.contracts.registry import BusinessClass
from shared.database import Pool
from tests.notifications.city import EMAIL, TEXTS, business
from tests.notifications.story import Story

PLACES = list(load_kelurahan())
LINKS = UnsubscribeLinks("https://umkm.example/notifications/", [b"new", b"old"])


def test_a_kecamatan_stands_for_its_kelurahan_beside_those_that_are_named() -> None:
    reach = reach_of(Audience(kecamatan=("64.71.01",), kelurahan=("64.71.06.1001", "64.71.01.1001")), PLACES)
    assert reach.places == ["64.71.01.1001", "64.71.01.1002", "64.71.01.1003", "64.71.01.1004", "64.71.06.1001"]
    assert (reach.classes, reach.sectors) == (None, None)


def test_not_known_is_a_place_too() -> None:
    assert reach_of(Audience(kelurahan=("TIDAK_DIKETAHUI",)), PLACES).places == ["TIDAK_DIKETAHUI"]


@pytest.mark.parametrize("audience", [Audience(), Audience(everyone=True, classes=("mikro",))])
def test_nobody_named_or_everyone_and_some_is_unclear(audience: Audience) -> None:
    with pytest.raises(UnclearAudienceError):
        reach_of(audience, PLACES)


def test_places_that_the_city_does_not_have_are_named() -> None:
    with pytest.raises(UnknownPlaceError) as refused:
        reach_of(Audience(kecamatan=("64.71.09", "64.71.01"), kelurahan=("64.71.01.9999",)), PLACES)
    assert refused.value.codes == ["64.71.01.9999", "64.71.09"]


def test_ids_of_messages_are_the_same_for_ever() -> None:
    made = announcement_message_id(UUID(int=1), UUID(int=2))
    assert str(made) == "78d68721-debb-803c-8080-232869a63e25"
    assert (made.version, made.variant) == (8, "specified in RFC 4122")


async def test_the_database_makes_the_same_ids(pool: Pool) -> None:
    pairs = [(uuid4(), uuid4()) for _ in range(500)]
    made = await pool.fetch("SELECT announcement_message_id(a, o) AS id FROM unnest($1::uuid[], $2::uuid[]) AS u(a, o)",
                            *zip(*pairs, strict=True))  # fmt: skip
    assert [row["id"] for row in made] == [announcement_message_id(*pair) for pair in pairs]


@pytest.mark.parametrize("order", [(), ("whatsapp", "sms"), ("email", "whatsapp")])
async def test_the_database_says_the_same_of_an_audience_as_the_rule_of_one_message(
    pool: Pool, order: tuple[str, ...]
) -> None:
    routes = Routes(frozenset({"email", "sms"}), order)
    told = list(routes.by_choice())
    for consent, stopped, channel in product([True, False], [True, False], ["email", "sms", "whatsapp", None]):
        recipient = Recipient(uuid4(), None, "id", channel, consent, False, [Topic.PAMERAN] if stopped else [])
        rule = decide(recipient, routes, Topic.PAMERAN).reason
        said = await pool.fetchval("SELECT suppression_of($1, $2, $3, $4)", consent, stopped, channel, told)
        assert said == rule, (consent, stopped, channel)


def test_a_stopped_topic_stops_only_that_topic_and_no_other_message() -> None:
    recipient = Recipient(uuid4(), None, "id", "email", True, False, ["pameran"])
    assert decide(recipient, EMAIL, Topic.PAMERAN).reason == "opted_out"
    assert decide(recipient, EMAIL, Topic.PELATIHAN).reason is None
    assert decide(recipient, EMAIL).reason is None


def test_indonesian_is_told_where_there_is_no_text_in_the_owners_language() -> None:
    assert Announced(Topic.KABAR, TEXTS, False).told_in("en") == ("en", TEXTS["en"])
    assert Announced(Topic.KABAR, {"id": TEXTS["id"]}, False).told_in("en") == ("id", TEXTS["id"])


def test_every_topic_has_a_name_in_both_languages() -> None:
    assert {topic: set(names) for topic, names in TOPIC_NAMES.items()} == {topic: {"id", "en"} for topic in Topic}


def test_facts_of_a_business_tell_what_audiences_ask_for(story: Story) -> None:
    registered = business(story, uuid4(), kelurahan="64.71.01.1002")
    business_id = registered.fact.aggregate_id
    up = story.class_changed(business_id, BusinessClass.MIKRO, BusinessClass.KECIL)
    change = fold([registered, story.verified(business_id), up]).contacts[business_id]
    found = (change.kelurahan, change.sector, change.kelas, change.status)
    assert found == ("64.71.01.1002", "kuliner", "kecil", "terverifikasi")
    assert fold([up]).contacts[business_id].kelurahan is None


@given(st.uuids(), st.sampled_from(Topic))
def test_a_link_tells_its_owner_and_topic(owner_id: UUID, topic: Topic) -> None:
    url = LINKS.url(owner_id, topic)
    assert url.startswith("https://umkm.example/notifications/unsubscribe/")
    assert url.isascii()
    assert LINKS.read(url.rpartition("/")[2]) == (owner_id, topic)


@given(st.uuids(), st.sampled_from(Topic), st.integers(0, 200), st.characters())
def test_a_link_with_one_sign_changed_is_refused(owner_id: UUID, topic: Topic, place: int, sign: str) -> None:
    token = LINKS.token(owner_id, topic)
    place %= len(token)
    changed = token[:place] + sign + token[place + 1 :]
    if changed != token:
        with pytest.raises(BadLinkError):
            LINKS.read(changed)


@given(st.text())
def test_a_link_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadLinkError):
        LINKS.read(text)


@pytest.mark.security(line="S3")
def test_links_of_a_retired_key_go_on_and_those_of_a_foreign_one_do_not() -> None:
    owner_id = uuid4()
    old = UnsubscribeLinks(LINKS.base_url, [b"old"]).token(owner_id, Topic.KABAR)
    assert LINKS.read(old) == (owner_id, Topic.KABAR)
    with pytest.raises(BadLinkError):
        LINKS.read(UnsubscribeLinks(LINKS.base_url, [b"foreign"]).token(owner_id, Topic.KABAR))


@pytest.mark.parametrize(("per_minute", "reserve"), [(1, 0), (6, 0), (11, 0), (12, 0.4), (60, 2), (600, 20)])
def test_announcements_leave_a_share_of_the_burst_where_there_is_one(per_minute: int, reserve: float) -> None:
    rate = Rate(per_minute)
    assert rate.reserve == pytest.approx(reserve)
    assert int(rate.burst - rate.reserve) >= 1
