"""The users of agencies on the broker: each reads the agency's own topic, in groups of its own, and nothing else.

Kafka keeps one password for a user, so an agency that changes its own has two users for a while, ``agency-<code>-a`` and ``-b``,
with the same rights and the same groups: a reader that starts anew as the other one goes on where it stopped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient, ScramMechanism, UserScramCredentialDeletion

from ops.kafka_admin.client import ANSWER_SECONDS, TIMEOUT_SECONDS
from ops.kafka_admin.plan import change_rights, create_topics, credential, present_rights, settle
from ops.kafka_admin.rights import SLOTS, agency_of, agency_rights, agency_user, is_agency_code
from shared.topology import agency_topic

PASSWORD_BYTES = 24


class AgencyUserError(Exception):
    """What cannot be done with the users of an agency; one sentence."""


@dataclass(frozen=True, slots=True)
class Access:
    """A user that was made. The password is kept nowhere else."""

    user: str
    password: str
    topic: str
    group_prefix: str


def agency_users(admin: AdminClient) -> dict[str, list[str]]:
    """Return the users of all agencies, by code."""
    found: dict[str, list[str]] = {}
    known = admin.describe_user_scram_credentials(request_timeout=TIMEOUT_SECONDS).result(ANSWER_SECONDS)
    for user in sorted(known):
        if (code := agency_of(user)) is not None:
            found.setdefault(code, []).append(user)
    return found


def check_code(code: str) -> None:
    """Refuse what cannot be an agency's code. Raises ``AgencyUserError``."""
    if not is_agency_code(code):
        raise AgencyUserError(f"{code} cannot be an agency's code: a-z, 0-9, hyphens, and not the name of a service.")


def first_user(admin: AdminClient, code: str) -> str:
    """Return the name of the user that an agency gets first. Raises ``AgencyUserError``, ``KafkaException``."""
    check_code(code)
    if users := agency_users(admin).get(code):
        raise AgencyUserError(f"{code} has {' and '.join(users)} already: rotate changes the password.")
    return agency_user(code, SLOTS[0])


def next_user(admin: AdminClient, code: str) -> str:
    """Return the name of the other user of an agency. Raises ``AgencyUserError``, ``KafkaException``."""
    check_code(code)
    users = agency_users(admin).get(code, [])
    if not users:
        raise AgencyUserError(f"{code} has no user yet: create-user makes the first.")
    free = [slot for slot in SLOTS if agency_user(code, slot) not in users]
    if not free:
        raise AgencyUserError(
            f"{code} has {' and '.join(users)}: revoke the one that nobody uses any more, then rotate."
        )
    return agency_user(code, free[0])


def create_user(admin: AdminClient, code: str) -> Access:
    """Make the topic of an agency and its first user. Raises ``AgencyUserError``, ``KafkaException``."""
    return make_user(admin, code, first_user(admin, code))


def rotate_user(admin: AdminClient, code: str) -> Access:
    """Make the other user of an agency; both are let in until one is revoked. Raises ``AgencyUserError``, ``KafkaException``."""
    return make_user(admin, code, next_user(admin, code))


def users_to_revoke(admin: AdminClient, code: str, user: str | None = None) -> list[str]:
    """Return one user of an agency, or all. Raises ``AgencyUserError`` if there is none, ``KafkaException``."""
    users = agency_users(admin).get(code, [])
    gone = users if user is None else [name for name in users if name == user]
    if not gone:
        raise AgencyUserError(f"{code} has no user{f' {user}' if user is not None else ''}.")
    return gone


def revoke_users(admin: AdminClient, code: str, user: str | None = None) -> list[str]:
    """Take one user of an agency away, or all, and return their names; the topic and the groups stay.

    Raises ``AgencyUserError`` if there is none, ``KafkaException``.
    """
    gone = users_to_revoke(admin, code, user)
    take_away(admin, code, gone)
    return gone


def take_away(admin: AdminClient, code: str, users: Sequence[str]) -> None:
    """Take users of an agency away, those too that are half gone already. Raises ``KafkaException``."""
    # Rights first: a connection that is open loses them at once, while a password is only asked for at the next one.
    _take_rights(admin, users)
    left = [name for name in agency_users(admin).get(code, []) if name in users]
    deletions = [UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512) for name in left]
    if deletions:
        settle(admin.alter_user_scram_credentials(deletions, request_timeout=TIMEOUT_SECONDS).values())


def make_user(admin: AdminClient, code: str, user: str) -> Access:
    """Make a user: topic, rights, password, in this order, so that who is let in can read. Raises ``KafkaException``."""
    topic, password = agency_topic(code), secrets.token_urlsafe(PASSWORD_BYTES)
    if topic.name not in admin.list_topics(timeout=TIMEOUT_SECONDS).topics:
        create_topics(admin, [topic])
    _take_rights(admin, [user])
    bindings = [right.binding() for right in sorted(agency_rights(code, user))]
    change_rights(admin, bindings, [])
    change = credential(user, password)
    settle(admin.alter_user_scram_credentials([change], request_timeout=TIMEOUT_SECONDS).values())
    return Access(user, password, topic.name, f"{code}.")


def _take_rights(admin: AdminClient, users: Iterable[str]) -> None:
    """Take every right of users away, also those that an interrupted command left behind."""
    names = set(users)
    rights, foreign = present_rights(admin)
    gone = [right.binding() for right in rights if right.principal in names]
    gone += [binding for binding in foreign if binding.principal.removeprefix("User:") in names]
    change_rights(admin, [], gone)
