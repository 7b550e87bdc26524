"""Each line of security has tests or a reason, and the tree holds nothing that would undo one."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.house.security import DOCUMENT, LINES, RISKS, shown_by_tests, shown_in, written
from tests.house.tree import CODE, ROOT, shown, tracked

BINARY = {".png", ".xlsx", ".zip", ".gz", ".woff2", ".ico", ".pdf", ".jpg"}
# Spelled in halves, so that this file does not hold what it looks for.
SECRETS = {
    "private key": re.compile("-----BEGIN " + r"(?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}"),
    "private half of a JWK": re.compile(r'"d"\s*' + r':\s*"[A-Za-z0-9_-]{40,}"'),
    "token": re.compile(r"\beyJ" + r"[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    "key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}\b|\bgh[pousr]_[0-9A-Za-z]{36}\b"),
    "secret of a webhook": re.compile(r"\bwhsec_[A-Za-z0-9+/]{40,}={0,2}"),
    "password in an address": re.compile(r"\b[a-z][a-z0-9+]*://[A-Za-z0-9_-]+:(?P<value>[A-Za-z0-9_\-+/=]{20,})@"),
    "value of a secret": re.compile(
        r"(?i)(?:password|passwd|secret|token|api_?key|encryption_key)['\"]?\s*[:=]\s*['\"]?(?P<value>[A-Za-z0-9+/_\-]{24,}={0,2})['\"]?(?:\s|$|,)"
    ),
}  # fmt: skip
PUBLIC_EXAMPLES = {"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
"""Of the documents of Standard Webhooks."""
RANDOM_BITS = 3.9
"""Bits of a character from which a value is taken for random: names and sentences stay below, 24 random signs of base64 above."""


def _bits(text: str) -> float:
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _secrets(text: str) -> list[str]:
    """Return the kinds of secrets that a text holds."""
    found = []
    for kind, pattern in SECRETS.items():
        for match in pattern.finditer(text):
            value = match.groupdict().get("value")
            if value in PUBLIC_EXAMPLES:
                continue
            if value is None or (_bits(value) >= RANDOM_BITS and re.search(r"\d", value)):
                found.append(kind)
    return found


def test_every_line_is_shown_by_a_test_or_says_why_not() -> None:
    counted = Counter(entry.line for entry in shown_by_tests())
    assert set(counted) <= set(LINES), "a marker names a line that there is not"
    assert [name for name, line in LINES.items() if not counted[name] and not line.missing] == []
    assert sorted(LINES, key=lambda name: int(name[1:])) == [f"S{number}" for number in range(1, 25)]


def test_each_risk_of_owasp_has_its_test() -> None:
    named = {entry.item for entry in shown_by_tests() if entry.line == "S19"}
    assert named == set(RISKS)


def test_the_table_is_what_the_tests_say() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == written(text), "run python -m tests.house.security and commit what it writes"


def test_a_marker_is_read_from_any_test_and_from_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "test_any.py"
    path.write_text(
        "import pytest\n@pytest.mark.security(line='S3')\n@pytest.mark.slow\nasync def test_one(): ...\n"
        "@pytest.mark.security(line='S19', item='API7')\ndef test_two(): ...\n@pytest.mark.security(line='S9')\ndef helps(): ...\n",
        encoding="utf-8",
    )
    assert [(e.line, e.item, e.test) for e in shown_in(path)] == [
        ("S3", None, "test_one"),
        ("S19", "API7", "test_two"),
    ]


@pytest.mark.security(line="S14")
def test_no_tracked_file_holds_a_secret() -> None:
    found = {}
    for path in tracked():
        if path.suffix not in BINARY and (kinds := _secrets(path.read_text(encoding="utf-8", errors="replace"))):
            found[shown(path)] = kinds
    assert found == {}


@pytest.mark.security(line="S14")
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("private key", "-----BEGIN " + "EC PRIVATE KEY-----\n" + "MHcCAQEEIJ0f3yQWm8kPzv1Q" * 2),
        ("private half of a JWK", '{"kty": "EC", "d": "' + "9Zk3" * 11 + '"}'),
        ("token", "eyJ" + "hbGciOiJFUzI1NiJ9.eyJ" + "zdWIiOiJsb2NhbCJ9." + "c2lnbmF0dXJl" * 3),
        ("key of a cloud", "AKIA" + "IOSFODNN7EXAMPL3"),
        ("secret of a webhook", "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" * 2),
        ("password in an address", "postgresql://registry:" + "Zk3v9QmX7tLpW2sRbY6nHc4d" + "@db/registry"),
        ("value of a secret", "SMTP_PASSWORD=" + "Zk3v9QmX7tLpW2sRbY6nHc4d\n"),
    ],
)
def test_a_secret_of_each_kind_is_found(kind: str, text: str) -> None:
    assert kind in _secrets(f"something\n{text}\n")


@pytest.mark.security(line="S5")
def test_no_client_leaves_a_certificate_unverified() -> None:
    unverified = re.compile(
        r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context|verify_ssl\s*=\s*False"
    )
    paths = [
        path
        for path in tracked(*(f"{folder}/**.py" for folder in (*CODE, "examples")))
        if unverified.search(path.read_text(encoding="utf-8"))
    ]
    assert [shown(path) for path in paths] == []


@pytest.mark.security(line="S17")
@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock"])
def test_every_package_of_a_lock_has_one_version_and_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 20
    bare = [
        line
        for line in lines
        if not re.match(r"[a-z0-9][\w.-]*(\[[\w,-]+\])?==[\w.!+-]+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]
    assert bare == []
