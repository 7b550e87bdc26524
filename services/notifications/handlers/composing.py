"""From a claimed message to what goes out: keys fetched, personal fields opened, text rendered. Nothing opened is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, TypeVar
from uuid import UUID

import structlog
from jinja2 import TemplateError

from services.notifications.commands import Topic
from services.notifications.domain.announcements import TEMPLATE, TOPIC_NAMES, Announced
from services.notifications.domain.digesting import TEMPLATE as DIGEST
from services.notifications.domain.messages import Claimed, Recipient, State, Suppression
from services.notifications.domain.notices import RecipientKind
from services.notifications.domain.phones import reachable
from services.notifications.domain.text import lines, one_line
from services.notifications.domain.topics import stoppable_topic
from services.notifications.domain.unsubscribing import ONE_CLICK, UnsubscribeLinks
from services.notifications.handlers.channels import Parcel
from services.notifications.handlers.rendering import Rendered, Renderer, without_frame
from services.notifications.store import announcements, digests, facts, messages
from shared.contracts.fact import PersonalFields
from shared.contracts.registry import BusinessPersonal, OwnerPersonal, ReasonPersonal
from shared.database import Pool
from shared.keys import Answer, Gone
from shared.sealing import UnreadableError, open_sealed, owner_of
from shared.wita import WITA

WHOLE_DIGESTS = frozenset({"email", "console"})
"""Channels that show a digest with its texts."""

log = structlog.get_logger(__name__)

PersonalT = TypeVar("PersonalT", bound=PersonalFields)


class NotComposedError(Exception):
    """There is nothing to send, and what becomes of the message: ``queued`` means that a later try may do."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(f"{state}: {reason}")
        self.state = state
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the messages of a batch refer to, sealed as stored."""

    recipients: Mapping[UUID, Recipient]
    businesses: Mapping[UUID, str | None]
    officers: Mapping[str, tuple[str, str]]
    announcements: Mapping[UUID, Announced] = field(default_factory=dict)
    digests: Mapping[UUID, Sequence[Claimed]] = field(default_factory=dict)
    """Digest to the messages that it tells."""

    def business_of(self, message: Claimed) -> str | None:
        """Return the sealed part of the business that a message speaks of."""
        return self.businesses.get(message.business_id) if message.business_id else None

    def chosen_by(self, message: Claimed) -> str | None:
        """Return the channel that an owner chose; ``None`` for an officer, who has no choice."""
        if message.recipient_kind is RecipientKind.OFFICER:
            return None
        return self.recipients[UUID(message.recipient_id)].channel

    def sealed(self, message: Claimed) -> list[str]:
        """Return the sealed texts that this message needs."""
        if message.recipient_kind is RecipientKind.OFFICER:
            return []
        recipient = self.recipients.get(UUID(message.recipient_id))
        parts = [message, *self.digests.get(message.id, ())]
        texts = [text for part in parts for text in (self.business_of(part), part.sealed_reason)]
        return [text for text in (recipient.personal if recipient else None, *texts) if text is not None]


async def look_around(pool: Pool, claimed: Sequence[Claimed]) -> Surroundings:
    """Load what these messages refer to."""
    owners = {UUID(m.recipient_id) for m in claimed if m.recipient_kind is RecipientKind.OWNER}
    announced = {m.event_id for m in claimed if m.template == TEMPLATE}
    officers = {m.recipient_id for m in claimed if m.recipient_kind is RecipientKind.OFFICER}
    collected = [m.id for m in claimed if m.template == DIGEST]
    async with pool.acquire() as connection:
        told = await digests.load_items(connection, collected) if collected else {}
        spoken_of = [*claimed, *(item for items in told.values() for item in items)]
        contacts = await facts.load_contacts(connection, {m.business_id for m in spoken_of if m.business_id})
        return Surroundings(
            recipients=await facts.load_recipients(connection, owners),
            businesses={business_id: personal for business_id, (_, personal) in contacts.items()},
            officers=await messages.load_officers(connection, officers) if officers else {},
            announcements=await announcements.load_announced(connection, announced) if announced else {},
            digests=told,
        )


def key_owners(surroundings: Surroundings, claimed: Sequence[Claimed]) -> set[UUID]:
    """Return the owners whose keys these messages need."""
    return {owner_of(text) for message in claimed for text in surroundings.sealed(message)}


def _open(sealed: str | None, model: type[PersonalT], keys: Mapping[UUID, Answer]) -> PersonalT | None:
    """Return what is sealed; ``None`` if there is nothing, or its key is gone."""
    if sealed is None:
        return None
    key = keys.get(owner_of(sealed), Gone.UNKNOWN)
    return None if isinstance(key, Gone) else open_sealed(key, sealed, model)


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes parcels. ``fallback`` is where digests go of officers that are not in the address book."""

    renderer: Renderer
    mail_from: str
    fallback: str | None
    links: UnsubscribeLinks

    @property
    def sender_address(self) -> str:
        """The bare address that mails come from."""
        return parseaddr(self.mail_from)[1]

    def compose(
        self, message: Claimed, surroundings: Surroundings, keys: Mapping[UUID, Answer], now: datetime
    ) -> Parcel:
        """Return the message with the address that it goes to. Raises ``NotComposedError``."""
        try:
            if message.recipient_kind is RecipientKind.OFFICER:
                address, language = surroundings.officers.get(message.recipient_id, (self.fallback, "id"))
                return self._parcel(message, language, message.params, address, now)
            return self._to_owner(message, surroundings, keys, now)
        except UnreadableError:
            raise NotComposedError(State.FAILED, "unreadable") from None
        except TemplateError as error:
            log.error("template_failed", template=message.template, error=type(error).__name__)
            raise NotComposedError(State.FAILED, "template") from error

    def _to_owner(
        self, message: Claimed, surroundings: Surroundings, keys: Mapping[UUID, Answer], now: datetime
    ) -> Parcel:
        recipient = surroundings.recipients[UUID(message.recipient_id)]
        if recipient.personal is None or keys.get(recipient.owner_id) is Gone.ERASED:
            raise NotComposedError(State.SUPPRESSED, Suppression.ERASED)
        owner = _open(recipient.personal, OwnerPersonal, keys)
        if owner is None:
            raise NotComposedError(State.QUEUED, "key_unknown")
        address = _address_of(owner, message.channel)
        announced = surroundings.announcements.get(message.event_id)
        if announced is not None:
            return self._announcement(message, announced, recipient, one_line(owner.name), address, now)
        values = _values(message, one_line(owner.name), surroundings, keys)
        if message.template == DIGEST:
            values |= {"items": self._items(message, recipient.language, values["name"], surroundings, keys)}
        topic = stoppable_topic(message.template)
        if topic is None:
            return self._parcel(message, recipient.language, values, address, now)
        return self._stoppable(message, recipient, topic, recipient.language, values, address, now)

    def _items(
        self, message: Claimed, language: str, name: str, surroundings: Surroundings, keys: Mapping[UUID, Answer]
    ) -> list[dict[str, Any]]:
        """Return what a digest tells: of each message its subject, its text, and when it happened.

        A telephone shows too few letters for several texts: there the subjects stand alone.
        """
        found, whole = [], message.channel in WHOLE_DIGESTS
        for item in surroundings.digests.get(message.id, ()):
            rendered = self.renderer.render(item.template, language, _values(item, name, surroundings, keys))
            body = without_frame(rendered.text) if whole else ""
            found.append({"subject": rendered.subject, "body": body, "occurred_at": item.occurred_at})
        return found

    def _announcement(
        self,
        message: Claimed,
        announced: Announced,
        recipient: Recipient,
        name: str,
        address: str | None,
        now: datetime,
    ) -> Parcel:
        language, text = announced.told_in(recipient.language)
        values = {"name": name, "subject": text.subject, "body": text.body}
        parcel = self._stoppable(message, recipient, announced.topic, language, values, address, now)
        return replace(parcel, link=self.links.url(recipient.owner_id, announced.topic))

    def _stoppable(
        self,
        message: Claimed,
        recipient: Recipient,
        topic: Topic,
        language: str,
        values: Mapping[str, Any],
        address: str | None,
        now: datetime,
    ) -> Parcel:
        """Return an announcement or a reminder, with the link that stops its topic (in mails RFC 2369, RFC 8058)."""
        link = self.links.url(recipient.owner_id, topic)
        values = {**values, "topic": TOPIC_NAMES[topic][language], "link": link}
        parcel = self._parcel(message, language, values, address, now)
        if parcel.mail is not None:
            parcel.mail["List-Unsubscribe"] = f"<{link}>"
            parcel.mail["List-Unsubscribe-Post"] = ONE_CLICK
        return parcel

    def _parcel(
        self, message: Claimed, language: str, values: Mapping[str, Any], address: str | None, now: datetime
    ) -> Parcel:
        rendered = self.renderer.render(message.template, language, values)
        if message.channel == "email":
            mail = self._mail(message, language, rendered, _checked(address), now)
            return Parcel(_checked(address), language, rendered.subject, rendered.text, mail=mail)
        if message.channel == "console":
            address = address or message.channel
        if not address:
            raise NotComposedError(State.SUPPRESSED, Suppression.NO_ADDRESS)
        return Parcel(address, language, rendered.subject, rendered.text)

    def _mail(self, message: Claimed, language: str, rendered: Rendered, address: str, now: datetime) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.mail_from
        mail["To"] = address
        mail["Subject"] = rendered.subject
        mail["Date"] = format_datetime(now.astimezone(WITA))
        # The same at every try, so that a mailbox which keeps only one copy of a message can do so.
        mail["Message-ID"] = f"<{message.id}@{self.sender_address.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(rendered.text)
        mail.add_alternative(rendered.html, subtype="html")
        mail["Content-Language"] = language  # last: content headers that are there before go into the first part
        return mail


def _address_of(owner: OwnerPersonal, channel: str) -> str | None:
    """Return where an owner is reached by a channel; ``None``: nowhere, or by none that has addresses."""
    match channel:
        case "email":
            return owner.email
        case "whatsapp" | "sms":
            return reachable(owner.phones)
    return None


def _values(message: Claimed, name: str, surroundings: Surroundings, keys: Mapping[UUID, Answer]) -> dict[str, Any]:
    """Return what the template of a message to an owner needs."""
    business = _open(surroundings.business_of(message), BusinessPersonal, keys)
    reason = _open(message.sealed_reason, ReasonPersonal, keys)
    return {
        **message.params,
        "name": name,
        "business": one_line(business.name) if business else None,
        "reason": lines(reason.reason) if reason else None,
        "occurred_at": message.occurred_at,
    }


def _checked(address: str | None) -> str:
    """Return an address that may stand in a header and in an SMTP command. Raises ``NotComposedError``."""
    if not address or not address.isascii() or len(address) > 254:
        raise NotComposedError(State.SUPPRESSED, Suppression.NO_ADDRESS)
    try:
        parsed = Address(addr_spec=address)
    except (HeaderParseError, MessageError, ValueError, IndexError):
        raise NotComposedError(State.SUPPRESSED, Suppression.NO_ADDRESS) from None
    if parsed.addr_spec != address or not parsed.username or "." not in parsed.domain:
        raise NotComposedError(State.SUPPRESSED, Suppression.NO_ADDRESS)
    return address
