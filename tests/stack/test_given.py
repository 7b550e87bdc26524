"""Servers that are given by the environment: what an operator's container is told, by files as compose gives secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.stack import Stack, StackError


def _told(folder: Path) -> dict[str, str]:
    (folder / "dsn").write_text("postgresql://audit:p%40ss@postgres:5433/postgres\n", encoding="utf-8")
    (folder / "password").write_text("quiet\n", encoding="utf-8")
    return {
        "KAFKA_BOOTSTRAP": "kafka:9092",
        "KAFKA_PASSWORD_FILE": str(folder / "password"),
        "POSTGRES_DSN_FILE": str(folder / "dsn"),
    }


def test_secrets_are_read_from_files_and_the_given_login_keeps_its_password(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home", environment=_told(tmp_path))
    assert stack.servers.embedded == []
    assert stack.credentials("operator").password == "quiet"
    assert stack.dsn("training", "audit") == "postgresql://audit:p%40ss@postgres:5433/training"


def test_looking_needs_no_folder(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "home", environment=_told(tmp_path))
    stack.dsn("registry", "audit")
    stack.credentials("operator")
    assert not (tmp_path / "home").exists()


def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    told = _told(tmp_path) | {"POSTGRES_DSN_FILE": str(tmp_path / "nowhere")}
    with pytest.raises(StackError, match="nowhere cannot be read"):
        Stack(tmp_path / "home", environment=told)


def test_a_key_in_a_file_of_the_operator_is_not_given_beside_that_of_the_stack(
    server_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEY_ENCRYPTION_KEY", "WEBHOOK_KEY", "CURSOR_KEY"):
        monkeypatch.setenv(f"{name}_FILE", "/run/secrets/anything")
    for process, name in (("registry-api", "KEY_ENCRYPTION_KEY"), ("partners-api", "WEBHOOK_KEY")):
        env = server_stack.env_for(process)
        assert (name in env, f"{name}_FILE" in env) == (True, False)
