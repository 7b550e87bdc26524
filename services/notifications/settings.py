"""What a process of this service is told, beyond what every process is."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from shared.settings import ServiceSettings

CHANNELS = ("email", "whatsapp", "sms", "console")
"""The ways out that this service has. Where an owner chose one that is not run, its stand-in is asked; without one the row says so."""
NEEDED = {
    "whatsapp": ("whatsapp_phone_number_id", "whatsapp_token", "whatsapp_app_secret", "whatsapp_verify_token"),
    "sms": ("sms_url", "sms_token", "sms_receipt_secret"),
}
"""What a channel cannot be run without."""
TEMPLATE_NAME = r"^[a-z0-9_]{1,512}$"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


NAME = "notifications"


class NotificationsSettings(ServiceSettings):
    """Settings of API and worker. The mail settings count only where ``email`` is among ``CHANNELS``."""

    registry_url: str = Field(pattern=r"^https?://")
    """Where the registry gives keys."""
    service_token_file: Path
    """A token of role ``layanan``; read again at each use, so that it can be rotated."""
    channels: str = "email"
    """What this service runs, with commas: ``email,whatsapp,sms``; ``console`` on a developer's machine."""
    fallback: str = "whatsapp,sms,email"
    """Which channel stands in for one that is not run or failed for good: what comes after it here, and is run. Empty: none."""
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
    """Signs those links, and the operator's forms. Several, one a line: the first signs, all are accepted."""
    whatsapp_url: str = Field(default="https://graph.facebook.com/v23.0", pattern=r"^https?://[^\s?#]+/v\d+\.\d+$")
    """Meta's Graph API with its version."""
    whatsapp_phone_number_id: str | None = Field(default=None, pattern=r"^\d{5,30}$")
    """Meta's id of the number that messages come from, not the number."""
    whatsapp_token: SecretStr | None = None
    """Of a system user with ``whatsapp_business_messaging``."""
    whatsapp_app_secret: SecretStr | None = None
    """Meta signs receipts with it. Several, one a line: all are accepted, so that it can be changed."""
    whatsapp_verify_token: SecretStr | None = None
    """What Meta shows when the address for receipts is entered."""
    whatsapp_template: str = Field(default="naikkelas_pesan", pattern=TEMPLATE_NAME)
    """An approved template (utility) in ``id`` and ``en``, body parameters: subject, text."""
    whatsapp_announcement_template: str = Field(default="naikkelas_pengumuman", pattern=TEMPLATE_NAME)
    """An approved template (marketing), body parameters: subject, text, the link that stops the topic."""
    whatsapp_timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    """With ten seconds more for the whole, a request ends before a container that is asked to stop is killed."""
    sms_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    """Where the SMS gateway takes messages."""
    sms_token: SecretStr | None = None
    sms_sender: str = Field(default="DKUMKMP", pattern=r"^([A-Za-z0-9]{1,11}|\+?\d{3,15})$")
    """What the telephone shows: up to 11 letters and digits, or a number."""
    sms_receipt_secret: SecretStr | None = None
    """What the gateway shows with its reports. Several, one a line: all are accepted, so that it can be changed."""
    sms_timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    officer_address: str | None = None
    """Where digests go of officers that are not in the address book."""
    reminder_days: int = Field(default=1, ge=1, le=14)
    """How many days before a session or wave its participants are reminded; that a place is to be confirmed, always one day before."""
    reminder_time: str = Field(default="09:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """At this hour of the clock where it is held."""
    digest_time: str = Field(default="08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """When owners who chose it get what can wait, each day or each Monday (WITA)."""
    rate_email_per_minute: int = Field(default=600, ge=1)
    rate_whatsapp_per_minute: int = Field(default=600, ge=1)
    rate_sms_per_minute: int = Field(default=60, ge=1)
    rate_console_per_minute: int = Field(default=6_000, ge=1)
    senders: int = Field(default=2, ge=1, le=16)
    """Sending loops in one worker, each with its own connections."""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The channels, in the order of the setting."""
        return _names(self.channels)

    @property
    def fallback_order(self) -> tuple[str, ...]:
        """The channels, in the order in which one stands in for another."""
        return _names(self.fallback)

    @field_validator("channels", "fallback")
    @classmethod
    def _known_channels(cls, value: str, info: ValidationInfo) -> str:
        names = set(_names(value))
        if not names <= set(CHANNELS) or (info.field_name == "channels" and not names):
            raise ValueError(f"channels are {', '.join(CHANNELS)}, with commas")
        return value

    @field_validator("whatsapp_app_secret", "sms_receipt_secret")
    @classmethod
    def _some_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().split():
            raise ValueError("it holds nothing but blanks")
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
    def _all_of_a_channel(self) -> NotificationsSettings:
        for channel in self.channel_names:
            missing = [name.upper() for name in NEEDED.get(channel, ()) if getattr(self, name) is None]
            if missing:
                raise ValueError(f"the channel {channel} needs {', '.join(missing)}")
        return self

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
            if any(url is not None and not url.startswith("https://") for url in (self.whatsapp_url, self.sms_url)):
                raise ValueError("WHATSAPP_URL and SMS_URL must be https in production: numbers and texts travel there")
        return self
