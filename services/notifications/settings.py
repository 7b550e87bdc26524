"""What a process of this service is told, beyond what every process is."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from shared.settings import ServiceSettings

CHANNELS = ("email", "console")
"""The ways out that this service has. An owner may have chosen another one; then nobody is told, and the row says so."""


class NotificationsSettings(ServiceSettings):
    """Settings of API and worker. The mail settings count only where ``email`` is among ``CHANNELS``."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    channels: str = "email"
    """What this service runs, with commas: ``email``, or ``email,console`` on a developer's machine."""
    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=25, ge=1, le=65_535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool = False
    smtp_timeout_seconds: float = Field(default=30.0, gt=0, le=300)
    mail_from: str = "DKUMKMP Balikpapan <naikkelas@umkm.example>"
    quiet_hours: str = Field(default="21:00-07:00", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
    """WITA; empty for none."""
    public_url: str = Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")
    """Where owners reach this API from outside: links in announcements begin with it."""
    unsubscribe_key: SecretStr
    """Signs those links. Several, one a line: the first signs, all are accepted, so that old mails keep working."""
    officer_address: str | None = None
    """Where digests go of officers that are not in the address book."""
    rate_email_per_minute: int = Field(default=600, ge=1)
    rate_console_per_minute: int = Field(default=6_000, ge=1)
    senders: int = Field(default=2, ge=1, le=16)
    """Sending loops in one worker, each with its own SMTP connection."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The channels, in the order of the setting."""
        return tuple(dict.fromkeys(name.strip() for name in self.channels.split(",") if name.strip()))

    @field_validator("channels")
    @classmethod
    def _known_channels(cls, value: str) -> str:
        names = {name.strip() for name in value.split(",") if name.strip()}
        if not names or not names <= set(CHANNELS):
            raise ValueError(f"channels are {', '.join(CHANNELS)}, with commas")
        return value

    @field_validator("unsubscribe_key")
    @classmethod
    def _some_key(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().split():
            raise ValueError("a key is needed to sign links")
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _readable_hours(cls, value: str) -> str:
        start, _, end = value.partition("-")
        if value and start == end:
            raise ValueError("they begin and end at the same time: leave them empty for none")
        return value

    @field_validator("mail_from")
    @classmethod
    def _real_sender(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if "@" not in address or any(sign in value for sign in "\r\n"):
            raise ValueError("the sender is written as Name <address>")
        return value

    @model_validator(mode="after")
    def _production_mail(self) -> NotificationsSettings:
        if self.profile == "production":
            if not self.public_url.startswith("https://"):
                raise ValueError(
                    "PUBLIC_URL must be https in production: mail services follow no other link (RFC 8058)"
                )
            if "console" in self.channel_names:
                raise ValueError("the console channel shows names, which production refuses")
            if self.smtp_password is not None and not self.smtp_starttls:
                raise ValueError("SMTP_PASSWORD would travel in the clear: set SMTP_STARTTLS")
        return self
