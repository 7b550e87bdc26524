"""Making the broker match the declarations: what differs, and applying it. Both can be repeated without harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic, sleep
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.error import KafkaError, KafkaException

from ops.kafka_admin.client import ANSWER_SECONDS, TIMEOUT_SECONDS
from ops.kafka_admin.rights import HOST, Right, is_agency_code, is_agency_right, rights_of, wanted_of_agencies
from shared.topology import AGENCY_PREFIX, Principal, Topic, agency_topic

ITERATIONS = 4_096
LOOK_AGAIN_SECONDS = 0.05
GOES_BY_SECONDS = 60.0
"""A busy broker may be long behind its controller; then waiting costs less than services that are refused."""
KEPT_USERS = frozenset({"broker", "controller"})
"""Users of the brokers themselves, which no declaration names."""


class TopologyError(Exception):
    """A declaration that cannot be applied; one sentence."""


@dataclass(slots=True)
class Plan:
    """What differs between the declarations and the broker."""

    create: list[Topic] = field(default_factory=list)
    grow: list[tuple[str, int]] = field(default_factory=list)
    configure: dict[str, dict[str, str]] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    grant: list[Right] = field(default_factory=list)
    revoke: list[Right] = field(default_factory=list)
    foreign: list[AclBinding] = field(default_factory=list)
    """ACLs of a form that is never declared (denials, other hosts): removed too."""

    @property
    def empty(self) -> bool:
        """Whether the broker matches already."""
        return not any((self.create, self.grow, self.configure, self.users, self.grant, self.revoke, self.foreign))

    def as_json(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "create": [asdict(topic) for topic in self.create],
            "grow": dict(self.grow),
            "configure": self.configure,
            "users": self.users,
            "grant": [asdict(right) for right in self.grant],
            "revoke": [asdict(right) for right in self.revoke] + [str(binding) for binding in self.foreign],
        }

    def lines(self) -> list[str]:
        """Return it for people, a line for each difference."""
        lines = [f"create topic {topic.name} ({topic.partitions} partitions)" for topic in self.create]
        lines += [f"grow topic {name} to {partitions} partitions" for name, partitions in self.grow]
        lines += [
            f"set {key}={value} on {name}" for name, keys in self.configure.items() for key, value in keys.items()
        ]
        lines += [f"create user {name}" for name in self.users]
        lines += [f"grant  {_text(right)}" for right in self.grant]
        lines += [f"revoke {_text(right)}" for right in self.revoke]
        return lines + [f"revoke {binding}" for binding in self.foreign]


def _text(right: Right) -> str:
    return f"{right.principal}: {right.operation} {right.kind} {right.name} ({right.pattern})"


def make_plan(
    admin: AdminClient, topics: Sequence[Topic], principals: Sequence[Principal], *, passwords: bool = False
) -> Plan:
    """Compare the declarations with the broker. With ``passwords`` every declared user gets its password again.

    Raises ``TopologyError`` for a topic that has more partitions than declared: fewer is not possible.
    """
    plan = Plan()
    _compare_topics(admin, topics, plan)
    known = set(admin.describe_user_scram_credentials(request_timeout=TIMEOUT_SECONDS).result(ANSWER_SECONDS))
    plan.users = sorted(item.name for item in principals if passwords or item.name not in known)
    wanted = {right for principal in principals for right in rights_of(principal)}
    present, plan.foreign = present_rights(admin)
    # Users of agencies are made one by one (ops/kafka_admin/agencies.py); whatever they have beyond their rights goes.
    plan.grant = sorted((wanted | wanted_of_agencies(present)) - present)
    plan.revoke = sorted(right for right in present - wanted if not is_agency_right(right))
    return plan


def _compare_topics(admin: AdminClient, topics: Sequence[Topic], plan: Plan) -> None:
    present = {name: len(data.partitions) for name, data in admin.list_topics(timeout=TIMEOUT_SECONDS).topics.items()}
    plan.create = [topic for topic in topics if topic.name not in present]
    there = [topic for topic in topics if topic.name in present]
    for topic in there:
        if present[topic.name] > topic.partitions:
            raise TopologyError(
                f"Topic {topic.name} has {present[topic.name]} partitions and {topic.partitions} are declared: "
                "a topic cannot shrink, so correct shared/topology.py."
            )
        if present[topic.name] < topic.partitions:
            plan.grow.append((topic.name, topic.partitions))
    # Those of agencies are made with their users; what is declared of them counts for those too that were made by an older release.
    there += [agency_topic(code) for code in _agencies_of(present)]
    plan.configure = _differing(admin, there)


def _differing(admin: AdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    """Return what is set otherwise than declared, topic by topic; one that is taken away meanwhile is passed over."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in topics]
    futures = admin.describe_configs(resources, request_timeout=TIMEOUT_SECONDS) if resources else {}
    found = {}
    for topic, future in zip(topics, futures.values(), strict=True):
        try:
            has = {name: entry.value for name, entry in future.result(ANSWER_SECONDS).items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
            continue
        if differing := {key: value for key, value in topic.config().items() if has.get(key) != value}:
            found[topic.name] = differing
    return found


def _agencies_of(names: Iterable[str]) -> list[str]:
    """Return the codes of the agencies that have a topic among these."""
    codes = (name.removeprefix(AGENCY_PREFIX) for name in names if name.startswith(AGENCY_PREFIX))
    return sorted(code for code in codes if is_agency_code(code))


def present_rights(admin: AdminClient) -> tuple[set[Right], list[AclBinding]]:
    """Return the rights that the broker knows, and the ACLs of a form that is never declared."""
    rights: set[Right] = set()
    foreign: list[AclBinding] = []
    for binding in _bindings(admin):
        if binding.permission_type is AclPermissionType.ALLOW and binding.host == HOST:
            rights.add(_right(binding))
        else:
            foreign.append(binding)
    return rights, foreign


def _bindings(admin: AdminClient) -> list[AclBinding]:
    everything = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    found: list[AclBinding] = admin.describe_acls(everything, request_timeout=TIMEOUT_SECONDS).result(ANSWER_SECONDS)
    return found


def _right(binding: AclBinding) -> Right:
    return Right(
        binding.principal.removeprefix("User:"),
        binding.restype.name.lower(),
        binding.name,
        binding.resource_pattern_type.name.lower(),
        binding.operation.name.lower(),
    )


def create_topics(admin: AdminClient, topics: Iterable[Topic], replication: int = -1) -> None:
    """Make topics as they are declared. Raises ``KafkaException``."""
    new = [
        NewTopic(t.name, num_partitions=t.partitions, replication_factor=replication, config=t.config()) for t in topics
    ]
    settle(admin.create_topics(new, request_timeout=TIMEOUT_SECONDS).values())


def apply_plan(admin: AdminClient, plan: Plan, password: Callable[[str], str], replication: int = -1) -> None:
    """Apply a plan; ``password`` gives each user's. ``replication`` -1 takes the broker's default.

    Raises ``KafkaException`` with the broker's refusal, ``TimeoutError`` if it does not answer, ``TopologyError`` if it does not go by
    the rights: what was asked before that is done.
    """
    if plan.create:
        create_topics(admin, plan.create, replication)
    if plan.grow:
        growing = [NewPartitions(name, partitions) for name, partitions in plan.grow]
        settle(admin.create_partitions(growing, request_timeout=TIMEOUT_SECONDS).values())
    if plan.configure:
        changes = [_config_change(name, keys) for name, keys in plan.configure.items()]
        settle(admin.incremental_alter_configs(changes, request_timeout=TIMEOUT_SECONDS).values())
    if plan.users:
        upserts = [credential(name, password(name)) for name in plan.users]
        settle(admin.alter_user_scram_credentials(upserts, request_timeout=TIMEOUT_SECONDS).values())
    gone = [*(right.binding() for right in plan.revoke), *plan.foreign]
    change_rights(admin, [right.binding() for right in plan.grant], gone)


def change_rights(admin: AdminClient, grant: Sequence[AclBinding], revoke: Sequence[AclBinding]) -> None:
    """Grant and take away, and return when the broker goes by it: it applies a moment later what its controller took.

    Raises ``KafkaException`` with the broker's refusal, ``TopologyError`` if it does not go by it in time.
    """
    if grant:
        settle(admin.create_acls(list(grant), request_timeout=TIMEOUT_SECONDS).values())
    if revoke:
        settle(admin.delete_acls([filter_of(item) for item in revoke], request_timeout=TIMEOUT_SECONDS).values())
    deadline, wanted, gone = monotonic() + GOES_BY_SECONDS, set(grant), set(revoke)
    while wanted or gone:
        present = set(_bindings(admin))
        if wanted <= present and not gone & present:
            return
        if monotonic() > deadline:
            raise TopologyError(f"The broker took the rights, and does not go by them after {GOES_BY_SECONDS:g} s.")
        sleep(LOOK_AGAIN_SECONDS)


def settle(futures: Iterable[Any]) -> None:
    """Wait for what was asked. Raises ``KafkaException`` with the first refusal, ``TimeoutError`` if there is no answer."""
    for future in futures:
        future.result(ANSWER_SECONDS)


def _config_change(name: str, keys: dict[str, str]) -> ConfigResource:
    entries = [ConfigEntry(k, v, incremental_operation=AlterConfigOpType.SET) for k, v in keys.items()]
    return ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)


def credential(name: str, password: str) -> UserScramCredentialUpsertion:
    """Return the change that gives a user a password."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    return UserScramCredentialUpsertion(name, info, password.encode())


def filter_of(binding: AclBinding) -> AclBindingFilter:
    """Return what finds exactly this ACL."""
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


__all__ = ["KafkaException", "Plan", "Right", "TopologyError", "apply_plan", "make_plan", "rights_of"]
