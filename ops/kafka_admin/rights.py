"""Rights on the broker: of the declared principals, and of the users of agencies, which no declaration names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka.admin import AclBinding, AclOperation, AclPermissionType, ResourcePatternType, ResourceType

from shared.topology import PRINCIPALS, PUBLIC_PREFIX, Principal, agency_topic

HOST = "*"
SLOTS = ("a", "b")
"""An agency has up to two users, because Kafka keeps one password for a user: during a change both are let in."""
AGENCY_CODE = re.compile(r"[a-z][a-z0-9-]{1,29}")
_AGENCY_USER = re.compile(r"agency-(?P<code>[a-z][a-z0-9-]{1,29})-(?P<slot>[ab])")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One ACL: who may do what with which resource."""

    principal: str
    kind: str
    """``topic``, ``group``, ``transactional_id`` or ``broker`` (the cluster)."""
    name: str
    pattern: str
    """``literal`` or ``prefixed``."""
    operation: str

    def binding(self) -> AclBinding:
        """Return it as the client takes it."""
        return AclBinding(
            ResourceType[self.kind.upper()],
            self.name,
            ResourcePatternType[self.pattern.upper()],
            f"User:{self.principal}",
            HOST,
            AclOperation[self.operation.upper()],
            AclPermissionType.ALLOW,
        )


def rights_of(principal: Principal) -> set[Right]:
    """Return the exact rights of a principal. A super user needs none."""
    if principal.superuser:
        return set()
    # Reading and writing imply describing; an idempotent producer needs no right on the cluster.
    rights = {Right(principal.name, "topic", topic, "literal", "read") for topic in principal.reads}
    rights |= {Right(principal.name, "topic", topic, "literal", "write") for topic in principal.writes}
    rights |= {Right(principal.name, "topic", prefix, "prefixed", "write") for prefix in principal.write_prefixes}
    if principal.group_prefix is not None:
        rights.add(Right(principal.name, "group", principal.group_prefix, "prefixed", "read"))
    return rights


def agency_user(code: str, slot: str) -> str:
    """Return the name of an agency's user."""
    return f"agency-{code}-{slot}"


def agency_of(user: str) -> str | None:
    """Return the code of the agency whose user this is, if it is one's."""
    found = _AGENCY_USER.fullmatch(user)
    return None if found is None else found["code"]


def is_agency_code(code: str) -> bool:
    """Tell whether an agency may be called so. Its groups begin with the code and a dot, so that no service's may begin alike."""
    services = [principal.group_prefix for principal in PRINCIPALS if principal.group_prefix is not None]
    return AGENCY_CODE.fullmatch(code) is not None and not any(code.startswith(prefix) for prefix in services)


def agency_rights(code: str, user: str) -> set[Right]:
    """Return the exact rights of an agency's user: to read its topic and what is public, in groups that begin with ``<code>.``."""
    topic = agency_topic(code).name
    return {
        own_right(code, user),
        Right(user, "topic", topic, "literal", "describe"),
        Right(user, "group", f"{code}.", "prefixed", "read"),
        public_right(user),
    }


def own_right(code: str, user: str) -> Right:
    """Return the right of an agency's user to read its own topic."""
    return Right(user, "topic", agency_topic(code).name, "literal", "read")


def public_right(user: str) -> Right:
    """Return the right of an agency's user to read what is public, whatever its agreement grants."""
    return Right(user, "topic", PUBLIC_PREFIX, "prefixed", "read")


def wanted_of_agencies(present: Iterable[Right]) -> set[Right]:
    """Return what users of agencies must have that they may lack: those that were made before anything was public.

    Who may not read its own topic (any more) is no user that something is given to: taking one away begins with its rights.
    """
    users = {right.principal for right in present if _reads_its_own(right)}
    return {public_right(user) for user in users}


def _reads_its_own(right: Right) -> bool:
    code = agency_of(right.principal)
    return code is not None and right == own_right(code, right.principal)


def is_agency_right(right: Right) -> bool:
    """Tell whether a right is exactly one that an agency's user has."""
    code = agency_of(right.principal)
    return code is not None and right in agency_rights(code, right.principal)
