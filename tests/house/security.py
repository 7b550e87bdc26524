"""The lines of security, and which tests show each: ``python -m tests.house.security`` writes the table of docs/security.md.

A test shows a line by the marker ``security(line="S6")``, so ``pytest -m "security(line='S6')"`` runs those of one line. Of
the ten risks of OWASP (S19) the marker names the ``item`` too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house.tree import ROOT, shown, tracked

DOCUMENT = ROOT / "docs" / "security.md"
BEGINS, ENDS = "<!-- written from the tests: begins -->\n", "<!-- written from the tests: ends -->\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of security."""

    what: str
    missing: str = ""
    """What no test shows, and why; empty if nothing."""


LINES: dict[str, Line] = {
    "S1": Line("Access tokens: a table of bad ones is refused, 60 s of leeway, keys that were rotated away close",
               "Tried against one app; the APIs share its check, which S2 asks of each operation"),
    "S2": Line("Roles and objects: [every operation × every role](access.md) by real requests, deny by default",
               "Own and other kelurahan are tried by the services' own tests, not for every operation"),
    "S3": Line("Rotation: Kafka passwords under load, secrets of webhooks, tokens' keys, key-encryption keys, signing keys of links and cursors"),
    "S4": Line("Kafka: who may read, write, make and describe what, by real clients; nobody gets in without a password"),
    "S5": Line("TLS: an expired certificate, another host's and one of an unknown authority are refused; nothing is left unverified",
               "PostgreSQL is reached inside of the deployment's network without TLS"),
    "S6": Line("Webhooks reach no inner address, however it is written, named, or named the second time"),
    "S7": Line("Webhooks are signed as Standard Webhooks asks; its libraries in Python and JavaScript judge"),
    "S8": Line("Resources: what one token may ask, bodies, depth, slow clients, endpoints that hang; others beside a flood: `python -m bench --only flood`",
               "Requests without a valid token are not counted: that is for the proxy, by address"),
    "S9": Line("No cell of a report or an export is a formula; −5 and +62812… survive",
               "Looked at by calamine; LibreOffice is no part of a bare machine"),
    "S10": Line("Hostile spreadsheets: zip bomb, entity, macro, wrong name: one clear refusal within a memory limit"),
    "S11": Line("Every field has a class of privacy; what stands on public topics holds nothing personal"),
    "S12": Line("After an erasure nothing readable is found in any table, file of Kafka, dump or log; its marks outlive a new key"),
    "S13": Line("What operators did stands in a chain of digests; who asked for keys and what agencies were given is written down, and stays",
                "Officers' commands are no rows of the trail: their facts in the outbox name who gave them"),
    "S14": Line("Secrets come from files, production refuses weak ones, none stands in the tree or in an environment"),
    "S15": Line("Containers: another user, read-only, no capabilities, limits, health",
                "Inspected as they run by `make test-compose` alone, on a machine with an engine"),
    "S16": Line("Segmentation: a login opens its own database, a service holds its own secrets, the proxy hides what is inside",
                "Not tried from inside of a container that was taken over"),
    "S17": Line("Every package is pinned with its hash, and installed so",
                "Known holes: CI does not reach a service of advisories, so [the operator asks it](#packages)"),
    "S18": Line("SBOM: CycloneDX, each pinned package once",
                "Not judged by the schema of CycloneDX: its judge is no package of ours"),
    "S19": Line("OWASP API top ten 2023: a test for each"),
    "S20": Line("Fuzzing of decoders, parsers, headers, cursors and callbacks by hypothesis",
                "All APIs by schemathesis: it takes minutes, so `pytest tests/fuzz/apis.py` is run by hand (27 November 2026: 6 services, 0 × 5xx after one was mended)"),
    "S21": Line("Cursors: tampered, another agency's, too old: 400, 403 and 410 with a way on"),
    "S22": Line("Pages: no script from elsewhere, forms signed for one person and deed, axe finds nothing serious",
                "No cookies are set, so there are no flags to check"),
    "S23": Line("Logs: NIK, phone, e-mail and token come out masked, whatever field they stand in"),
    "S24": Line("Least privilege: each login opens its own database and changes no schema; exact rights in Kafka"),
}  # fmt: skip
RISKS = {
    "API1": "object level authorisation",
    "API2": "authentication",
    "API3": "object property level authorisation",
    "API4": "unrestricted resource consumption",
    "API5": "function level authorisation",
    "API6": "sensitive business flows",
    "API7": "server side request forgery",
    "API8": "misconfiguration",
    "API9": "inventory",
    "API10": "unsafe consumption of APIs",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A test that shows a line."""

    line: str
    item: str | None
    path: Path
    test: str


@cache
def shown_by_tests() -> tuple[Shown, ...]:
    """Return what the tests of the tree say they show."""
    return tuple(found for path in tracked("tests/**/test_*.py") for found in shown_in(path))


def shown_in(path: Path) -> Iterator[Shown]:
    """Return what the tests of one file say they show."""
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.security":
                    said = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords}
                    yield Shown(said["line"], said.get("item"), path, node.name)


def _places(line: str, shown_lines: Iterable[Shown]) -> str:
    counts: dict[Path, int] = {}
    for found in shown_lines:
        if found.line == line:
            counts[found.path] = counts.get(found.path, 0) + 1
    return ", ".join(
        f"[{path.relative_to(ROOT / 'tests').with_suffix('').as_posix()}](../{shown(path)}) {count}"
        for path, count in sorted(counts.items())
    )


def table() -> str:
    """Return the two tables of the document."""
    found = shown_by_tests()
    lines = ["| | what | tests | what they do not show |", "|---|---|---|---|"]
    lines += [f"| {name} | {line.what} | {_places(name, found)} | {line.missing} |" for name, line in LINES.items()]
    lines += ["", "| S19 | risk | test |", "|---|---|---|"]
    risks = sorted((entry for entry in found if entry.item), key=lambda entry: (int(str(entry.item)[3:]), entry.test))
    lines += [f"| {risk.item} | {RISKS[str(risk.item)]} | [{risk.test}](../{shown(risk.path)}) |" for risk in risks]
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """Return the document with the tables of now."""
    before, _, rest = text.partition(BEGINS)
    return f"{before}{BEGINS}{table()}{ENDS}{rest.partition(ENDS)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
