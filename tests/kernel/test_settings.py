"""Settings: from variables and files, with one sentence for all that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.settings import WRONG_SETTINGS, ServiceSettings, SettingsError, load_settings, read_settings

GOOD = {
    "DATABASE_DSN": "postgresql://registry:kunci-lokal@127.0.0.1:5432/registry",
    "KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "KAFKA_USERNAME": "registry",
    "KAFKA_PASSWORD": "kunci-lokal",
    "JWT_ISSUER": "https://masuk.example.test",
    "JWT_AUDIENCE": "naikkelas",
    "JWKS": "/run/jwks.json",
    "HTTP_PORT": "8001",
}
STRONG = "q7Zr-Xk2v_Lm9TbW4c"


class QuietSettings(ServiceSettings):
    """A service with a field of its own whose empty value means something."""

    quiet_hours: str = "21:00-07:00"
    smtp_password: SecretStr | None = None


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.upper() in {field.upper() for field in QuietSettings.model_fields} or name.endswith("_FILE"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_variables_fill_the_fields(environment: pytest.MonkeyPatch) -> None:
    settings = read_settings(ServiceSettings)
    assert settings.http_port == 8001
    assert settings.database_dsn.get_secret_value() == GOOD["DATABASE_DSN"]
    assert settings.kafka().client()["sasl_mechanism"] == "SCRAM-SHA-512"
    assert settings.instance


@pytest.mark.security(line="S14")
def test_secret_is_read_from_a_file_without_its_line_break(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(" kunci dari berkas \n")
    environment.delenv("KAFKA_PASSWORD")
    environment.setenv("KAFKA_PASSWORD_FILE", str(tmp_path / "secret"))
    assert read_settings(ServiceSettings).kafka_password.get_secret_value() == " kunci dari berkas "


@pytest.mark.security(line="S14")
def test_every_field_has_a_file_variant(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in GOOD.items():
        (tmp_path / name).write_text(value)
        environment.delenv(name)
        environment.setenv(f"{name}_FILE", str(tmp_path / name))
    assert read_settings(ServiceSettings).http_port == 8001


def test_a_field_that_names_a_file_is_not_taken_for_a_variant(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("KAFKA_CA_FILE", str(tmp_path / "ca.pem"))
    assert read_settings(ServiceSettings).kafka_ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("holds", "why"), [(None, "No such file or directory"), ("bukan sertifikat", "no certificate in it")]
)
@pytest.mark.security(line="S5")
def test_a_file_of_the_brokers_authority_that_cannot_be_used_is_told_with_its_setting(
    environment: pytest.MonkeyPatch, tmp_path: Path, holds: str | None, why: str
) -> None:
    file = tmp_path / "ca.pem"
    if holds is not None:
        file.write_text(holds)
    environment.setenv("KAFKA_CA_FILE", str(file))
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(SettingsError) as refused:
        read_settings(ServiceSettings)
    assert str(refused.value) == f"Cannot start: KAFKA_CA_FILE cannot be read ({file}: {why})."


def test_empty_means_unset_except_where_empty_is_a_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_CA_FILE", "")
    environment.setenv("SMTP_PASSWORD", "")
    environment.setenv("QUIET_HOURS", "")
    settings = read_settings(QuietSettings)
    assert settings.kafka_ca_file is None
    assert settings.smtp_password is None
    assert settings.quiet_hours == ""


@pytest.mark.security(line="S14")
def test_all_faults_stand_in_one_sentence_without_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("JWKS")
    environment.setenv("KAFKA_USERNAME", "")
    environment.setenv("HTTP_PORT", "delapan-ribu")
    environment.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsError) as caught:
        read_settings(ServiceSettings)
    text = str(caught.value)
    assert text.startswith("Cannot start: KAFKA_USERNAME, JWKS are not set; ")
    assert "HTTP_PORT: " in text
    assert "LOG_LEVEL: " in text
    assert "kunci-lokal" not in text
    assert "\n" not in text


def test_value_and_file_together_are_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWKS_FILE", "/run/other.json")
    with pytest.raises(SettingsError, match="JWKS and JWKS_FILE are both set"):
        read_settings(ServiceSettings)


def test_a_file_that_is_not_there_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("KAFKA_PASSWORD")
    environment.setenv("KAFKA_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"KAFKA_PASSWORD_FILE cannot be read \(.*No such file"):
        read_settings(ServiceSettings)


@pytest.mark.parametrize("weak", ["pendek", "password-password-password", "aaaaaaaaaaaaaaaaaaaaaaaa", "postgres"])
@pytest.mark.security(line="S14")
def test_production_refuses_a_weak_secret(environment: pytest.MonkeyPatch, weak: str) -> None:
    environment.setenv("PROFILE", "production")
    environment.setenv("DATABASE_DSN", f"postgresql://registry:{STRONG}@db/registry")
    environment.setenv("KAFKA_PASSWORD", weak)
    with pytest.raises(SettingsError, match="KAFKA_PASSWORD holds a secret") as caught:
        read_settings(ServiceSettings)
    assert weak not in str(caught.value)
    assert "DATABASE_DSN" not in str(caught.value)


@pytest.mark.security(line="S14")
def test_production_looks_at_the_password_inside_a_dsn(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PROFILE", "production")
    environment.setenv("KAFKA_PASSWORD", STRONG)
    with pytest.raises(SettingsError, match="DATABASE_DSN holds a secret"):
        read_settings(ServiceSettings)


def test_production_starts_with_strong_secrets_and_refuses_keys_over_plain_http(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("PROFILE", "production")
    environment.setenv("KAFKA_PASSWORD", STRONG)
    environment.setenv("DATABASE_DSN", f"postgresql://registry:{STRONG}@db/registry")
    assert read_settings(ServiceSettings).profile == "production"
    environment.setenv("JWKS", "http://masuk.example.test/jwks")
    with pytest.raises(SettingsError, match="https URL in production"):
        read_settings(ServiceSettings)


@pytest.mark.security(line="S14")
def test_settings_do_not_show_their_secrets(environment: pytest.MonkeyPatch) -> None:
    assert "kunci-lokal" not in repr(read_settings(ServiceSettings))


def test_a_process_with_bad_settings_ends_with_one_sentence_and_a_code_of_its_own(tmp_path: Path) -> None:
    code = "from shared.settings import *; load_settings(ServiceSettings)"
    done = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == WRONG_SETTINGS
    assert done.stderr.startswith("Cannot start: DATABASE_DSN, KAFKA_BOOTSTRAP, ")
    assert done.stderr.count("\n") == 1


def test_loading_good_settings_returns_them(environment: pytest.MonkeyPatch) -> None:
    assert load_settings(ServiceSettings).jwt_audience == "naikkelas"


def test_traces_are_made_only_where_a_receiver_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    environment.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    environment.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    assert read_settings(ServiceSettings).traces() is None
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://jejak.example.test:4318/dinas")
    environment.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{STRONG}")
    found = read_settings(ServiceSettings).traces()
    assert found is not None
    assert (found.endpoint, found.sampler, found.sampler_arg) == (
        "https://jejak.example.test:4318/dinas",
        "parentbased_traceidratio",
        0.25,
    )
    assert found.headers.endswith(STRONG)
    assert STRONG not in repr(found)
    environment.setenv("OTEL_SDK_DISABLED", "true")
    assert read_settings(ServiceSettings).traces() is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "jaeger:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://jaeger:4318?kunci=rahasia"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://siapa:rahasia@jaeger:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ],
)
def test_what_is_wrong_about_traces_is_refused_by_name(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^Cannot start: {name}: ") as caught:
        read_settings(ServiceSettings)
    assert "rahasia" not in str(caught.value)
