"""Settings of a process: environment variables, each also readable from a file (``X_FILE``), checked before anything starts.

A process is one service, so the variables carry no prefix. What is missing or wrong is told in one sentence
that never repeats a secret. ``PROFILE=production`` refuses secrets that are short or known from examples.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.broker import AuthorityFileError, KafkaSettings
from shared.envelope import SCHEMA_BASE
from shared.tracing.running import TraceSettings

SHORTEST_SECRET = 16
"""Characters; a random secret of this length in base64 has 96 bits."""
_EXAMPLES = (
    "admin",
    "changeme",
    "change-me",
    "default",
    "example",
    "naikkelas",
    "password",
    "postgres",
    "secret",
    "test",
)


WRONG_SETTINGS = 78
"""The exit code of a process whose settings are missing or wrong: ``EX_CONFIG`` of sysexits.h. Starting it again does not help."""


class SettingsError(Exception):
    """Settings that a process cannot start with; the text is one sentence and names the variables."""


class FileSource(PydanticBaseSettingsSource):
    """Reads ``X`` from the file named by ``X_FILE``, for each field X; a final line break is not part of the value."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value, the field's name, and that it is plain text."""
        path = os.environ.get(f"{field_name.upper()}_FILE", "")
        if not path or f"{field_name}_file" in self.settings_cls.model_fields:
            return None, field_name, False
        if os.environ.get(field_name.upper()):
            name = field_name.upper()
            raise SettingsError(f"Cannot start: {name} and {name}_FILE are both set; keep one.")
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise SettingsError(f"Cannot start: {field_name.upper()}_FILE cannot be read ({path}: {why}).") from error

    def __call__(self) -> dict[str, Any]:
        """Return the fields that come from files."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]
"""As OpenTelemetry names them; see ``shared.tracing``."""


class DatabaseSettings(BaseSettings):
    """What every command of a service is told; ``migrate`` needs no more."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    profile: Literal["local", "production"] = "local"
    database_dsn: SecretStr
    """The running login: no DDL."""
    migration_dsn: SecretStr | None = None
    """The owner of the schema; only ``migrate`` and rebuilds need it."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    instance: str = Field(default_factory=socket.gethostname, min_length=1)
    """The stable name of this copy, for logs and for static membership of consumer groups."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over variables, variables over files."""
        return init_settings, env_settings, FileSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take an empty variable as not set where empty means nothing: required fields, and those without a value."""
        fields = cls.model_fields
        nothing = {n for n, f in fields.items() if f.is_required() or (f.default is None and f.default_factory is None)}
        return {name: value for name, value in values.items() if value != "" or name not in nothing}

    def model_post_init(self, _context: Any, /) -> None:
        """Refuse weak secrets where they matter."""
        if self.profile == "production" and (weak := self._weaknesses()):
            raise ValueError("; ".join(weak))

    def _weaknesses(self) -> list[str]:
        """Return what production refuses."""
        return [fault for name in type(self).model_fields if (fault := self._weakness(name))]

    def _weakness(self, name: str) -> str | None:
        value = getattr(self, name)
        if not isinstance(value, SecretStr):
            return None
        secret = value.get_secret_value()
        if "://" in secret:
            secret = unquote(urlsplit(secret).password or "")
        if len(secret) < SHORTEST_SECRET:
            return f"{name.upper()} holds a secret of fewer than {SHORTEST_SECRET} characters, too short for production"
        if any(example in secret.lower() for example in _EXAMPLES) or len(set(secret)) < 6:
            return f"{name.upper()} holds a secret known from examples, which production refuses"
        return None

    def owner_dsn(self, purpose: str) -> str:
        """Return the DSN of the schema's owner. Raises ``SettingsError`` that names the purpose, a verb."""
        if self.migration_dsn is None:
            raise SettingsError(f"Cannot {purpose}: MIGRATION_DSN is not set.")
        return self.migration_dsn.get_secret_value()

    def running_login(self) -> str | None:
        """Return the login that ``DATABASE_DSN`` names, if it names one."""
        return unquote(urlsplit(self.database_dsn.get_secret_value()).username or "") or None


class ServiceSettings(DatabaseSettings):
    """What every process of a service is told; services add their own fields in a subclass."""

    kafka_bootstrap: str
    kafka_username: str
    kafka_password: SecretStr
    kafka_security_protocol: Literal["SASL_PLAINTEXT", "SASL_SSL"] = "SASL_PLAINTEXT"
    kafka_ca_file: Path | None = None
    jwt_issuer: str
    jwt_audience: str
    jwks: str
    """Public keys of the issuer: the path of a file or an http(s) URL."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65_535)
    """0 takes any free port."""
    requests_per_second: int = Field(default=100, ge=0, le=1_000_000)
    """What one access token may ask of this process, on the average of ten seconds; 0: as much as it likes."""
    drain_seconds: float = Field(default=10.0, gt=0, le=600)
    nice: int = Field(default=0, ge=0, le=19)
    """How much this process leaves to others where processors are short, once it has started."""
    schemas_url: str = Field(default=SCHEMA_BASE, pattern=r"^(https?://[!-~]+/|urn:[!-~]+:)$")
    """What stands before the type in the ``dataschema`` of events: where ``/schemas/`` of a service is reached from outside."""
    otel_exporter_otlp_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")
    """Where a receiver of OTLP takes spans, without ``/v1/traces``. Unset: no traces are made."""
    otel_exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    otel_exporter_otlp_headers: SecretStr | None = None
    """What the receiver asks for, ``name=value`` with commas."""
    otel_traces_sampler: Sampler = "parentbased_always_on"
    otel_traces_sampler_arg: float = Field(default=1.0, ge=0, le=1)
    """The share of traces that a sampler with ``traceidratio`` in its name keeps."""
    otel_sdk_disabled: bool = False

    def model_post_init(self, context: Any, /) -> None:
        """Refuse also an authority's file that no client could use."""
        super().model_post_init(context)
        if self.kafka_ca_file is None or not self.kafka_security_protocol.endswith("SSL"):
            return
        try:
            self.kafka().client()
        except AuthorityFileError as error:
            raise ValueError(str(error)) from error

    def _weaknesses(self) -> list[str]:
        weak = super()._weaknesses()
        if self.jwks.startswith("http://"):
            weak.append("JWKS must be a file or an https URL in production")
        return weak

    def kafka(self) -> KafkaSettings:
        """Return how this process reaches Kafka."""
        return KafkaSettings(
            bootstrap=self.kafka_bootstrap,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            security_protocol=self.kafka_security_protocol,
            ca_file=str(self.kafka_ca_file) if self.kafka_ca_file else None,
        )

    def traces(self) -> TraceSettings | None:
        """Return where spans go and which are made; ``None``: no traces."""
        if self.otel_exporter_otlp_endpoint is None or self.otel_sdk_disabled:
            return None
        headers = self.otel_exporter_otlp_headers
        return TraceSettings(
            endpoint=self.otel_exporter_otlp_endpoint,
            sampler=self.otel_traces_sampler,
            sampler_arg=self.otel_traces_sampler_arg,
            headers="" if headers is None else headers.get_secret_value(),
        )


class PooledSettings(ServiceSettings):
    """What a service with an outbox is told too: each of its processes has one pool."""

    pool_size: int = Field(default=16, ge=2, le=100)
    """Connections of a process to its database."""


SettingsT = TypeVar("SettingsT", bound=DatabaseSettings)


def read_settings(cls: type[SettingsT]) -> SettingsT:
    """Return the settings of the environment. Raises ``SettingsError`` with one sentence that lists all faults."""
    try:
        return cls()
    except ValidationError as error:
        raise SettingsError(f"Cannot start: {'; '.join(_faults(error))}.") from None


def _faults(error: ValidationError) -> list[str]:
    """Return what is wrong, variable by variable, without any value."""
    details = error.errors(include_input=False, include_url=False)
    missing = [str(d["loc"][0]).upper() for d in details if d["type"] == "missing"]
    faults = [f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"] if missing else []
    for detail in details:
        if detail["type"] == "missing":
            continue
        message = detail["msg"].removeprefix("Value error, ")
        name = ".".join(str(part) for part in detail["loc"]).upper()
        faults.append(f"{name}: {message[:1].lower()}{message[1:]}" if name else message)
    return faults


def load_settings(cls: type[SettingsT]) -> SettingsT:
    """Return the settings of the environment, or end the process: one sentence on standard error, exit code 78."""
    try:
        return read_settings(cls)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(WRONG_SETTINGS) from None
