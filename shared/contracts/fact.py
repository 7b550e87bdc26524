"""What a fact is: a frozen model with a type, a topic and an aggregate, and its sealed part."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

TYPE_PREFIX = "id.go.balikpapan.umkm"

Sealed = Annotated[str, StringConstraints(pattern=r"^nk1\.[0-9a-f]{32}\.[a-z_]+\.[A-Za-z0-9_-]+$")]
"""Personal fields, sealed as one text: ``nk1.<owner id, hex>.<label>.<base64url>`` (see ``shared.sealing``)."""


class PersonalFields(BaseModel):
    """The personal part of a fact: sealed as one JSON text, opened only at the moment of use."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    LABEL: ClassVar[str]
    """Names the kind of content inside the seal; bound to it as associated data."""


class Fact(BaseModel):
    """Something that happened to one aggregate. Readers tolerate fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    NAME: ClassVar[str]
    """``<aggregate>.<fact>``, for example ``business.registered``."""
    MAJOR: ClassVar[int] = 1
    TOPIC: ClassVar[str]
    AGGREGATE: ClassVar[str]
    """The name of the field that holds the aggregate's id."""
    PERSONAL: ClassVar[type[PersonalFields] | None] = None
    """The model of what the field ``personal`` seals, if the fact has one."""

    @classmethod
    def type_name(cls) -> str:
        """Return the CloudEvents ``type``, for example ``id.go.balikpapan.umkm.business.registered.v1``."""
        return f"{TYPE_PREFIX}.{cls.NAME}.v{cls.MAJOR}"

    @property
    def aggregate_id(self) -> UUID:
        """The id of the aggregate that this fact is about."""
        value: UUID = getattr(self, self.AGGREGATE)
        return value
